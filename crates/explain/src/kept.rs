//! What is kept of a ledger between two answers, and brought up to date before each: the models it knows, and the history
//! of their decisions in columns. All of it follows from the records and can be made again from them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use causebook_ledger::{LedgerError, Reader, Row};
use causebook_record::{Kind, fields, string_value, value_at};
use causebook_why::contrast::{History, Limits, Standing};
use causebook_why::{ModelName, input_fields};

use crate::catalogue::Catalogue;

/// Most models, by name, whose decisions are kept for comparison.
const HISTORIES_MAX: usize = 1024;

/// What is kept.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Records `0..seen` are in it.
    pub(crate) seen: u64,
    pub(crate) catalogue: Catalogue,
    /// By name of the model.
    pub(crate) histories: BTreeMap<String, History>,
    /// Erasures that were met: what is held of the records before them may have gone.
    pub(crate) erasures: u64,
    /// Decisions that are not compared because the limits of a history were reached.
    pub(crate) left_out: u64,
}

impl Kept {
    /// Looks at the records that came since; gives how many.
    pub(crate) fn catch_up(&mut self, reader: &Reader) -> Result<u64, LedgerError> {
        let size = reader.size();
        if self.seen > size {
            // Another ledger, or an older copy of it, lies where this one lay.
            *self = Self::default();
        }
        let came = size - self.seen;
        let mut changed = Vec::new();
        reader.scan(self.seen..size, &mut |row| {
            changed.extend(self.take(&row));
            self.seen = row.index + 1;
            ControlFlow::Continue(())
        })?;
        for (target, standing) in changed {
            self.mark(reader, &target, standing)?;
        }
        Ok(came)
    }

    /// Takes a record; gives the decision whose standing it changes.
    fn take(&mut self, row: &Row) -> Option<(String, Standing)> {
        let text = row.record.text()?;
        let fields = fields(text);
        match fields.kind? {
            Kind::Decision => {
                let model = ModelName {
                    name: fields.model_name,
                    version: fields.model_version,
                    digest: fields.model_digest,
                };
                self.catalogue.count(row.index, &model);
                if let Some(decision) = fields.decision {
                    self.push(row.index, &model, &decision, fields.score, text);
                }
                None
            }
            Kind::Model | Kind::Config => {
                if let Ok(record) = serde_json::from_str(text) {
                    self.catalogue.note(row.index, record);
                }
                None
            }
            Kind::Erasure => {
                self.erasures += 1;
                Some((fields.refers_to?, Standing::Removed))
            }
            Kind::Correction => Some((fields.refers_to?, Standing::Superseded)),
            Kind::Review if changes(text) => Some((fields.refers_to?, Standing::Overridden)),
            _ => None,
        }
    }

    fn push(
        &mut self,
        index: u64,
        model: &ModelName,
        decision: &str,
        score: Option<f64>,
        text: &str,
    ) {
        let name = model.name.clone().unwrap_or_default();
        if self.histories.len() >= HISTORIES_MAX && !self.histories.contains_key(&name) {
            self.left_out += 1;
            return;
        }
        let version = model.version.as_deref().unwrap_or_default();
        let history = self
            .histories
            .entry(name)
            .or_insert_with(|| History::new(Limits::default()));
        let pushed = history.push(index, version, decision, score, &input_fields(text));
        self.left_out += u64::from(pushed.is_err());
    }

    fn mark(
        &mut self,
        reader: &Reader,
        target: &str,
        standing: Standing,
    ) -> Result<(), LedgerError> {
        let Some(row) = reader.find_exact(target)? else {
            return Ok(());
        };
        for history in self.histories.values_mut() {
            if history.mark(row.index, standing) {
                return Ok(());
            }
        }
        if standing == Standing::Removed {
            self.catalogue.forget(target);
        }
        Ok(())
    }
}

fn changes(review: &str) -> bool {
    let action = value_at(review, "/review/action").and_then(string_value);
    matches!(action.as_deref(), Some("override" | "reverse"))
}
