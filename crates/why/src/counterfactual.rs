//! The smallest changes that lead to another decision.
