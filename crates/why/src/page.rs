//! The answer as a self-contained page, and as text for a terminal.
