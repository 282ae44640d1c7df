//! Who a ledger is: its name, origin and keys, fixed when it is created.
//!
//! `ledger.json` is public; `key` holds the two signing seeds, readable by the owner alone. A checkpoint is signed by
//! the log's Ed25519 key (C2SP type 0x01, named as the origin) and cosigned by an ML-DSA-44 key (type 0x06) of the
//! same operator, so that the record outlives the one algorithm.

use causebook_tlog::{Ed25519Signer, MlDsaCosigner, Signer as _, Verifier};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::disk::{self, Disk};
use crate::error::LedgerError;
use crate::random;

/// Newest format this version writes and reads.
pub const FORMAT: u32 = 1;
const IDENTITY_PATH: &str = "ledger.json";
const KEY_PATH: &str = "key";
const KEY_HEADER: &str = "causebook-key/v1";
const NAME_BYTES_MAX: usize = 64;
const ORIGIN_BYTES_MAX: usize = 200;

/// What `ledger.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Format of everything in the folder.
    pub format: u32,
    /// Name of the ledger, also of its folder.
    pub name: String,
    /// Origin line of its checkpoints: a schema-less URL, unique to this ledger.
    pub origin: String,
    /// When it was created.
    pub created: Timestamp,
    /// Verifier keys: Ed25519 (type 0x01) first, then ML-DSA-44 (type 0x06).
    pub keys: Vec<String>,
}

impl Identity {
    /// Reads who the ledger on `disk` is.
    ///
    /// # Errors
    /// [`LedgerError::NoLedger`] if there is none, [`LedgerError::NewerFormat`] or [`LedgerError::Foreign`] if it is
    /// not one that this version can read.
    pub fn load(disk: &dyn Disk) -> Result<Self, LedgerError> {
        if disk
            .len(IDENTITY_PATH)
            .map_err(LedgerError::disk("reading", IDENTITY_PATH))?
            .is_none()
        {
            return Err(LedgerError::NoLedger);
        }
        let bytes = disk
            .read(IDENTITY_PATH)
            .map_err(LedgerError::disk("reading", IDENTITY_PATH))?;
        let foreign = |what: String| LedgerError::Foreign {
            what: format!("{IDENTITY_PATH}: {what}"),
        };
        // The format is read first and alone: a later one may say the rest differently.
        let format = serde_json::from_slice::<FormatOnly>(&bytes)
            .map_err(|error| foreign(error.to_string()))?
            .format;
        if format != FORMAT {
            return Err(LedgerError::NewerFormat {
                found: format,
                supported: FORMAT,
            });
        }
        let identity: Self =
            serde_json::from_slice(&bytes).map_err(|error| foreign(error.to_string()))?;
        identity.verifiers()?;
        Ok(identity)
    }

    /// The keys that checkpoints of this ledger verify under.
    ///
    /// # Errors
    /// [`LedgerError::Foreign`] if a key is not a verifier key.
    pub fn verifiers(&self) -> Result<Vec<Verifier>, LedgerError> {
        let parse = |key: &String| {
            Verifier::parse(key).map_err(|error| LedgerError::Foreign {
                what: format!("{IDENTITY_PATH}: {error}"),
            })
        };
        self.keys.iter().map(parse).collect()
    }
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

/// The keys that sign checkpoints.
#[derive(Debug)]
pub(crate) struct SigningKeys {
    pub(crate) log: Ed25519Signer,
    pub(crate) cosigner: MlDsaCosigner,
}

impl SigningKeys {
    fn from_seeds(
        origin: &str,
        log_seed: &[u8; 32],
        cosigner_seed: &[u8; 32],
    ) -> Result<Self, LedgerError> {
        let key_error = |error: causebook_tlog::TlogError| LedgerError::Key {
            what: error.to_string(),
        };
        Ok(Self {
            log: Ed25519Signer::from_seed(origin, log_seed).map_err(key_error)?,
            cosigner: MlDsaCosigner::from_seed(&format!("{origin}/ml-dsa-44"), cosigner_seed)
                .map_err(key_error)?,
        })
    }

    fn vkeys(&self) -> Vec<String> {
        vec![self.log.verifier().vkey(), self.cosigner.verifier().vkey()]
    }

    /// Reads the signing key and checks that it belongs to `identity`.
    ///
    /// # Errors
    /// [`LedgerError::Key`].
    pub(crate) fn load(disk: &dyn Disk, identity: &Identity) -> Result<Self, LedgerError> {
        let bytes = disk.read(KEY_PATH).map_err(|error| LedgerError::Key {
            what: format!("{KEY_PATH}: {error}"),
        })?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        let damaged = || LedgerError::Key {
            what: format!("{KEY_PATH} is not a key file of this version"),
        };
        let mut lines = text.lines();
        if lines.next() != Some(KEY_HEADER) {
            return Err(damaged());
        }
        let log_seed = seed_line(lines.next(), "ed25519 ").ok_or_else(damaged)?;
        let cosigner_seed = seed_line(lines.next(), "ml-dsa-44 ").ok_or_else(damaged)?;
        let keys = Self::from_seeds(&identity.origin, &log_seed, &cosigner_seed)?;
        if keys.vkeys() == identity.keys {
            Ok(keys)
        } else {
            Err(LedgerError::Key {
                what: format!("{KEY_PATH} is the key of another ledger"),
            })
        }
    }
}

fn seed_line(line: Option<&str>, prefix: &str) -> Option<[u8; 32]> {
    use base64::Engine as _;
    let encoded = line?.strip_prefix(prefix)?;
    base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()?
        .try_into()
        .ok()
}

/// Creates an empty ledger in the folder of `disk`, with keys of its own.
///
/// The identity is written last: a folder without it is not a ledger, and creating one there can be tried again.
///
/// # Errors
/// [`LedgerError::Exists`] if there is one, [`LedgerError::Foreign`] for a name or origin that cannot be used.
pub fn create(
    disk: &dyn Disk,
    clock: &dyn Clock,
    name: &str,
    origin: &str,
) -> Result<Identity, LedgerError> {
    check_name(name)?;
    check_origin(origin)?;
    if disk
        .len(IDENTITY_PATH)
        .map_err(LedgerError::disk("reading", IDENTITY_PATH))?
        .is_some()
    {
        return Err(LedgerError::Exists);
    }
    for directory in [
        "",
        crate::wal::DIRECTORY,
        crate::tree::DIRECTORY,
        crate::index::DIRECTORY,
        crate::blobs::DIRECTORY,
    ] {
        disk.create_dir(directory)
            .map_err(LedgerError::disk("creating", directory))?;
    }
    let (log_seed, cosigner_seed) = (random::bytes(disk)?, random::bytes(disk)?);
    let keys = SigningKeys::from_seeds(origin, &log_seed, &cosigner_seed)?;
    let key_file = key_file(&log_seed, &cosigner_seed);
    disk::write_atomic(disk, KEY_PATH, key_file.as_bytes(), true)
        .map_err(LedgerError::disk("writing", KEY_PATH))?;
    let identity = Identity {
        format: FORMAT,
        name: name.to_owned(),
        origin: origin.to_owned(),
        created: clock.now(),
        keys: keys.vkeys(),
    };
    let mut text = serde_json::to_vec_pretty(&identity).map_err(|error| LedgerError::Foreign {
        what: error.to_string(),
    })?;
    text.push(b'\n');
    disk::write_atomic(disk, IDENTITY_PATH, &text, false)
        .map_err(LedgerError::disk("writing", IDENTITY_PATH))?;
    Ok(identity)
}

fn key_file(log_seed: &[u8; 32], cosigner_seed: &[u8; 32]) -> String {
    use base64::Engine as _;
    let encode = |seed| base64::engine::general_purpose::STANDARD.encode(seed);
    format!(
        "{KEY_HEADER}\ned25519 {}\nml-dsa-44 {}\n",
        encode(log_seed),
        encode(cosigner_seed)
    )
}

fn check_name(name: &str) -> Result<(), LedgerError> {
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
    };
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
        let what = format!("the name {name:?} must be 1 to {NAME_BYTES_MAX} of a-z, 0-9, - and _");
        return Err(LedgerError::Foreign { what });
    }
    Ok(())
}

fn check_origin(origin: &str) -> Result<(), LedgerError> {
    let bad = origin.is_empty()
        || origin.len() > ORIGIN_BYTES_MAX
        || origin.contains(|character: char| {
            character.is_whitespace() || character.is_control() || character == '+'
        });
    if bad {
        let what = format!(
            "the origin {origin:?} must be 1 to {ORIGIN_BYTES_MAX} bytes without spaces or +"
        );
        return Err(LedgerError::Foreign { what });
    }
    Ok(())
}
