//! Unpredictable bytes of a fixed length: keys, seeds and generated ids. They come from the [`Disk`], so that a
//! simulated one can give the same again.

use crate::disk::Disk;
use crate::error::LedgerError;

/// `N` unpredictable bytes.
///
/// # Errors
/// If there are none to be had.
pub(crate) fn bytes<const N: usize>(disk: &dyn Disk) -> Result<[u8; N], LedgerError> {
    let mut bytes = [0; N];
    disk.random(&mut bytes).map_err(LedgerError::disk(
        "asking for randomness",
        "the operating system",
    ))?;
    Ok(bytes)
}
