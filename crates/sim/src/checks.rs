//! What must hold, whoever looks: beside the writer, through the writer, and after every recovery.

use std::ops::ControlFlow;
use std::sync::Arc;

use causebook_evidence::{Evidence, Trust, check};
use causebook_ledger::sim::SteppedLedger;
use causebook_ledger::{Depth, LedgerError, Reader, RememberedHead, Row, VerifyRequest};
use causebook_record::{Pointer, Selection};
use causebook_tlog::{Frontier, Hash, hash_leaf};

use crate::model::{Erased, Seen, What};
use crate::records::{SUBJECTS, Spec, TRACES};
use crate::violation::{Harm, Violation};
use crate::world::World;

/// Steps after which a checkpoint that is still not there never comes.
const STEPS_MAX: usize = 3_000;

impl World {
    /// Another process reads and verifies the ledger, whatever the writer is in the middle of.
    pub(crate) fn read_beside(&self) {
        {
            let mut state = self.state();
            if state.readings_left == 0 || state.is_crashed {
                return;
            }
            state.readings_left -= 1;
        }
        self.note(|| "another process reads".to_owned());
        self.as_other(|| {
            let end = self.acknowledged_end();
            let remembered = self.state().remembered.clone();
            match Reader::open(Arc::new(self.disk()), Arc::new(self.table())) {
                Err(error) => self.excuse_other("opening beside the writer", &error),
                Ok(reader) => {
                    self.check_rows_beside(&reader, end);
                    self.check_verification(&reader, remembered.as_ref(), "beside the writer");
                    self.remember(&reader);
                }
            }
        });
        self.note(|| "it has read".to_owned());
    }

    /// A reader of the writer's own process.
    pub(crate) fn read_live(&self, ledger: &SteppedLedger) {
        {
            let mut state = self.state();
            if state.readings_left == 0 {
                return;
            }
            state.readings_left -= 1;
        }
        self.note(|| "a reader of the writer's reads".to_owned());
        self.as_other(|| {
            let end = self.acknowledged_end();
            let reader = ledger.reader();
            self.check_rows_beside(&reader, end);
            self.check_verification(&reader, None, "in the writer");
        });
    }

    /// Indexes below this are certainly acknowledged, all of them.
    fn acknowledged_end(&self) -> u64 {
        let state = self.state();
        let end = state.model.end();
        (0..end)
            .find(|index| !state.model.log.contains_key(index))
            .unwrap_or(end)
    }

    fn remember(&self, reader: &Reader) {
        let Some(signed) = reader.checkpoint() else {
            return;
        };
        let mut state = self.state();
        let known = state.remembered.as_ref().map_or(0, |head| head.size);
        if state.is_crashed || signed.checkpoint.size < known {
            return;
        }
        state.remembered = Some(RememberedHead {
            keys: state.keys.clone(),
            size: signed.checkpoint.size,
            root: signed.checkpoint.root,
            note: signed.note,
        });
    }

    /// Every row that the reader shows, in order and without a gap, is what was promised, and none is missing.
    fn check_rows_beside(&self, reader: &Reader, end: u64) {
        match self.rows(reader) {
            Err(error) => self.excuse_other("reading", &error),
            Ok(rows) => {
                let state = self.state();
                let mut held = Ok(());
                for row in &rows {
                    held = held.and_then(|()| state.model.check_row(row));
                }
                drop(state);
                self.hold(held);
                if (rows.len() as u64) < end {
                    let what = format!("a reader sees {} of {end} records", rows.len());
                    self.violate(Violation::new(Harm::Lost, what));
                }
            }
        }
    }

    fn rows(&self, reader: &Reader) -> Result<Vec<Row>, LedgerError> {
        let mut rows: Vec<Row> = Vec::new();
        reader.scan(0..u64::MAX, &mut |row| {
            rows.push(row);
            ControlFlow::Continue(())
        })?;
        let dense = rows.iter().zip(0..).all(|(row, index)| row.index == index);
        if !dense {
            let indexes: Vec<u64> = rows.iter().map(|row| row.index).collect();
            let what = format!("indexes are not dense: {indexes:?}");
            self.violate(Violation::new(Harm::Doubled, what));
        }
        Ok(rows)
    }

    fn check_verification(&self, reader: &Reader, remembered: Option<&RememberedHead>, who: &str) {
        let request = VerifyRequest {
            depth: Depth::Full,
            remembered,
            threads: 1,
        };
        self.verify(reader, &request, who);
    }

    fn verify(&self, reader: &Reader, request: &VerifyRequest<'_>, who: &str) {
        self.state().totals.verifications += 1;
        match reader.verify(request, &mut |_, _| {}) {
            Err(error) => self.excuse_other(&format!("verifying {who}"), &error),
            Ok(report) if report.is_intact() => {}
            Ok(report) => {
                let findings: Vec<String> =
                    report.findings.iter().map(ToString::to_string).collect();
                let what = format!("verification {who}: {}", findings.join("; "));
                self.violate(Violation::alarm(what));
            }
        }
    }

    /// Everything that can be found by a key is found.
    pub(crate) fn look_up_live(&self, ledger: &SteppedLedger) {
        if !self.is_excused() {
            self.as_other(|| self.check_look_ups(&ledger.reader(), 4));
        }
    }

    /// After a recovery: every record is what it was, and what nothing was known of was sent.
    pub(crate) fn check_recovered(&self, reader: &Reader) {
        match self.as_other(|| self.rows(reader)) {
            Err(error) => self.excuse("reading after recovery", &error),
            Ok(rows) => {
                let mut state = self.state();
                let mut held = Ok(());
                for row in &rows {
                    held = held.and_then(|()| state.model.take_row(row));
                }
                let end = state.model.end();
                drop(state);
                self.hold(held);
                if self.goes_on() && rows.len() as u64 != end {
                    let what = format!("{} of {end} records are there", rows.len());
                    self.violate(Violation::new(Harm::Lost, what));
                }
            }
        }
    }

    /// Everything, while nobody else acts and nothing fails.
    pub(crate) fn check_all(&self, ledger: &SteppedLedger) {
        let meddling = std::mem::take(&mut self.state().meddling);
        self.note(|| "everything is checked".to_owned());
        let reader = ledger.reader();
        self.check_recovered(&reader);
        if self.goes_on() {
            self.check_published(ledger);
        }
        if self.goes_on() {
            self.check_checkpoints(&reader);
            self.check_look_ups(&reader, u64::MAX);
            self.check_evidence(&reader);
            self.check_blobs(&reader);
            self.check_erased();
        }
        self.state().meddling = meddling;
    }

    /// Once the clock is right, everything comes under a checkpoint.
    fn check_published(&self, ledger: &SteppedLedger) {
        self.clock.step(1_000_000);
        let end = ledger.reader().size();
        for _ in 0..STEPS_MAX {
            let signed = ledger.reader().checkpoint();
            if signed.map_or(0, |signed| signed.checkpoint.size) >= end {
                return;
            }
            ledger.step_publisher();
        }
        let what = format!("no checkpoint covers {end} records: {:?}", ledger.poison());
        self.violate(Violation::new(Harm::Broken, what));
    }

    /// Whatever was ever signed is a beginning of what is there, and proofs from the tiles show it.
    fn check_checkpoints(&self, reader: &Reader) {
        let (seen, digests, keys) = {
            let state = self.state();
            let digests: Vec<_> = state.model.log.values().map(|known| known.digest).collect();
            (state.model.checkpoints.clone(), digests, state.keys.clone())
        };
        let mut frontier = Frontier::new();
        let mut roots: Vec<Hash> = vec![frontier.root()];
        for digest in digests {
            frontier.push(hash_leaf(&digest.0));
            roots.push(frontier.root());
        }
        for Seen { size, root, .. } in &seen {
            if roots.get(*size as usize) != Some(root) {
                let what = format!("the checkpoint of {size} is not of this log");
                self.violate(Violation::new(Harm::Lost, what));
            }
        }
        self.check_verification(reader, None, "after recovery");
        let picked: Vec<&Seen> = {
            let mut state = self.state();
            let few = seen.len() as u64 / 4 + 1;
            let last = seen.len().saturating_sub(1);
            let places = seen.iter().enumerate();
            places
                .filter(|(place, _)| *place == last || state.random.one_in(few))
                .map(|(_, seen)| seen)
                .collect()
        };
        for seen in picked {
            let remembered = RememberedHead {
                keys: keys.clone(),
                size: seen.size,
                root: seen.root,
                note: seen.note.clone(),
            };
            let request = VerifyRequest {
                depth: Depth::Quick,
                remembered: Some(&remembered),
                threads: 1,
            };
            self.verify(reader, &request, "with a head that was seen");
        }
    }

    fn check_look_ups(&self, reader: &Reader, most: u64) {
        let looked_up = self.look_up(reader, most);
        if let Err(error) = looked_up {
            self.excuse("looking up", &error);
        }
    }

    fn look_up(&self, reader: &Reader, most: u64) -> Result<(), LedgerError> {
        let (ids, count) = {
            let mut state = self.state();
            let count = state.model.log.len() as u64;
            let step = if most == u64::MAX {
                1 + count / 60
            } else {
                1 + count / most
            };
            let offset = state.random.below(step);
            let log = state.model.log.iter();
            let ids: Vec<(u64, String)> = log
                .skip(offset as usize)
                .step_by(step as usize)
                .map(|(index, known)| (*index, known.id.clone()))
                .collect();
            (ids, count)
        };
        for (index, id) in &ids {
            let found = reader.find_exact(id)?.map(|row| row.index);
            if found != Some(*index) {
                let what = format!("id {id} is at {index} of {count}, but was found at {found:?}");
                self.violate(Violation::new(Harm::Lost, what));
            }
        }
        if reader.find_exact("id-that-never-was")?.is_some() {
            let what = "an id was found that never was".to_owned();
            self.violate(Violation::new(Harm::Broken, what));
        }
        // Others may append while this looks.
        let end = self.acknowledged_end();
        let subject = self.below(SUBJECTS);
        let by_subject = reader.by_subject(&Spec::subject_name(subject))?;
        self.compare(
            "subject",
            end,
            &by_subject,
            |spec: &Spec| spec.subject == subject,
            |_| false,
        );
        let trace = self.below(TRACES);
        let by_trace = reader.by_trace(&Spec::trace_name(trace))?;
        self.compare(
            "trace",
            end,
            &by_trace,
            |spec: &Spec| spec.trace == trace,
            |_| false,
        );
        for (_, id) in ids.iter().take(6) {
            let referring = reader.referring_to(id)?;
            self.compare(
                "reference",
                end,
                &referring,
                |spec: &Spec| spec.refers_to.as_ref() == Some(id),
                |erased| erased == id,
            );
        }
        Ok(())
    }

    fn compare(
        &self,
        by: &str,
        end: u64,
        found: &[u64],
        sent: impl Fn(&Spec) -> bool,
        act: impl Fn(&str) -> bool,
    ) {
        let state = self.state();
        let mut wrong = None;
        for (index, known) in state.model.log.range(..end) {
            let matches = match &known.what {
                What::Sent(spec) => sent(spec),
                What::Act(erased) => act(erased),
            };
            let is_found = found.binary_search(index).is_ok();
            let must_be_found = matches && known.has_fields();
            let must_not_be_found = !matches || known.has_no_fields();
            if (must_be_found && !is_found) || (must_not_be_found && is_found) {
                wrong = Some(format!(
                    "by {by}: index {index} found: {is_found}; {known:?}"
                ));
            }
        }
        drop(state);
        if let Some(what) = wrong {
            self.violate(Violation::new(Harm::Lost, what));
        }
    }

    /// Evidence of some records checks, and is of these records.
    fn check_evidence(&self, reader: &Reader) {
        for _ in 0..2 {
            let picked = {
                let mut state = self.state();
                let end = state.model.end();
                let index = state.random.below(end.max(1));
                let known = state.model.log.get(&index).cloned();
                known.map(|known| (index, known, state.random.one_in(2), state.keys.clone()))
            };
            let Some((index, known, linked, keys)) = picked else {
                return;
            };
            if !known.has_fields() {
                continue;
            }
            let pointer: Vec<Pointer> = "/subject".parse().into_iter().collect();
            let show = if self.one_in(2) {
                Selection::All
            } else {
                Selection::Only(pointer)
            };
            let checked = reader
                .evidence(index, &show, linked)
                .map_err(|error| error.to_string())
                .and_then(|evidence| {
                    let file = evidence.to_json();
                    let evidence =
                        Evidence::parse(file.as_bytes()).map_err(|error| error.to_string())?;
                    check(&evidence, &Trust::Keys(keys)).map_err(|error| error.to_string())
                });
            self.state().totals.evidence += 1;
            let right = checked.map(|report| {
                report
                    .records
                    .first()
                    .is_some_and(|first| first.index == index && first.digest == known.digest)
            });
            if right != Ok(true) {
                let what = format!("evidence of index {index}: {right:?}");
                self.violate(Violation::new(Harm::Broken, what));
            }
        }
    }

    fn check_blobs(&self, reader: &Reader) {
        let blobs = self.state().model.blobs.clone();
        for (digest, content) in blobs {
            match reader.blob(&digest) {
                Ok(found) if found == content => {}
                other => {
                    let what = format!("attachment {digest}: {:?}", other.map(|found| found.len()));
                    self.violate(Violation::new(Harm::Lost, what));
                }
            }
        }
    }

    /// What was erased is in no byte of any file.
    pub(crate) fn check_erased(&self) {
        let state = self.state();
        let erased = state
            .model
            .log
            .values()
            .filter(|known| known.erased > Erased::No);
        let secrets: Vec<String> = erased
            .filter_map(|known| known.spec().map(Spec::secret))
            .collect();
        if secrets.is_empty() {
            return;
        }
        let mut wrong = None;
        for name in state.disk.files() {
            let bytes = state.disk.peek(&name).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes);
            if let Some(secret) = secrets.iter().find(|secret| text.contains(secret.as_str())) {
                wrong = Some(format!("{secret} was erased, but is in {name}"));
            }
        }
        drop(state);
        if let Some(what) = wrong {
            self.violate(Violation::new(Harm::Broken, what));
        }
    }
}
