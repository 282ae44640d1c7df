//! Principal reasons: from attributions to words that the subject is told.

use serde::{Deserialize, Serialize};

use crate::fields::Scalar;

/// A dictionary of reasons, versioned: each is for a field and a value, band or direction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dictionary {
    /// Its version, as it stands in every list of reasons made with it.
    pub version: String,
    /// The entries. The first that fits a field holds.
    pub entries: Vec<Entry>,
    /// How many reasons are told; 4 where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
}

/// A reason and when it is one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its code.
    pub code: String,
    /// What the subject is told.
    pub text: String,
    /// The field: a pointer.
    pub field: String,
    /// It is one of these values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Scalar>,
    /// It is at least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,
    /// It is below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// It stands above or below the mean of the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Code of another scheme, such as HMDA's 1 to 9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_as: Option<String>,
}

/// A side of the baseline's mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Higher than the baseline's.
    High,
    /// Lower than the baseline's.
    Low,
}
