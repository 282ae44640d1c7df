//! One run of the index: a file of sorted entries in checksummed pages, with a filter over its ids. The layout is in
//! `docs/storage.md`.

use std::ops::Range;
use std::sync::Arc;

use super::key::{Key, Keys, Seed};
use super::{DIRECTORY, remove};
use crate::disk::{Disk, DiskFile};
use crate::error::LedgerError;
use crate::filter::{self, Filter};

const MAGIC: &[u8; 8] = b"CBKIDX\r\n";
const FORMAT: u32 = 1;
const HEADER_BYTES: usize = 64;
const PAGE_BYTES: usize = 4096;
const ENTRY_BYTES: usize = 13;
const CHECKSUM_BYTES: usize = 4;
const ENTRIES_PER_PAGE: usize = (PAGE_BYTES - CHECKSUM_BYTES) / ENTRY_BYTES;
/// Pages read at once when a run is opened: 1 MiB.
const PAGES_AT_ONCE: u64 = 256;
/// Positions fit in 40 bits: a trillion records a ledger.
const POSITION_MAX: u64 = (1 << 40) - 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) key: Key,
    pub(super) position: u64,
}

/// Collects the entries of one run.
#[derive(Debug, Default)]
pub(crate) struct RunBuilder {
    pub(super) entries: Vec<Entry>,
    pub(super) ids: Vec<Key>,
}

impl RunBuilder {
    pub(crate) fn add(&mut self, position: u64, keys: &Keys) {
        debug_assert!(position <= POSITION_MAX);
        self.ids.extend(keys.id);
        self.entries
            .extend(keys.iter().map(|key| Entry { key, position }));
    }
}

#[derive(Debug)]
pub(crate) struct Run {
    pub(super) path: String,
    file: Box<dyn DiskFile>,
    pub(super) range: Range<u64>,
    pub(super) entries: u64,
    pages_at: u64,
    pub(super) filter: Filter,
    /// First hash of every page.
    fences: Vec<Key>,
}

impl Run {
    pub(super) fn write(
        disk: &Arc<dyn Disk>,
        seed: Seed,
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
        let mut head = encode_header(seed, &range, count, filter).to_vec();
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

    /// `None` if the file is not a whole run of this seed. Every page is checked: the first hashes of pages lead every
    /// search, and one that is wrong would hide entries.
    pub(super) fn open(
        disk: &dyn Disk,
        seed: Seed,
        path: &str,
    ) -> Result<Option<Self>, LedgerError> {
        let file = disk
            .open(path, false)
            .map_err(LedgerError::disk("opening", path))?;
        let mut header = [0; HEADER_BYTES];
        if file.read_at(0, &mut header).is_err() {
            return Ok(None);
        }
        let Some((range, entries, filter_blocks, inserted, filter_checksum)) =
            decode_header(seed, &header)
        else {
            return Ok(None);
        };
        let len = disk
            .len(path)
            .map_err(LedgerError::disk("reading", path))?
            .unwrap_or(0);
        // What the header says is believed only as far as the file is as long as it follows from it: the header's own
        // checksum keeps accidents out, not forgeries.
        let pages = entries.div_ceil(ENTRIES_PER_PAGE as u64);
        let filter_bytes = filter_blocks.saturating_mul(filter::BLOCK_BYTES as u64);
        let places = (HEADER_BYTES as u64)
            .checked_add(filter_bytes)
            .and_then(|end| end.checked_next_multiple_of(PAGE_BYTES as u64))
            .and_then(|at| Some((at, at.checked_add(pages.checked_mul(PAGE_BYTES as u64)?)?)));
        let Some((pages_at, _)) = places.filter(|(_, end)| *end == len && filter_blocks > 0) else {
            return Ok(None);
        };
        let mut filter = vec![0; filter_bytes as usize];
        file.read_at(HEADER_BYTES as u64, &mut filter)
            .map_err(LedgerError::disk("reading", path))?;
        if crc32c::crc32c(&filter) != filter_checksum {
            return Ok(None);
        }
        let Some(fences) = read_fences(file.as_ref(), pages_at, pages)
            .map_err(LedgerError::disk("reading", path))?
        else {
            return Ok(None);
        };
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

    /// Bytes held in memory.
    pub(super) fn memory_bytes(&self) -> u64 {
        self.filter.bytes().len() as u64 + 8 * self.fences.len() as u64
    }

    fn page(&self, number: usize) -> Result<Vec<Entry>, LedgerError> {
        let mut bytes = [0; PAGE_BYTES];
        let at = self.pages_at + (number * PAGE_BYTES) as u64;
        self.file
            .read_at(at, &mut bytes)
            .map_err(LedgerError::disk("reading", &self.path))?;
        let body = checked_page(&bytes).ok_or_else(|| LedgerError::Disk {
            doing: "reading",
            path: self.path.clone(),
            source: std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                "an index page is damaged",
            ),
        })?;
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

    pub(super) fn find(&self, key: Key, positions: &mut Vec<u64>) -> Result<(), LedgerError> {
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

/// A page behind its checksum, if that is right.
fn checked_page(bytes: &[u8; PAGE_BYTES]) -> Option<&[u8]> {
    let (checksum, body) = bytes.split_at(CHECKSUM_BYTES);
    (checksum == crc32c::crc32c(body).to_le_bytes()).then_some(body)
}

/// Of the header's bytes, then of the seed: under another seed the entries would be found by nobody.
fn header_checksum(seed: Seed, covered: &[u8]) -> [u8; CHECKSUM_BYTES] {
    crc32c::crc32c_append(crc32c::crc32c(covered), &seed.0).to_le_bytes()
}

/// The first hash of every page, or `None` if a page is damaged. Reads many pages at a time: there may be millions.
fn read_fences(
    file: &dyn DiskFile,
    pages_at: u64,
    pages: u64,
) -> std::io::Result<Option<Vec<Key>>> {
    let mut fences = Vec::with_capacity(pages as usize);
    let mut bytes = Vec::new();
    while (fences.len() as u64) < pages {
        let read = fences.len() as u64;
        let count = (pages - read).min(PAGES_AT_ONCE);
        bytes.resize(count as usize * PAGE_BYTES, 0);
        file.read_at(pages_at + read * PAGE_BYTES as u64, &mut bytes)?;
        for page in bytes.as_chunks().0 {
            let first = checked_page(page).and_then(|body| decode_entry(body.get(..ENTRY_BYTES)?));
            match first {
                Some(first) => fences.push(first.key),
                None => return Ok(None),
            }
        }
    }
    Ok(Some(fences))
}

fn encode_header(
    seed: Seed,
    range: &Range<u64>,
    entries: u64,
    filter: &Filter,
) -> [u8; HEADER_BYTES] {
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
    bytes.extend_from_slice(&header_checksum(seed, &bytes));
    let mut header = [0; HEADER_BYTES];
    header.copy_from_slice(&bytes);
    header
}

/// Range, entries, filter blocks, ids in the filter, checksum of the filter.
fn decode_header(
    seed: Seed,
    bytes: &[u8; HEADER_BYTES],
) -> Option<(Range<u64>, u64, u64, u64, u32)> {
    let (covered, checksum) = bytes.split_at(HEADER_BYTES - CHECKSUM_BYTES);
    if !covered.starts_with(MAGIC) || checksum != header_checksum(seed, covered) {
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
pub(super) struct Merge<'a> {
    cursors: Vec<Cursor<'a>>,
}

struct Cursor<'a> {
    run: &'a Run,
    next_page: usize,
    page: std::vec::IntoIter<Entry>,
    head: Option<Entry>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(runs: &'a [Arc<Run>]) -> Result<Self, LedgerError> {
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
