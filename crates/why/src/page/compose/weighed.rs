//! What counted and how much, and which change would have led to another decision.

use crate::document::{Attributions, Basis, Block, Counterfactual, CounterfactualKind, Why};
use crate::page::compose::decided::heads;
use crate::page::compose::{Manner, NOT_ADVICE, first, section};
use crate::page::sheet::{Piece, Section, Step, Table, Waterfall};
use crate::page::words::{capital, count, digits_for, rough, score_beside, signed};

/// One section per set; one that says so if there is none.
pub(super) fn attributions(why: &Why, manner: &Manner<'_>) -> Vec<Section> {
    if why.attributions.is_empty() {
        let none = Block::<Attributions>::absent("none are recorded, and none were computed");
        return vec![section("attributions", title(manner, None), &none, |_| {
            Vec::new()
        })];
    }
    let numbered = why.attributions.iter().enumerate();
    numbered
        .map(|(place, block)| {
            let id = match place {
                0 => "attributions".to_owned(),
                _ => format!("attributions-{}", place + 1),
            };
            // Two sets need two names; one needs none on the page of who does not know methods.
            let named = if manner.plain && why.attributions.len() == 1 {
                None
            } else {
                block.content()
            };
            let title = title(manner, named);
            section(&id, title, block, |content| pieces(content, why, manner))
        })
        .collect()
}

fn title(manner: &Manner<'_>, content: Option<&Attributions>) -> String {
    let title = manner.title("Attributions", "Which data counted, and how much");
    match content {
        Some(content) if !content.method.is_empty() => format!("{title}: {}", content.method),
        _ => title,
    }
}

fn pieces(content: &Attributions, why: &Why, manner: &Manner<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if manner.plain {
        pieces.push(Piece::Line(
            "Each line is a piece of data that was used, with its value and what it contributed: + raised what the model \
             says, - lowered it. Together they lead from the starting point to what the model says of this case."
                .to_owned(),
        ));
    }
    pieces.push(Piece::Waterfall(waterfall(content, manner)));
    let mut made = Vec::new();
    if manner.plain {
        made.push(("method".to_owned(), content.method.clone()));
    }
    if let Some(digest) = content.baseline.as_ref().and_then(|it| it.digest.clone()) {
        made.push(("baseline's digest".to_owned(), digest));
    }
    if let Some(seed) = content.seed {
        made.push(("seed".to_owned(), seed.to_string()));
    }
    if !made.is_empty() {
        pieces.push(Piece::Pairs(made));
    }
    if let Some(difference) = &content.against_recorded {
        let order = if difference.other_order {
            "the first four fields are others, or in another order"
        } else {
            "the first four fields are the same, in the same order"
        };
        let recorded = why.attributions.iter().find_map(recorded_method);
        let from = recorded.map_or_else(String::new, |method| format!(" ({method})"));
        pieces.push(Piece::Line(format!(
            "Beside the recorded ones{from}: largest difference {} at {}; {order}.",
            rough(difference.max),
            manner.words.field(&difference.field)
        )));
    }
    pieces
}

fn recorded_method(block: &Block<Attributions>) -> Option<&str> {
    match block {
        Block::Present {
            basis: Basis::Recorded,
            content,
            ..
        } => Some(&content.method),
        _ => None,
    }
}

fn waterfall(content: &Attributions, manner: &Manner<'_>) -> Waterfall {
    let (shown, more) = first(&content.fields, manner.rows);
    let behind = content.fields.get(shown.len()..).unwrap_or_default();
    let largest = content
        .fields
        .iter()
        .map(|it| it.contribution.abs())
        .fold(0.0, f64::max);
    let name = content.baseline.as_ref().map(|it| {
        let rows = it.rows.map_or_else(String::new, |rows| {
            format!(" ({})", count(rows as u64, "row", "rows"))
        });
        format!("{}{rows}", it.name)
    });
    let baseline = match (name, content.base) {
        (Some(name), Some(_)) => name,
        (Some(name), None) => format!("{name}; its value is not on record: from 0"),
        (None, Some(_)) => "baseline not named".to_owned(),
        (None, None) => "no baseline on record: from 0".to_owned(),
    };
    Waterfall {
        scale: content.scale.clone(),
        start: content.base.unwrap_or(0.0),
        baseline,
        steps: shown
            .iter()
            .map(|it| Step {
                label: manner.words.field(&it.field),
                value: manner.words.value(&it.field, &it.value),
                amount: it.contribution,
                error: it.error,
            })
            .collect(),
        rest: (more > 0).then(|| (more, behind.iter().map(|it| it.contribution).sum())),
        value: content.value,
        residual: content.residual,
        digits: digits_for(largest),
    }
}

pub(super) fn counterfactuals(why: &Why, manner: &Manner<'_>) -> Section {
    let words = manner.words;
    let title = manner.title(
        "Smallest change found",
        "What change would have changed the result",
    );
    section("counterfactuals", title, &why.counterfactuals, |content| {
        let wanted = words.decision(&content.wanted);
        let mut pieces = Vec::new();
        if content.found.is_empty() {
            let searched = if content.singles_exhausted {
                " Every allowed change of one field was tried; more fields at once were searched, not all tried."
            } else {
                ""
            };
            pieces.push(Piece::Line(format!(
                "No allowed change was found that leads to {wanted}.{searched}"
            )));
        }
        let threshold = why.outcome.content().and_then(|it| it.threshold);
        let (shown, more) = first(&content.found, manner.rows);
        for found in shown {
            pieces.push(Piece::Line(introduction(found, threshold, manner)));
            let rows = found.changes.iter().map(|change| {
                vec![
                    words.field(&change.field),
                    words.value(&change.field, &change.from),
                    words.value(&change.field, &change.to),
                ]
            });
            pieces.push(Piece::Table(Table {
                caption: format!("Changes that lead to {}", words.decision(&found.decision)),
                head: heads(["field", "recorded", "changed to"]),
                rows: rows.collect(),
                more: 0,
            }));
        }
        if more > 0 {
            pieces.push(Piece::More(more));
        }
        if !content.fixed.is_empty() {
            let (shown, more) = first(&content.fixed, manner.rows);
            let fixed: Vec<String> = shown
                .iter()
                .map(|(field, reason)| format!("{} ({reason})", words.field(field)))
                .collect();
            let more = if more == 0 {
                String::new()
            } else {
                format!(", and {more} more")
            };
            pieces.push(Piece::Line(format!(
                "Held fixed: {}{more}.",
                fixed.join(", ")
            )));
        }
        if !manner.plain {
            pieces.push(Piece::Line(format!(
                "The model was asked {}.",
                count(content.calls, "time", "times")
            )));
        }
        pieces.push(Piece::Line(NOT_ADVICE.to_owned()));
        pieces
    })
}

fn introduction(found: &Counterfactual, threshold: Option<f64>, manner: &Manner<'_>) -> String {
    let kind = match found.kind {
        CounterfactualKind::SmallestFound => "smallest change found",
        CounterfactualKind::TowardRecorded => "toward a recorded decision",
    };
    let leads = format!(
        "{}: {} ({})",
        capital(kind),
        manner.words.decision(&found.decision),
        count(
            found.changes.len() as u64,
            "field changed",
            "fields changed"
        )
    );
    let score = found.score.map_or_else(String::new, |score| {
        format!(
            ", {} {}",
            manner.words.score(),
            score_beside(score, threshold)
        )
    });
    if manner.plain {
        return format!("{leads}{score}.");
    }
    let history = found.distance_to_history.map_or_else(String::new, |it| {
        format!(
            ", {} from the nearest recorded input with that decision",
            rough(it)
        )
    });
    format!(
        "{leads}{score}; distance {}{history}.",
        signed(found.distance, 4).trim_start_matches('+')
    )
}
