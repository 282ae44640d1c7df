//! The index: from an id, subject, reference or trace id to positions in the log, for all time and in bounded memory.
//!
//! Sorted runs, each covering a range of positions, written when those rows go to the table and merged by size. A run
//! holds one 13-byte entry per key (a keyed 64-bit hash and a 40-bit position) in 4 KiB pages with a checksum each,
//! and a split-block Bloom filter (Parquet's, 16 bits a key, about 0.1 % false positives) over its ids. In memory stay the
//! filters (2 bytes an id) and the first hash of every page (0.026 bytes an entry): a new id is known to be new
//! without touching the disk, a known one costs one page read.
//!
//! A hit is a candidate: the caller compares the record itself, so a collision costs time, never correctness. The
//! index is derived and never the only copy of anything: what is missing or damaged is made again from the table.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};

use crate::disk::{self, Disk, DiskFile};
use crate::error::LedgerError;
use crate::filter::Filter;

pub(crate) const DIRECTORY: &str = "index";
const SEED_PATH: &str = "index/seed";
const MAGIC: &[u8; 8] = b"CBKIDX\r\n";
const FORMAT: u32 = 1;
const HEADER_BYTES: usize = 64;
const PAGE_BYTES: usize = 4096;
const ENTRY_BYTES: usize = 13;
const CHECKSUM_BYTES: usize = 4;
const ENTRIES_PER_PAGE: usize = (PAGE_BYTES - CHECKSUM_BYTES) / ENTRY_BYTES;
/// Runs of one size class are merged when there are this many.
const MERGE_WIDTH: usize = 8;
/// Positions fit in 40 bits: a trillion records a ledger.
const POSITION_MAX: u64 = (1 << 40) - 1;

/// What a key is about. The tag keeps an id from being found as a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Id,
    RefersTo,
    Subject,
    Trace,
}

/// A keyed hash of a kind and a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(pub(crate) u64);

/// The secret that keys the hashes, so that nobody can prepare colliding ids.
#[derive(Clone, Copy)]
pub(crate) struct Seed([u8; 16]);

impl std::fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Seed(..)")
    }
}

impl Seed {
    pub(crate) fn key(&self, kind: KeyKind, value: &str) -> Key {
        let tag = match kind {
            KeyKind::Id => 0,
            KeyKind::RefersTo => 1,
            KeyKind::Subject => 2,
            KeyKind::Trace => 3,
        };
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update([tag])
            .chain_update(value)
            .finalize();
        let mut first = [0; 8];
        first.copy_from_slice(hash.get(..8).unwrap_or(&[0; 8]));
        Key(u64::from_be_bytes(first))
    }
}

/// The keys of one record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) id: Option<Key>,
    pub(crate) others: Vec<Key>,
}

impl Keys {
    pub(crate) fn of(seed: &Seed, fields: &causebook_record::Fields) -> Self {
        let key =
            |kind, value: &Option<String>| value.as_deref().map(|value| seed.key(kind, value));
        let others = [
            key(KeyKind::RefersTo, &fields.refers_to),
            key(KeyKind::Subject, &fields.subject),
            key(KeyKind::Trace, &fields.trace_id),
        ];
        Self {
            id: key(KeyKind::Id, &fields.id),
            others: others.into_iter().flatten().collect(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    key: Key,
    position: u64,
}

/// Collects the entries of one run.
#[derive(Debug, Default)]
pub(crate) struct RunBuilder {
    entries: Vec<Entry>,
    ids: Vec<Key>,
}

impl RunBuilder {
    pub(crate) fn add(&mut self, position: u64, keys: &Keys) {
        debug_assert!(position <= POSITION_MAX);
        self.ids.extend(keys.id);
        self.entries
            .extend(keys.id.iter().chain(&keys.others).map(|key| Entry {
                key: *key,
                position,
            }));
    }
}

/// All runs of a ledger. A clone shares the runs: changes are made on a clone, which then takes the place of the
/// original, so that nobody waits for the disk to look something up.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    disk: Arc<dyn Disk>,
    seed: Seed,
    runs: Vec<Arc<Run>>,
    /// Keys of records that no run covers yet: only where runs cannot be written.
    unwritten: HashMap<Key, Vec<u64>>,
}

#[derive(Debug)]
pub(crate) struct Run {
    path: String,
    file: Box<dyn DiskFile>,
    range: Range<u64>,
    entries: u64,
    pages_at: u64,
    filter: Filter,
    /// First hash of every page.
    fences: Vec<Key>,
}

impl Index {
    /// Opens the runs that cover `0..covered` from the start without a gap; the rest is removed if `write`. Gives the
    /// position up to which the index is whole: what follows must be added again from the table.
    ///
    /// # Errors
    /// Whatever the disk reports; a damaged run is not an error but counts as missing.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        covered: u64,
        write: bool,
    ) -> Result<(Self, u64), LedgerError> {
        let seed = match load_seed(disk.as_ref())? {
            Some(seed) => Some(seed),
            None if write => Some(create_seed(disk.as_ref())?),
            None => None,
        };
        let names = disk
            .list(DIRECTORY)
            .map_err(LedgerError::disk("listing", DIRECTORY))?;
        let mut found = Vec::new();
        for name in names.iter().filter(|name| write && name.ends_with(".tmp")) {
            remove(disk.as_ref(), &format!("{DIRECTORY}/{name}"))?;
        }
        for name in names.iter().filter(|name| name.ends_with(".run")) {
            match seed.and_then(|_| {
                Run::open(disk.as_ref(), &format!("{DIRECTORY}/{name}"))
                    .ok()
                    .flatten()
            }) {
                Some(run) => found.push(Arc::new(run)),
                None if write => remove(disk.as_ref(), &format!("{DIRECTORY}/{name}"))?,
                None => {}
            }
        }
        // Of runs that begin alike the longest wins: a merged run replaces those it was made of.
        found.sort_by_key(|run| (run.range.start, std::cmp::Reverse(run.range.end)));
        let mut whole_to = 0;
        let mut runs = Vec::new();
        for run in found {
            if run.range.start == whole_to && run.range.end <= covered {
                whole_to = run.range.end;
                runs.push(run);
            } else if write {
                remove(disk.as_ref(), &run.path)?;
            }
        }
        let seed = seed.unwrap_or(Seed([0; 16]));
        Ok((
            Self {
                disk,
                seed,
                runs,
                unwritten: HashMap::new(),
            },
            whole_to,
        ))
    }

    pub(crate) fn seed(&self) -> Seed {
        self.seed
    }

    /// Position up to which records are in the runs.
    fn covered(&self) -> u64 {
        self.runs.last().map_or(0, |run| run.range.end)
    }

    /// Adds the keys of a record in memory alone.
    pub(crate) fn add_unwritten(&mut self, position: u64, keys: &Keys) {
        for key in keys.id.iter().chain(&keys.others) {
            self.unwritten.entry(*key).or_default().push(position);
        }
    }

    fn find_unwritten(&self, key: Key) -> &[u64] {
        self.unwritten.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Bytes held in memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.runs
            .iter()
            .map(|run| run.filter.bytes().len() as u64 + 8 * run.fences.len() as u64)
            .sum()
    }

    /// Whether an id may be in the index; `false` is certain.
    pub(crate) fn may_have_id(&self, key: Key) -> bool {
        self.runs.iter().any(|run| run.filter.may_contain(key.0))
            || self.unwritten.contains_key(&key)
    }

    /// Candidate positions of an id.
    pub(crate) fn find_id(&self, key: Key) -> Result<Vec<u64>, LedgerError> {
        let mut positions = self.find_unwritten(key).to_vec();
        for run in self.runs.iter().filter(|run| run.filter.may_contain(key.0)) {
            run.find(key, &mut positions)?;
        }
        Ok(positions)
    }

    /// Candidate positions of a subject, reference or trace, ascending.
    pub(crate) fn find(&self, key: Key) -> Result<Vec<u64>, LedgerError> {
        let mut positions = self.find_unwritten(key).to_vec();
        for run in &self.runs {
            run.find(key, &mut positions)?;
        }
        positions.sort_unstable();
        positions.dedup();
        Ok(positions)
    }

    /// Writes the run of `range`, durably. It counts once it is [pushed](Self::push).
    ///
    /// # Errors
    /// Whatever the disk reports.
    pub(crate) fn write_run(
        &self,
        range: Range<u64>,
        builder: RunBuilder,
    ) -> Result<Run, LedgerError> {
        let RunBuilder { mut entries, ids } = builder;
        entries.sort_unstable();
        let mut filter = Filter::with_capacity(ids.len() as u64);
        for id in ids {
            filter.insert(id.0);
        }
        let count = entries.len() as u64;
        Run::write(
            &self.disk,
            range,
            count,
            &filter,
            entries.into_iter().map(Ok),
        )
    }

    /// Takes a run that goes on where the last one ends.
    pub(crate) fn push(&mut self, run: Run) {
        debug_assert_eq!(run.range.start, self.covered());
        self.runs.push(Arc::new(run));
    }

    /// The newest neighbouring runs of one size class (none holds `MERGE_WIDTH` times another), if there are enough.
    pub(crate) fn mergeable(&self) -> Option<Vec<Arc<Run>>> {
        let alike = |runs: &&[Arc<Run>]| {
            let sizes = runs.iter().map(|run| run.entries.max(1));
            let (smallest, largest) = sizes.fold((u64::MAX, 0), |(low, high), size| {
                (low.min(size), high.max(size))
            });
            largest < smallest.saturating_mul(MERGE_WIDTH as u64)
        };
        self.runs
            .windows(MERGE_WIDTH)
            .rev()
            .find(alike)
            .map(<[Arc<Run>]>::to_vec)
    }

    /// Writes one run in place of neighbouring ones, durably. It counts once it [replaces](Self::replace) them.
    ///
    /// # Errors
    /// Whatever the disk reports, and [`LedgerError::Poisoned`] once `cancel` is set.
    pub(crate) fn merge(
        &self,
        parts: &[Arc<Run>],
        cancel: &AtomicBool,
    ) -> Result<Run, LedgerError> {
        self.rewrite(parts, &|_| true, cancel)
    }

    /// Puts a run in the place of those it was made of and removes their files.
    ///
    /// # Errors
    /// Whatever the disk reports.
    pub(crate) fn replace(&mut self, old: &[Arc<Run>], new: Run) -> Result<(), LedgerError> {
        let first = old
            .first()
            .and_then(|first| self.runs.iter().position(|run| Arc::ptr_eq(run, first)));
        let Some(first) = first else { return Ok(()) };
        let kept = new.path.clone();
        self.runs.splice(first..first + old.len(), [Arc::new(new)]);
        for run in old.iter().filter(|run| run.path != kept) {
            remove(self.disk.as_ref(), &run.path)?;
        }
        Ok(())
    }

    /// Writes anew, without the entries that `keep` refuses, every run that reaches into `range`: what is erased from
    /// the table must not remain as a hash that could be guessed. Each counts once it replaces the run before it.
    ///
    /// # Errors
    /// Whatever the disk reports.
    pub(crate) fn without(
        &self,
        range: Range<u64>,
        keep: &dyn Fn(Key, u64) -> bool,
    ) -> Result<Vec<(Arc<Run>, Run)>, LedgerError> {
        let reaches = |run: &&Arc<Run>| run.range.start < range.end && range.start < run.range.end;
        let never = AtomicBool::new(false);
        let rewritten = self.runs.iter().filter(reaches).map(|run| {
            let parts = std::slice::from_ref(run);
            let new = self.rewrite(parts, &|entry| keep(entry.key, entry.position), &never)?;
            Ok((Arc::clone(run), new))
        });
        rewritten.collect()
    }

    /// One run from neighbouring runs. The filter is made from the ids, which are known as the entries that the parts'
    /// filters hold: a key that is no id but passes by chance only adds to the false positives.
    fn rewrite(
        &self,
        parts: &[Arc<Run>],
        keep: &dyn Fn(&Entry) -> bool,
        cancel: &AtomicBool,
    ) -> Result<Run, LedgerError> {
        let start = parts.first().map_or(0, |run| run.range.start);
        let end = parts.last().map_or(0, |run| run.range.end);
        let mut filter = Filter::with_capacity(parts.iter().map(|run| run.filter.inserted()).sum());
        let mut count = 0;
        let kept = |parts| {
            let entries = Merge::new(parts)?.take_while(|_| !cancel.load(Ordering::Relaxed));
            Ok::<_, LedgerError>(entries.filter(|entry| entry.as_ref().map_or(true, keep)))
        };
        for entry in kept(parts)? {
            let entry = entry?;
            count += 1;
            let is_id = |run: &Arc<Run>| {
                run.range.contains(&entry.position) && run.filter.may_contain(entry.key.0)
            };
            if parts.iter().any(is_id) {
                filter.insert(entry.key.0);
            }
        }
        let entries = kept(parts)?;
        if cancel.load(Ordering::Relaxed) {
            return Err(LedgerError::Poisoned {
                cause: "the ledger is closing".to_owned(),
            });
        }
        Run::write(&self.disk, start..end, count, &filter, entries)
    }
}

fn load_seed(disk: &dyn Disk) -> Result<Option<Seed>, LedgerError> {
    let len = disk
        .len(SEED_PATH)
        .map_err(LedgerError::disk("reading", SEED_PATH))?;
    if len.is_none() {
        return Ok(None);
    }
    let bytes = disk
        .read(SEED_PATH)
        .map_err(LedgerError::disk("reading", SEED_PATH))?;
    Ok(bytes.try_into().ok().map(Seed))
}

fn create_seed(disk: &dyn Disk) -> Result<Seed, LedgerError> {
    let seed = Seed(crate::random::bytes()?);
    disk.create_dir(DIRECTORY)
        .map_err(LedgerError::disk("creating", DIRECTORY))?;
    disk::write_atomic(disk, SEED_PATH, &seed.0, true)
        .map_err(LedgerError::disk("writing", SEED_PATH))?;
    Ok(seed)
}

fn remove(disk: &dyn Disk, path: &str) -> Result<(), LedgerError> {
    disk.remove(path)
        .map_err(LedgerError::disk("removing", path))
}

impl Run {
    fn write(
        disk: &Arc<dyn Disk>,
        range: Range<u64>,
        count: u64,
        filter: &Filter,
        entries: impl Iterator<Item = Result<Entry, LedgerError>>,
    ) -> Result<Self, LedgerError> {
        let path = format!("{DIRECTORY}/{:020}-{:020}.run", range.start, range.end);
        let temporary = format!("{path}.tmp");
        remove(disk.as_ref(), &temporary)?;
        let file = disk
            .create(&temporary, false)
            .map_err(LedgerError::disk("creating", &temporary))?;
        let write = |offset, bytes: &[u8]| {
            file.write_at(offset, bytes)
                .map_err(LedgerError::disk("writing", &temporary))
        };
        let pages_at = (HEADER_BYTES + filter.bytes().len()).next_multiple_of(PAGE_BYTES) as u64;
        let mut head = encode_header(&range, count, filter).to_vec();
        head.extend_from_slice(filter.bytes());
        head.resize(pages_at as usize, 0);
        write(0, &head)?;
        let mut fences = Vec::new();
        let mut offset = pages_at;
        let mut written = 0;
        let mut page = PageBuilder::default();
        for entry in entries {
            let entry = entry?;
            written += 1;
            if page.is_full() {
                fences.push(page.first());
                write(offset, &page.finish())?;
                offset += PAGE_BYTES as u64;
            }
            page.push(entry);
        }
        if !page.is_empty() {
            fences.push(page.first());
            write(offset, &page.finish())?;
        }
        if written != count {
            return Err(LedgerError::Poisoned {
                cause: "the writing of an index run was cut off".to_owned(),
            });
        }
        file.sync()
            .map_err(LedgerError::disk("syncing", &temporary))?;
        disk.rename(&temporary, &path)
            .map_err(LedgerError::disk("renaming", &temporary))?;
        disk.sync_dir(DIRECTORY)
            .map_err(LedgerError::disk("syncing", DIRECTORY))?;
        Ok(Self {
            path,
            file,
            range,
            entries: count,
            pages_at,
            filter: filter.clone(),
            fences,
        })
    }

    /// `None` if the file is not a whole run.
    fn open(disk: &dyn Disk, path: &str) -> Result<Option<Self>, LedgerError> {
        let file = disk
            .open(path, false)
            .map_err(LedgerError::disk("opening", path))?;
        let mut header = [0; HEADER_BYTES];
        if file.read_at(0, &mut header).is_err() {
            return Ok(None);
        }
        let Some((range, entries, filter_blocks, inserted, filter_checksum)) =
            decode_header(&header)
        else {
            return Ok(None);
        };
        let len = disk
            .len(path)
            .map_err(LedgerError::disk("reading", path))?
            .unwrap_or(0);
        let filter_bytes = filter_blocks.saturating_mul(crate::filter::BLOCK_BYTES as u64);
        let pages_at = (HEADER_BYTES as u64)
            .saturating_add(filter_bytes)
            .next_multiple_of(PAGE_BYTES as u64);
        let pages = entries.div_ceil(ENTRIES_PER_PAGE as u64);
        if pages_at.checked_add(pages.saturating_mul(PAGE_BYTES as u64)) != Some(len) {
            return Ok(None);
        }
        let mut filter = vec![0; filter_bytes as usize];
        file.read_at(HEADER_BYTES as u64, &mut filter)
            .map_err(LedgerError::disk("reading", path))?;
        if crc32c::crc32c(&filter) != filter_checksum {
            return Ok(None);
        }
        let mut fences = Vec::with_capacity(pages as usize);
        for page in 0..pages {
            let mut first = [0; 8];
            let at = pages_at + page * PAGE_BYTES as u64 + CHECKSUM_BYTES as u64;
            file.read_at(at, &mut first)
                .map_err(LedgerError::disk("reading", path))?;
            fences.push(Key(u64::from_be_bytes(first)));
        }
        let filter = Filter::from_bytes(filter, inserted);
        Ok(Some(Self {
            path: path.to_owned(),
            file,
            range,
            entries,
            pages_at,
            filter,
            fences,
        }))
    }

    fn page(&self, number: usize) -> Result<Vec<Entry>, LedgerError> {
        let mut bytes = [0; PAGE_BYTES];
        let at = self.pages_at + (number * PAGE_BYTES) as u64;
        self.file
            .read_at(at, &mut bytes)
            .map_err(LedgerError::disk("reading", &self.path))?;
        let (checksum, body) = bytes.split_at(CHECKSUM_BYTES);
        if checksum != crc32c::crc32c(body).to_le_bytes() {
            let source =
                std::io::Error::new(std::io::ErrorKind::InvalidData, "an index page is damaged");
            return Err(LedgerError::Disk {
                doing: "reading",
                path: self.path.clone(),
                source,
            });
        }
        let in_page = self
            .entries
            .saturating_sub((number * ENTRIES_PER_PAGE) as u64)
            .min(ENTRIES_PER_PAGE as u64);
        Ok(body
            .chunks_exact(ENTRY_BYTES)
            .take(in_page as usize)
            .filter_map(decode_entry)
            .collect())
    }

    fn find(&self, key: Key, positions: &mut Vec<u64>) -> Result<(), LedgerError> {
        // The key may begin on the last page whose first hash is below it.
        let first_page = self
            .fences
            .partition_point(|fence| *fence < key)
            .saturating_sub(1);
        for number in first_page..self.fences.len() {
            if self.fences.get(number).is_some_and(|fence| *fence > key) {
                break;
            }
            let entries = self.page(number)?;
            let from = entries.partition_point(|entry| entry.key < key);
            positions.extend(
                entries
                    .iter()
                    .skip(from)
                    .take_while(|entry| entry.key == key)
                    .map(|entry| entry.position),
            );
        }
        Ok(())
    }
}

fn encode_header(range: &Range<u64>, entries: u64, filter: &Filter) -> [u8; HEADER_BYTES] {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&crc32c::crc32c(filter.bytes()).to_le_bytes());
    for number in [
        range.start,
        range.end,
        entries,
        filter.blocks(),
        filter.inserted(),
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.resize(HEADER_BYTES - CHECKSUM_BYTES, 0);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    let mut header = [0; HEADER_BYTES];
    header.copy_from_slice(&bytes);
    header
}

/// Range, entries, filter blocks, ids in the filter, checksum of the filter.
fn decode_header(bytes: &[u8; HEADER_BYTES]) -> Option<(Range<u64>, u64, u64, u64, u32)> {
    let (covered, checksum) = bytes.split_at(HEADER_BYTES - CHECKSUM_BYTES);
    if !covered.starts_with(MAGIC) || checksum != crc32c::crc32c(covered).to_le_bytes() {
        return None;
    }
    let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let u64_at = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    if u32_at(8)? != FORMAT {
        return None;
    }
    Some((
        u64_at(16)?..u64_at(24)?,
        u64_at(32)?,
        u64_at(40)?,
        u64_at(48)?,
        u32_at(12)?,
    ))
}

fn decode_entry(bytes: &[u8]) -> Option<Entry> {
    let (key, low) = bytes.split_at_checked(8)?;
    let mut position = [0; 8];
    position.get_mut(3..)?.copy_from_slice(low);
    Some(Entry {
        key: Key(u64::from_be_bytes(key.try_into().ok()?)),
        position: u64::from_be_bytes(position),
    })
}

#[derive(Debug, Default)]
struct PageBuilder {
    entries: Vec<Entry>,
}

impl PageBuilder {
    fn is_full(&self) -> bool {
        self.entries.len() == ENTRIES_PER_PAGE
    }

    fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn first(&self) -> Key {
        self.entries.first().map_or(Key(0), |entry| entry.key)
    }

    fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; CHECKSUM_BYTES];
        for entry in self.entries.drain(..) {
            bytes.extend_from_slice(&entry.key.0.to_be_bytes());
            bytes.extend(entry.position.to_be_bytes().iter().skip(3));
        }
        bytes.resize(PAGE_BYTES, 0);
        let checksum =
            crc32c::crc32c(bytes.get(CHECKSUM_BYTES..).unwrap_or_default()).to_le_bytes();
        if let Some(place) = bytes.get_mut(..CHECKSUM_BYTES) {
            place.copy_from_slice(&checksum);
        }
        bytes
    }
}

/// Entries of several runs in one order. Memory: one page a run.
struct Merge<'a> {
    cursors: Vec<Cursor<'a>>,
}

struct Cursor<'a> {
    run: &'a Run,
    next_page: usize,
    page: std::vec::IntoIter<Entry>,
    head: Option<Entry>,
}

impl<'a> Merge<'a> {
    fn new(runs: &'a [Arc<Run>]) -> Result<Self, LedgerError> {
        let mut cursors = Vec::new();
        for run in runs {
            let mut cursor = Cursor {
                run,
                next_page: 0,
                page: Vec::new().into_iter(),
                head: None,
            };
            cursor.advance()?;
            cursors.push(cursor);
        }
        Ok(Self { cursors })
    }
}

impl Cursor<'_> {
    fn advance(&mut self) -> Result<(), LedgerError> {
        self.head = self.page.next();
        if self.head.is_none() && self.next_page < self.run.fences.len() {
            self.page = self.run.page(self.next_page)?.into_iter();
            self.next_page += 1;
            self.head = self.page.next();
        }
        Ok(())
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<Entry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let least = self
            .cursors
            .iter_mut()
            .filter(|cursor| cursor.head.is_some())
            .min_by_key(|cursor| cursor.head)?;
        let entry = least.head?;
        Some(least.advance().map(|()| entry))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::SimDisk;

    fn keys(seed: &Seed, id: u64, subject: u64) -> Keys {
        Keys {
            id: Some(seed.key(KeyKind::Id, &id.to_string())),
            others: vec![seed.key(KeyKind::Subject, &subject.to_string())],
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_index_finds_what_a_map_finds(runs in prop::collection::vec(prop::collection::vec(0_u64..40, 0..600), 1..24)) {
            let disk: Arc<dyn Disk> = Arc::new(SimDisk::new());
            let (mut index, _) = Index::open(Arc::clone(&disk), 0, true).unwrap();
            let seed = index.seed();
            let mut subjects: HashMap<u64, Vec<u64>> = HashMap::new();
            let mut position = 0;
            for run in &runs {
                let from = position;
                let mut builder = RunBuilder::default();
                for subject in run {
                    builder.add(position, &keys(&seed, position, *subject));
                    subjects.entry(*subject).or_default().push(position);
                    position += 1;
                }
                let run = index.write_run(from..position, builder).unwrap();
                index.push(run);
                while let Some(parts) = index.mergeable() {
                    let merged = index.merge(&parts, &AtomicBool::new(false)).unwrap();
                    index.replace(&parts, merged).unwrap();
                }
            }
            let (reopened, whole_to) = Index::open(disk, position, false).unwrap();
            prop_assert_eq!(whole_to, position);
            for index in [&index, &reopened] {
                for (subject, positions) in &subjects {
                    let key = seed.key(KeyKind::Subject, &subject.to_string());
                    prop_assert_eq!(&index.find(key).unwrap(), positions);
                }
                for id in (0..position).step_by(17) {
                    let key = seed.key(KeyKind::Id, &id.to_string());
                    prop_assert!(index.may_have_id(key));
                    prop_assert_eq!(index.find_id(key).unwrap(), vec![id]);
                }
            }
        }
    }
}
