//! Puts answers together: looks up what is recorded, runs the registered model, asks the history.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use causebook_ledger::{LedgerError, Reader, Row};
use causebook_record::Kind;
use causebook_why::page::Audience;
use causebook_why::{Replay, Why};

use crate::answer::Answer;
use crate::catalogue::Version;
use crate::kept::Kept;
use crate::loaded::Loaded;
use crate::replay::Replayed;
use crate::{ExplainError, cache};

/// What is asked of a decision, beside why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whom the answer is for.
    pub audience: Audience,
    /// Compare with decisions of all versions of the model.
    pub all_versions: bool,
}

/// The cache is written when so many records had to be read: fewer are read in a few milliseconds.
const CACHED_FROM: u64 = 5_000;

/// Answers about one ledger. What it keeps between answers follows from the records; it may be shared by threads.
#[derive(Debug)]
pub struct Explainer {
    pub(crate) reader: Reader,
    pub(crate) kept: RwLock<Kept>,
    pub(crate) loaded: Mutex<Loaded>,
    /// Folder for the cache; none keeps everything in memory.
    cache: Option<PathBuf>,
}

impl Explainer {
    /// Over a ledger. Nothing is read before the first answer. `cache` is the ledger's folder [`causebook_ledger::CACHE`];
    /// one that cannot be written to only costs time.
    pub fn new(reader: Reader, cache: Option<PathBuf>) -> Self {
        Self {
            reader,
            kept: RwLock::default(),
            loaded: Mutex::default(),
            cache,
        }
    }

    /// Why a decision came out as it did.
    ///
    /// # Errors
    /// [`ExplainError::NoDecision`], [`ExplainError::Erased`], or what reading the ledger fails with. What is only missing for
    /// a part of the answer is said in that part.
    pub fn why(&self, id: &str, ask: Ask) -> Result<Why, ExplainError> {
        let row = self.decision(id)?;
        let kept = self.caught_up()?;
        Answer::new(self, &kept, &row)?.why(ask)
    }

    /// Runs a decision again.
    ///
    /// # Errors
    /// As [`why`](Self::why).
    pub fn replay(&self, id: &str) -> Result<Replay, ExplainError> {
        let row = self.decision(id)?;
        let kept = self.caught_up()?;
        Ok(Answer::new(self, &kept, &row)?.replay())
    }

    /// Runs many decisions again, on all processors; `tell` is told how many are done.
    ///
    /// # Errors
    /// What reading the ledger fails with. Positions that hold no decision, or an erased one, are passed over.
    pub fn replay_all(
        &self,
        positions: &[u64],
        tell: &(dyn Fn(u64) + Sync),
    ) -> Result<Replayed, ExplainError> {
        let kept = self.caught_up()?;
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let next = AtomicUsize::new(0);
        let done = AtomicU64::new(0);
        let work = || -> Result<Replayed, ExplainError> {
            let mut replayed = Replayed::default();
            while let Some(position) = positions.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Some(row) = self.reader.get(*position)? {
                    self.replay_into(&kept, &row, &mut replayed)?;
                }
                tell(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
            Ok(replayed)
        };
        let parts: Vec<_> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            running
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect()
        });
        let mut all = Replayed::default();
        for part in parts {
            // A thread ends early only by a fault of this program.
            let part = part.map_err(|_| LedgerError::Poisoned {
                cause: "a replay did not come to its end".to_owned(),
            })?;
            all.merge(part?);
        }
        Ok(all)
    }

    /// The versions of models that are registered or that decisions name.
    ///
    /// # Errors
    /// What reading the ledger fails with.
    pub fn versions(&self) -> Result<Vec<Version>, ExplainError> {
        Ok(self.caught_up()?.catalogue.versions())
    }

    fn replay_into(
        &self,
        kept: &Kept,
        row: &Row,
        replayed: &mut Replayed,
    ) -> Result<(), ExplainError> {
        let fields = row.record.fields();
        if fields.kind != Some(Kind::Decision) || row.record.text().is_none() {
            return Ok(());
        }
        let answer = Answer::new(self, kept, row)?;
        replayed.take(&fields.id.unwrap_or_default(), &answer.replay());
        Ok(())
    }

    fn decision(&self, id: &str) -> Result<Row, ExplainError> {
        let row = self
            .reader
            .find_exact(id)?
            .ok_or_else(|| LedgerError::NotFound { id: id.to_owned() })?;
        if row.record.text().is_none() {
            return Err(ExplainError::Erased { id: id.to_owned() });
        }
        let kind = row.record.fields().kind;
        if kind == Some(Kind::Decision) {
            return Ok(row);
        }
        Err(ExplainError::NoDecision {
            id: id.to_owned(),
            kind: kind.map_or("unknown", |kind| kind.as_str()).to_owned(),
        })
    }

    /// What is kept, with the records of this moment.
    fn caught_up(&self) -> Result<RwLockReadGuard<'_, Kept>, ExplainError> {
        let size = self.reader.size();
        {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            if kept.seen == size {
                return Ok(kept);
            }
        }
        {
            let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
            self.catch_up(&mut kept)?;
        }
        Ok(self.kept.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn catch_up(&self, kept: &mut Kept) -> Result<(), ExplainError> {
        let origin = &self.reader.identity().origin;
        let cache = self.cache.as_deref();
        if kept.seen == 0
            && let Some(cached) = cache.and_then(|folder| cache::read(folder, origin))
        {
            *kept = cached;
        }
        let erasures = kept.erasures;
        let came = kept.catch_up(&self.reader)?;
        let Some(folder) = cache else { return Ok(()) };
        if erasures != kept.erasures {
            cache::remove(folder);
        }
        if came >= CACHED_FROM {
            // Without it the next answer takes longer, and is the same.
            let _ = cache::write(folder, origin, kept);
        }
        Ok(())
    }

    pub(crate) fn loaded(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a model was loaded as, or why it was not.
pub(crate) type LoadedModel = Result<Arc<causebook_model::Model>, String>;
