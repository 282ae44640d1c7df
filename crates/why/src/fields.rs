//! The fields of a decision, by where they are in its record.

use std::collections::BTreeMap;

/// A value of a field.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// JSON null, or a member that is not there.
    Missing,
    /// A truth value.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A word.
    Text(String),
}

/// Fields by JSON Pointer (RFC 6901) into the record, such as `/input/duration`. Arrays and empty objects are no fields.
pub type Fields = BTreeMap<String, Scalar>;
