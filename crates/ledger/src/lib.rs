//! The ledger engine: write-ahead segments, sequencer, tree, recovery, index, find and verify.
