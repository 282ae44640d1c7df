//! The answer to "why", block by block: the schema of `why --json` (`docs/why.md`).

use std::collections::BTreeMap;

use causebook_model::Scale;
use causebook_model::attribute::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::fields::Scalar;

/// Name and version of the schema.
pub const FORMAT: &str = "causebook.why/1";

/// Where a block's content comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// It stands in the ledger as it was recorded.
    Recorded,
    /// It was computed now, by the registered model.
    Recomputed,
    /// It follows from other decisions in the ledger.
    InferredFromHistory,
}

/// A part of the answer, or why it is not there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Block<T> {
    /// It is there.
    Present {
        /// Where it comes from.
        basis: Basis,
        /// What it says.
        content: T,
        /// What a reader must know to read it rightly.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    /// It is not.
    Absent {
        /// Why, in a sentence.
        absent: String,
    },
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// [`FORMAT`].
    pub format: String,
    /// Name of the ledger.
    pub ledger: String,
    /// Id of the decision.
    pub id: String,
    /// Its place in the ledger.
    pub index: u64,
    /// When it was decided.
    pub time: String,
    /// Records in the ledger when the answer was made: history is that of then.
    pub as_of: u64,
    /// The model as the decision names it.
    pub model: ModelName,
    /// What came out, and by what margin.
    pub outcome: Block<Outcome>,
    /// Whether the registered model gives the recorded output again.
    pub replay: Block<Replay>,
    /// The principal reasons for an adverse decision.
    pub reasons: Block<Reasons>,
    /// Attributions: recorded ones first, then recomputed ones.
    pub attributions: Vec<Block<Attributions>>,
    /// The smallest changes found that lead to another decision.
    pub counterfactuals: Block<Counterfactuals>,
    /// The most similar decisions that came out otherwise.
    pub contrast: Block<Contrast>,
    /// What is unusual about the input.
    pub unusual: Block<Vec<Percentile>>,
    /// What is on record of a decision by a language model or agent.
    pub conversation: Block<Conversation>,
    /// What was in force, and where things come from.
    pub provenance: Block<Provenance>,
    /// What people did about it, and what came after.
    pub acts: Block<Vec<Act>>,
    /// How it can be proven.
    pub proof: Block<Proof>,
    /// What this reader is not shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<Withheld>,
}

/// A model, as named by a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelName {
    /// `/model/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `/model/version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `/model/digest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The decision as the model made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// The decision in force, if people changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force: Option<String>,
    /// The number that it was made by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The threshold next to it on the side of a better decision, or the nearest if none is adverse.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Score minus threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<f64>,
    /// Whether it is adverse to the subject, where the registration says which decisions are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adverse: Option<bool>,
    /// What decided.
    pub stage: Stage,
}

/// The stage of a decision procedure that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// What kind of stage.
    pub kind: StageKind,
    /// The rule or the reviewer, where it has a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Kinds of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    /// A policy rule, whatever the score.
    Policy,
    /// The score against its thresholds.
    Score,
    /// A person.
    Judgement,
    /// It is not on record.
    Unknown,
}

/// A replay and its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// What was found.
    pub verdict: Verdict,
    /// The largest difference between a recorded and a recomputed number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_difference: Option<f64>,
    /// The largest difference that still counts as the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
    /// Recorded numbers and words beside recomputed ones, by place in the record.
    pub compared: Vec<Compared>,
    /// Why it cannot be replayed, or what differs, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Digest of the artefact that was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artefact: Option<String>,
    /// Digest of the input's canonical text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// What ran it: name and version.
    pub engine: String,
}

/// Verdicts of a replay, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Every number to the last bit.
    BitExact,
    /// Every number within the tolerance.
    WithinTolerance,
    /// The score within the tolerance, and the label another because the score is as near to the threshold.
    LabelTie,
    /// The registered model says something else.
    Mismatch,
    /// There is nothing to run, or nothing to compare with.
    NotReplayable,
}

/// A recorded value beside a recomputed one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// JSON Pointer into the record.
    pub pointer: String,
    /// As recorded.
    pub recorded: Json,
    /// As the engine computed it.
    pub recomputed: Json,
}

/// The principal reasons, in order, and all others behind them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reasons {
    /// Up to as many as the registration says, by default four.
    pub principal: Vec<Reason>,
    /// Every contribution towards the adverse decision, in order, those of the principal reasons too.
    pub ordered: Vec<Reason>,
    /// Fields that contributed and have no reason in the dictionary: to be filled in before a notice is sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmapped: Vec<String>,
    /// Version and digest of the dictionary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dictionary: Option<String>,
    /// The stage whose factors they are.
    pub stage: Stage,
    /// The attributions that they were taken from: the name of the baseline, and the method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Its code in the dictionary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the subject is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The fields that it stands for.
    pub fields: Vec<String>,
    /// Their values, as recorded.
    pub values: Vec<Scalar>,
    /// What they contributed towards the adverse decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contribution: Option<f64>,
}

/// Attributions of one prediction to fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attributions {
    /// How they were computed; a recorded method may be any word.
    pub method: String,
    /// What they add up to, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<String>,
    /// What the contributions are counted from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// The value of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<f64>,
    /// What the model says, in the scale.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// Contributions, the largest first.
    pub fields: Vec<Contribution>,
    /// `value` less base and contributions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residual: Option<f64>,
    /// Seed of a method that draws lots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// For recomputed ones: how they differ from the recorded ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against_recorded: Option<Difference>,
}

/// What contributions are counted from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// In words: "applicants at or just above the cut-off", "all applicants", the name of a registered set.
    pub name: String,
    /// Rows of it, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Digest of it, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What a field contributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// The field: a pointer, or the name under which it was recorded.
    pub field: String,
    /// Its value.
    pub value: Scalar,
    /// The contribution.
    pub contribution: f64,
    /// Standard error of an estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
}

/// How recomputed attributions differ from recorded ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// The largest over all fields.
    pub max: f64,
    /// The field that it was found at.
    pub field: String,
    /// The first four fields are others, or in another order.
    pub other_order: bool,
}

/// Changes that lead to another decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counterfactuals {
    /// The decision wanted.
    pub wanted: String,
    /// What was found, the smallest first; empty if no allowed change was found.
    pub found: Vec<Counterfactual>,
    /// Fields that may not change, with why.
    pub fixed: Vec<(String, String)>,
    /// How often the model was asked.
    pub calls: u64,
    /// Every allowed change of one field was tried and none leads there; more fields at once were searched, not all tried.
    pub singles_exhausted: bool,
}

/// A change that leads to another decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// How it was found.
    pub kind: CounterfactualKind,
    /// What changes.
    pub changes: Vec<Change>,
    /// The score with it, by the model; none where the thresholds are not the reader's to see, for it stands next to one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// The decision with it.
    pub decision: String,
    /// How far the changed input is from the recorded one (Gower distance, 0 to 1).
    pub distance: f64,
    /// How far it is from the nearest recorded input with that decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub distance_to_history: Option<f64>,
}

/// How a counterfactual was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CounterfactualKind {
    /// By a search over values that have occurred.
    SmallestFound,
    /// By taking back what was not needed of the nearest recorded decision that came out so.
    TowardRecorded,
}

/// A change of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The field.
    pub field: String,
    /// As recorded.
    pub from: Scalar,
    /// As it would have to be.
    pub to: Scalar,
}

/// The most similar decisions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// With another outcome, the nearest first.
    pub opposite: Vec<Neighbour>,
    /// With the same outcome, the nearest first.
    pub same: Vec<Neighbour>,
    /// Outcomes of the nearest.
    pub among_nearest: BTreeMap<String, u64>,
    /// Decisions that were compared.
    pub compared: u64,
    /// Which: of this model and version, or of all versions of the model.
    pub of: String,
    /// The nearest is not near: nothing similar is on file.
    pub nothing_similar: bool,
}

/// A decision that is similar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its id; none where it is not the reader's to see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What came out.
    pub decision: String,
    /// Its score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
    /// Gower distance, 0 to 1.
    pub distance: f64,
    /// Fields that differ, the largest difference first.
    pub differs: Vec<Change>,
    /// Fields that agree.
    pub agrees: usize,
}

/// Where a value lies among all recorded ones of its field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Percentile {
    /// The field.
    pub field: String,
    /// Its value.
    pub value: Scalar,
    /// Of a number: share of recorded values below it, half of the equal ones counted, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percentile: Option<f64>,
    /// Of a word, or of a value that is missing: share of decisions that have it, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Rare: outside the 1st to 99th percentile, or in fewer than one in a hundred decisions.
    pub rare: bool,
}

/// What is on record of a decision by a language model or agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Steps in order: messages, retrieved chunks, tool calls and their results, guardrails, judges.
    pub steps: Vec<Step>,
    /// Prompt version, provider's model id, temperature, seed, tokens, finish reason and the like.
    pub parameters: BTreeMap<String, Json>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// `message`, `retrieved`, `tool_call`, `tool_result`, `own_account`, `log_probability`, `judge`, `guardrail`.
    pub kind: String,
    /// Who: system, user, assistant, the tool's or the judge's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// What was said, as text.
    pub text: String,
    /// Everything else that is on record of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, Json>,
    /// It is the model's own account of itself: not verified.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_account: bool,
}

/// What was in force, and where things come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The `model` record that registers the model, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered_by: Option<String>,
    /// Warnings: not registered, another digest than the registered one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// `config` records that were in force: what they set, and their id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub in_force: BTreeMap<String, String>,
    /// `model`, `parameters`, `data`, `source`, `actor`, `automation`, `context`, `recorded` as recorded.
    pub members: BTreeMap<String, Json>,
}

/// What people did about it, or what came after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// Kind of the record.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// When.
    pub time: String,
    /// In a sentence, which does not name who.
    pub said: String,
    /// Who did it; none where it is not the reader's to see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

/// How the decision can be proven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Digest of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The ledger's origin.
    pub origin: String,
    /// Size of the newest signed head that covers it; none yet if it is a moment old.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<u64>,
    /// How to get the evidence.
    pub command: String,
}

/// Something that this reader is not shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// By hand: what serde keeps of an untagged value until it knows its variant loses numbers that are kept by their digits.
impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Block<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Present<T> {
            basis: Basis,
            content: T,
            #[serde(default)]
            notes: Vec<String>,
        }
        let value = Json::deserialize(deserializer)?;
        if let Some(absent) = value.get("absent").and_then(Json::as_str) {
            return Ok(Self::absent(absent));
        }
        let present: Present<T> =
            serde_json::from_value(value).map_err(serde::de::Error::custom)?;
        Ok(Self::Present {
            basis: present.basis,
            content: present.content,
            notes: present.notes,
        })
    }
}

impl<T> Block<T> {
    /// A block without notes.
    pub fn new(basis: Basis, content: T) -> Self {
        Self::Present {
            basis,
            content,
            notes: Vec::new(),
        }
    }

    /// One that is not there.
    pub fn absent(why: impl Into<String>) -> Self {
        Self::Absent { absent: why.into() }
    }

    /// What it says, if it is there.
    pub fn content(&self) -> Option<&T> {
        match self {
            Self::Present { content, .. } => Some(content),
            Self::Absent { .. } => None,
        }
    }
}

/// The word for a method.
pub fn method_word(method: Method) -> &'static str {
    match method {
        Method::InterventionalTreeShap => "interventional TreeSHAP",
        Method::PathDependentTreeShap => "path-dependent TreeSHAP",
        Method::Linear => "closed form of a linear model",
        Method::PermutationShap => "permutation SHAP",
    }
}

/// The word for a scale.
pub fn scale_word(scale: Scale) -> &'static str {
    match scale {
        Scale::LogOdds => "log-odds",
        Scale::Log => "logarithm",
        Scale::Probability => "probability",
        Scale::Value => "value",
    }
}
