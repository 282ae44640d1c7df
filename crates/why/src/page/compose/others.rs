//! What other decisions say: the most similar ones, and where this input lies among all.

use crate::document::{Neighbour, Percentile, Why};
use crate::fields::Scalar;
use crate::page::compose::decided::heads;
use crate::page::compose::{Manner, first, section};
use crate::page::sheet::{Piece, Section, Table};
use crate::page::words::{count, grouped, rough, score_beside};

pub(super) fn contrast(why: &Why, manner: &Manner<'_>) -> Section {
    let title = manner.title(
        "Most similar decisions with another outcome",
        "How similar cases came out",
    );
    section("contrast", title, &why.contrast, |content| {
        let mut pieces = Vec::new();
        if content.nothing_similar {
            pieces.push(Piece::Line(
                "Nothing similar is on file: even the nearest decision is far away.".to_owned(),
            ));
        }
        let (shown, more) = first(&content.opposite, manner.rows.min(5));
        for neighbour in shown {
            pieces.extend(neighbour_pieces(neighbour, "another outcome", manner));
        }
        if more > 0 {
            pieces.push(Piece::More(more));
        }
        if let Some(neighbour) = content.same.first() {
            pieces.extend(neighbour_pieces(neighbour, "the same outcome", manner));
        }
        let among: Vec<String> = content
            .among_nearest
            .iter()
            .map(|(decision, number)| {
                format!("{} {}", grouped(*number), manner.words.decision(decision))
            })
            .collect();
        if !among.is_empty() {
            pieces.push(Piece::Line(format!(
                "Outcomes of the nearest: {}.",
                among.join(", ")
            )));
        }
        pieces.push(Piece::Line(format!(
            "Compared with {} of {}.",
            count(content.compared, "recorded decision", "recorded decisions"),
            content.of
        )));
        pieces
    })
}

fn neighbour_pieces(neighbour: &Neighbour, which: &str, manner: &Manner<'_>) -> Vec<Piece> {
    let words = manner.words;
    let id = neighbour
        .id
        .as_deref()
        .unwrap_or("a decision that is not named");
    let score = neighbour.score.map_or_else(String::new, |score| {
        format!(", {} {}", words.score(), score_beside(score, None))
    });
    let line = format!(
        "With {which}: {id}, {}{score}, distance {}; {} the same.",
        words.decision(&neighbour.decision),
        rough(neighbour.distance),
        count(neighbour.agrees as u64, "field is", "fields are")
    );
    if neighbour.differs.is_empty() {
        return vec![Piece::Line(line)];
    }
    let (shown, more) = first(&neighbour.differs, manner.rows.min(8));
    let rows = shown.iter().map(|change| {
        vec![
            words.field(&change.field),
            words.value(&change.field, &change.from),
            words.value(&change.field, &change.to),
        ]
    });
    let table = Table {
        caption: format!("What differs between this decision and {id}"),
        head: heads(["field", "this decision", "that decision"]),
        rows: rows.collect(),
        more,
    };
    vec![Piece::Line(line), Piece::Table(table)]
}

pub(super) fn unusual(why: &Why, manner: &Manner<'_>) -> Section {
    let title = manner.title("Unusual input", "What was unusual about the data");
    section("unusual", title, &why.unusual, |content| {
        let rare: Vec<&Percentile> = content.iter().filter(|it| it.rare).collect();
        if rare.is_empty() {
            return vec![Piece::Line(format!(
                "Nothing: every value of {} lies among the usual ones.",
                count(content.len() as u64, "field", "fields")
            ))];
        }
        let (shown, more) = first(&rare, manner.rows);
        let rows = shown.iter().map(|it| {
            vec![
                manner.words.field(&it.field),
                manner.words.value(&it.field, &it.value),
                place(it),
            ]
        });
        let table = Table {
            caption: "Values that are rare among the recorded decisions".to_owned(),
            head: heads(["field", "value", "among recorded decisions"]),
            rows: rows.collect(),
            more,
        };
        let usual = content.len() - rare.len();
        vec![
            Piece::Table(table),
            Piece::Line(format!(
                "{} among the usual values.",
                count(usual as u64, "other field lies", "other fields lie")
            )),
        ]
    })
}

/// Where a value lies, in words.
fn place(it: &Percentile) -> String {
    match (it.percentile, it.share) {
        (Some(percentile), _) => format!("{} % are below it", rough(percentile)),
        (None, Some(share)) => {
            let said = if it.value == Scalar::Missing {
                "lack it"
            } else {
                "have it"
            };
            format!("{} % {said}", rough(share * 100.0))
        }
        (None, None) => "not known".to_owned(),
    }
}
