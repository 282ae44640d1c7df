//! Holding a recorded output against the recomputed one.
