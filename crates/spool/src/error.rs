//! What can go wrong while records are kept.

use std::io;
use std::path::PathBuf;

/// Why a record is not in the spool.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// It holds as much as it may.
    #[error("the spool holds {bytes} bytes, the most that it may")]
    Full {
        /// What it holds.
        bytes: u64,
    },
    /// One parcel is larger than a spool takes.
    #[error("{bytes} bytes are more than one entry of a spool may have ({limit})")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The disk refused.
    #[error("{doing} {path} failed: {source}", path = path.display())]
    Disk {
        /// What was being done, such as "writing".
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The record is kept, and will be delivered by this process, but may not survive a power cut: the disk does not say that
    /// it has it.
    #[error("syncing {path} failed: {source}", path = path.display())]
    NotSynced {
        /// The folder of the run.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It was closed.
    #[error("the spool is closed")]
    Closed,
}

impl SpoolError {
    /// Wraps what the system said about `path`.
    pub(crate) fn disk<'a>(
        doing: &'static str,
        path: &'a std::path::Path,
    ) -> impl FnOnce(io::Error) -> SpoolError + 'a {
        move |source| SpoolError::Disk {
            doing,
            path: path.to_owned(),
            source,
        }
    }
}
