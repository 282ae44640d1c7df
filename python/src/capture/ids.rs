//! Ids of records: UUIDs of version 7 (RFC 9562), milliseconds and chance.

use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;

use super::clock::now;

/// Bytes of chance in an id.
const CHANCE: usize = 10;
/// Bytes asked of the system at a time: Linux gives so many without being interrupted.
const SUPPLY: usize = 250;

/// Ids for the records of one process. A fork makes its own: two processes never share a supply.
#[derive(Debug, Default)]
pub(super) struct Ids {
    supply: Mutex<Vec<u8>>,
}

impl Ids {
    /// An id that nothing else has.
    pub(super) fn next(&self) -> PyResult<String> {
        let millis = now().as_millisecond() as u64;
        let chance = self.chance()?;
        let mut bytes = [0; 16];
        let (time, rest) = bytes.split_at_mut(6);
        time.copy_from_slice(millis.to_be_bytes().split_at(2).1);
        rest.copy_from_slice(&chance);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Ok(text(bytes))
    }

    fn chance(&self) -> PyResult<[u8; CHANCE]> {
        let mut supply = self.supply.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some((rest, chance)) = supply.split_last_chunk::<CHANCE>() {
                let (rest, chance) = (rest.len(), *chance);
                supply.truncate(rest);
                return Ok(chance);
            }
            let mut fresh = vec![0; SUPPLY];
            getrandom::fill(&mut fresh)
                .map_err(|error| PyOSError::new_err(format!("no randomness for an id: {error}")))?;
            *supply = fresh;
        }
    }
}

fn text(bytes: [u8; 16]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (nth, byte) in bytes.into_iter().enumerate() {
        if matches!(nth, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}
