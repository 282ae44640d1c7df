//! Randomness from the operating system: keys, seeds and generated ids.

use crate::error::LedgerError;

/// `N` unpredictable bytes.
///
/// # Errors
/// If the operating system has none to give.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], LedgerError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| LedgerError::Disk {
        doing: "asking for randomness",
        path: "the operating system".to_owned(),
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(bytes)
}
