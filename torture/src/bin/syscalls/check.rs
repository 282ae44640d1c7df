//! What must hold after a disturbed process: everything acknowledged is there, once, at its place; the ledger verifies
//! against the head remembered from before; a process that says it succeeded did; and doing it again works.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use causebook_bench::open_ledger;
use causebook_ledger::{LedgerError, Reader, RememberedHead};
use causebook_torture::{head_of, open_reader, verify};

use crate::life::{Life, Stage, ledger_in, options, receipts};

const CHECKPOINT_WAIT: Duration = Duration::from_secs(20);
/// Exit code of `causebook verify` that says tampered.
const TAMPERED: i32 = 20;
/// Rust's standard library panics if a directory that was listed cannot be closed, which Linux never does.
const UNCLOSABLE: &str = "unexpected error during closedir";

/// What is known of the ledger before a stage.
#[derive(Debug)]
pub(crate) struct Known {
    stage: Stage,
    /// Index by id of everything acknowledged by then.
    acknowledged: BTreeMap<String, u64>,
    head: Option<RememberedHead>,
}

impl Known {
    /// Before `stage`, from the copy made then.
    pub(crate) fn before(stage: Stage, folder: &Path) -> Result<Self, String> {
        let mut known = Self {
            stage,
            acknowledged: BTreeMap::new(),
            head: None,
        };
        if stage == Stage::Init {
            return Ok(known);
        }
        let reader = open_reader(&ledger_in(folder)).map_err(told)?;
        let stored = ids(&reader)?;
        for id in Life::acknowledged_before(stage) {
            let index = stored
                .get(&id)
                .ok_or_else(|| format!("{id} is not there before"))?;
            known.acknowledged.insert(id, *index);
        }
        known.head = head_of(&reader);
        Ok(known)
    }

    /// Looks at what a disturbed process said and left.
    pub(crate) fn holds_after(
        &self,
        output: &Output,
        folder: &Path,
        killed: bool,
    ) -> Result<(), String> {
        let success = output.status.success();
        if !killed {
            self.told_well(output)?;
        }
        let receipts = receipts(self.stage, &String::from_utf8_lossy(&output.stdout));
        let expected = self.stage.ids();
        let counted = matches!(self.stage, Stage::First | Stage::Second | Stage::Write);
        if success && counted && receipts.len() != expected.len() {
            return Err(format!(
                "it ended well with {} of {} receipts",
                receipts.len(),
                expected.len()
            ));
        }
        let ledger_folder = ledger_in(folder);
        if self.stage == Stage::Init && !success {
            // Nothing was promised; that it can be done again is looked at next.
            return Ok(());
        }
        let ledger = open_ledger(&ledger_folder, options())
            .map_err(|error| format!("recovery refuses: {error}"))?;
        let reader = ledger.reader();
        let size = reader.size();
        if size > 0 {
            ledger
                .wait_checkpoint(size, CHECKPOINT_WAIT)
                .map_err(told)?;
        }
        let stored = ids(&reader)?;
        for (id, index) in self.acknowledged.iter().chain(&receipts) {
            match stored.get(id) {
                Some(place) if place == index => {}
                Some(place) => {
                    return Err(format!(
                        "{id} was acknowledged at {index} and is at {place}"
                    ));
                }
                None => return Err(format!("{id} was acknowledged at {index} and is lost")),
            }
        }
        if success && let Some(lost) = expected.iter().find(|id| !stored.contains_key(*id)) {
            return Err(format!("it ended well, but {lost} is not there"));
        }
        if success {
            self.done(&reader)?;
        }
        self.intact(&reader)?;
        drop(reader);
        ledger.close().map_err(told)?;
        self.intact(&open_reader(&ledger_folder).map_err(told)?)
    }

    /// A process that was not killed ends by itself, and says why if it did not succeed.
    fn told_well(&self, output: &Output) -> Result<(), String> {
        let said = String::from_utf8_lossy(&output.stderr);
        if said.contains(UNCLOSABLE) {
            return Ok(());
        }
        if said.contains("panicked") {
            return Err(format!("it panicked: {said}"));
        }
        let Some(code) = output.status.code() else {
            return Err(format!("it was ended by a signal: {}", output.status));
        };
        let told = said.contains("error: ") || said.contains("\"title\":");
        let verdict = self.stage == Stage::Verify && !output.stdout.is_empty();
        if code != 0 && !told && !verdict {
            return Err(format!("it ended with {code} and told no error: {said}"));
        }
        if self.stage == Stage::Verify && code == TAMPERED {
            let what = String::from_utf8_lossy(&output.stdout);
            return Err(format!(
                "a call that failed was taken for tampering: {what}"
            ));
        }
        Ok(())
    }

    /// What a stage that ended well has done.
    fn done(&self, reader: &Reader) -> Result<(), String> {
        let holds = |id: &str, value: &str| -> Result<bool, String> {
            let row = reader.find_exact(id).map_err(told)?;
            Ok(row.is_some_and(|row| row.record.text().is_some_and(|text| text.contains(value))))
        };
        match self.stage {
            Stage::EraseField if holds("before3", "\"age\"")? => {
                Err("it ended well, but the field is not erased".to_owned())
            }
            Stage::EraseRecord if holds("write5", "input")? => {
                Err("it ended well, but the record is not erased".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn intact(&self, reader: &Reader) -> Result<(), String> {
        let report = verify(reader, self.head.as_ref())
            .map_err(|error| format!("verification stopped: {error}"))?;
        match report.findings.first() {
            None => Ok(()),
            Some(finding) => Err(format!("verification raises a false alarm: {finding}")),
        }
    }

    /// Looks at what is there when the stage was done again, undisturbed.
    pub(crate) fn holds_at_last(&self, output: &Output, folder: &Path) -> Result<(), String> {
        // What was carried out before the process failed cannot be asked for a second time.
        let erases = matches!(self.stage, Stage::EraseField | Stage::EraseRecord);
        let reader = open_reader(&ledger_in(folder)).map_err(told)?;
        let over = self.stage == Stage::Init || (erases && self.done(&reader).is_ok());
        drop(reader);
        if !output.status.success() && !over {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!(
                "done again it ended with {}: {said}",
                output.status
            ));
        }
        let reader = open_reader(&ledger_in(folder)).map_err(told)?;
        let stored = ids(&reader)?;
        let expected = self.stage.ids();
        if let Some(lost) = self
            .acknowledged
            .keys()
            .chain(&expected)
            .find(|id| !stored.contains_key(*id))
        {
            return Err(format!("done again, but {lost} is not there"));
        }
        self.done(&reader)?;
        self.intact(&reader)
    }
}

/// Index by id of all records, each of which must be there once.
fn ids(reader: &Reader) -> Result<BTreeMap<String, u64>, String> {
    let mut ids = BTreeMap::new();
    let (mut doubled, mut expected, mut gap) = (None, 0, None);
    let scanned = reader.scan(0..u64::MAX, &mut |row| {
        if row.index != expected {
            gap.get_or_insert(row.index);
        }
        expected = row.index + 1;
        let id = row.record.fields().id.unwrap_or_default();
        if ids.insert(id.clone(), row.index).is_some() {
            doubled.get_or_insert(id);
        }
        ControlFlow::Continue(())
    });
    scanned.map_err(told)?;
    match (doubled, gap) {
        (Some(id), _) => Err(format!("{id} is there twice")),
        (_, Some(index)) => Err(format!("index {index} does not follow the one before")),
        _ => Ok(ids),
    }
}

fn told(error: LedgerError) -> String {
    error.to_string()
}
