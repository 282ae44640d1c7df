//! The bytes of every format, by crate. Inputs are fixed: keys, times and texts.

pub(crate) mod ledger;
pub(crate) mod log;
pub(crate) mod record;
pub(crate) mod table;
