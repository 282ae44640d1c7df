//! Unpredictable bytes of a fixed length: keys, seeds and generated ids. They come from the [`Disk`], so that a
//! simulated one can give the same again.

use crate::disk::Disk;
use crate::error::LedgerError;

/// Bytes that a [`Supply`] asks for at a time, at most. Linux gives so many without being interrupted.
const SUPPLY_BYTES: usize = 256;

/// `N` unpredictable bytes.
///
/// # Errors
/// If there are none to be had.
pub(crate) fn bytes<const N: usize>(disk: &dyn Disk) -> Result<[u8; N], LedgerError> {
    let mut bytes = [0; N];
    fill(disk, &mut bytes)?;
    Ok(bytes)
}

/// Unpredictable bytes for many records, asked for together: each request is a call into the operating system.
pub(crate) struct Supply<'a> {
    disk: &'a dyn Disk,
    /// Bytes that will be wanted, as far as is known.
    wanted: usize,
    bytes: Vec<u8>,
}

impl<'a> Supply<'a> {
    /// A supply that about `wanted` bytes will be taken from.
    pub(crate) fn new(disk: &'a dyn Disk, wanted: usize) -> Self {
        Self {
            disk,
            wanted,
            bytes: Vec::new(),
        }
    }

    /// `N` bytes that nobody was given before.
    ///
    /// # Errors
    /// If there are none to be had.
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], LedgerError> {
        loop {
            if let Some((rest, taken)) = self.bytes.split_last_chunk() {
                let (rest, taken) = (rest.len(), *taken);
                self.bytes.truncate(rest);
                self.wanted = self.wanted.saturating_sub(N);
                return Ok(taken);
            }
            self.bytes
                .resize(self.wanted.clamp(N, SUPPLY_BYTES.max(N)), 0);
            fill(self.disk, &mut self.bytes)?;
        }
    }
}

fn fill(disk: &dyn Disk, bytes: &mut [u8]) -> Result<(), LedgerError> {
    disk.random(bytes).map_err(LedgerError::disk(
        "asking for randomness",
        "the operating system",
    ))
}
