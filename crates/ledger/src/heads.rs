//! The head a user saw last: what makes a rolled-back or forked log visible even if its operator holds the key.
//!
//! Kept outside the ledger's folder, one small file a ledger, by whoever verifies.

use causebook_tlog::Hash;
use sha2::{Digest as _, Sha256};

use crate::blobs;
use crate::disk::{self, Disk};
use crate::error::LedgerError;
use crate::identity::Identity;
use crate::shared::SignedCheckpoint;

/// What is remembered of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RememberedHead {
    /// Verifier keys of the ledger.
    pub keys: Vec<String>,
    /// Records that the head covered.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
    /// The signed checkpoint, verbatim: evidence, should the ledger ever deny it. Empty before the first one.
    pub note: String,
}

/// Where heads are remembered.
#[derive(Debug)]
pub struct HeadMemory<'a> {
    disk: &'a dyn Disk,
}

impl<'a> HeadMemory<'a> {
    /// A memory in the root folder of `disk`.
    pub fn new(disk: &'a dyn Disk) -> Self {
        Self { disk }
    }

    /// The head remembered of the ledger of this origin.
    ///
    /// # Errors
    /// If the file cannot be read or is not one of ours.
    pub fn recall(&self, origin: &str) -> Result<Option<RememberedHead>, LedgerError> {
        let path = path(origin);
        if self
            .disk
            .len(&path)
            .map_err(LedgerError::disk("reading", &path))?
            .is_none()
        {
            return Ok(None);
        }
        let bytes = self
            .disk
            .read(&path)
            .map_err(LedgerError::disk("reading", &path))?;
        let foreign = || LedgerError::Foreign {
            what: format!("{path} is not a remembered head"),
        };
        let file: HeadFile = serde_json::from_slice(&bytes).map_err(|_| foreign())?;
        let root = file.root.parse().map_err(|_| foreign())?;
        Ok(Some(RememberedHead {
            keys: file.keys,
            size: file.size,
            root,
            note: file.note,
        }))
    }

    /// Remembers a head that was verified, unless a later one of the same ledger is remembered already.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn remember(
        &self,
        identity: &Identity,
        head: Option<&SignedCheckpoint>,
    ) -> Result<(), LedgerError> {
        let size = head.map_or(0, |head| head.checkpoint.size);
        let known = self.recall(&identity.origin)?;
        if known.is_some_and(|known| known.keys == identity.keys && known.size > size) {
            return Ok(());
        }
        let file = HeadFile {
            origin: identity.origin.clone(),
            keys: identity.keys.clone(),
            size,
            root: head
                .map_or_else(causebook_tlog::empty_root, |head| head.checkpoint.root)
                .to_string(),
            note: head.map(|head| head.note.clone()).unwrap_or_default(),
        };
        let path = path(&identity.origin);
        let text = serde_json::to_vec_pretty(&file).map_err(|error| LedgerError::Foreign {
            what: error.to_string(),
        })?;
        self.disk
            .create_dir("")
            .map_err(LedgerError::disk("creating", ""))?;
        disk::write_atomic(self.disk, &path, &text, true)
            .map_err(LedgerError::disk("writing", &path))
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadFile {
    origin: String,
    keys: Vec<String>,
    size: u64,
    root: String,
    note: String,
}

/// Origins are URLs, so the file is named by a hash of one.
fn path(origin: &str) -> String {
    let hash = Sha256::digest(origin.as_bytes());
    let name = blobs::hex(hash.get(..16).unwrap_or(&hash));
    format!("{name}.json")
}
