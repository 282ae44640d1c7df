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

mod key;
mod run;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use run::{Entry, Merge, Run};

use crate::disk::{self, Disk};
use crate::error::LedgerError;
use crate::filter::Filter;

pub(crate) use key::{Key, KeyKind, Keys, Seed};
pub(crate) use run::RunBuilder;

pub(crate) const DIRECTORY: &str = "index";
const SEED_PATH: &str = "index/seed";
/// Runs of one size class are merged when there are this many.
const MERGE_WIDTH: usize = 8;

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
        let seed = load_seed(disk.as_ref())?;
        let names = disk
            .list(DIRECTORY)
            .map_err(LedgerError::disk("listing", DIRECTORY))?;
        let mut found = Vec::new();
        for name in names.iter().filter(|name| write && name.ends_with(".tmp")) {
            remove(disk.as_ref(), &format!("{DIRECTORY}/{name}"))?;
        }
        for name in names.iter().filter(|name| name.ends_with(".run")) {
            match seed.and_then(|seed| {
                Run::open(disk.as_ref(), seed, &format!("{DIRECTORY}/{name}"))
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
        // Runs are kept only under the seed they were made with: under a new one they would find nothing.
        let seed = match seed {
            Some(seed) => seed,
            None if write => create_seed(disk.as_ref())?,
            None => Seed([0; 16]),
        };
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
        for key in keys.iter() {
            self.unwritten.entry(key).or_default().push(position);
        }
    }

    fn find_unwritten(&self, key: Key) -> &[u64] {
        self.unwritten.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Bytes held in memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.runs.iter().map(|run| run.memory_bytes()).sum()
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
            self.seed,
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
        Run::write(&self.disk, self.seed, start..end, count, &filter, entries)
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
    let seed = Seed(crate::random::bytes(disk)?);
    disk.create_dir(DIRECTORY)
        .map_err(LedgerError::disk("creating", DIRECTORY))?;
    disk::write_atomic(disk, SEED_PATH, &seed.0, false)
        .map_err(LedgerError::disk("writing", SEED_PATH))?;
    Ok(seed)
}

fn remove(disk: &dyn Disk, path: &str) -> Result<(), LedgerError> {
    disk.remove(path)
        .map_err(LedgerError::disk("removing", path))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sim::SimDisk;

    fn keys(seed: &Seed, id: u64, subject: u64) -> Keys {
        Keys {
            id: Some(seed.key(KeyKind::Id, &id.to_string())),
            others: [
                None,
                Some(seed.key(KeyKind::Subject, &subject.to_string())),
                None,
            ],
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
    /// A run of 400 ids on a disk of its own: entries on two pages.
    fn run_of_400() -> (SimDisk, Seed) {
        let disk = SimDisk::new();
        let (index, _) = Index::open(Arc::new(disk.clone()), 0, true).unwrap();
        let mut builder = RunBuilder::default();
        for id in 0..400 {
            builder.add(id, &keys(&index.seed(), id, 0));
        }
        index.write_run(0..400, builder).unwrap();
        (disk, index.seed())
    }

    const RUN_PATH: &str = "index/00000000000000000000-00000000000000000400.run";

    #[test]
    fn a_damaged_first_hash_of_a_page_hides_no_id() {
        let (disk, seed) = run_of_400();
        let pages_at = disk.len(RUN_PATH).unwrap().unwrap() as usize - 3 * 4096;
        for page in 0..3 {
            let damaged = disk.copy();
            let flip = |bytes: &mut Vec<u8>| bytes[pages_at + page * 4096 + 4] ^= 0x40;
            damaged.tamper(RUN_PATH, flip).unwrap();
            let (_, whole_to) = Index::open(Arc::new(damaged), 400, false).unwrap();
            assert_eq!(whole_to, 0, "page {page}: the run is to be made again");
        }
        let (index, _) = Index::open(Arc::new(disk), 400, false).unwrap();
        assert_eq!(index.find_id(seed.key(KeyKind::Id, "7")).unwrap(), [7]);
    }

    #[test]
    fn a_header_that_announces_more_than_there_is_makes_no_run() {
        for (at, bytes) in [(40, u64::MAX), (40, u64::MAX / 32), (40, 0), (32, u64::MAX)] {
            let (disk, seed) = run_of_400();
            disk.tamper(RUN_PATH, |run| {
                run[at..at + 8].copy_from_slice(&bytes.to_le_bytes());
                let checksum = crc32c::crc32c_append(crc32c::crc32c(&run[..60]), &seed.0);
                run[60..64].copy_from_slice(&checksum.to_le_bytes());
            })
            .unwrap();
            let (index, whole_to) = Index::open(Arc::new(disk), 400, false).unwrap();
            assert_eq!((index.memory_bytes(), whole_to), (0, 0));
        }
    }
}
