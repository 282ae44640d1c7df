//! From an answer to a page: which sections there are, in which order, and what each says.

mod around;
mod decided;
mod others;
mod weighed;

use crate::document::{Block, Why};
use crate::page::sheet::{Piece, Section, Sheet};
use crate::page::words::Words;

/// Stands wherever a change is shown that would have led to another decision.
pub(super) const NOT_ADVICE: &str = "This is a statement about the model: it is not advice, and not a cause. Nobody promises \
     that the next decision will be another.";

/// Stands over a model's chain of thought.
pub(super) const OWN_ACCOUNT: &str = "the model's own account (not verified)";

/// How a page is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    pub(super) words: &'a Words,
    /// In words for the person whom the decision is about.
    pub(super) plain: bool,
    /// Rows of a list that are shown.
    pub(super) rows: usize,
    /// Characters of what somebody said that are shown.
    pub(super) characters: usize,
}

impl Manner<'_> {
    fn title(&self, usual: &str, plain: &str) -> String {
        if self.plain { plain } else { usual }.to_owned()
    }
}

/// The page of an answer.
pub(super) fn compose(why: &Why, manner: &Manner<'_>) -> Sheet {
    let mut sections = vec![
        decided::outcome(why, manner),
        decided::replay(why, manner),
        decided::reasons(why, manner),
    ];
    sections.extend(weighed::attributions(why, manner));
    sections.extend([
        weighed::counterfactuals(why, manner),
        others::contrast(why, manner),
        others::unusual(why, manner),
        around::conversation(why, manner),
        around::provenance(why, manner),
        around::acts(why, manner),
    ]);
    if manner.plain {
        sections.push(around::contest(why, manner));
    }
    sections.push(around::proof(why, manner));
    sections.extend(around::withheld(why, manner));
    Sheet {
        title: format!("decision {}", why.id),
        facts: decided::facts(why),
        verdict: decided::verdict(why, manner.words),
        adverse: why
            .outcome
            .content()
            .and_then(|it| it.adverse)
            .filter(|_| decided::stands(why)),
        sections,
    }
}

/// A section of a block; `write` gives its pieces if the block is there.
fn section<T>(
    id: &str,
    title: String,
    block: &Block<T>,
    write: impl FnOnce(&T) -> Vec<Piece>,
) -> Section {
    let (basis, absent, pieces, notes) = match block {
        Block::Present {
            basis,
            content,
            notes,
        } => (Some(*basis), None, write(content), notes.clone()),
        Block::Absent { absent } => (None, Some(absent.clone()), Vec::new(), Vec::new()),
    };
    Section {
        id: id.to_owned(),
        title,
        basis,
        absent,
        pieces,
        notes,
    }
}

/// The first of them, and how many others there are.
fn first<T>(all: &[T], most: usize) -> (&[T], usize) {
    let shown = all.get(..most).unwrap_or(all);
    (shown, all.len() - shown.len())
}
