//! The mapping: which column becomes which member of a record, and how the source is to be read.
//!
//! It is a TOML file and the sum of the flags of a command. Unknown keys are refused with the nearest known one. What
//! a mapping means for a given header is worked out elsewhere, when an import is prepared.

mod flag;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::nearest;
use crate::{CaptureError, Format, TimeRule};

/// How the rows of a source become records.
///
/// ```toml
/// kind = "decision"
/// [read]
/// format = "csv"
/// [columns]
/// id = "loan_id"
/// decision = "action_taken"
/// input = ["*"]                      # an object of the columns that nothing else takes
/// output = ["rate_spread", "loan_term"]
/// exclude = ["tract_*"]
/// [columns.model]
/// name = "model"
/// [decision.values]
/// 3 = "denied"
/// [constants]
/// model.version = "2024-06"
/// context.lender = "Travis"
/// ```
///
/// A column is named outright; or by a pattern with `*`; or, in formats with structure, as `raw.age` or as the JSON
/// Pointer `/raw/age`. A column that is named outright somewhere belongs there: patterns pass it over. `*` alone takes
/// what neither a name nor another pattern takes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// Kind of record; a decision if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How the source is read.
    #[serde(skip_serializing_if = "is_default")]
    pub read: ReadOptions,
    /// What the source is called.
    #[serde(skip_serializing_if = "is_default")]
    pub source: SourceRule,
    /// Which column is what.
    #[serde(skip_serializing_if = "is_default")]
    pub columns: Columns,
    /// Columns of delimited text whose type is fixed rather than found out.
    #[serde(skip_serializing_if = "is_default")]
    pub types: Types,
    /// What the words of the decision column mean.
    #[serde(skip_serializing_if = "is_default")]
    pub decision: DecisionRule,
    /// How the time column is written.
    #[serde(skip_serializing_if = "is_default")]
    pub time: TimeRule,
    /// Members that are the same in every record, or stand in where a row has none: `model.name`, `context.lender`.
    #[serde(skip_serializing_if = "toml::Table::is_empty")]
    pub constants: toml::Table,
}

/// How a source is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadOptions {
    /// The format; detected if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Delimiter of delimited text: one ASCII character, or `tab`, `comma`, `semicolon`, `pipe`, `space`; found out if
    /// not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// Whether the first row holds the names; it does if not given. Without, columns are `col_1`, `col_2`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// Names to use instead of those of the header, or where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Lines (rows of a worksheet) to pass over before the header.
    #[serde(skip_serializing_if = "is_default")]
    pub skip: u64,
    /// Whether blanks and tabs around the fields of delimited text are dropped. Not by default: they are content.
    #[serde(skip_serializing_if = "is_default")]
    pub trim: bool,
    /// What an empty cell becomes.
    #[serde(skip_serializing_if = "is_default")]
    pub empty: Empty,
    /// Words that mean "missing" in delimited text and worksheets, besides the empty one: `["NA", "?"]`. They do not
    /// keep a column from being one of numbers, and are themselves treated as `empty` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Name of the worksheet; the first if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
}

/// What an empty cell becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Empty {
    /// What it is: `""` (or the word for missing) in text, `null` in typed formats.
    #[default]
    Keep,
    /// `null`.
    Null,
    /// Nothing: the member is left out.
    Omit,
}

/// What the source is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceRule {
    /// Part of the ids that are made for rows without one; the name of the source if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Which column is which member of the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The record's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it was decided. What is not in the form of RFC 3339 is read as the mapping's `time` says, a date alone as its
    /// midnight; what was given is then kept in `context.time_given`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Whom it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The outcome in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// The outcome's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<String>,
    /// Id of the record this one is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refers_to: Option<String>,
    /// `sole`, `assisted` or `human`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub automation: Option<String>,
    /// The model's `name`, `version`, `digest`, `framework`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Members>,
    /// What the model was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Members>,
    /// What it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Members>,
    /// Thresholds, policy versions, seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Members>,
    /// Datasets and pipelines behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Members>,
    /// Attributions, reasons, base value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Members>,
    /// Which service or person called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Members>,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Members>,
    /// The completeness count: `name`, `run`, `seq`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Members>,
    /// Of an outcome: what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Members>,
    /// Of a review: `action`, `who`, `role`, `reason`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Members>,
    /// Of a notice: what the subject was told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Members>,
    /// Of a correction: what is put right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction: Option<Members>,
    /// Columns and patterns that no pattern takes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

/// Where the value of a structured member comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Members {
    /// The value of one column, as a whole: `input = "raw"`.
    Whole(String),
    /// An object of several columns under their own names: `input = ["age", "applicant_*"]`.
    Columns(Vec<String>),
    /// An object of several columns under new names: `explanation = { base_value = "bias" }`.
    Named(BTreeMap<String, String>),
}

/// Columns of delimited text whose type is fixed; the others are numbers if all their cells are, else text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Types {
    /// Numbers; a row with another cell there is rejected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub number: Vec<String>,
    /// Text, even where every cell looks like a number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<String>,
    /// JSON documents written into a cell; a row with another cell there is rejected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub json: Vec<String>,
}

/// What the words of the decision column mean.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecisionRule {
    /// From the word in the source to the word in the record; others stay. The original is kept in the output.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

impl Mapping {
    /// Reads a mapping from TOML.
    ///
    /// # Errors
    /// [`CaptureError::MappingText`] with the place, and the nearest known key for an unknown one.
    pub fn parse(toml_text: &str) -> Result<Mapping, CaptureError> {
        toml::from_str(toml_text).map_err(|error| mapping_text(&error))
    }

    /// The mapping as TOML, which [`Mapping::parse`] reads back.
    ///
    /// # Errors
    /// [`CaptureError::MappingText`] if a constant cannot be written.
    pub fn to_toml(&self) -> Result<String, CaptureError> {
        toml::to_string(self).map_err(|error| CaptureError::MappingText {
            problem: error.to_string(),
            nearest: None,
        })
    }

    /// The format to read `source` as: the mapping's, else what its bytes and name say.
    ///
    /// # Errors
    /// As [`Format::detect`] and [`Source::head`](crate::Source::head).
    pub fn format(&self, source: &crate::Source) -> Result<Format, CaptureError> {
        match self.read.format {
            Some(format) => Ok(format),
            None => Format::detect(source.name(), &source.head()?),
        }
    }
}

impl Columns {
    /// The members that are one word or number, with their names.
    pub(crate) fn single(&self) -> [(&'static str, Option<&String>); 7] {
        [
            ("id", self.id.as_ref()),
            ("time", self.time.as_ref()),
            ("subject", self.subject.as_ref()),
            ("decision", self.decision.as_ref()),
            ("score", self.score.as_ref()),
            ("refers_to", self.refers_to.as_ref()),
            ("automation", self.automation.as_ref()),
        ]
    }

    /// The members that have structure, with their names.
    pub(crate) fn structured(&self) -> [(&'static str, Option<&Members>); 13] {
        [
            ("model", self.model.as_ref()),
            ("input", self.input.as_ref()),
            ("output", self.output.as_ref()),
            ("parameters", self.parameters.as_ref()),
            ("data", self.data.as_ref()),
            ("explanation", self.explanation.as_ref()),
            ("actor", self.actor.as_ref()),
            ("context", self.context.as_ref()),
            ("source", self.source.as_ref()),
            ("outcome", self.outcome.as_ref()),
            ("review", self.review.as_ref()),
            ("notice", self.notice.as_ref()),
            ("correction", self.correction.as_ref()),
        ]
    }
}

/// Names of the members that take several columns.
pub(crate) fn structured_names() -> [&'static str; 13] {
    Columns::default().structured().map(|(name, _)| name)
}

fn mapping_text(error: &toml::de::Error) -> CaptureError {
    CaptureError::MappingText {
        problem: error.to_string().trim_end().to_owned(),
        nearest: nearest_key(error.message()),
    }
}

/// The parser says ``unknown field `inptu`, expected one of `id`, `time` ``: the expected one closest to the unknown.
fn nearest_key(message: &str) -> Option<String> {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if !message.starts_with("unknown field") {
        return None;
    }
    let unknown = quoted.next()?;
    nearest(unknown, quoted)
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_survives_being_written_and_read() {
        let text = r#"
            kind = "decision"
            [read]
            format = "csv"
            delimiter = "|"
            header = false
            empty = "omit"
            [columns]
            id = "loan"
            input = ["*"]
            output = "answer"
            explanation = { base_value = "bias" }
            [decision.values]
            3 = "denied"
            [constants]
            model.name = "m"
            parameters.threshold = 0.5
        "#;
        let mapping = Mapping::parse(text).unwrap();
        assert_eq!(mapping.decision.values["3"], "denied");
        assert_eq!(
            Mapping::parse(&mapping.to_toml().unwrap()).unwrap(),
            mapping
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest() {
        let error = Mapping::parse("[columns]\ninptu = ['a']\n").unwrap_err();
        let text = error.to_string();
        assert!(text.contains("line 2"), "{text}");
        assert!(text.contains("did you mean \"input\"?"), "{text}");
    }
}
