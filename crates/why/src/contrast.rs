//! The nearest decisions that came out otherwise, and what is unusual: an exact scan of the history.
