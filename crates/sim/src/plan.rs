//! What is to go wrong in one life of a process, and how the engine is set up in a run.

use std::time::Duration;

use causebook_ledger::Options;
use causebook_ledger::sim::{OperationKind, Random};

/// How a process ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    /// What was not synced may be lost.
    PowerCut,
    /// Everything that was written stays, though it may still be lost later.
    Kill,
}

/// What goes wrong, counted in operations from when the plan was made.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Nothing,
    Crash {
        after: u64,
        crash: Crash,
    },
    /// Operations of these kinds fail: the one after so many others, and all that follow if `for_good`.
    Fail {
        kinds: Kinds,
        after: u64,
        for_good: bool,
    },
    /// Files can grow by so many bytes.
    Full {
        bytes: u64,
    },
}

/// Kinds of operation that fail alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kinds {
    Any,
    Syncs,
    Writes,
    Names,
    Reads,
    Table,
}

impl Kinds {
    pub(crate) fn hold(self, kind: OperationKind) -> bool {
        use OperationKind as K;
        match self {
            Self::Any => true,
            Self::Syncs => matches!(kind, K::Sync | K::SyncDir),
            Self::Writes => matches!(kind, K::WriteAt | K::Allocate | K::SetLen),
            Self::Names => matches!(
                kind,
                K::Create | K::CreateDir | K::Remove | K::RemoveDir | K::Rename
            ),
            Self::Reads => kind.is_reading(),
            Self::Table => matches!(
                kind,
                K::TableCommit | K::TableAcknowledge | K::TableCompact | K::TableGet
            ),
        }
    }
}

impl Plan {
    /// A plan for a process that does about `span` operations.
    pub(crate) fn random(random: &mut Random, span: u64) -> Self {
        match random.below(10) {
            0 | 1 => Self::Nothing,
            2..=5 => Self::Crash {
                after: random.below(span) + 1,
                crash: if random.one_in(3) {
                    Crash::Kill
                } else {
                    Crash::PowerCut
                },
            },
            6 => Self::Full {
                bytes: random.below(40_000),
            },
            _ => {
                let (kinds, share) = match random.below(6) {
                    0 => (Kinds::Syncs, 6),
                    1 => (Kinds::Writes, 6),
                    2 => (Kinds::Names, 4),
                    3 => (Kinds::Reads, 4),
                    4 => (Kinds::Table, 30),
                    _ => (Kinds::Any, 1),
                };
                Self::Fail {
                    kinds,
                    after: random.below(span / share + 2),
                    for_good: random.one_in(4),
                }
            }
        }
    }

    /// A crash within about `span` operations, or nothing.
    pub(crate) fn crash_or_nothing(random: &mut Random, span: u64) -> Self {
        if random.one_in(3) {
            let after = random.below(span) + 1;
            let crash = if random.one_in(3) {
                Crash::Kill
            } else {
                Crash::PowerCut
            };
            Self::Crash { after, crash }
        } else {
            Self::Nothing
        }
    }
}

/// Bounds that make everything happen often: small segments, groups, flushes and buffers.
pub(crate) fn options(random: &mut Random) -> Options {
    let mut pick = |choices: &[u64]| {
        let place = random.below(choices.len() as u64) as usize;
        choices.get(place).copied().unwrap_or_default()
    };
    Options {
        segment_bytes: pick(&[256, 1_500, 4_096, 16_384]),
        group_bytes_max: pick(&[1, 600, 2_000, 100_000]) as usize,
        buffer_bytes_max: pick(&[1, 3_000, 20_000, 1 << 30]),
        flush_bytes: pick(&[1, 2_000, 10_000, 1 << 30]),
        flush_age: Duration::from_secs(pick(&[0, 5, 3_600])),
        flush_rows_max: pick(&[1, 2, 3, 10, 1_000]) as usize,
        checkpoint_interval: Duration::from_millis(pick(&[0, 2, 20])),
        flush_on_close_bytes: pick(&[0, 2_000, 1 << 30]),
        ..Options::default()
    }
}
