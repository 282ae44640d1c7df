//! Keys that verify notes, and their text encoding, the `vkey` of [c2sp.org/signed-note](https://c2sp.org/signed-note).
//! A key that parses is one that this crate verifies with; whether to trust it is the caller's to say.

use std::fmt;

use ml_dsa::MlDsa44;
use sha2::{Digest as _, Sha256};

use crate::TlogError;
use crate::checkpoint::Checkpoint;
use crate::cosignature::{CosignedMessage, TIME_MAX, ed25519_cosigned_message};
use crate::error::excerpt;
use crate::note::{NoteSignature, check_name};
use crate::text::{parse_base64, print_base64};
use crate::tree::Hash;

/// A public key that verifies signatures on notes.
///
/// [`Display`](fmt::Display) prints the `vkey`: `<name>+<key id in hex>+<base64 of type byte and key>`.
#[derive(Clone, PartialEq)]
pub struct Verifier {
    name: String,
    key_id: u32,
    key: PublicKey,
}

impl Verifier {
    /// Reads a `vkey`.
    ///
    /// # Errors
    /// [`TlogError::VerifierKey`], [`TlogError::KeyName`], [`TlogError::Base64`], [`TlogError::TooLong`], or
    /// [`TlogError::SignatureType`] for one that this crate does not verify.
    pub fn parse(vkey: &str) -> Result<Verifier, TlogError> {
        let malformed = TlogError::VerifierKey {
            problem: "expected <name>+<8 hex digits>+<base64>",
        };
        let (name, rest) = vkey.split_once('+').ok_or(malformed.clone())?;
        let (key_id, key) = rest.split_once('+').ok_or(malformed)?;
        let bytes = parse_base64(key, 1 + MLDSA44_KEY_BYTES)?;
        let (&number, material) = bytes.split_first().ok_or(TlogError::VerifierKey {
            problem: "no signature type",
        })?;
        let verifier = Verifier::new(name, PublicKey::parse(number, material)?)?;
        if key_id != format!("{:08x}", verifier.key_id) {
            return Err(TlogError::VerifierKey {
                problem: "the key id does not belong to this name and key",
            });
        }
        Ok(verifier)
    }

    /// Name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of the key: the first four bytes of `SHA-256(name || 0x0a || type || public key)`, big-endian.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// What kind of signature it verifies.
    pub fn algorithm(&self) -> Algorithm {
        match self.key {
            PublicKey::Ed25519(_) => Algorithm::Ed25519,
            PublicKey::Ed25519Cosignature(_) => Algorithm::Ed25519Cosignature,
            PublicKey::MlDsa44Cosignature(_) => Algorithm::MlDsa44Cosignature,
        }
    }

    /// The `vkey` text.
    pub fn vkey(&self) -> String {
        self.to_string()
    }

    /// The encoded public key, without the type byte.
    pub fn public_key(&self) -> Vec<u8> {
        self.key.material()
    }

    /// Whether a signature line names this key.
    pub fn matches(&self, signature: &NoteSignature) -> bool {
        signature.key_id() == self.key_id && signature.name() == self.name
    }

    /// Verifies one signature line over a note text; gives the time that a cosignature states.
    ///
    /// # Errors
    /// [`TlogError::BadSignature`], also where the line names another key, or a cosignature stands on a text that is not
    /// a checkpoint.
    pub fn verify(&self, text: &str, signature: &NoteSignature) -> Result<Option<u64>, TlogError> {
        let verified = match &self.key {
            PublicKey::Ed25519(key) => {
                verify_ed25519(key, text.as_bytes(), signature.bytes()).then_some(None)
            }
            PublicKey::Ed25519Cosignature(key) => split_time(signature.bytes())
                .filter(|_| Checkpoint::parse_with_extensions(text).is_ok())
                .filter(|(time, bytes)| {
                    verify_ed25519(key, &ed25519_cosigned_message(text, *time), bytes)
                })
                .map(|(time, _)| Some(time)),
            PublicKey::MlDsa44Cosignature(_) => Checkpoint::parse_with_extensions(text)
                .ok()
                .and_then(|(head, _)| {
                    let (time, _) = split_time(signature.bytes())?;
                    self.verify_message(
                        &CosignedMessage::of_checkpoint(&self.name, time, &head),
                        signature,
                    )
                    .then_some(Some(time).filter(|time| *time != 0))
                }),
        };
        verified
            .filter(|_| self.matches(signature))
            .ok_or_else(|| self.bad_signature())
    }

    /// Verifies an ML-DSA-44 cosignature of the subtree over the leaves `start..end`, stating no time.
    ///
    /// # Errors
    /// [`TlogError::BadSignature`], also where the line names another key or this key is of another type.
    pub fn verify_subtree(
        &self,
        origin: &str,
        start: u64,
        end: u64,
        root: Hash,
        signature: &NoteSignature,
    ) -> Result<(), TlogError> {
        let message = CosignedMessage {
            cosigner: &self.name,
            time: 0,
            origin,
            start,
            end,
            root,
        };
        let verified = self.matches(signature) && self.verify_message(&message, signature);
        if verified {
            Ok(())
        } else {
            Err(self.bad_signature())
        }
    }

    pub(crate) fn new(name: &str, key: PublicKey) -> Result<Verifier, TlogError> {
        check_name(name)?;
        // An ML-DSA-44 cosignature has one byte for the length of the name.
        if matches!(key, PublicKey::MlDsa44Cosignature(_)) && name.len() > 255 {
            return Err(TlogError::KeyName {
                name: excerpt(name),
            });
        }
        let digest = Sha256::new()
            .chain_update(name)
            .chain_update(b"\n")
            .chain_update(key.encode())
            .finalize();
        let key_id = digest
            .first_chunk::<4>()
            .copied()
            .map(u32::from_be_bytes)
            .unwrap_or_default();
        Ok(Verifier {
            name: name.to_owned(),
            key_id,
            key,
        })
    }

    /// A signature line by this key.
    pub(crate) fn signature(&self, bytes: Vec<u8>) -> Result<NoteSignature, TlogError> {
        NoteSignature::new(&self.name, self.key_id, bytes)
    }

    fn verify_message(&self, message: &CosignedMessage<'_>, signature: &NoteSignature) -> bool {
        let PublicKey::MlDsa44Cosignature(key) = &self.key else {
            return false;
        };
        let (Some((time, bytes)), Ok(encoded)) = (split_time(signature.bytes()), message.encode())
        else {
            return false;
        };
        let Ok(decoded) = ml_dsa::Signature::<MlDsa44>::try_from(bytes) else {
            return false;
        };
        time == message.time
            && bytes.len() == MLDSA44_SIGNATURE_BYTES
            && ml_dsa::Verifier::verify(&**key, &encoded, &decoded).is_ok()
    }

    fn bad_signature(&self) -> TlogError {
        TlogError::BadSignature {
            name: self.name.clone(),
            key_id: self.key_id,
        }
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}+{:08x}+{}",
            self.name,
            self.key_id,
            print_base64(&self.key.encode())
        )
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Verifier({}+{:08x}, {:?})",
            self.name,
            self.key_id,
            self.algorithm()
        )
    }
}

/// Signature types of signed notes that this crate signs and verifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// 0x01: Ed25519 over the note text.
    Ed25519,
    /// 0x04: timestamped Ed25519 cosignature of a checkpoint.
    Ed25519Cosignature,
    /// 0x06: timestamped ML-DSA-44 cosignature of a checkpoint or subtree.
    MlDsa44Cosignature,
}

impl Algorithm {
    /// The signature type identifier byte.
    pub fn number(self) -> u8 {
        match self {
            Algorithm::Ed25519 => 0x01,
            Algorithm::Ed25519Cosignature => 0x04,
            Algorithm::MlDsa44Cosignature => 0x06,
        }
    }

    /// Whether such a signature states a time and stands on a checkpoint only.
    pub fn is_cosignature(self) -> bool {
        self != Algorithm::Ed25519
    }
}

/// The key proper, by signature type.
#[derive(Clone, PartialEq)]
pub(crate) enum PublicKey {
    Ed25519(ed25519_dalek::VerifyingKey),
    Ed25519Cosignature(ed25519_dalek::VerifyingKey),
    MlDsa44Cosignature(Box<ml_dsa::VerifyingKey<MlDsa44>>),
}

impl PublicKey {
    fn parse(number: u8, material: &[u8]) -> Result<PublicKey, TlogError> {
        let wrong_length = TlogError::VerifierKey {
            problem: "the public key has the wrong length",
        };
        match number {
            0x01 => parse_ed25519(material).map(PublicKey::Ed25519),
            0x04 => parse_ed25519(material).map(PublicKey::Ed25519Cosignature),
            0x06 => {
                let encoded =
                    <&[u8; MLDSA44_KEY_BYTES]>::try_from(material).map_err(|_| wrong_length)?;
                let key = ml_dsa::VerifyingKey::<MlDsa44>::decode(&(*encoded).into());
                Ok(PublicKey::MlDsa44Cosignature(Box::new(key)))
            }
            _ => Err(TlogError::SignatureType { number }),
        }
    }

    fn material(&self) -> Vec<u8> {
        match self {
            PublicKey::Ed25519(key) | PublicKey::Ed25519Cosignature(key) => key.as_bytes().to_vec(),
            PublicKey::MlDsa44Cosignature(key) => key.encode().to_vec(),
        }
    }

    /// Type byte and key.
    fn encode(&self) -> Vec<u8> {
        let number = match self {
            PublicKey::Ed25519(_) => Algorithm::Ed25519,
            PublicKey::Ed25519Cosignature(_) => Algorithm::Ed25519Cosignature,
            PublicKey::MlDsa44Cosignature(_) => Algorithm::MlDsa44Cosignature,
        }
        .number();
        [&[number], self.material().as_slice()].concat()
    }
}

fn parse_ed25519(material: &[u8]) -> Result<ed25519_dalek::VerifyingKey, TlogError> {
    let bytes = <&[u8; 32]>::try_from(material).map_err(|_| TlogError::VerifierKey {
        problem: "the public key has the wrong length",
    })?;
    let key =
        ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| TlogError::VerifierKey {
            problem: "the public key is no point of the curve",
        })?;
    // Under a key of small order one signature fits any message.
    if key.is_weak() {
        return Err(TlogError::VerifierKey {
            problem: "the public key is weak",
        });
    }
    Ok(key)
}

/// `verify_strict` refuses the second spellings of a signature that plain RFC 8032 verification leaves open.
fn verify_ed25519(key: &ed25519_dalek::VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    <&[u8; ED25519_SIGNATURE_BYTES]>::try_from(signature).is_ok_and(|bytes| {
        key.verify_strict(message, &ed25519_dalek::Signature::from_bytes(bytes))
            .is_ok()
    })
}

/// The time of a `timestamped_signature`, and the signature after it.
fn split_time(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = bytes.split_first_chunk::<8>()?;
    let time = u64::from_be_bytes(*time);
    (time <= TIME_MAX).then_some((time, signature))
}

const ED25519_SIGNATURE_BYTES: usize = 64;
const MLDSA44_KEY_BYTES: usize = 1312;
const MLDSA44_SIGNATURE_BYTES: usize = 2420;
