//! Principal reasons: from attributions to words that the subject is told.
//!
//! The rules are those of Regulation B, 12 CFR 1002.9(b)(2), and its official interpretation: reasons are specific, are those
//! of the stage that decided, and describe factors that were actually considered; none is left out because its text is
//! missing. `docs/reasons.md` has them one by one.

mod choose;
mod generic;

pub use choose::{Factors, choose};
pub(crate) use generic::check;

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
    /// It stands above or below the median of recorded decisions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// Code of another scheme, such as HMDA's 1 to 9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_as: Option<String>,
}

/// A side of the median of recorded decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Above it.
    High,
    /// Below it.
    Low,
}

impl Dictionary {
    /// How many reasons are told where the dictionary does not say it: more are "not likely to be helpful" (official
    /// interpretation of 12 CFR 1002.9, 9(b)(2)-1).
    pub const MOST: usize = 4;

    /// The first entry that fits a field with this value, which stands on this side of what is usual.
    pub fn entry(
        &self,
        field: &str,
        value: &Scalar,
        side: Option<Side>,
    ) -> Option<(usize, &Entry)> {
        let mut entries = self.entries.iter().enumerate();
        entries.find(|(_, entry)| entry.field == field && entry.fits(value, side))
    }
}

impl Entry {
    fn fits(&self, value: &Scalar, side: Option<Side>) -> bool {
        let number = value.number();
        let among =
            self.values.is_empty() || self.values.iter().any(|it| it.word() == value.word());
        let from = self
            .from
            .is_none_or(|from| number.is_some_and(|it| it >= from));
        let below = self
            .below
            .is_none_or(|below| number.is_some_and(|it| it < below));
        let sided = self.side.is_none() || self.side == side;
        among && from && below && sided
    }
}

/// The side of the usual that a number stands on, by where it lies among those of recorded decisions.
pub fn side(percentile: Option<f64>) -> Option<Side> {
    match percentile? {
        above if above > 50.0 => Some(Side::High),
        below if below < 50.0 => Some(Side::Low),
        _ => None,
    }
}
