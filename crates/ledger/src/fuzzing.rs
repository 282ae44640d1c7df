//! The engine's private byte formats, as fuzzing and the conformance suite see them: bytes in, what was read out. Only
//! with the feature `fuzzing`, and no part of the crate's interface.

use std::sync::Arc;

use causebook_record::{Fields, Sealed};
use causebook_tlog::Hash;

use crate::disk::Disk;
use crate::error::LedgerError;
use crate::filter::Filter;
use crate::identity::{Identity, SigningKeys};
use crate::index::{DIRECTORY, Index, KeyKind, Keys, RunBuilder};
use crate::segment::{self, End, Header, HeaderFault};
use crate::sim::SimDisk;
use crate::wal;

/// The seed of every index here, which the checksum of a run's header covers.
pub const SEED: [u8; 16] = [5; 16];

/// A segment of epoch 1 that begins at `first_index`, with these commit groups, and zeros behind them.
pub fn segment(first_index: u64, groups: &[Vec<Sealed>], reserved: usize) -> Vec<u8> {
    let header = Header {
        shard: 0,
        epoch: 1,
        first_index,
        root_before: Hash([3; 32]),
    };
    let mut bytes = header.encode().to_vec();
    let mut index = first_index;
    for group in groups {
        let group_first = index;
        for sealed in group {
            segment::push_frame(&mut bytes, index, group_first, sealed);
            index += 1;
        }
    }
    bytes.resize(bytes.len() + reserved, 0);
    bytes
}

/// How a segment's frames ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentEnd {
    /// Right behind the last frame.
    Clean,
    /// In a write that nobody was told of.
    Torn,
    /// In a frame that was once whole.
    Damaged,
}

/// What was read from a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentRead {
    /// Index that its header says.
    pub first_index: u64,
    /// Index and content of every whole frame.
    pub frames: Vec<(u64, Sealed)>,
    /// How they ended.
    pub end: SegmentEnd,
}

/// Reads a segment; `None` if its header is not one.
pub fn read_segment(bytes: &[u8]) -> Option<SegmentRead> {
    let header = match Header::decode(bytes) {
        Ok(header) => header,
        Err(HeaderFault::NotASegment | HeaderFault::Newer(_)) => return None,
    };
    let mut frames = Vec::new();
    let end = segment::read_frames(bytes, header.first_index, &mut |frame| {
        let sealed = Sealed {
            text: frame.text.to_owned(),
            key: frame.key,
            digest: frame.digest,
        };
        frames.push((frame.index, sealed));
    });
    let end = match end {
        End::Clean => SegmentEnd::Clean,
        End::Torn { .. } => SegmentEnd::Torn,
        End::Damaged { .. } => SegmentEnd::Damaged,
    };
    Some(SegmentRead {
        first_index: header.first_index,
        frames,
        end,
    })
}

/// Indexes of the records that replaying these segment files (name and bytes) gives, in order.
///
/// # Errors
/// As opening a ledger over them.
pub fn replay(files: &[(String, Vec<u8>)]) -> Result<Vec<u64>, LedgerError> {
    let disk = SimDisk::new();
    disk.create_dir(wal::DIRECTORY)
        .map_err(LedgerError::disk("creating", wal::DIRECTORY))?;
    for (name, bytes) in files {
        let path = format!("{}/{name}", wal::DIRECTORY);
        disk.write(&path, bytes)
            .map_err(LedgerError::disk("writing", &path))?;
    }
    let mut indexes = Vec::new();
    wal::replay(&disk, 0, &mut |frame| indexes.push(frame.index))?;
    Ok(indexes)
}

/// The file of an index run over the positions from 0.
///
/// # Errors
/// None but of the simulated disk.
pub fn index_run(records: &[Fields]) -> Result<Vec<u8>, LedgerError> {
    let (disk, index) = index_on(&[], 0)?;
    let mut builder = RunBuilder::default();
    for (position, fields) in (0..).zip(records) {
        builder.add(position, &Keys::of(&index.seed(), fields));
    }
    let end = records.len() as u64;
    index.write_run(0..end, builder)?;
    let path = run_path(end);
    disk.read(&path)
        .map_err(LedgerError::disk("reading", &path))
}

/// Positions of an id and of a subject.
pub type Found = (Vec<u64>, Vec<u64>);

/// Where a run, taken for that of `0..end`, has an id and a subject; `None` if it is not a whole run.
///
/// # Errors
/// As looking something up in a ledger.
pub fn find_in_run(
    run: &[u8],
    end: u64,
    id: &str,
    subject: &str,
) -> Result<Option<Found>, LedgerError> {
    let (_, index) = index_on(run, end)?;
    if index.memory_bytes() == 0 {
        return Ok(None);
    }
    let seed = index.seed();
    let by_id = index.find_id(seed.key(KeyKind::Id, id))?;
    let by_subject = index.find(seed.key(KeyKind::Subject, subject))?;
    Ok(Some((by_id, by_subject)))
}

fn index_on(run: &[u8], end: u64) -> Result<(Arc<dyn Disk>, Index), LedgerError> {
    let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
    disk.create_dir(DIRECTORY)
        .map_err(LedgerError::disk("creating", DIRECTORY))?;
    let seed_path = format!("{DIRECTORY}/seed");
    for (path, bytes) in [(seed_path, SEED.as_slice()), (run_path(end), run)] {
        if !bytes.is_empty() {
            disk.write(&path, bytes)
                .map_err(LedgerError::disk("writing", &path))?;
        }
    }
    let (index, _) = Index::open(Arc::clone(&disk), u64::MAX, false)?;
    Ok((disk, index))
}

fn run_path(end: u64) -> String {
    format!("{DIRECTORY}/{:020}-{end:020}.run", 0)
}

/// The bytes of a filter over these hashes.
pub fn filter(hashes: &[u64]) -> Vec<u8> {
    let mut filter = Filter::with_capacity(hashes.len() as u64);
    for hash in hashes {
        filter.insert(*hash);
    }
    filter.bytes().to_vec()
}

/// Whether the key file of a ledger is read and is that of `identity`.
pub fn key_fits(key: &[u8], identity: &Identity) -> bool {
    let disk = SimDisk::new();
    disk.write("key", key).is_ok() && SigningKeys::load(&disk, identity).is_ok()
}
