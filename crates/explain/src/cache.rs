//! What is kept, in a file beside the ledger, so that a command need not read all records before it can answer.
//!
//! The file follows from the records and is believed only as long as it reads whole; a ledger that erases something removes
//! it ([`causebook_ledger::CACHE`]). It holds values of inputs, as the table does, and is readable by its owner alone.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use causebook_why::contrast::{History, Limits};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::catalogue::CatalogueFile;
use crate::kept::Kept;

const MAGIC: &[u8; 8] = b"causewh\x01";
const DIGEST_BYTES: usize = 32;
/// Name of the file in the cache's folder.
const FILE: &str = "why";

/// What stands before the histories.
#[derive(Serialize, Deserialize)]
struct Head {
    /// Origin of the ledger, which may have been exchanged for another one.
    origin: String,
    seen: u64,
    erasures: u64,
    left_out: u64,
    catalogue: CatalogueFile,
    /// Bytes of each history, in this order.
    histories: BTreeMap<String, u64>,
}

/// Writes what is kept of the ledger with this origin. A file that is there is replaced in one step.
pub(crate) fn write(folder: &Path, origin: &str, kept: &Kept) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let histories: Vec<(String, Vec<u8>)> = kept
        .histories
        .iter()
        .map(|(name, history)| (name.clone(), history.to_bytes()))
        .collect();
    let head = Head {
        origin: origin.to_owned(),
        seen: kept.seen,
        erasures: kept.erasures,
        left_out: kept.left_out,
        catalogue: kept.catalogue.to_file(),
        histories: histories
            .iter()
            .map(|(name, bytes)| (name.clone(), bytes.len() as u64))
            .collect(),
    };
    let head = serde_json::to_vec(&head)?;
    let mut digest = Sha256::new();
    let temporary = folder.join(format!("{FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)?;
    let mut put = |bytes: &[u8]| {
        digest.update(bytes);
        file.write_all(bytes)
    };
    put(MAGIC)?;
    put(&(head.len() as u64).to_le_bytes())?;
    put(&head)?;
    for (_, bytes) in &histories {
        put(bytes)?;
    }
    file.write_all(&digest.finalize())?;
    drop(file);
    fs::rename(&temporary, folder.join(FILE))
}

/// Reads it; none if there is none, or if it is not whole, of another ledger or of another version.
pub(crate) fn read(folder: &Path, origin: &str) -> Option<Kept> {
    let bytes = fs::read(folder.join(FILE)).ok()?;
    let (body, digest) = bytes.split_at_checked(bytes.len().checked_sub(DIGEST_BYTES)?)?;
    if Sha256::digest(body).as_slice() != digest {
        return None;
    }
    let rest = body.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_at_checked(8)?;
    let length = u64::from_le_bytes(length.try_into().ok()?);
    let (head, mut rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    if head.origin != origin {
        return None;
    }
    let mut histories = BTreeMap::new();
    for (name, length) in head.histories {
        let (bytes, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = after;
        histories.insert(name, History::from_bytes(bytes, Limits::default()).ok()?);
    }
    Some(Kept {
        seen: head.seen,
        catalogue: head.catalogue.into(),
        histories,
        erasures: head.erasures,
        left_out: head.left_out,
    })
}

/// Removes it, with what an interrupted writer left.
pub(crate) fn remove(folder: &Path) {
    // What cannot be removed is refused when it is read, or read as what it is.
    let _ = fs::remove_dir_all(folder);
}
