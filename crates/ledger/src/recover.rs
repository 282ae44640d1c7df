//! Recovery: from what is on disk to a state that can be gone on from, or a refusal that says why not.
//!
//! 1. The checkpoint is read and its signatures checked.
//! 2. The write-ahead log is read; the table says how far it is covered; what the log has beyond that is the buffer.
//! 3. The tree is taken up from the tiles at the covered size (or, if they are damaged, made again from the table) and
//!    grown by the buffer's digests. At the checkpoint's size its root must be the checkpoint's root.
//!
//! Recovery never drops an acknowledged record: only a torn last commit group goes, which nobody was told of. If the
//! checkpoint speaks of more records than there are, or of other ones, the ledger does not open for writing.

use std::ops::ControlFlow;
use std::sync::Arc;

use causebook_record::{Digest, Sealed};
use causebook_tlog::{Hash, TILE_WIDTH, TilePath, open_checkpoint};

use crate::buffer::{Buffer, Entry};
use crate::clock::Clock;
use crate::disk::Disk;
use crate::error::LedgerError;
use crate::identity::Identity;
use crate::index::{Index, Keys, RunBuilder};
use crate::known;
use crate::segment::FrameSeal;
use crate::shared::{Shared, SignedCheckpoint};
use crate::table::{Scan, TableSink};
use crate::tree::{self, TreeWriter};
use crate::verify::{Fault, Finding};
use crate::wal::{self, Replay};

/// How often a reader starts over because a writer moved records while it read.
const READ_ATTEMPTS_MAX: usize = 20;
/// Records of one index run that is made again.
const REINDEX_ROWS: u64 = 131_072;

/// What is on disk, read and checked.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) identity: Identity,
    pub(crate) checkpoint: Option<SignedCheckpoint>,
    pub(crate) buffer: Buffer,
    pub(crate) index: Index,
    pub(crate) replay: Replay,
    /// What contradicts the signed checkpoint or the format, where only reading is asked for.
    pub(crate) faults: Vec<Finding>,
}

/// Reads a ledger's state. With `write` the index is repaired on disk; without, nothing is touched.
pub(crate) fn recover(
    disk: &Arc<dyn Disk>,
    clock: &Arc<dyn Clock>,
    table: &dyn TableSink,
    write: bool,
) -> Result<Recovered, LedgerError> {
    let identity = Identity::load(disk.as_ref())?;
    let Sight {
        covered,
        checkpoint,
        frames,
        replay,
        faults,
        ..
    } = look_until_settled(disk.as_ref(), &identity, table, write)?;
    let (index, indexed) = Index::open(Arc::clone(disk), covered, write)?;
    let index = complete_index(index, table, indexed, covered, write)?;
    let mut buffer = Buffer::starting_at(covered);
    let now = clock.now();
    let mut faults = faults;
    for (position, seal, sealed) in frames
        .into_iter()
        .filter(|(position, ..)| *position >= covered)
    {
        debug_assert_eq!(position, buffer.end());
        let fields = causebook_record::fields(&sealed.text);
        let keys = Keys::of(&index.seed(), &fields);
        if let Some(first) = known::position_of_id(&index, &buffer, table, keys.id, &fields)? {
            let repeated = repeated_record(position, fields.id, first);
            if write {
                return Err(LedgerError::Tampered(Box::new(repeated)));
            }
            faults.push(repeated);
        }
        buffer.push(Entry {
            sealed: Arc::new(sealed),
            seal,
            keys,
            at: now,
        });
    }
    Ok(Recovered {
        identity,
        checkpoint,
        buffer,
        index,
        replay,
        faults,
    })
}

/// What table, checkpoint and write-ahead log say, looked at one after the other.
#[derive(Debug)]
struct Sight {
    covered: u64,
    checkpoint: Option<SignedCheckpoint>,
    frames: Vec<(u64, FrameSeal, Sealed)>,
    replay: Replay,
    faults: Vec<Finding>,
    /// The table has grown since it was looked at: what left the write-ahead log for it was seen in neither.
    is_outdated: bool,
}

impl Sight {
    /// Whether the three fit together. They do not if a writer moved records while they were looked at, or if
    /// something is wrong.
    fn is_settled(&self) -> bool {
        let (first, end, claimed) = self.extent();
        self.faults.is_empty() && !self.is_outdated && first <= self.covered && end >= claimed
    }

    /// First index of the write-ahead log, end of all records, and size of the checkpoint.
    fn extent(&self) -> (u64, u64, u64) {
        let first = self
            .frames
            .first()
            .map_or(self.covered, |(first, ..)| *first);
        let end = self.replay.end.unwrap_or(0).max(self.covered);
        let checkpoint = self.checkpoint.as_ref();
        (
            first,
            end,
            checkpoint.map_or(0, |signed| signed.checkpoint.size),
        )
    }

    /// Records that neither table nor log has leave what follows them without a place.
    fn note_gap(&mut self, write: bool) -> Result<(), LedgerError> {
        let (first, _, _) = self.extent();
        if first > self.covered {
            self.frames.clear();
            let error = missing_records(self.covered, first);
            self.replay = tolerate(error, write, &mut self.faults)?;
        }
        Ok(())
    }
}

/// Looks until what is seen fits together. A writer stops at what does not; a reader looks again as long as a writer
/// beside it changes what is seen, and then goes on with what could be read and remembers what was wrong.
fn look_until_settled(
    disk: &dyn Disk,
    identity: &Identity,
    table: &dyn TableSink,
    write: bool,
) -> Result<Sight, LedgerError> {
    let mut before = None;
    for attempt in 1.. {
        let last = attempt == READ_ATTEMPTS_MAX;
        match look(disk, identity, table, write) {
            Ok(mut sight) => {
                let seen = (sight.covered, sight.extent());
                let unchanged = before.replace(seen) == Some(seen) && !sight.is_outdated;
                if sight.is_settled() || write || unchanged || last {
                    sight.note_gap(write)?;
                    return Ok(sight);
                }
            }
            // A file that was listed may be gone when it is read.
            Err(error) if write || last => return Err(error),
            Err(_) => {}
        }
    }
    Err(LedgerError::Foreign {
        what: "the ledger changes faster than it can be read".to_owned(),
    })
}

/// Looks once, in this order: a record is in the write-ahead log before it comes under a checkpoint, and under one
/// before it is in the table, so what is looked at later has at least what was seen earlier, except for records that
/// have left the log for the table meanwhile.
fn look(
    disk: &dyn Disk,
    identity: &Identity,
    table: &dyn TableSink,
    write: bool,
) -> Result<Sight, LedgerError> {
    table.refresh()?;
    let covered = table.covered();
    let mut faults = Vec::new();
    let checkpoint = match load_checkpoint(disk, identity) {
        Err(LedgerError::Tampered(finding)) if !write => {
            faults.push(*finding);
            None
        }
        other => other?,
    };
    let mut frames: Vec<(u64, FrameSeal, Sealed)> = Vec::new();
    let replayed = wal::replay(disk, covered, &mut |frame| {
        let sealed = Sealed {
            text: frame.text.to_owned(),
            key: frame.key,
            digest: frame.digest,
        };
        frames.push((frame.index, frame.seal, sealed));
    });
    let replay = replayed.or_else(|error| tolerate(error, write, &mut faults))?;
    if !write {
        table.refresh()?;
    }
    Ok(Sight {
        is_outdated: table.covered() != covered,
        covered,
        checkpoint,
        frames,
        replay,
        faults,
    })
}

/// A reader goes on with what it could read and remembers what was wrong; a writer stops.
fn tolerate(
    error: LedgerError,
    write: bool,
    faults: &mut Vec<Finding>,
) -> Result<Replay, LedgerError> {
    match error {
        LedgerError::Tampered(finding) if !write => faults.push(*finding),
        LedgerError::DamagedLog { .. } if !write => {
            faults.push(Finding {
                fault: Fault::DamagedFile,
                index: None,
                id: None,
                what: error.to_string(),
            });
        }
        other => return Err(other),
    }
    Ok(Replay::default())
}

/// The sequencer never gives an id a second place: somebody else wrote this frame.
fn repeated_record(position: u64, id: Option<String>, first: u64) -> Finding {
    let what = format!("the write-ahead log has it a second time: its id is that of index {first}");
    Finding {
        fault: Fault::Added,
        index: Some(position),
        id,
        what,
    }
}

fn missing_records(covered: u64, first: u64) -> LedgerError {
    let what =
        format!("the table ends at index {covered}, but the write-ahead log begins at {first}");
    LedgerError::Tampered(Box::new(Finding {
        fault: Fault::Dropped,
        index: Some(covered),
        id: None,
        what,
    }))
}

/// Reads the published checkpoint and checks every signature that this ledger's keys should have made.
pub(crate) fn load_checkpoint(
    disk: &dyn Disk,
    identity: &Identity,
) -> Result<Option<SignedCheckpoint>, LedgerError> {
    let path = tree::CHECKPOINT_PATH;
    if disk
        .len(path)
        .map_err(LedgerError::disk("reading", path))?
        .is_none()
    {
        return Ok(None);
    }
    let bytes = disk
        .read(path)
        .map_err(LedgerError::disk("reading", path))?;
    let wrong = |what: String| {
        LedgerError::Tampered(Box::new(Finding {
            fault: Fault::WrongKey,
            index: None,
            id: None,
            what,
        }))
    };
    let note = String::from_utf8(bytes).map_err(|_| wrong(format!("{path} is not text")))?;
    let verifiers = identity.verifiers()?;
    let (checkpoint, signatures) =
        open_checkpoint(&note, &verifiers).map_err(|error| wrong(format!("{path}: {error}")))?;
    if signatures.len() < verifiers.len() {
        return Err(wrong(format!(
            "{path} does not bear the signatures of all keys of this ledger"
        )));
    }
    if checkpoint.origin != identity.origin {
        return Err(wrong(format!(
            "{path} is of the log {:?}, not of {:?}",
            checkpoint.origin, identity.origin
        )));
    }
    let time = signatures.iter().find_map(|signature| signature.time);
    Ok(Some(SignedCheckpoint {
        note,
        checkpoint,
        time,
    }))
}

/// Adds what the runs on disk do not have, from the table: to new runs, or in memory if nothing may be written.
fn complete_index(
    mut index: Index,
    table: &dyn TableSink,
    indexed: u64,
    covered: u64,
    write: bool,
) -> Result<Index, LedgerError> {
    let seed = index.seed();
    let mut from = indexed;
    while from < covered {
        let to = covered.min(from + REINDEX_ROWS);
        let mut builder = RunBuilder::default();
        table.scan(
            &Scan {
                indexes: from..to,
                check_columns: false,
            },
            &mut |scanned| {
                let keys = Keys::of(&seed, &scanned.row.record.fields());
                if write {
                    builder.add(scanned.row.index, &keys);
                } else {
                    index.add_unwritten(scanned.row.index, &keys);
                }
                ControlFlow::Continue(())
            },
        )?;
        if write {
            let run = index.write_run(from..to, builder)?;
            index.push(run);
        }
        from = to;
    }
    Ok(index)
}

/// The tree over all records, grown from what the table covers, its tiles written anew from there.
///
/// # Errors
/// [`LedgerError::Tampered`] if it is not the tree that the checkpoint speaks of.
pub(crate) fn regrow_tree(shared: &Shared) -> Result<TreeWriter, LedgerError> {
    let checkpoint = shared.head().checkpoint.map(|signed| signed.checkpoint);
    let (covered, end) = {
        let buffer = shared.buffer();
        (buffer.first(), buffer.end())
    };
    let claimed = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
    check_sizes(claimed, covered, end)?;
    let from_tiles = match TreeWriter::load(Arc::clone(&shared.disk), covered) {
        // What fails from here on is the writing of tiles, which making all of them again would not help.
        Ok(tree) => Some(grow(tree, shared, claimed)?),
        Err(LedgerError::Disk { .. } | LedgerError::Foreign { .. } | LedgerError::Log(_)) => None,
        Err(error) => return Err(error),
    };
    let is_signed = |root: &Hash| {
        let signed = checkpoint.as_ref().map(|checkpoint| checkpoint.root);
        signed.is_none_or(|signed| signed == *root)
    };
    let (tree, root) = match from_tiles.filter(|(_, root)| is_signed(root)) {
        Some(grown) => grown,
        // The tiles are damaged or missing. They are derived: the table's records say what they must be.
        None => grow(replant(shared, covered)?, shared, claimed)?,
    };
    match checkpoint {
        Some(checkpoint) if checkpoint.root != root => {
            let what = format!(
                "the records on disk do not give the root that was signed for the first {} of them; verify names the \
                 first bad one",
                checkpoint.size
            );
            Err(LedgerError::Tampered(Box::new(Finding {
                fault: Fault::RootMismatch,
                index: None,
                id: None,
                what,
            })))
        }
        _ => Ok(tree),
    }
}

fn check_sizes(claimed: u64, covered: u64, end: u64) -> Result<(), LedgerError> {
    let finding = |fault, index, what| {
        Err(LedgerError::Tampered(Box::new(Finding {
            fault,
            index,
            id: None,
            what,
        })))
    };
    if claimed > end {
        let what = format!("the checkpoint covers {claimed} records, but only {end} are here");
        return finding(Fault::Truncated, Some(end), what);
    }
    // Records go to the table only once a checkpoint covers them.
    if claimed < covered {
        let what = format!(
            "the table holds {covered} records, but the checkpoint covers only {claimed}: it is an old one or was removed"
        );
        return finding(Fault::RolledBack, Some(claimed), what);
    }
    Ok(())
}

/// Appends the buffer's digests and gives the root at size `at`, the checkpoint's. Its partial tiles are written again:
/// a power cut may have kept the checkpoint and torn them.
fn grow(mut tree: TreeWriter, shared: &Shared, at: u64) -> Result<(TreeWriter, Hash), LedgerError> {
    let mut root = tree.root();
    if tree.size() == at {
        tree.write_partials()?;
    }
    let buffer = shared.buffer();
    for index in buffer.first()..buffer.end() {
        let Some(entry) = buffer.get(index) else {
            break;
        };
        tree.push(entry.sealed.digest)?;
        if tree.size() == at {
            root = tree.root();
            tree.write_partials()?;
        }
    }
    Ok((tree, root))
}

/// The tree over the table's records, made from the records themselves; of erased ones from the entry bundles.
fn replant(shared: &Shared, covered: u64) -> Result<TreeWriter, LedgerError> {
    let mut tree = TreeWriter::new(Arc::clone(&shared.disk), covered);
    let mut outcome = Ok(());
    let scan = Scan {
        indexes: 0..covered,
        check_columns: false,
    };
    shared.table.scan(&scan, &mut |scanned| {
        outcome = scanned
            .row
            .record
            .digest()
            .map_err(LedgerError::from)
            .and_then(|digest| match digest {
                Some(digest) => tree.push(digest),
                None => tree.push(bundled_digest(
                    shared.disk.as_ref(),
                    scanned.row.index,
                    covered,
                )?),
            });
        if outcome.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    outcome?;
    if tree.size() == covered {
        Ok(tree)
    } else {
        Err(missing_records(tree.size(), covered))
    }
}

/// The digest that the log holds at `index`, from the bundle that a log of `size` entries has there.
pub(crate) fn bundled_digest(
    disk: &dyn Disk,
    index: u64,
    size: u64,
) -> Result<Digest, LedgerError> {
    let width = u64::from(TILE_WIDTH);
    let (tile, place) = (index / width, index % width);
    let entries = size.saturating_sub(tile * width).clamp(place + 1, width);
    let path = TilePath::entries(tile, entries as u16)?;
    let digests = tree::read_digests(disk, &path)?;
    let missing = || LedgerError::Foreign {
        what: format!("log: no entry at index {index}"),
    };
    digests.get(place as usize).copied().ok_or_else(missing)
}
