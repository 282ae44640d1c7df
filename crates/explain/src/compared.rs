//! What follows from other decisions of the model: the most similar ones that came out otherwise, and what is unusual.

use causebook_why::contrast::{self, History, Near, Question, Shown, Weights};
use causebook_why::{Basis, Block, Contrast, Fields, Outcome, Percentile, input_fields};

use crate::answer::{Answer, decided};
use crate::explainer::Ask;

/// The two blocks that follow from history alone; they need no registered model.
pub(crate) struct Compared {
    pub(crate) contrast: Block<Contrast>,
    pub(crate) unusual: Block<Vec<Percentile>>,
}

impl Compared {
    pub(crate) fn new(answer: &Answer<'_>, ask: Ask, outcome: &Block<Outcome>) -> Self {
        let none = |why: &str| Self {
            contrast: Block::absent(why),
            unusual: Block::absent(why),
        };
        let Some(history) = answer.history() else {
            return none("no decision of this model is in the history");
        };
        let fields = input_fields(answer.text);
        if fields.is_empty() {
            return none("the input has no fields that could be compared: it is no table row");
        }
        let version = answer
            .model
            .version
            .as_deref()
            .filter(|_| !ask.all_versions);
        Self {
            contrast: contrast(answer, history, &fields, version, outcome),
            unusual: unusual(history, &fields, version),
        }
    }
}

fn contrast(
    answer: &Answer<'_>,
    history: &History,
    fields: &Fields,
    version: Option<&str>,
    outcome: &Block<Outcome>,
) -> Block<Contrast> {
    let Some(decided) = decided(outcome) else {
        return Block::absent(
            "no decision is on record that others could have come out otherwise than",
        );
    };
    let same = same_outcome(answer, decided);
    let mut question = Question::new(fields, &same);
    question.own = Some(answer.index);
    question.version = version;
    let nearest = history.nearest(&question);
    if nearest.compared == 0 {
        return Block::absent("no other decision of this model is in the history");
    }
    let measure = history.measure(&Weights::default());
    let of = match version {
        Some(version) => format!("version {version}"),
        None => "all versions".to_owned(),
    };
    let content = contrast::contrast(&nearest, fields, &measure, of, |near| shown(answer, near));
    let mut notes = Vec::new();
    if answer.kept.left_out > 0 {
        notes.push(format!(
            "{} decisions are not compared: there are more than the limits of the history take.",
            answer.kept.left_out
        ));
    }
    Block::Present {
        basis: Basis::InferredFromHistory,
        content,
        notes,
    }
}

/// The decisions that count as the same outcome: all adverse ones for an adverse one, where the policy says which are.
fn same_outcome<'a>(answer: &'a Answer<'_>, decided: &'a str) -> Vec<&'a str> {
    let policy = answer.registration().and_then(|it| it.policy.as_ref());
    match policy.filter(|policy| policy.is_adverse(decided)) {
        Some(policy) => policy.adverse.iter().map(String::as_str).collect(),
        None => vec![decided],
    }
}

/// What is shown of a neighbour: as its record says it now, so that nothing that was erased since comes back.
fn shown(answer: &Answer<'_>, near: &Near) -> Option<Shown> {
    let row = answer.explainer.reader.get(near.index).ok().flatten()?;
    let text = row.record.text()?;
    Some(Shown {
        id: row.record.fields().id,
        fields: input_fields(text),
    })
}

fn unusual(history: &History, fields: &Fields, version: Option<&str>) -> Block<Vec<Percentile>> {
    let percentiles = history.percentiles(version, fields);
    if percentiles.is_empty() {
        return Block::absent("no decision of this version is in the history");
    }
    Block::new(Basis::InferredFromHistory, percentiles)
}
