//! The messages that cosigners sign ([c2sp.org/tlog-cosignature](https://c2sp.org/tlog-cosignature)). Who signs them,
//! and the signature lines they end up in, are in `signer`.

use crate::TlogError;
use crate::checkpoint::Checkpoint;
use crate::proof::check_subtree;
use crate::tree::Hash;

/// Latest time a cosignature may state, in seconds since 1970.
pub const TIME_MAX: u64 = i64::MAX as u64;

/// The bytes that an Ed25519 cosignature (type 0x04) signs: the whole note text under a header and the time.
///
/// They do not name the cosigner, so that a key must not serve two cosigners.
pub fn ed25519_cosigned_message(text: &str, time: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time}\n{text}").into_bytes()
}

/// What an ML-DSA-44 cosignature (type 0x06) states: as of `time`, `cosigner` holds the subtree over `start..end` with
/// this root to be consistent with all it has seen of the log.
///
/// ```text
/// "subtree/v1\n\0"   12 bytes
/// cosigner           1 byte length, 1..=255 bytes
/// time               u64, big-endian
/// origin             1 byte length, 1..=255 bytes
/// start, end         u64 each, big-endian
/// root               32 bytes
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CosignedMessage<'a> {
    /// Name of the cosigner's key.
    pub cosigner: &'a str,
    /// Seconds since 1970; 0 makes no statement about time, and must stand where `start` is not 0.
    pub time: u64,
    /// Origin of the log.
    pub origin: &'a str,
    /// First leaf of the subtree; 0 for a checkpoint.
    pub start: u64,
    /// One past its last leaf; the size for a checkpoint.
    pub end: u64,
    /// Root of the subtree.
    pub root: Hash,
}

impl<'a> CosignedMessage<'a> {
    /// The statement about a whole checkpoint.
    pub fn of_checkpoint(
        cosigner: &'a str,
        time: u64,
        checkpoint: &'a Checkpoint,
    ) -> CosignedMessage<'a> {
        let Checkpoint { origin, size, root } = checkpoint;
        CosignedMessage {
            cosigner,
            time,
            origin,
            start: 0,
            end: *size,
            root: *root,
        }
    }

    /// The bytes that are signed.
    ///
    /// # Errors
    /// [`TlogError::Cosignature`] if a name does not fit, the time is out of range or given for a subtree;
    /// [`TlogError::NotASubtree`] if `start..end` is none.
    pub fn encode(&self) -> Result<Vec<u8>, TlogError> {
        check_time(self.time)?;
        if self.start != 0 {
            if self.time != 0 {
                return Err(TlogError::Cosignature {
                    problem: "a subtree that does not start at 0 must have time 0",
                });
            }
            check_subtree(self.start, self.end)?;
        }
        let mut message = Vec::with_capacity(78 + self.cosigner.len() + self.origin.len());
        message.extend_from_slice(b"subtree/v1\n\0");
        push_opaque(&mut message, self.cosigner)?;
        message.extend_from_slice(&self.time.to_be_bytes());
        push_opaque(&mut message, self.origin)?;
        message.extend_from_slice(&self.start.to_be_bytes());
        message.extend_from_slice(&self.end.to_be_bytes());
        message.extend_from_slice(self.root.as_bytes());
        Ok(message)
    }
}

pub(crate) fn check_time(time: u64) -> Result<(), TlogError> {
    if time > TIME_MAX {
        Err(TlogError::Cosignature {
            problem: "the time is above 2^63 - 1",
        })
    } else {
        Ok(())
    }
}

/// A TLS presentation vector of 1 to 255 bytes (RFC 8446 section 3.4).
fn push_opaque(message: &mut Vec<u8>, text: &str) -> Result<(), TlogError> {
    match u8::try_from(text.len()) {
        Ok(length @ 1..) => message.push(length),
        _ => {
            return Err(TlogError::Cosignature {
                problem: "a cosigner name or origin is not 1 to 255 bytes long",
            });
        }
    }
    message.extend_from_slice(text.as_bytes());
    Ok(())
}
