//! What is registered of a model beside its artefact: `registration` in the `model` of its `model` record (`docs/registration.md`).
//!
//! It is read and checked here, turned into the [`Encoder`] that makes a model's inputs of a decision's fields, proposed from a
//! model and recorded decisions ([`Suggestion`]), and followed through later `config` records ([`InForce`]).

mod check;
mod encoder;
mod in_force;
mod parse;
mod problem;
mod suggest;

use std::collections::BTreeMap;

use causebook_model::Format;
use serde::{Deserialize, Serialize};

use crate::constraint::Constraint;
use crate::reasons::Dictionary;

pub use encoder::{Encoder, MappingError};
pub use in_force::{Differing, InForce, differences};
pub use problem::{Problem, RegistrationError};
pub(crate) use problem::{at, near};
pub use suggest::Suggestion;

/// What a `model` record's `registration` says. Members that are left out are not known; what a later `config` record says of the
/// same model takes the place of a whole member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Format of the artefact; none for one that is only stored (a pickle).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// How the inputs of the model are made from a decision's fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<Feature>,
    /// What a field is that a record does not have.
    #[serde(default, skip_serializing_if = "Absent::is_refuse")]
    pub absent: Absent,
    /// Where a decision's output is recorded, and what of the model's it is.
    #[serde(default)]
    pub output: OutputMap,
    /// How a score becomes a decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Fields that must not be reasons and do not change: pointers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<String>,
    /// What may change, by pointer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub constraints: BTreeMap<String, Constraint>,
    /// What the subject is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasons: Option<Dictionary>,
    /// The background set, if it is not the history's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background: Option<BackgroundSet>,
    /// What is a field's name for people, by pointer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A field, and the inputs of the model that are made of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Feature {
    /// JSON Pointer into the record.
    pub field: String,
    /// The encoding.
    #[serde(flatten)]
    pub encoding: Encoding,
}

/// How a field becomes inputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "encoding", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Encoding {
    /// As it is: a number, or a word for models that take words.
    Plain {
        /// Name of the input.
        input: String,
    },
    /// One input per category: 1 for the one that it is, 0 for the others.
    OneHot {
        /// Input by category.
        inputs: BTreeMap<String, String>,
        /// What becomes of a category that is not listed.
        #[serde(default)]
        unknown: Unknown,
    },
    /// A number per category.
    Ordinal {
        /// Name of the input.
        input: String,
        /// Number by category.
        #[serde(deserialize_with = "parse::numbers")]
        codes: BTreeMap<String, f64>,
        /// What becomes of a category that is not listed.
        #[serde(default)]
        unknown: Unknown,
    },
    /// An array of the record, one input per element.
    Vector {
        /// Names of the inputs, in order.
        inputs: Vec<String>,
    },
}

/// What a field is that a record does not have, where the program left it out. A field that was erased or masked is never
/// taken for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Absent {
    /// The decision cannot be replayed.
    #[default]
    Refuse,
    /// A missing value.
    Missing,
    /// The number 0: rows of sparse matrices leave zeros out.
    Zero,
}

impl Absent {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    fn is_refuse(&self) -> bool {
        *self == Self::Refuse
    }
}

/// What becomes of a category that the encoding does not list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unknown {
    /// The decision cannot be replayed.
    #[default]
    Refuse,
    /// 0 in every input (scikit-learn's `handle_unknown="ignore"`).
    Zeros,
    /// A missing value.
    Missing,
}

/// Where a decision's output is recorded. Pointers; `/score` and `/decision` by default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputMap {
    /// Where the number is that the decision is made by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// Which of the model's numbers it is: the class, by number, of a model that gives one per class; 0 otherwise.
    #[serde(default)]
    pub class: usize,
    /// It is the number before the link (the margin), not after.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub margin: bool,
    /// It is one minus that number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complement: bool,
    /// Where the decision is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Further numbers that are recorded, and what of the model's each is: by pointer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, OutputNumber>,
    /// Where the label is recorded that the model itself names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// Which of the model's numbers a recorded one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputNumber {
    /// The class, by number, of a model that gives one per class; 0 otherwise.
    #[serde(default)]
    pub class: usize,
    /// It is the number before the link (the margin), not after.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub margin: bool,
    /// It is one minus that number.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complement: bool,
}

impl OutputMap {
    /// Where the score is.
    pub fn score_at(&self) -> &str {
        self.score.as_deref().unwrap_or("/score")
    }

    /// Where the decision is.
    pub fn decision_at(&self) -> &str {
        self.decision.as_deref().unwrap_or("/decision")
    }

    /// What of the model's the score is.
    pub fn score_number(&self) -> OutputNumber {
        OutputNumber {
            class: self.class,
            margin: self.margin,
            complement: self.complement,
        }
    }
}

/// How a score becomes a decision, and which decisions are adverse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// From the lowest score up: the first band whose `below` is above the score holds; the last has none.
    pub bands: Vec<Band>,
    /// Decisions that are adverse to the subject.
    pub adverse: Vec<String>,
    /// Where a policy rule that decided whatever the score is recorded, if one did: a pointer to its name, or to an array of
    /// names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// A band of scores.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// It ends before this score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// The decision.
    pub decision: String,
}

/// Where the background set is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackgroundSet {
    /// Recorded applicants at or just above the cut-off, this many.
    NearCutoff(usize),
    /// All recorded applicants, a sample of this many.
    All(usize),
    /// The attachment `background.ndjson` of the `model` record.
    Attached,
}
