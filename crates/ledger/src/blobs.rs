//! Attachments and artefacts: content-addressed files `blobs/sha256/ab/<the rest of the digest>`, immutable.

use std::io::Read;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::disk::{self, Disk};
use crate::error::LedgerError;
use crate::random;

pub(crate) const DIRECTORY: &str = "blobs/sha256";
const CHUNK_BYTES: usize = 1 << 20;
/// Longest attachment: 4 GiB.
pub const BLOB_BYTES_MAX: u64 = 4 << 30;

/// A stored attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Length in bytes.
    pub size: u64,
}

/// Stores what `content` gives, durably, under its digest. Storing the same content again changes nothing.
///
/// # Errors
/// If reading or the disk fails, or the content is longer than [`BLOB_BYTES_MAX`]; nothing is then left behind.
pub(crate) fn put(disk: &Arc<dyn Disk>, content: &mut dyn Read) -> Result<Blob, LedgerError> {
    disk.create_dir(DIRECTORY)
        .map_err(LedgerError::disk("creating", DIRECTORY))?;
    let temporary = format!(
        "{DIRECTORY}/{:032x}.tmp",
        u128::from_le_bytes(random::bytes(disk.as_ref())?)
    );
    let outcome = write_content(disk.as_ref(), &temporary, content).and_then(|(hash, size)| {
        let path = path(&hash);
        let directory = disk::parent(&path);
        disk.create_dir(directory)
            .map_err(LedgerError::disk("creating", directory))?;
        disk.rename(&temporary, &path)
            .map_err(LedgerError::disk("renaming", &temporary))?;
        disk.sync_dir(directory)
            .map_err(LedgerError::disk("syncing", directory))?;
        Ok(Blob {
            digest: format!("sha256:{hash}"),
            size,
        })
    });
    if outcome.is_err() {
        // Best effort: the first failure is the one to tell.
        let _ = disk.remove(&temporary);
    }
    outcome
}

fn write_content(
    disk: &dyn Disk,
    path: &str,
    content: &mut dyn Read,
) -> Result<(String, u64), LedgerError> {
    let file = disk
        .create(path, false)
        .map_err(LedgerError::disk("creating", path))?;
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = content
            .read(&mut chunk)
            .map_err(LedgerError::disk("reading", "the attachment"))?;
        let bytes = chunk.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
        if size + read as u64 > BLOB_BYTES_MAX {
            let what = format!("an attachment can have at most {BLOB_BYTES_MAX} bytes");
            return Err(LedgerError::Unfit {
                id: "attachment".to_owned(),
                what,
            });
        }
        hash.update(bytes);
        file.write_at(size, bytes)
            .map_err(LedgerError::disk("writing", path))?;
        size += read as u64;
    }
    file.sync().map_err(LedgerError::disk("syncing", path))?;
    Ok((hex(&hash.finalize()), size))
}

/// Reads an attachment and checks it against its digest.
///
/// # Errors
/// [`LedgerError::NotFound`] if there is none of this digest, [`LedgerError::Foreign`] if its content has changed.
pub(crate) fn get(disk: &dyn Disk, digest: &str) -> Result<Vec<u8>, LedgerError> {
    let not_found = || LedgerError::NotFound {
        id: digest.to_owned(),
    };
    let hash = digest
        .strip_prefix("sha256:")
        .filter(|hash| is_hash(hash))
        .ok_or_else(not_found)?;
    let path = path(hash);
    if disk
        .len(&path)
        .map_err(LedgerError::disk("reading", &path))?
        .is_none()
    {
        return Err(not_found());
    }
    let bytes = disk
        .read(&path)
        .map_err(LedgerError::disk("reading", &path))?;
    if hex(&Sha256::digest(&bytes)) == hash {
        Ok(bytes)
    } else {
        Err(LedgerError::Foreign {
            what: format!("{path} is not what its name says: its content has changed"),
        })
    }
}

/// Whether what is stored under a digest is what it should be; `None` if nothing is. Read in pieces: it may be large.
///
/// # Errors
/// If the disk fails.
pub(crate) fn is_whole(disk: &dyn Disk, digest: &str) -> Result<Option<bool>, LedgerError> {
    let Some(hash) = digest.strip_prefix("sha256:").filter(|hash| is_hash(hash)) else {
        return Ok(None);
    };
    let path = path(hash);
    let reading = |error| LedgerError::disk("reading", &path)(error);
    let Some(len) = disk.len(&path).map_err(reading)? else {
        return Ok(None);
    };
    let file = disk.open(&path, false).map_err(reading)?;
    let mut content = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut offset = 0;
    while offset < len {
        let piece = chunk
            .len()
            .min(usize::try_from(len - offset).unwrap_or(usize::MAX));
        let piece = chunk.get_mut(..piece).unwrap_or_default();
        file.read_at(offset, piece).map_err(reading)?;
        content.update(&piece);
        offset += piece.len() as u64;
    }
    Ok(Some(hex(&content.finalize()) == hash))
}

fn is_hash(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn path(hash: &str) -> String {
    let (first, rest) = hash.split_at_checked(2).unwrap_or((hash, ""));
    format!("{DIRECTORY}/{first}/{rest}")
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
