//! What clients, operators and other processes do, and what the engine does of itself, one act at a time.

use std::io::Cursor;
use std::sync::Arc;

use causebook_ledger::sim::{Step, SteppedLedger};
use causebook_ledger::{Erasure, LedgerError};
use causebook_record::Pointer;

use crate::model::Erased;
use crate::plan::Crash;
use crate::records::Spec;
use crate::violation::{Harm, Violation};
use crate::world::{Sent, World};

impl World {
    /// One act of somebody, at the top: nobody is in the middle of anything.
    pub(crate) fn act(&self, ledger: &Arc<SteppedLedger>) {
        match self.below(40) {
            0..=13 => self.submit(ledger),
            14..=20 => self.sequence(ledger),
            21..=25 => self.publish(ledger),
            26..=29 => self.flush(ledger),
            30 => self.merge(ledger),
            31 => self.step_clock(),
            32 => self.read_beside(),
            33 => self.read_live(ledger),
            34 => self.try_second_writer(),
            35 => self.put_blob(ledger),
            36 | 37 => self.erase(ledger),
            38 => self.move_all(ledger),
            _ => self.look_up_live(ledger),
        }
        self.collect();
    }

    /// Somebody acts in the middle of what somebody else does.
    pub(crate) fn meddle(&self) {
        let act = self.below(14);
        if act == 0 || act == 1 {
            return self.read_beside();
        }
        let Some(ledger) = self.ledger() else {
            return;
        };
        self.state().totals.interleaved += 1;
        match act {
            2..=4 => self.sequence(&ledger),
            5 | 6 => self.publish(&ledger),
            7 | 8 => self.flush(&ledger),
            9 => self.merge(&ledger),
            10 if ledger.is_free() => self.read_live(&ledger),
            11 => self.try_second_writer(),
            _ if ledger.is_free() => self.submit(&ledger),
            _ => {}
        }
        self.collect();
    }

    fn submit(&self, ledger: &SteppedLedger) {
        let (count, all_or_nothing) = match self.below(20) {
            0..=9 => (1, false),
            10..=14 => (2 + self.below(6), false),
            15..=18 => (2 + self.below(5), true),
            _ if self.one_in(6) => (100 + self.below(150), false),
            _ => (12, false),
        };
        let specs: Vec<Spec> = (0..count).map(|_| self.spec(count > 50)).collect();
        let drafts = specs.iter().map(Spec::draft).collect::<Result<Vec<_>, _>>();
        let drafts = match drafts {
            Ok(drafts) => drafts,
            Err(error) => {
                let what = format!("the simulation sent a bad record: {error}");
                return self.violate(Violation::new(Harm::Broken, what));
            }
        };
        self.note(|| format!("submit {count}, all or nothing: {all_or_nothing}"));
        {
            let mut state = self.state();
            for spec in &specs {
                state.model.send(spec);
                if spec.id.is_some() {
                    state.history.push(spec.clone());
                }
            }
        }
        let ticket = ledger.submit(drafts, "simulation", "sim", all_or_nothing);
        self.state().sent.push(Sent {
            specs,
            ticket,
            all_or_nothing,
        });
    }

    /// A new record, or one sent before, with the same content or with another.
    fn spec(&self, is_small: bool) -> Spec {
        let mut state = self.state();
        let old = match state.history.len() {
            0 => None,
            len => {
                let place = state.random.below(len as u64) as usize;
                state.history.get(place).cloned()
            }
        };
        match (state.random.below(10), old) {
            (0, Some(old)) => old,
            (1, Some(old)) => Spec::random(&mut state.random, old.id, old.refers_to),
            (kind, old) => {
                let id = (kind > 3).then(|| format!("id-{:08x}", state.random.next_u64() as u32));
                let refers_to = old
                    .and_then(|old| old.id)
                    .filter(|_| state.random.one_in(4));
                let mut spec = Spec::random(&mut state.random, id, refers_to);
                if is_small {
                    spec.filling = 0;
                }
                spec
            }
        }
    }

    fn sequence(&self, ledger: &SteppedLedger) {
        let submissions = 1 + self.below(4) as usize;
        let step = self.step_sequencer(ledger, submissions);
        self.note(|| format!("sequencer: {step:?}"));
    }

    fn publish(&self, ledger: &SteppedLedger) {
        let step = ledger.step_publisher();
        self.note(|| format!("publisher: {step:?}"));
    }

    fn flush(&self, ledger: &SteppedLedger) {
        let now = self.one_in(2);
        let step = ledger.step_flusher(now);
        self.note(|| format!("flusher: {step:?}"));
    }

    fn merge(&self, ledger: &SteppedLedger) {
        let step = ledger.step_merger();
        self.state().totals.merges += u64::from(step == Step::Done);
        self.note(|| format!("merger: {step:?}"));
    }

    /// An operator asks for everything to be moved to the table.
    fn move_all(&self, ledger: &SteppedLedger) {
        let all_segments = self.one_in(2);
        for _ in 0..30 {
            if ledger.step_publisher() == Step::WouldWait {
                break;
            }
        }
        match ledger.flush(all_segments) {
            None => self.note(|| "flush: would wait".to_owned()),
            Some(Ok(())) => self.note(|| "flush: done".to_owned()),
            Some(Err(error)) => self.excuse_engine(ledger, "flush", &error),
        }
    }

    fn step_clock(&self) {
        let seconds = match self.below(4) {
            0 => -(self.below(100) as i64),
            1 => self.below(10_000) as i64,
            _ => self.below(20) as i64,
        };
        self.clock.step(seconds);
        self.note(|| format!("clock: {seconds} s"));
    }

    fn put_blob(&self, ledger: &SteppedLedger) {
        let content = {
            let mut state = self.state();
            let mut content = vec![0; state.random.below(3_000) as usize];
            state.random.fill(&mut content);
            content
        };
        match ledger.put_blob(&mut Cursor::new(&content)) {
            // Told only if the process lived to tell.
            Ok(blob) => {
                let mut state = self.state();
                if !state.is_crashed {
                    state.model.blobs.push((blob.digest, content));
                }
            }
            Err(error) => self.excuse("storing an attachment", &error),
        }
    }

    fn erase(&self, ledger: &SteppedLedger) {
        let id = {
            let mut state = self.state();
            let end = state.model.end();
            let index = state.random.below(end.max(1));
            let known = state.model.log.get(&index);
            known
                .filter(|known| known.spec().is_some())
                .map(|known| known.id.clone())
        };
        let Some(id) = id else { return };
        let (what, erased) = if self.one_in(2) {
            (Erasure::Payload, Erased::Payload)
        } else {
            let secret: Vec<Pointer> = "/input/secret".parse().into_iter().collect();
            (Erasure::Facts(secret), Erased::Secret)
        };
        self.note(|| format!("erase {erased:?} of {id}"));
        {
            let mut state = self.state();
            state.model.begin_erasure(&id, erased);
            state.model.send_act(&id);
        }
        let outcome = ledger.erase(&id, &what, "asked for", "officer");
        self.collect();
        match outcome {
            Ok(report) => {
                let mut state = self.state();
                if state.is_crashed {
                    return;
                }
                state.totals.erasures += 1;
                let mut taken = state.model.take_erasure(&id, erased, &report.receipt);
                // Other values of the payload may be other records' own.
                let is_everywhere = erased == Erased::Payload;
                if taken.is_ok() && !is_everywhere && !report.found_in_files.is_empty() {
                    let what = format!("{id} was erased, but is in {:?}", report.found_in_files);
                    taken = Err(Violation::new(Harm::Broken, what));
                }
                drop(state);
                self.hold(taken);
                self.check_erased();
            }
            Err(error) => {
                // What was erased before cannot be erased again; a clock that went back keeps the checkpoint waiting.
                let ordinary = matches!(
                    error,
                    LedgerError::Record(_)
                        | LedgerError::Unfit { .. }
                        | LedgerError::Timeout { .. }
                );
                self.note(|| format!("erase: {error}"));
                if !ordinary {
                    self.excuse_engine(ledger, "erasing", &error);
                }
                self.absorb_acts(ledger);
            }
        }
    }

    /// Rows that came to be without anybody being told: acts of erasures that failed later.
    fn absorb_acts(&self, ledger: &SteppedLedger) {
        self.collect();
        let reader = ledger.reader();
        let end = reader.size();
        let missing: Vec<u64> = {
            let state = self.state();
            (0..end)
                .filter(|index| !state.model.log.contains_key(index))
                .collect()
        };
        for index in missing {
            if let Ok(Some(row)) = self.as_other(|| reader.get(index)) {
                let taken = self.state().model.take_row(&row);
                self.hold(taken);
            }
        }
    }

    /// Another process tries to write the same ledger.
    fn try_second_writer(&self) {
        if self.ledger().is_none() {
            return;
        }
        let options = self.state().options.clone();
        let opened = self.as_other(|| {
            SteppedLedger::open(
                Arc::new(self.disk()),
                Arc::clone(&self.clock) as _,
                Arc::new(self.table()),
                options,
            )
        });
        match opened {
            Err(LedgerError::Locked { .. }) => {}
            Err(error) => self.excuse_other("opening a second time", &error),
            Ok(_) => self.violate(Violation::new(
                Harm::Broken,
                "a second writer was let in".to_owned(),
            )),
        }
    }

    /// An error of the engine is explained by faults, now or before.
    fn excuse_engine(&self, ledger: &SteppedLedger, doing: &str, error: &LedgerError) {
        if ledger.poison().is_none() {
            self.excuse(doing, error);
        }
    }

    /// How a process ends that nothing has ended before.
    pub(crate) fn end_life(&self, ledger: &SteppedLedger) {
        match self.below(4) {
            0 => self.crash(Crash::PowerCut),
            1 => self.crash(Crash::Kill),
            _ => {
                let closed = ledger.close();
                self.collect();
                match closed {
                    Ok(()) => self.note(|| "closed".to_owned()),
                    Err(LedgerError::Timeout { .. }) => {
                        self.note(|| "closed without a checkpoint".to_owned());
                    }
                    Err(error) => self.excuse("closing", &error),
                }
                // What was written but not synced may go at any time.
                if self.goes_on() {
                    let crash = if self.one_in(2) {
                        Crash::PowerCut
                    } else {
                        Crash::Kill
                    };
                    self.crash(crash);
                }
            }
        }
    }
}
