//! Attachments and artefacts: content-addressed files `blobs/sha256/ab/<the rest of the digest>`, immutable.

use std::io::Read;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::disk::{self, Disk, DiskFile};
use crate::error::LedgerError;
use crate::random;

pub(crate) const DIRECTORY: &str = "blobs/sha256";
const CHUNK_BYTES: usize = 1 << 20;
/// Longest attachment: 4 GiB.
pub const BLOB_BYTES_MAX: u64 = 4 << 30;
/// Most bytes of an attachment that are given at once: 256 KiB.
pub const BLOB_PIECE_BYTES: usize = 256 << 10;

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

/// An attachment that is read in pieces, each of at most [`BLOB_PIECE_BYTES`], and held against its digest meanwhile.
///
/// The last piece is given only when all of them together are what the digest says: whoever has the whole attachment has
/// the right one, and whoever is given a changed one never has the whole.
#[derive(Debug)]
pub struct BlobContent {
    file: Box<dyn DiskFile>,
    hash: String,
    size: u64,
    /// How much of it was read.
    read: u64,
    /// Of what was read; none once all of it was checked.
    content: Option<Sha256>,
}

impl BlobContent {
    /// Length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next piece; nothing at the end. After an error, what was given before cannot be trusted.
    ///
    /// # Errors
    /// [`LedgerError::Foreign`] instead of the last piece if the content has changed; [`LedgerError::Disk`] if it cannot
    /// be read, or is shorter than it was.
    pub fn next_piece(&mut self) -> Result<Option<Vec<u8>>, LedgerError> {
        let Some(content) = &mut self.content else {
            return Ok(None);
        };
        let path = path(&self.hash);
        let left = usize::try_from(self.size - self.read).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(BLOB_PIECE_BYTES)];
        self.file
            .read_at(self.read, &mut piece)
            .map_err(LedgerError::disk("reading", &path))?;
        content.update(&piece);
        self.read += piece.len() as u64;
        if self.read == self.size {
            if hex(&content.clone().finalize()) != self.hash {
                let what = format!("{path} is not what its name says: its content has changed");
                return Err(LedgerError::Foreign { what });
            }
            self.content = None;
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    /// Reads all of it, and begins anew.
    ///
    /// # Errors
    /// As [`next_piece`](Self::next_piece).
    pub fn check(&mut self) -> Result<(), LedgerError> {
        while self.next_piece()?.is_some() {}
        self.read = 0;
        self.content = Some(Sha256::new());
        Ok(())
    }
}

/// Opens an attachment, to be read in pieces.
///
/// # Errors
/// [`LedgerError::NotFound`] if there is none of this digest.
pub(crate) fn open(disk: &dyn Disk, digest: &str) -> Result<BlobContent, LedgerError> {
    let not_found = || LedgerError::NotFound {
        id: digest.to_owned(),
    };
    let hash = digest
        .strip_prefix("sha256:")
        .filter(|hash| is_hash(hash))
        .ok_or_else(not_found)?;
    let path = path(hash);
    let reading = |error| LedgerError::disk("reading", &path)(error);
    let size = disk.len(&path).map_err(reading)?.ok_or_else(not_found)?;
    Ok(BlobContent {
        file: disk.open(&path, false).map_err(reading)?,
        hash: hash.to_owned(),
        size,
        read: 0,
        content: Some(Sha256::new()),
    })
}

/// Reads an attachment into memory and checks it against its digest.
///
/// # Errors
/// [`LedgerError::NotFound`] if there is none of this digest, [`LedgerError::Foreign`] if its content has changed.
pub(crate) fn get(disk: &dyn Disk, digest: &str) -> Result<Vec<u8>, LedgerError> {
    let mut content = open(disk, digest)?;
    let mut bytes = Vec::new();
    while let Some(piece) = content.next_piece()? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Whether what is stored under a digest is what it should be; `None` if nothing is. Read in pieces: it may be large.
///
/// # Errors
/// If the disk fails.
pub(crate) fn is_whole(disk: &dyn Disk, digest: &str) -> Result<Option<bool>, LedgerError> {
    match open(disk, digest).and_then(|mut content| content.check()) {
        Ok(()) => Ok(Some(true)),
        Err(LedgerError::NotFound { .. }) => Ok(None),
        Err(LedgerError::Foreign { .. }) => Ok(Some(false)),
        Err(error) => Err(error),
    }
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
