//! Single records of many requests, gathered: whoever waits at one moment is committed together, with one sync.
//!
//! Two threads take turns, so that one gathers while the other waits for the disk.

use std::sync::{Arc, Mutex, PoisonError};

use causebook_ledger::{AppendError, Ledger, Receipt};
use causebook_record::Draft;
use tokio::sync::{mpsc, oneshot};

/// Threads that commit.
const THREADS: usize = 2;
/// Records that may wait to be gathered; beyond it, sending waits.
const QUEUE: usize = 4096;
/// Most records committed together.
const GROUP_MAX: usize = 1024;

pub(crate) type Answer = Result<Receipt, AppendError>;

struct Pending {
    draft: Draft,
    by: Arc<str>,
    answer: oneshot::Sender<Answer>,
}

/// Gathers single records for one ledger. Dropping it ends its threads when what they hold is answered.
#[derive(Debug)]
pub(crate) struct Appender {
    queue: mpsc::Sender<Pending>,
}

impl Appender {
    /// # Errors
    /// If a thread cannot be started.
    pub(crate) fn start(ledger: &Ledger) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..THREADS {
            let ledger = ledger.clone();
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name("causebook-appender".to_owned())
                .spawn(move || run(&ledger, &waiting))?;
        }
        Ok(Self { queue })
    }

    /// Appends a record as written by `by`. Durable when it gives a receipt.
    pub(crate) async fn append(&self, draft: Draft, by: Arc<str>) -> Answer {
        let stopped = || AppendError::Failed {
            cause: "the ledger is closed".to_owned(),
        };
        let (answer, receipt) = oneshot::channel();
        let pending = Pending { draft, by, answer };
        if self.queue.send(pending).await.is_err() {
            return Err(stopped());
        }
        receipt.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn run(ledger: &Ledger, waiting: &Mutex<mpsc::Receiver<Pending>>) {
    while let Some(group) = gather(waiting) {
        commit(ledger, group);
    }
}

/// Whoever waits; nothing when the appender is gone.
fn gather(waiting: &Mutex<mpsc::Receiver<Pending>>) -> Option<Vec<Pending>> {
    let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
    let mut group = vec![waiting.blocking_recv()?];
    while group.len() < GROUP_MAX {
        match waiting.try_recv() {
            Ok(pending) => group.push(pending),
            Err(_) => break,
        }
    }
    Some(group)
}

/// Commits a group, writer by writer: the ledger notes who wrote for a batch.
fn commit(ledger: &Ledger, mut group: Vec<Pending>) {
    while let Some(first) = group.first() {
        let by = Arc::clone(&first.by);
        let (same, others): (Vec<Pending>, Vec<Pending>) =
            group.into_iter().partition(|pending| pending.by == by);
        group = others;
        let (drafts, answers): (Vec<Draft>, Vec<oneshot::Sender<Answer>>) = same
            .into_iter()
            .map(|pending| (pending.draft, pending.answer))
            .unzip();
        let results = ledger.append_batch(drafts, &by, VIA);
        for (result, answer) in results.into_iter().zip(answers) {
            // Whoever asked may have gone away; the record is recorded all the same.
            let _ = answer.send(result);
        }
    }
}

/// How records come here, as it stands in `recorded.via`.
pub(crate) const VIA: &str = "http";
