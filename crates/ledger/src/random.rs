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
            let mut bytes = vec![0; self.wanted.clamp(N, SUPPLY_BYTES.max(N))];
            // Kept only when they are what they should be: zeros of a request that failed are no key.
            fill(self.disk, &mut bytes)?;
            self.bytes = bytes;
        }
    }
}

fn fill(disk: &dyn Disk, bytes: &mut [u8]) -> Result<(), LedgerError> {
    disk.random(bytes).map_err(LedgerError::disk(
        "asking for randomness",
        "the operating system",
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::sim::{Fault, SimDisk};

    #[test]
    fn what_a_supply_gives_is_never_given_twice_and_never_zeros_of_a_request_that_failed() {
        let disk = SimDisk::new();
        let mut supply = Supply::new(&disk, 100 * 16);
        disk.set_fault(Some(Fault::At(disk.operations())));
        assert!(supply.take::<16>().is_err());
        let mut given = std::collections::BTreeSet::from([[0; 16]]);
        for _ in 0..200 {
            assert!(given.insert(supply.take().unwrap()));
        }
    }
}
