//! The nearest decisions that came out otherwise, and what is unusual: an exact scan of the history.
//!
//! A [`History`] holds the decisions of one model by column. [`History::nearest`] gives places in the ledger and distances;
//! what is shown of a decision is read from its record and put together by [`contrast`]. Nothing here needs the model.
//! Distance, filters and rules are in `docs/contrast.md`.

mod bytes;
mod column;
pub(crate) mod digits;
mod draw;
mod history;
mod limits;
mod measure;
mod percentile;
mod scan;
mod spread;
pub(crate) mod values;

use std::collections::BTreeMap;

pub use history::{History, Standing};
pub use limits::{HistoryError, Limits};
pub use measure::{Measure, Weights};
pub(crate) use values::to_step;
pub use values::{Seen, SeenField};

use crate::document::{Change, Contrast, Neighbour};
use crate::fields::{Fields, Scalar};
use scan::{Choice, Class, Probe, Wanted};

/// What the nearest are looked for.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The fields of the decision.
    pub fields: &'a Fields,
    /// Its own place in the ledger, if it has one: it is not compared with itself.
    pub own: Option<u64>,
    /// Decisions of this version of the model only; of all versions if none.
    pub version: Option<&'a str>,
    /// Decisions that count as the same outcome: at least its own. Others are opposite.
    pub same_outcome: &'a [&'a str],
    /// How much each field counts.
    pub weights: Weights,
    /// How many of the opposite are wanted.
    pub opposite: usize,
    /// How many of the same.
    pub same: usize,
    /// Among how many of the nearest outcomes are counted.
    pub among: usize,
}

/// The nearest, by their places in the ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// With another outcome, the nearest first; of equally near ones the earlier.
    pub opposite: Vec<Near>,
    /// With the same outcome.
    pub same: Vec<Near>,
    /// Outcomes of the nearest.
    pub among_nearest: BTreeMap<String, u64>,
    /// Decisions that were compared.
    pub compared: u64,
    /// The nearest is further than usual, or there is none.
    pub nothing_similar: bool,
}

/// A decision and how near it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Near {
    /// Its place in the ledger.
    pub index: u64,
    /// Gower's distance, 0 to 1.
    pub distance: f64,
    /// What came out.
    pub decision: String,
    /// Its score.
    pub score: Option<f64>,
    /// The model's version.
    pub version: String,
}

/// What a reader is shown of a decision: read from its record.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its id; none where it is not the reader's to see.
    pub id: Option<String>,
    /// Its fields, those that the reader may see.
    pub fields: Fields,
}

impl<'a> Question<'a> {
    /// Three with another outcome, one with the same, outcomes among fifty, of all versions.
    pub fn new(fields: &'a Fields, same_outcome: &'a [&'a str]) -> Self {
        Self {
            fields,
            own: None,
            version: None,
            same_outcome,
            weights: Weights::default(),
            opposite: 3,
            same: 1,
            among: 50,
        }
    }
}

impl History {
    /// The nearest decisions: an exact scan of all, but of what was superseded, overridden or removed, and of what has no
    /// decision.
    pub fn nearest(&self, question: &Question<'_>) -> Nearest {
        let version = match question.version.map(|version| self.versions.find(version)) {
            Some(None) => return Nearest::nothing(),
            Some(version) => version,
            None => None,
        };
        let choice = Choice {
            version,
            own: question.own.and_then(|index| self.row(index)),
            class: self.classes(|decision| question.same_outcome.contains(&decision)),
        };
        let wanted = Wanted {
            opposite: question.opposite,
            same: question.same,
            all: question.among.max(1),
        };
        let probe = Probe::new(self, question.fields, &question.weights);
        let scanned = probe.scan(self, &choice, wanted);
        let mut among_nearest = BTreeMap::new();
        for (_, row) in scanned.all.found.iter().take(question.among) {
            let decision = self.decisions.name(self.decision[*row]).to_owned();
            *among_nearest.entry(decision).or_insert(0) += 1;
        }
        let nearest = scanned.all.found.first().map(|found| found.0);
        Nearest {
            opposite: self.near(&scanned.opposite.found),
            same: self.near(&scanned.same.found),
            among_nearest,
            compared: scanned.compared,
            nothing_similar: match (nearest, self.familiar) {
                (None, _) => true,
                (Some(nearest), Some(usual)) => nearest > usual,
                (Some(_), None) => false,
            },
        }
    }

    /// How far fields are from the nearest decision that came out as one of `decisions`; none if there is none.
    pub fn distance_to(
        &self,
        fields: &Fields,
        version: Option<&str>,
        decisions: &[&str],
    ) -> Option<f64> {
        let mut question = Question::new(fields, decisions);
        question.version = version;
        (question.opposite, question.among) = (0, 0);
        self.nearest(&question)
            .same
            .first()
            .map(|near| near.distance)
    }

    fn classes(&self, same: impl Fn(&str) -> bool) -> Vec<Class> {
        let named = self.decisions.names.iter().map(|decision| {
            if same(decision) {
                Class::Same
            } else {
                Class::Opposite
            }
        });
        std::iter::once(Class::NotCompared).chain(named).collect()
    }

    fn near(&self, found: &[(f32, usize)]) -> Vec<Near> {
        let near = found.iter().map(|(distance, row)| Near {
            index: self.index[*row],
            distance: f64::from(*distance),
            decision: self.decisions.name(self.decision[*row]).to_owned(),
            score: Some(self.score[*row]).filter(|score| !score.is_nan()),
            version: self.versions.name(self.version[*row]).to_owned(),
        });
        near.collect()
    }
}

impl Nearest {
    fn nothing() -> Self {
        Self {
            opposite: Vec::new(),
            same: Vec::new(),
            among_nearest: BTreeMap::new(),
            compared: 0,
            nothing_similar: true,
        }
    }
}

/// The block of an answer: the nearest, with what `read` says of each record; what it says nothing of is left out. `of` says
/// which decisions were compared.
pub fn contrast(
    nearest: &Nearest,
    fields: &Fields,
    measure: &Measure,
    of: impl Into<String>,
    mut read: impl FnMut(&Near) -> Option<Shown>,
) -> Contrast {
    let mut neighbours = |near: &[Near]| -> Vec<Neighbour> {
        let shown = near.iter().filter_map(|near| Some((near, read(near)?)));
        shown
            .map(|(near, shown)| neighbour(near, shown, fields, measure))
            .collect()
    };
    Contrast {
        opposite: neighbours(&nearest.opposite),
        same: neighbours(&nearest.same),
        among_nearest: nearest.among_nearest.clone(),
        compared: nearest.compared,
        of: of.into(),
        nothing_similar: nearest.nothing_similar,
    }
}

/// One neighbour: what differs between `fields` and its own, the largest difference first, then what only one of them has.
/// Fields that are left out of the distance are left out here.
pub fn neighbour(near: &Near, shown: Shown, fields: &Fields, measure: &Measure) -> Neighbour {
    let mut differs = Vec::new();
    let mut agrees = 0;
    let pointers: std::collections::BTreeSet<&String> =
        fields.keys().chain(shown.fields.keys()).collect();
    for pointer in pointers {
        let value = |fields: &Fields| fields.get(pointer).cloned().unwrap_or(Scalar::Missing);
        let (from, to) = (value(fields), value(&shown.fields));
        if measure.leaves_out(pointer) || (from == Scalar::Missing && to == Scalar::Missing) {
            continue;
        }
        if from == to {
            agrees += 1;
            continue;
        }
        let difference = measure.difference(pointer, &from, &to).unwrap_or(0.0);
        let part = difference * measure.weight(pointer);
        let field = pointer.clone();
        differs.push((part, Change { field, from, to }));
    }
    differs.sort_by(|one, other| other.0.total_cmp(&one.0));
    Neighbour {
        id: shown.id,
        decision: near.decision.clone(),
        score: near.score,
        distance: near.distance,
        differs: differs.into_iter().map(|(_, change)| change).collect(),
        agrees,
    }
}
