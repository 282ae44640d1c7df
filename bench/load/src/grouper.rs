//! A writer thread that gathers callers: what an application would put before a system that syncs for every caller alone.
//! It gives such systems the group commit that others have built in.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::Failure;
use crate::store::{Entry, Store};

/// Most records gathered for one sync.
const GATHERED_MAX: usize = 1000;

type Answer = Result<(), String>;
type Waiting<'a> = (Entry<'a>, SyncSender<Answer>);

/// A handle by which callers hand in their records.
#[derive(Clone, Debug)]
pub(crate) struct Grouper<'a>(Sender<Waiting<'a>>);

impl<'a> Grouper<'a> {
    /// Appends a record with others that wait. Durable when it returns.
    pub(crate) fn append(&self, entry: Entry<'a>) -> Result<(), Failure> {
        let (answer, answered) = sync_channel(1);
        self.0
            .send((entry, answer))
            .map_err(|_| "the writer thread has ended")?;
        Ok(answered.recv()??)
    }
}

/// Runs `callers` before a writer thread of `store`.
pub(crate) fn gathered<'a, T>(
    store: &dyn Store,
    callers: impl FnOnce(&Grouper<'a>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    thread::scope(|scope| {
        let (sender, receiver) = channel();
        scope.spawn(move || serve(store, &receiver));
        // The writer ends when the last handle is gone.
        callers(&Grouper(sender))
    })
}

fn serve(store: &dyn Store, waiting: &Receiver<Waiting<'_>>) {
    while let Ok(first) = waiting.recv() {
        let more = waiting.try_iter().take(GATHERED_MAX - 1);
        let (entries, answers): (Vec<_>, Vec<_>) = std::iter::once(first).chain(more).unzip();
        let outcome = store
            .append_batch(&entries)
            .map_err(|error| error.to_string());
        for answer in answers {
            // A caller that no longer waits has lost its answer only.
            let _ = answer.send(outcome.clone());
        }
    }
}
