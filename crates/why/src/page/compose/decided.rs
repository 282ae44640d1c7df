//! What was decided, whether the model says so again, and the principal reasons.

use crate::document::{Outcome, Reason, Replay, Stage, StageKind, Verdict, Why};
use crate::page::compose::{Manner, first, section};
use crate::page::sheet::{Piece, Ranked, Section, Table, Tone};
use crate::page::words::{
    Words, exact, grouped, json, moment, rough, score_beside, signed, signed_exact,
};

/// When, by what, where.
pub(super) fn facts(why: &Why) -> Vec<(&'static str, String)> {
    let mut facts = vec![("Decided", moment(&why.time))];
    let model = model(why);
    if !model.is_empty() {
        facts.push(("Model", model));
    }
    facts.push((
        "Ledger",
        format!("{}, record {}", why.ledger, grouped(why.index)),
    ));
    facts.push((
        "Answered",
        format!("when the ledger held {} records", grouped(why.as_of)),
    ));
    facts
}

fn model(why: &Why) -> String {
    let name = why.model.name.iter();
    let named: Vec<&str> = name
        .chain(&why.model.version)
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    match (&why.model.digest, named.is_empty()) {
        (Some(digest), true) => digest.clone(),
        _ => named.join(" "),
    }
}

/// Nobody has changed the decision.
pub(super) fn stands(why: &Why) -> bool {
    why.outcome
        .content()
        .is_none_or(|outcome| outcome.in_force.is_none() || outcome.in_force == outcome.decision)
}

/// Outcome, score, threshold, margin and model, in a sentence.
pub(super) fn verdict(why: &Why, words: &Words) -> String {
    let Some(outcome) = why.outcome.content() else {
        return "What came out is not on record.".to_owned();
    };
    let decision = outcome.decision.as_deref().map_or_else(
        || "No decision on record".to_owned(),
        |it| words.decision(it),
    );
    let model = model(why);
    let by = if model.is_empty() {
        String::new()
    } else {
        format!(", by {model}")
    };
    let decided = match (&outcome.stage.kind, &outcome.stage.name) {
        (StageKind::Policy, Some(rule)) => format!(
            "{decision}: the policy rule {rule} decided{}.",
            whatever_the_score(outcome, words)
        ),
        (StageKind::Policy, None) => format!(
            "{decision}: a policy rule decided{}.",
            whatever_the_score(outcome, words)
        ),
        (StageKind::Judgement, _) => {
            format!("{decision}: a person decided{}.", scored(outcome, words))
        }
        _ => match placed(outcome, words) {
            Some(placed) => format!("{decision}: {placed}{by}."),
            None => format!("{decision}{by}."),
        },
    };
    match &outcome.in_force {
        Some(now) if outcome.in_force != outcome.decision => {
            format!("{decided} In force now: {}.", words.decision(now))
        }
        _ => decided,
    }
}

fn whatever_the_score(outcome: &Outcome, words: &Words) -> String {
    outcome.score.map_or_else(String::new, |score| {
        format!(
            ", whatever the {} ({})",
            words.score(),
            score_beside(score, outcome.threshold)
        )
    })
}

fn scored(outcome: &Outcome, words: &Words) -> String {
    outcome.score.map_or_else(String::new, |score| {
        format!(
            "; the {} was {}",
            words.score(),
            score_beside(score, outcome.threshold)
        )
    })
}

/// Where the score stands.
fn placed(outcome: &Outcome, words: &Words) -> Option<String> {
    let score = outcome.score?;
    let shown = score_beside(score, outcome.threshold);
    let name = words.score();
    let Some(threshold) = outcome.threshold else {
        return Some(format!("the {name} is {shown}"));
    };
    let margin = outcome.margin.unwrap_or(score - threshold);
    let limit = exact(threshold);
    Some(if margin == 0.0 {
        format!("the {name}, {shown}, is exactly the threshold of {limit}")
    } else {
        let side = if margin > 0.0 { "above" } else { "below" };
        let by = rough(margin.abs());
        format!("the {name}, {shown}, is {by} {side} the threshold of {limit}")
    })
}

pub(super) fn outcome(why: &Why, manner: &Manner<'_>) -> Section {
    let words = manner.words;
    let title = manner.title("Outcome", "The decision");
    section("outcome", title, &why.outcome, |outcome| {
        let mut pairs = Vec::new();
        let mut pair = |name: &str, value: Option<String>| {
            pairs.extend(value.map(|value| (name.to_owned(), value)));
        };
        let named = |decision: &String| named_decision(words, decision);
        pair("decision", outcome.decision.as_ref().map(named));
        if outcome.in_force != outcome.decision {
            pair("in force now", outcome.in_force.as_ref().map(named));
        }
        pair("decided by", Some(stage(&outcome.stage)));
        let score = outcome.score.map(|score| {
            if manner.plain {
                score_beside(score, outcome.threshold)
            } else {
                exact(score)
            }
        });
        pair(words.score(), score);
        pair("threshold", outcome.threshold.map(exact));
        pair("margin", outcome.margin.map(signed_exact));
        let adverse = |adverse| if adverse { "yes" } else { "no" }.to_owned();
        let question = if manner.plain {
            "against the person"
        } else {
            "adverse"
        };
        pair(question, outcome.adverse.map(adverse));
        let mut pieces = vec![Piece::Pairs(pairs)];
        if manner.plain {
            pieces.insert(0, Piece::Line(super::around::automation(why)));
        }
        pieces
    })
}

fn named_decision(words: &Words, decision: &str) -> String {
    match words.decisions.get(decision) {
        Some(name) if name != decision => format!("{name} ({decision})"),
        _ => decision.to_owned(),
    }
}

/// What decided, in words.
fn stage(stage: &Stage) -> String {
    let kind = match stage.kind {
        StageKind::Policy => "a policy rule, whatever the score",
        StageKind::Score => "the score against its thresholds",
        StageKind::Judgement => "a person",
        StageKind::Unknown => "not on record",
    };
    match &stage.name {
        Some(name) => format!("{kind}: {name}"),
        None => kind.to_owned(),
    }
}

pub(super) fn replay(why: &Why, manner: &Manner<'_>) -> Section {
    let title = manner.title("Replay", "Whether the model says the same again");
    section("replay", title, &why.replay, |replay| {
        let (word, tone, meaning) = verdict_words(replay.verdict);
        let word = if manner.plain {
            plain_word(replay.verdict)
        } else {
            word
        };
        let mut pieces = vec![Piece::Mark(tone, word.to_owned(), meaning.to_owned())];
        pieces.extend(replay.why.clone().map(Piece::Line));
        pieces.push(Piece::Pairs(ran(replay, manner)));
        if !replay.compared.is_empty() {
            let (shown, more) = first(&replay.compared, manner.rows);
            let rows = shown
                .iter()
                .map(|it| vec![it.pointer.clone(), json(&it.recorded), json(&it.recomputed)]);
            pieces.push(Piece::Table(Table {
                caption: "Recorded values beside recomputed ones".to_owned(),
                head: heads(["place in the record", "recorded", "recomputed"]),
                rows: rows.collect(),
                more,
            }));
        }
        pieces
    })
}

/// The word of a verdict and its meaning.
fn verdict_words(verdict: Verdict) -> (&'static str, Tone, &'static str) {
    match verdict {
        Verdict::BitExact => (
            "BIT_EXACT",
            Tone::Good,
            "the registered model gives every recorded number again, to the last bit",
        ),
        Verdict::WithinTolerance => (
            "WITHIN_TOLERANCE",
            Tone::Good,
            "the registered model gives every recorded number again, within the tolerance",
        ),
        Verdict::LabelTie => (
            "LABEL_TIE",
            Tone::Warn,
            "the number is the same within the tolerance, and so near to the threshold that the decision is another",
        ),
        Verdict::Mismatch => (
            "MISMATCH",
            Tone::Bad,
            "the registered model says something else than what is recorded",
        ),
        Verdict::NotReplayable => (
            "NOT_REPLAYABLE",
            Tone::Warn,
            "there is nothing to run, or nothing to compare with",
        ),
    }
}

/// The word of a verdict for who does not know the five.
fn plain_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::BitExact | Verdict::WithinTolerance => "Yes",
        Verdict::LabelTie => "Almost",
        Verdict::Mismatch => "No",
        Verdict::NotReplayable => "Not known",
    }
}

fn ran(replay: &Replay, manner: &Manner<'_>) -> Vec<(String, String)> {
    let exactly = |number: Option<f64>| number.filter(|_| !manner.plain).map(exact);
    let pairs = [
        ("largest difference", exactly(replay.max_difference)),
        ("tolerance", exactly(replay.tolerance)),
        ("engine", Some(replay.engine.clone())),
        ("artefact", replay.artefact.clone()),
        ("input", replay.input.clone()),
    ];
    pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

pub(super) fn reasons(why: &Why, manner: &Manner<'_>) -> Section {
    let title = manner.title("Principal reasons", "Why: the principal reasons");
    section("reasons", title, &why.reasons, |reasons| {
        let mut pieces = Vec::new();
        if reasons.stage.kind != StageKind::Score {
            pieces.push(Piece::Line(format!(
                "They are those of {}.",
                match reasons.stage.kind {
                    StageKind::Unknown => "a stage that is not on record".to_owned(),
                    _ => stage(&reasons.stage),
                }
            )));
        }
        if reasons.principal.is_empty() {
            pieces.push(Piece::Line("None.".to_owned()));
        } else {
            let ranked = reasons.principal.iter().map(|it| reason(it, manner));
            pieces.push(Piece::Ranked(ranked.collect()));
        }
        let behind: Vec<&Reason> = reasons
            .ordered
            .iter()
            .filter(|it| !reasons.principal.iter().any(|one| one.fields == it.fields))
            .collect();
        if !behind.is_empty() {
            let (shown, more) = first(&behind, manner.rows);
            let named: Vec<String> = shown.iter().map(|it| behind_words(it, manner)).collect();
            let more = if more == 0 {
                String::new()
            } else {
                format!(", and {more} more")
            };
            pieces.push(Piece::Line(format!(
                "Behind them, in order: {}{more}.",
                named.join(", ")
            )));
        }
        if !reasons.unmapped.is_empty() {
            let fields: Vec<String> = reasons
                .unmapped
                .iter()
                .map(|field| manner.words.field(field))
                .collect();
            let said = if manner.plain {
                "Counted too, and have no reason of their own"
            } else {
                "Without a reason in the dictionary, to be filled in before a notice is sent"
            };
            pieces.push(Piece::Line(format!("{said}: {}.", fields.join(", "))));
        }
        let mut made = Vec::new();
        made.extend(
            reasons
                .dictionary
                .clone()
                .map(|it| ("dictionary".to_owned(), it)),
        );
        made.extend(reasons.from.clone().map(|it| ("taken from".to_owned(), it)));
        if !made.is_empty() {
            pieces.push(Piece::Pairs(made));
        }
        pieces
    })
}

fn reason(reason: &Reason, manner: &Manner<'_>) -> Ranked {
    let fields = || {
        let named: Vec<String> = reason
            .fields
            .iter()
            .map(|field| manner.words.field(field))
            .collect();
        named.join(", ")
    };
    let text = match (&reason.text, &reason.code) {
        (Some(text), Some(code)) => format!("{text} ({code})"),
        (Some(text), None) => text.clone(),
        (None, Some(code)) => code.clone(),
        (None, None) => fields(),
    };
    let below = reason
        .fields
        .iter()
        .zip(&reason.values)
        .map(|(field, value)| manner.words.field_and_value(field, value));
    Ranked {
        text,
        below: below.collect(),
        amount: reason.contribution.map(|it| signed(it, 3)),
    }
}

fn behind_words(reason: &Reason, manner: &Manner<'_>) -> String {
    let fields: Vec<String> = reason
        .fields
        .iter()
        .map(|field| manner.words.field(field))
        .collect();
    let amount = reason
        .contribution
        .map_or_else(String::new, |it| format!(" {}", signed(it, 3)));
    format!("{}{amount}", fields.join(" and "))
}

/// Headings of columns.
pub(super) fn heads<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}
