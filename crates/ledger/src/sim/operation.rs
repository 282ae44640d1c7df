//! What is done to a simulated disk or table, as a simulation hears of it before it happens.

use std::io;

/// What kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(
    missing_docs,
    reason = "they are named as the methods of Disk, DiskFile and TableSink"
)]
pub enum OperationKind {
    Allocate,
    Create,
    CreateDir,
    Len,
    List,
    Lock,
    Open,
    Random,
    Read,
    ReadAt,
    Remove,
    RemoveDir,
    Rename,
    SetLen,
    Sync,
    SyncDir,
    /// The rows offered are about to become part of the table.
    TableCommit,
    /// They have, and the table is about to say so.
    TableAcknowledge,
    TableCompact,
    TableGet,
    TableRefresh,
    TableView,
    WriteAt,
}

impl OperationKind {
    /// Whether it changes nothing.
    pub fn is_reading(self) -> bool {
        matches!(
            self,
            Self::Len
                | Self::List
                | Self::Open
                | Self::Random
                | Self::Read
                | Self::ReadAt
                | Self::TableGet
                | Self::TableRefresh
                | Self::TableView
        )
    }
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    /// How many were begun before it.
    pub number: u64,
    /// What kind.
    pub kind: OperationKind,
    /// Which file or directory.
    pub path: &'a str,
    /// For a rename: the new name.
    pub to: &'a str,
    /// Where in the file, or a length.
    pub at: u64,
    /// What is written.
    pub bytes: &'a [u8],
}

impl<'a> Operation<'a> {
    pub(super) fn new(kind: OperationKind, path: &'a str) -> Self {
        Self {
            number: 0,
            kind,
            path,
            to: "",
            at: 0,
            bytes: &[],
        }
    }
}

/// Hears of every operation before it happens. It may use the disk itself, and so do other things in the middle of what
/// is going on; it must then be ready to hear of those operations too.
pub trait DiskHook: Send + Sync {
    /// # Errors
    /// Makes the operation fail. As on a real disk, part of what it was to do may have happened all the same.
    fn before(&self, operation: &Operation<'_>) -> io::Result<()>;
}

/// A promise that the disk breaks: to show that a simulation notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// Syncing a file whose path begins so returns, but nothing becomes durable.
    Sync(&'static str),
    /// Syncing a directory whose path begins so returns, but no name becomes durable.
    SyncDir(&'static str),
    /// A power cut soon after a rename can leave neither the old file nor the new one.
    Rename,
    /// A power cut can lose any file that is open for writing, synced or not.
    Survival,
    /// Several processes can hold one lock.
    Lock,
}

impl Lie {
    /// Whether the sync that `operation` says is done is not.
    pub(super) fn is_no_sync(self, operation: &Operation<'_>) -> bool {
        match self {
            Self::Sync(below) => {
                operation.kind == OperationKind::Sync && operation.path.starts_with(below)
            }
            Self::SyncDir(below) => {
                operation.kind == OperationKind::SyncDir && operation.path.starts_with(below)
            }
            Self::Rename | Self::Survival | Self::Lock => false,
        }
    }
}
