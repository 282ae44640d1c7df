//! The token file: `<home>/tokens.json`, mode 0600, replaced whole.
//!
//! Its writers hold the lock `<home>/tokens.lock` from reading to renaming, so that none of them loses what another
//! wrote. A new file is written beside it, synced, renamed over it, and the folder synced: after a crash the old tokens
//! are there or the new ones. A file that cannot be understood is never taken for an empty one.

use std::fmt::Write as _;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use causebook_ledger::{Disk as _, DiskLock, RealDisk, write_atomic};
use serde::{Deserialize, Serialize};

use crate::error::AccessError;
use crate::token::{TOKENS_MAX, Token, check_name};

const FILE: &str = "tokens.json";
const LOCK: &str = "tokens.lock";
const FORMAT: u32 = 1;
/// Above what [`TOKENS_MAX`] tokens with long lists of ledgers take.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// A writer needs milliseconds, on a disk that is busy a second. Who waits for half a minute waits for one that hangs.
const LOCK_TRIES: u32 = 3000;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A token with the hash of its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) token: Token,
    pub(crate) hash: [u8; 32],
}

/// Where the token file of a home is.
#[derive(Debug)]
pub(crate) struct TokenFile {
    home: PathBuf,
    disk: RealDisk,
}

/// What was read, and by what to see that it is still so.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) kept: Vec<Kept>,
    pub(crate) seen: Seen,
}

/// A version of the file. The open file keeps its number from being given to a later version.
#[derive(Debug)]
pub(crate) struct Seen(Option<(Stamp, File)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    /// Changed by whoever edits the file in place.
    changed: (i64, i64),
}

impl TokenFile {
    /// The token file of a home that is there.
    ///
    /// # Errors
    /// [`AccessError::NoHome`].
    pub(crate) fn of(home: &Path) -> Result<Self, AccessError> {
        if !home.is_dir() {
            return Err(AccessError::NoHome {
                path: home.to_owned(),
            });
        }
        Ok(Self {
            home: home.to_owned(),
            disk: RealDisk::new(home),
        })
    }

    fn path(&self) -> PathBuf {
        self.home.join(FILE)
    }

    /// Reads the file. Where there is none there are no tokens.
    ///
    /// # Errors
    /// If it cannot be read, is not understood or may be written by others.
    pub(crate) fn read(&self) -> Result<Snapshot, AccessError> {
        let path = self.path();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Snapshot {
                    kept: Vec::new(),
                    seen: Seen(None),
                });
            }
            Err(error) => return Err(AccessError::disk("opening", path)(error)),
        };
        let metadata = file
            .metadata()
            .map_err(AccessError::disk("looking at", self.path()))?;
        let mode = metadata.mode() & 0o777;
        if mode & 0o022 != 0 {
            return Err(AccessError::Exposed { path, mode });
        }
        if metadata.len() > FILE_BYTES_MAX {
            let problem = format!("it has {} bytes", metadata.len());
            return Err(AccessError::Damaged { path, problem });
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(AccessError::disk("reading", self.path()))?;
        Ok(Snapshot {
            kept: parse(&bytes, &path)?,
            seen: Seen(Some((Stamp::of(&metadata), file))),
        })
    }

    /// Whether the file is still the one that was seen.
    ///
    /// # Errors
    /// If that cannot be told.
    pub(crate) fn is(&self, seen: &Seen) -> Result<bool, AccessError> {
        let now = match fs::metadata(self.path()) {
            Ok(metadata) => Some(Stamp::of(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(AccessError::disk("looking at", self.path())(error)),
        };
        Ok(now == seen.0.as_ref().map(|(stamp, _)| *stamp))
    }

    /// Replaces the file, durably.
    ///
    /// # Errors
    /// [`AccessError::Disk`]; the old file is then still in place.
    pub(crate) fn write(&self, kept: &[Kept], _lock: &Lock) -> Result<(), AccessError> {
        let file = Written {
            format: FORMAT,
            tokens: kept.iter().map(WrittenToken::from).collect(),
        };
        let mut bytes = serde_json::to_vec_pretty(&file)
            .map_err(|error| AccessError::disk("writing", self.path())(error.into()))?;
        bytes.push(b'\n');
        write_atomic(&self.disk, FILE, &bytes, true)
            .map_err(AccessError::disk("writing", self.path()))
    }

    /// Takes the lock that writers hold, waiting for other writers.
    ///
    /// # Errors
    /// [`AccessError::Locked`] if one of them does not let go.
    pub(crate) fn lock(&self) -> Result<Lock, AccessError> {
        let holder = format!("process {}", std::process::id());
        for _ in 0..LOCK_TRIES {
            match self.disk.lock(LOCK, &holder) {
                Ok(lock) => return Ok(Lock(lock)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    thread::sleep(LOCK_PAUSE);
                }
                Err(error) => {
                    return Err(AccessError::disk("locking", self.home.join(LOCK))(error));
                }
            }
        }
        let path = self.home.join(LOCK);
        let holder = fs::read_to_string(&path).unwrap_or_default();
        Err(AccessError::Locked { path, holder })
    }
}

/// The writers' lock, held.
#[derive(Debug)]
#[expect(dead_code, reason = "held until dropped")]
pub(crate) struct Lock(Box<dyn DiskLock>);

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    tokens: Vec<WrittenToken>,
}

/// `flatten` and the refusal of unknown members exclude each other, so the token stands in an object of its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenToken {
    sha256: String,
    token: Token,
}

#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl From<&Kept> for WrittenToken {
    fn from(kept: &Kept) -> Self {
        Self {
            sha256: hex_of(&kept.hash),
            token: kept.token.clone(),
        }
    }
}

fn parse(bytes: &[u8], path: &Path) -> Result<Vec<Kept>, AccessError> {
    let damaged = |problem: String| AccessError::Damaged {
        path: path.to_owned(),
        problem,
    };
    // The format is read first and alone: a later one may say the rest differently.
    let format = serde_json::from_slice::<FormatOnly>(bytes)
        .map_err(|error| damaged(error.to_string()))?
        .format;
    if format != FORMAT {
        return Err(AccessError::NewerFormat {
            path: path.to_owned(),
            found: format,
            supported: FORMAT,
        });
    }
    let written: Written =
        serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    if written.tokens.len() > TOKENS_MAX {
        return Err(damaged(format!("it holds {} tokens", written.tokens.len())));
    }
    let kept = |written: WrittenToken| {
        let id = &written.token.id;
        let hash = hash_from_hex(&written.sha256)
            .ok_or_else(|| damaged(format!("token {id}: sha256 is not 64 hexadecimal digits")))?;
        check_name(&written.token.name).map_err(|error| damaged(format!("token {id}: {error}")))?;
        Ok(Kept {
            hash,
            token: written.token,
        })
    };
    written.tokens.into_iter().map(kept).collect()
}

fn hex_of(hash: &[u8; 32]) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn hash_from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut hash = [0; 32];
    for (place, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}
