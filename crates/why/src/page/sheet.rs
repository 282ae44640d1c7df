//! A page before it is text or HTML: sections in order, each with its tag and its pieces.
//!
//! Texts are as they are in the record. Whoever writes them out makes them harmless, in one place.

use crate::document::Basis;

/// A page.
#[derive(Debug)]
pub(super) struct Sheet {
    /// What it is about: `decision GC-0712`.
    pub(super) title: String,
    /// When, by what, where: one line each in HTML, one line together in text.
    pub(super) facts: Vec<(&'static str, String)>,
    /// The verdict, in a sentence or two.
    pub(super) verdict: String,
    /// The outcome is adverse to the subject, if known.
    pub(super) adverse: Option<bool>,
    pub(super) sections: Vec<Section>,
}

/// A block of the answer.
#[derive(Debug)]
pub(super) struct Section {
    /// Name of the block, as an anchor.
    pub(super) id: String,
    pub(super) title: String,
    /// Where it comes from; none of what is no block of the answer.
    pub(super) basis: Option<Basis>,
    /// Why it is not there.
    pub(super) absent: Option<String>,
    pub(super) pieces: Vec<Piece>,
    pub(super) notes: Vec<String>,
}

/// A piece of a section.
#[derive(Debug)]
pub(super) enum Piece {
    /// A paragraph.
    Line(String),
    /// A word that counts, and what it means.
    Mark(Tone, String, String),
    /// Names and values.
    Pairs(Vec<(String, String)>),
    /// Things in order, each with lines below it and perhaps a number.
    Ranked(Vec<Ranked>),
    /// Rows and columns.
    Table(Table),
    /// Contributions from a baseline to a value.
    Waterfall(Waterfall),
    /// What somebody said.
    Said(Said),
    /// A command to run.
    Command(String),
    /// What was cut off a list.
    More(usize),
}

/// How good a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warn,
    Bad,
}

/// A thing in an ordered list.
#[derive(Debug)]
pub(super) struct Ranked {
    pub(super) text: String,
    pub(super) below: Vec<String>,
    pub(super) amount: Option<String>,
}

/// Rows and columns.
#[derive(Debug)]
pub(super) struct Table {
    /// What it shows, for those who do not see it.
    pub(super) caption: String,
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
    /// Rows that are not shown.
    pub(super) more: usize,
}

/// Contributions from a baseline to a value.
#[derive(Debug)]
pub(super) struct Waterfall {
    /// What is counted: `log-odds`.
    pub(super) scale: Option<String>,
    /// Where it begins; 0 if it is not known.
    pub(super) start: f64,
    /// What is said of the beginning.
    pub(super) baseline: String,
    pub(super) steps: Vec<Step>,
    /// How many others there are, with their sum.
    pub(super) rest: Option<(usize, f64)>,
    /// Where it ends, by the model.
    pub(super) value: Option<f64>,
    pub(super) residual: Option<f64>,
    /// Digits after the point.
    pub(super) digits: usize,
}

/// A contribution.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) label: String,
    pub(super) value: String,
    pub(super) amount: f64,
    pub(super) error: Option<f64>,
}

/// What somebody said.
#[derive(Debug)]
pub(super) struct Said {
    /// Who and how: `user`, `tool call: lookup`.
    pub(super) heading: String,
    pub(super) text: String,
    /// Characters that were cut off.
    pub(super) cut: usize,
    pub(super) details: Vec<(String, String)>,
    /// The model's account of itself.
    pub(super) own_account: bool,
}

impl Waterfall {
    /// Beginning and end of every bar, those of the steps first and then that of the rest.
    pub(super) fn spans(&self) -> Vec<(f64, f64)> {
        let rest = self.rest.map(|(_, sum)| sum);
        let amounts = self.steps.iter().map(|step| step.amount).chain(rest);
        let mut at = self.start;
        amounts
            .map(|amount| {
                let begin = at;
                at += amount;
                (begin, at)
            })
            .collect()
    }

    /// The least and the greatest number that any bar touches.
    pub(super) fn range(&self) -> (f64, f64) {
        let ends = self
            .spans()
            .into_iter()
            .flat_map(|(begin, end)| [begin, end]);
        let all = ends.chain([self.start]).chain(self.value);
        all.filter(|number| number.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), number| {
                (low.min(number), high.max(number))
            })
    }

    /// Where the bars end.
    pub(super) fn end(&self) -> f64 {
        self.spans().last().map_or(self.start, |(_, end)| *end)
    }
}
