//! The write-ahead log: segments of fixed size, appended to by one writer, one sync for a whole commit group.
//!
//! A group is durable when [`Wal::append`] returns `Ok`. After any error the log is unusable: what reached the disk is
//! unknown, and only reading it again (recovery) can tell. Segments whose records are all in the table are removed.

use std::sync::Arc;

use causebook_record::Sealed;
use causebook_tlog::Hash;

use crate::disk::{self, Disk, DiskFile};
use crate::error::LedgerError;
use crate::segment::{self, End, Frame, FrameSeal, Header, HeaderFault};

pub(crate) const DIRECTORY: &str = "wal";

/// The open write-ahead log.
#[derive(Debug)]
pub(crate) struct Wal {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    epoch: u64,
    /// First index of every segment on disk, the active one last.
    segments: Vec<u64>,
    active: Option<Active>,
}

#[derive(Debug)]
struct Active {
    file: Box<dyn DiskFile>,
    path: String,
    end: u64,
}

impl Wal {
    /// A log that goes on after the `segments` found by recovery, the first append opening a new one: a segment that
    /// a crash may have torn is never written to again.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        segment_bytes: u64,
        epoch: u64,
        segments: Vec<u64>,
    ) -> Self {
        Self {
            disk,
            segment_bytes,
            epoch,
            segments,
            active: None,
        }
    }

    /// Writes a commit group of whole frames whose first record has `first_index`, and syncs it.
    ///
    /// `root_before` is asked for only when a new segment is begun.
    pub(crate) fn append(
        &mut self,
        group: &[u8],
        first_index: u64,
        root_before: impl FnOnce() -> Hash,
    ) -> Result<(), LedgerError> {
        let fits = self
            .active
            .as_ref()
            .is_some_and(|active| active.end + group.len() as u64 <= self.segment_bytes);
        if !fits {
            self.begin_segment(first_index, group.len() as u64, root_before())?;
        }
        let Some(active) = self.active.as_mut() else {
            return Ok(());
        };
        active
            .file
            .write_at(active.end, group)
            .map_err(LedgerError::disk("writing", &active.path))?;
        active
            .file
            .sync()
            .map_err(LedgerError::disk("syncing", &active.path))?;
        active.end += group.len() as u64;
        Ok(())
    }

    fn begin_segment(
        &mut self,
        first_index: u64,
        group_bytes: u64,
        root_before: Hash,
    ) -> Result<(), LedgerError> {
        self.seal()?;
        let path = path(first_index);
        let header = Header {
            shard: 0,
            epoch: self.epoch,
            first_index,
            root_before,
        };
        // A segment of this name can only be one whose creation was cut off before any record was acknowledged in it.
        self.disk
            .remove(&path)
            .map_err(LedgerError::disk("removing", &path))?;
        let file = self
            .disk
            .create(&path, false)
            .map_err(LedgerError::disk("creating", &path))?;
        let size = self
            .segment_bytes
            .max(segment::HEADER_BYTES as u64 + group_bytes);
        file.allocate(size)
            .map_err(LedgerError::disk("reserving space", &path))?;
        file.write_at(0, &header.encode())
            .map_err(LedgerError::disk("writing", &path))?;
        file.sync().map_err(LedgerError::disk("syncing", &path))?;
        self.disk
            .sync_dir(DIRECTORY)
            .map_err(LedgerError::disk("syncing", DIRECTORY))?;
        self.segments.push(first_index);
        self.active = Some(Active {
            file,
            path,
            end: segment::HEADER_BYTES as u64,
        });
        Ok(())
    }

    /// Ends the active segment at its last frame; the next append begins a new one.
    pub(crate) fn seal(&mut self) -> Result<(), LedgerError> {
        if let Some(active) = self.active.take() {
            active
                .file
                .set_len(active.end)
                .map_err(LedgerError::disk("truncating", &active.path))?;
            active
                .file
                .sync()
                .map_err(LedgerError::disk("syncing", &active.path))?;
        }
        Ok(())
    }

    /// Removes the segments that hold only records below `covered`. The active one stays, unless `all` asks to end
    /// it: it then goes once all of it is covered.
    pub(crate) fn trim(
        &mut self,
        covered: u64,
        next_index: u64,
        all: bool,
    ) -> Result<(), LedgerError> {
        if all {
            self.seal()?;
        }
        let kept_from = self.segments.iter().enumerate().position(|(position, _)| {
            let end = self
                .segments
                .get(position + 1)
                .copied()
                .unwrap_or(next_index);
            let is_active = position + 1 == self.segments.len() && self.active.is_some();
            is_active || end > covered
        });
        let kept_from = kept_from.unwrap_or(self.segments.len());
        if kept_from == 0 {
            return Ok(());
        }
        for first_index in self.segments.drain(..kept_from) {
            let path = path(first_index);
            self.disk
                .remove(&path)
                .map_err(LedgerError::disk("removing", &path))?;
        }
        self.disk
            .sync_dir(DIRECTORY)
            .map_err(LedgerError::disk("syncing", DIRECTORY))
    }
}

fn path(first_index: u64) -> String {
    format!("{DIRECTORY}/{first_index:020}.seg")
}

/// What the write-ahead log holds, as read from disk.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// First index of every segment with at least one record, in order.
    pub(crate) segments: Vec<u64>,
    /// Files of segments that were begun but hold no record.
    pub(crate) empty: Vec<String>,
    /// Highest epoch seen.
    pub(crate) epoch: u64,
    /// Index after the last whole frame; `None` if there is no frame.
    pub(crate) end: Option<u64>,
    /// The last segment with a record.
    tail: Option<Tail>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tail {
    path: String,
    /// Its bytes up to the end of its last whole frame.
    whole: Vec<u8>,
    /// What follows is the rest of a commit group that a crash cut off.
    torn: bool,
}

/// Reads all frames on disk in order, checking that they are dense from the first segment to the last. Only among those
/// that the table has, below `covered`, some may be missing: a power cut may have undone the removal of one segment and
/// kept that of a later one.
///
/// # Errors
/// [`LedgerError::DamagedLog`] if anything but the tail of the last segment is bad.
pub(crate) fn replay(
    disk: &dyn Disk,
    covered: u64,
    visit: &mut dyn FnMut(Frame<'_>),
) -> Result<Replay, LedgerError> {
    let mut replay = Replay::default();
    let names = segment_names(disk)?;
    for (position, name) in names.iter().enumerate() {
        let is_last = position + 1 == names.len();
        read_segment(disk, name, is_last, covered, &mut replay, visit)?;
    }
    Ok(replay)
}

fn segment_names(disk: &dyn Disk) -> Result<Vec<String>, LedgerError> {
    let names = disk
        .list(DIRECTORY)
        .map_err(LedgerError::disk("listing", DIRECTORY))?;
    Ok(names
        .into_iter()
        .filter(|name| name.ends_with(".seg"))
        .collect())
}

fn read_segment(
    disk: &dyn Disk,
    name: &str,
    is_last: bool,
    covered: u64,
    replay: &mut Replay,
    visit: &mut dyn FnMut(Frame<'_>),
) -> Result<(), LedgerError> {
    let path = format!("{DIRECTORY}/{name}");
    let damaged = |offset: usize, what: String| LedgerError::DamagedLog {
        segment: name.to_owned(),
        offset: offset as u64,
        what,
    };
    let bytes = disk
        .read(&path)
        .map_err(LedgerError::disk("reading", &path))?;
    let header = match Header::decode(&bytes) {
        Ok(header) => header,
        Err(HeaderFault::Newer(found)) => {
            return Err(LedgerError::NewerFormat {
                found,
                supported: segment::FORMAT,
            });
        }
        // The header is synced before the first group is written: without it nothing in the segment was acknowledged.
        Err(HeaderFault::NotASegment)
            if is_last
                && bytes
                    .iter()
                    .skip(segment::HEADER_BYTES)
                    .all(|byte| *byte == 0) =>
        {
            replay.empty.push(path);
            return Ok(());
        }
        Err(HeaderFault::NotASegment) => {
            return Err(damaged(0, "the segment header is not whole".to_owned()));
        }
    };
    if path != self::path(header.first_index) {
        return Err(damaged(
            0,
            format!(
                "the file name does not fit its first index {}",
                header.first_index
            ),
        ));
    }
    let is_after_removed = |end: u64| end < header.first_index && header.first_index <= covered;
    if replay
        .end
        .is_some_and(|end| end != header.first_index && !is_after_removed(end))
    {
        let end = replay.end.unwrap_or_default();
        return Err(damaged(
            0,
            format!(
                "it begins at index {} but index {end} is next",
                header.first_index
            ),
        ));
    }
    replay.epoch = replay.epoch.max(header.epoch);
    let (mut end, mut whole_bytes) = (header.first_index, segment::HEADER_BYTES);
    let outcome = segment::read_frames(&bytes, header.first_index, &mut |frame| {
        end = frame.index + 1;
        whole_bytes += frame.size;
        visit(frame);
    });
    match outcome {
        End::Clean => {}
        End::Torn { .. } if is_last => {}
        End::Torn { offset } | End::Damaged { offset } => {
            return Err(damaged(
                offset,
                format!("the frame of record {end} is bad, though later records were written"),
            ));
        }
    }
    if end == header.first_index {
        replay.empty.push(path);
    } else {
        replay.segments.push(header.first_index);
        replay.end = Some(end);
        let whole = bytes.get(..whole_bytes).unwrap_or_default().to_vec();
        replay.tail = Some(Tail {
            path,
            whole,
            torn: outcome != End::Clean,
        });
    }
    Ok(())
}

/// Makes the log fit to be gone on from: what was read from it is durable, and nothing else is in it.
///
/// Records below `signed` are durable, since a checkpoint covers them. Later ones may be in the last segment without
/// being so: their sync may have failed, and syncing again would not tell. They are written anew, to a new file.
///
/// # Errors
/// Whatever the disk reports.
pub(crate) fn tidy(disk: &dyn Disk, replay: &Replay, signed: u64) -> Result<(), LedgerError> {
    if let Some(tail) = &replay.tail
        && (tail.torn || replay.end.is_some_and(|end| end > signed))
    {
        disk::write_atomic(disk, &tail.path, &tail.whole, false)
            .map_err(LedgerError::disk("rewriting", &tail.path))?;
    }
    for path in &replay.empty {
        disk.remove(path)
            .map_err(LedgerError::disk("removing", path))?;
    }
    if !replay.empty.is_empty() {
        disk.sync_dir(DIRECTORY)
            .map_err(LedgerError::disk("syncing", DIRECTORY))?;
    }
    Ok(())
}

/// Groups as many frames as fit; the sequencer's buffer, reused from group to group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    bytes: Vec<u8>,
    first_index: u64,
    count: u64,
}

impl Group {
    pub(crate) fn begin(&mut self, first_index: u64) {
        self.bytes.clear();
        self.first_index = first_index;
        self.count = 0;
    }

    pub(crate) fn push(&mut self, sealed: &Sealed) -> FrameSeal {
        let index = self.next_index();
        self.count += 1;
        segment::push_frame(&mut self.bytes, index, self.first_index, sealed)
    }

    pub(crate) fn next_index(&self) -> u64 {
        self.first_index + self.count
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn first_index(&self) -> u64 {
        self.first_index
    }
}
