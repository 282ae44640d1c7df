//! Many decisions run again.

use std::collections::BTreeMap;

use causebook_record::Draft;
use causebook_why::{Replay, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ExplainError;

/// Decisions named of those that differ the most.
const WORST_KEPT: usize = 10;
/// Reasons told apart.
const REASONS_KEPT: usize = 100;

/// What came of many replays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Replayed {
    /// Decisions that were looked at.
    pub decisions: u64,
    /// How many have each verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// The largest difference between a recorded and a recomputed number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_difference: Option<f64>,
    /// Why decisions could not be replayed, and how many.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, u64>,
    /// The decisions with the worst verdicts, mismatches first; none that is bit-exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub worst: Vec<Worst>,
    /// What ran them: name and version.
    pub engine: String,
}

/// A decision that is not bit-exact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Worst {
    /// Its id.
    pub id: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// The largest difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_difference: Option<f64>,
    /// What differs, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl Replayed {
    /// Takes one more.
    pub fn take(&mut self, id: &str, replay: &Replay) {
        self.decisions += 1;
        self.engine.clone_from(&replay.engine);
        *self.verdicts.entry(replay.verdict).or_default() += 1;
        if let Some(difference) = replay.max_difference {
            self.max_difference = Some(
                self.max_difference
                    .map_or(difference, |it| it.max(difference)),
            );
        }
        if replay.verdict == Verdict::NotReplayable {
            let reason = replay.why.clone().unwrap_or_default();
            if self.reasons.len() < REASONS_KEPT || self.reasons.contains_key(&reason) {
                *self.reasons.entry(reason).or_default() += 1;
            }
        } else if replay.verdict > Verdict::WithinTolerance {
            self.worst.push(Worst {
                id: id.to_owned(),
                verdict: replay.verdict,
                max_difference: replay.max_difference,
                why: replay.why.clone(),
            });
            self.keep_worst();
        }
    }

    /// Takes what another thread found.
    pub fn merge(&mut self, other: Replayed) {
        self.decisions += other.decisions;
        if self.engine.is_empty() {
            self.engine = other.engine;
        }
        for (verdict, count) in other.verdicts {
            *self.verdicts.entry(verdict).or_default() += count;
        }
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        if let Some(difference) = other.max_difference {
            self.max_difference = Some(
                self.max_difference
                    .map_or(difference, |it| it.max(difference)),
            );
        }
        self.worst.extend(other.worst);
        self.keep_worst();
    }

    /// How many have a verdict.
    pub fn count(&self, verdict: Verdict) -> u64 {
        self.verdicts.get(&verdict).copied().unwrap_or_default()
    }

    fn keep_worst(&mut self) {
        self.worst.sort_by(|a, b| {
            let by_difference = b
                .max_difference
                .unwrap_or(f64::INFINITY)
                .total_cmp(&a.max_difference.unwrap_or(f64::INFINITY));
            b.verdict_rank()
                .cmp(&a.verdict_rank())
                .then(by_difference)
                .then_with(|| a.id.cmp(&b.id))
        });
        self.worst.truncate(WORST_KEPT);
    }
}

impl Worst {
    fn verdict_rank(&self) -> u8 {
        u8::from(self.verdict == Verdict::Mismatch)
    }
}

/// The word for a verdict, as it stands in answers.
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::BitExact => "BIT_EXACT",
        Verdict::WithinTolerance => "WITHIN_TOLERANCE",
        Verdict::LabelTie => "LABEL_TIE",
        Verdict::Mismatch => "MISMATCH",
        Verdict::NotReplayable => "NOT_REPLAYABLE",
    }
}

/// A record of the result: of kind `config`, because it is about the ledger and no single decision.
///
/// # Errors
/// [`ExplainError::Record`] if it is more than a record holds.
pub fn record(replayed: &Replayed) -> Result<Draft, ExplainError> {
    let record = json!({ "kind": "config", "config": { "replay": replayed } });
    Ok(Draft::parse(record.to_string().as_bytes())?)
}
