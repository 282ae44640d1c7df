//! Classes of files that a ledger is made of.

use serde::{Deserialize, Serialize};

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Class {
    Segment,
    FullTile,
    PartialTile,
    FullBundle,
    PartialBundle,
    Checkpoint,
    DataFile,
    TableLog,
    TableCheckpoint,
    LastCheckpoint,
    Blob,
    Identity,
    Key,
    Lock,
    Run,
    Seed,
    /// Records, wherever they lie; not a class of files.
    Records,
    /// The whole ledger.
    Ledger,
}

/// The classes of files.
pub(crate) const FILES: [Class; 16] = [
    Class::Segment,
    Class::FullTile,
    Class::PartialTile,
    Class::FullBundle,
    Class::PartialBundle,
    Class::Checkpoint,
    Class::DataFile,
    Class::TableLog,
    Class::TableCheckpoint,
    Class::LastCheckpoint,
    Class::Blob,
    Class::Identity,
    Class::Key,
    Class::Lock,
    Class::Run,
    Class::Seed,
];

impl Class {
    /// The class of a file by its path within the ledger's folder.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let partial = path.contains(".p/");
        let class = match path {
            "ledger.json" => Self::Identity,
            "key" => Self::Key,
            "lock" => Self::Lock,
            "index/seed" => Self::Seed,
            "log/checkpoint" => Self::Checkpoint,
            "table/_delta_log/_last_checkpoint" => Self::LastCheckpoint,
            _ if path.starts_with("log/tile/entries/") && partial => Self::PartialBundle,
            _ if path.starts_with("log/tile/entries/") => Self::FullBundle,
            _ if path.starts_with("log/tile/") && partial => Self::PartialTile,
            _ if path.starts_with("log/tile/") => Self::FullTile,
            _ if path.starts_with("wal/") => Self::Segment,
            _ if path.starts_with("blobs/") => Self::Blob,
            _ if path.starts_with("index/") && path.ends_with(".run") => Self::Run,
            _ if path.starts_with("table/_delta_log/") && path.ends_with(".json") => Self::TableLog,
            _ if path.starts_with("table/_delta_log/") && path.ends_with(".parquet") => {
                Self::TableCheckpoint
            }
            _ if path.ends_with(".parquet") => Self::DataFile,
            _ => return None,
        };
        Some(class)
    }

    /// As it is called in the table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Segment => "write-ahead segment",
            Self::FullTile => "tile, full",
            Self::PartialTile => "tile, partial",
            Self::FullBundle => "entry bundle, full",
            Self::PartialBundle => "entry bundle, partial",
            Self::Checkpoint => "checkpoint",
            Self::DataFile => "data file (Parquet)",
            Self::TableLog => "table log entry",
            Self::TableCheckpoint => "table log checkpoint",
            Self::LastCheckpoint => "`_last_checkpoint`",
            Self::Blob => "attachment",
            Self::Identity => "`ledger.json`",
            Self::Key => "`key`",
            Self::Lock => "`lock`",
            Self::Run => "index run",
            Self::Seed => "index seed",
            Self::Records => "records",
            Self::Ledger => "whole ledger",
        }
    }

    /// Why a change of such a file can be without any effect. That it was is checked each time; this says the reason.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Segment => {
                "no record's byte: header fields that recovery takes anew, space behind the last frame, or a segment whose records are in the table"
            }
            Self::FullTile | Self::PartialTile | Self::FullBundle | Self::PartialBundle => {
                "a tile that the present checkpoint does not need"
            }
            Self::Checkpoint => {
                "an earlier checkpoint of the same log that covers the table; every record is there"
            }
            Self::DataFile => "no value's byte: padding, or metadata that nothing is taken from",
            Self::TableLog => "descriptive members, or an entry that a checkpoint stands for",
            Self::TableCheckpoint => "descriptive members, or a checkpoint that entries stand for",
            Self::LastCheckpoint => "a hint; the log's folder is listed",
            Self::Identity => {
                "white space, or `created` and `name`, which nothing is checked against"
            }
            Self::Key => "never read when reading; a writer needs it and is refused",
            Self::Lock => "only names the process that wrote last",
            Self::Run | Self::Seed => "derived; made again from the table",
            Self::Blob | Self::Records | Self::Ledger => "no record or attachment differs",
        }
    }
}
