//! Keys that sign notes: a log's Ed25519 key (0x01), an Ed25519 cosigner (0x04) and an ML-DSA-44 cosigner (0x06). Seeds
//! come from the caller; secret keys are wiped when dropped and never printed.

use std::fmt;

use ed25519_dalek::Signer as _;
use ml_dsa::{Keypair as _, MlDsa44, SignatureEncoding as _};

use crate::TlogError;
use crate::checkpoint::Checkpoint;
use crate::cosignature::{CosignedMessage, check_time, ed25519_cosigned_message};
use crate::note::NoteSignature;
use crate::tree::Hash;
use crate::verifier::{PublicKey, Verifier};

/// A key that signs notes.
pub trait Signer {
    /// The public half.
    fn verifier(&self) -> Verifier;

    /// Signs a note text. `time`, in seconds since 1970, is stated by cosignatures and ignored by a log's own key.
    ///
    /// # Errors
    /// For cosigners: [`TlogError::Checkpoint`] if the text is not a checkpoint, [`TlogError::Cosignature`] if its
    /// origin or the time does not fit.
    fn sign(&self, text: &str, time: u64) -> Result<NoteSignature, TlogError>;
}

/// A log's Ed25519 key (type 0x01). Its name is the origin of the log's checkpoints.
pub struct Ed25519Signer {
    key: ed25519_dalek::SigningKey,
    verifier: Verifier,
}

impl Ed25519Signer {
    /// The key that this 32-byte seed (RFC 8032's secret key) determines.
    ///
    /// # Errors
    /// [`TlogError::KeyName`].
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Ed25519Signer, TlogError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = Verifier::new(name, PublicKey::Ed25519(key.verifying_key()))?;
        Ok(Ed25519Signer { key, verifier })
    }
}

impl Signer for Ed25519Signer {
    fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    fn sign(&self, text: &str, _time: u64) -> Result<NoteSignature, TlogError> {
        self.verifier
            .signature(self.key.sign(text.as_bytes()).to_bytes().to_vec())
    }
}

/// An Ed25519 cosigner (type 0x04). The signature does not name the cosigner: one key, one cosigner.
pub struct Ed25519Cosigner {
    key: ed25519_dalek::SigningKey,
    verifier: Verifier,
}

impl Ed25519Cosigner {
    /// The key that this 32-byte seed (RFC 8032's secret key) determines.
    ///
    /// # Errors
    /// [`TlogError::KeyName`].
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Ed25519Cosigner, TlogError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifier = Verifier::new(name, PublicKey::Ed25519Cosignature(key.verifying_key()))?;
        Ok(Ed25519Cosigner { key, verifier })
    }
}

impl Signer for Ed25519Cosigner {
    fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    fn sign(&self, text: &str, time: u64) -> Result<NoteSignature, TlogError> {
        Checkpoint::parse_with_extensions(text)?;
        check_time(time)?;
        let signature = self.key.sign(&ed25519_cosigned_message(text, time));
        self.verifier
            .signature([&time.to_be_bytes(), signature.to_bytes().as_slice()].concat())
    }
}

/// An ML-DSA-44 cosigner (type 0x06), signing deterministically (FIPS 204 section 3.4).
pub struct MlDsaCosigner {
    key: Box<ml_dsa::SigningKey<MlDsa44>>,
    verifier: Verifier,
}

impl MlDsaCosigner {
    /// The key that this 32-byte seed (FIPS 204's xi) determines.
    ///
    /// # Errors
    /// [`TlogError::KeyName`], also for a name of more than 255 bytes.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<MlDsaCosigner, TlogError> {
        let key = Box::new(ml_dsa::SigningKey::<MlDsa44>::from_seed(seed.into()));
        let verifier = Verifier::new(
            name,
            PublicKey::MlDsa44Cosignature(Box::new(key.verifying_key())),
        )?;
        Ok(MlDsaCosigner { key, verifier })
    }

    /// Cosigns the subtree over the leaves `start..end` without stating a time, as a witness's `sign-subtree` does.
    ///
    /// # Errors
    /// [`TlogError::NotASubtree`]; [`TlogError::Cosignature`] if the origin does not fit.
    pub fn sign_subtree(
        &self,
        origin: &str,
        start: u64,
        end: u64,
        root: Hash,
    ) -> Result<NoteSignature, TlogError> {
        let cosigner = self.verifier.name();
        self.cosign(&CosignedMessage {
            cosigner,
            time: 0,
            origin,
            start,
            end,
            root,
        })
    }

    fn cosign(&self, message: &CosignedMessage<'_>) -> Result<NoteSignature, TlogError> {
        let signature: ml_dsa::Signature<MlDsa44> =
            ml_dsa::Signer::sign(&*self.key, &message.encode()?);
        self.verifier
            .signature([&message.time.to_be_bytes(), signature.to_bytes().as_slice()].concat())
    }
}

impl Signer for MlDsaCosigner {
    fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    fn sign(&self, text: &str, time: u64) -> Result<NoteSignature, TlogError> {
        let (head, _) = Checkpoint::parse_with_extensions(text)?;
        self.cosign(&CosignedMessage::of_checkpoint(
            self.verifier.name(),
            time,
            &head,
        ))
    }
}

// Secret keys show their public half only.
impl fmt::Debug for Ed25519Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ed25519Signer")
            .field(&self.verifier)
            .finish()
    }
}

impl fmt::Debug for Ed25519Cosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ed25519Cosigner")
            .field(&self.verifier)
            .finish()
    }
}

impl fmt::Debug for MlDsaCosigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MlDsaCosigner")
            .field(&self.verifier)
            .finish()
    }
}
