//! The publisher: one thread that turns acknowledged digests into tiles and, at most every checkpoint interval, into a
//! signed checkpoint.
//!
//! A checkpoint is written only after every tile it needs is synced, and only over leaves that the sequencer has synced. It is
//! never signed for a time before that of the last one: if the clock stepped back, publishing waits until it has
//! caught up.

use std::sync::Arc;
use std::time::Duration;

use causebook_record::Digest;
use causebook_tlog::{Checkpoint, sign_checkpoint};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::disk;
use crate::error::LedgerError;
use crate::identity::SigningKeys;
use crate::shared::{Shared, SignedCheckpoint};
use crate::tree::{self, TreeWriter};

/// What the publisher is told or asked.
#[derive(Debug)]
pub(crate) enum Publication {
    /// Records made durable, in order.
    Leaves {
        first_index: u64,
        digests: Vec<Digest>,
    },
    /// Make all tiles durable, the table being about to hold the records below `covered`, and answer.
    Sync {
        covered: u64,
        reply: Sender<Result<(), LedgerError>>,
    },
    Stop,
}

/// The one writer of tiles and checkpoints.
#[derive(Debug)]
pub(crate) struct Publisher {
    shared: Arc<Shared>,
    keys: SigningKeys,
    tree: TreeWriter,
    interval: Duration,
    /// Size of the last checkpoint.
    published: u64,
    published_at: Duration,
    /// Unix seconds of the last checkpoint.
    signed_time: u64,
}

impl Publisher {
    pub(crate) fn new(
        shared: Arc<Shared>,
        keys: SigningKeys,
        tree: TreeWriter,
        interval: Duration,
    ) -> Self {
        let last = shared.head().checkpoint;
        let published = last.as_ref().map_or(0, |last| last.checkpoint.size);
        let signed_time = last.and_then(|last| last.time).unwrap_or(0);
        // The first checkpoint is due at once.
        let published_at = shared.clock.monotonic().saturating_sub(interval);
        Self {
            shared,
            keys,
            tree,
            interval,
            published,
            published_at,
            signed_time,
        }
    }

    /// Serves until asked to stop; then everything received is under a checkpoint, unless something failed.
    pub(crate) fn run(mut self, work: &Receiver<Publication>) {
        loop {
            let next = match self.due_in() {
                None => work.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => work.recv_timeout(wait),
            };
            let outcome = match next {
                Ok(Publication::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(publication) => self.take(publication),
                Err(RecvTimeoutError::Timeout) => self.publish_if_due(),
            };
            if let Err(error) = outcome {
                self.shared.poison(&error);
                return;
            }
        }
        self.end();
    }

    /// Does what it is told, and publishes if that is due.
    pub(crate) fn take(&mut self, publication: Publication) -> Result<(), LedgerError> {
        match publication {
            Publication::Leaves {
                first_index,
                digests,
            } => self.integrate(first_index, digests)?,
            Publication::Sync { covered, reply } => {
                let synced = self.tree.sync(covered);
                // What a failed sync has lost no later one tells: the tiles must be written anew, by recovery.
                if let Err(error) = &synced {
                    self.shared.poison(error);
                }
                // The asker may have gone; what is synced is synced.
                let _ = reply.send(synced);
                self.shared.check_sound()?;
            }
            Publication::Stop => {}
        }
        self.publish_if_due()
    }

    /// Publishes what was received, unless the engine has failed.
    pub(crate) fn end(&mut self) {
        if self.shared.check_sound().is_ok()
            && let Err(error) = self.publish()
        {
            self.shared.poison(&error);
        }
    }

    /// Time until the next checkpoint is due; `None` if there is nothing to publish.
    fn due_in(&self) -> Option<Duration> {
        let since = self
            .shared
            .clock
            .monotonic()
            .saturating_sub(self.published_at);
        (self.tree.size() > self.published).then(|| self.interval.saturating_sub(since))
    }

    fn integrate(&mut self, first_index: u64, digests: Vec<Digest>) -> Result<(), LedgerError> {
        debug_assert_eq!(first_index, self.tree.size());
        digests
            .into_iter()
            .try_for_each(|digest| self.tree.push(digest))
    }

    pub(crate) fn publish_if_due(&mut self) -> Result<(), LedgerError> {
        if self.due_in().is_some_and(|wait| wait.is_zero()) {
            self.publish()
        } else {
            Ok(())
        }
    }

    /// Signs and publishes a checkpoint of the present size, unless there is one or the clock is behind the last.
    fn publish(&mut self) -> Result<(), LedgerError> {
        self.published_at = self.shared.clock.monotonic();
        let now = u64::try_from(self.shared.clock.now().as_second()).unwrap_or(0);
        if self.tree.size() == self.published || now < self.signed_time {
            return Ok(());
        }
        let origin = self.shared.identity.origin.clone();
        let checkpoint = Checkpoint {
            origin,
            size: self.tree.size(),
            root: self.tree.root(),
        };
        self.tree.write_partials()?;
        self.tree.sync_written()?;
        let note = sign_checkpoint(&checkpoint, &[&self.keys.log, &self.keys.cosigner], now)?;
        disk::write_atomic(
            self.shared.disk.as_ref(),
            tree::CHECKPOINT_PATH,
            note.as_bytes(),
            false,
        )
        .map_err(LedgerError::disk("publishing", tree::CHECKPOINT_PATH))?;
        self.published = checkpoint.size;
        self.signed_time = now;
        let signed = SignedCheckpoint {
            note,
            checkpoint,
            time: Some(now),
        };
        self.shared.move_head(|head| head.checkpoint = Some(signed));
        Ok(())
    }
}
