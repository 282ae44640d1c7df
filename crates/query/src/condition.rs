//! Filters as conditions on the columns of the table, with the meaning that
//! [`Filter::matches`](causebook_filter::Filter::matches) gives them.
//!
//! What a typed column decides is asked of the column, so that page statistics and bloom filters skip what cannot
//! match; the rest is asked by functions that run the filter's own tests. Every value of a filter is a literal of the
//! engine: no text of it is ever read as SQL. A condition may be null where a filter is false; `-` turns both into true.

use causebook_filter::{Field, Filter, Glob, Node, Span, Term, Test, ValueTest, model_name_of};
use causebook_record::Mask;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::utils::{conjunction, disjunction};
use datafusion::logical_expr::{Expr, ident, lit};

use crate::functions::{Searched, holds, is_word, searched};
use crate::place::{JSONS, LIFTED, Place, TEXTS};

/// The condition of a filter for a reader with a mask: what is masked is not there.
pub(crate) fn condition(filter: &Filter, mask: &Mask) -> Expr {
    of_node(filter.root(), mask)
}

fn of_node(node: &Node, mask: &Mask) -> Expr {
    let each = |nodes: &[Node]| {
        nodes
            .iter()
            .map(|node| of_node(node, mask))
            .collect::<Vec<_>>()
    };
    match node {
        Node::All(nodes) => conjunction(each(nodes)).unwrap_or_else(|| lit(true)),
        Node::Any(nodes) => one_of(each(nodes)),
        Node::Not(node) => Expr::IsNotTrue(Box::new(of_node(node, mask))),
        Node::Term(Term::Text(glob)) => searched(glob, mask, searched_columns(mask)),
        Node::Term(Term::Field { field, .. }) if mask.covers_path(field.place()) => lit(false),
        Node::Term(Term::Field { field, test }) => of_field(field, test, mask),
    }
}

fn of_field(field: &Field, test: &Test, mask: &Mask) -> Expr {
    if let Some(column) = column(field) {
        return match test {
            Test::Words(words) => of_words(column, words),
            Test::Times(spans) => one_of(spans.iter().map(|span| of_times(&column, span))),
            Test::Whole(spans) => one_of(spans.iter().map(|span| of_whole(&column, span))),
            Test::Doubles(spans) => one_of(spans.iter().map(|span| of_doubles(&column, span))),
            _ => column.is_not_null(),
        };
    }
    match field {
        Field::Model => of_model(test, mask),
        field => match (Place::of(field.place()), test) {
            (Place::Text(column), Test::Present) => ident(column).is_not_null(),
            (Place::Text(column), Test::Values(values)) => of_text_values(&ident(column), values),
            (place, test) => holds(&place, test),
        },
    }
}

/// The column that holds what the typed fields of a record hold.
pub(crate) fn column(field: &Field) -> Option<Expr> {
    let name = match field {
        Field::Index => "index",
        Field::Id => "id",
        Field::Kind => "kind",
        Field::Time => "time",
        Field::Recorded => "recorded_at",
        Field::Subject => "subject",
        Field::Decision => "decision",
        Field::Score => "score",
        Field::RefersTo => "refers_to",
        Field::Trace => "trace_id",
        Field::Source => "source_name",
        Field::Run => "source_run",
        Field::Seq => "source_seq",
        Field::Automation => "automation",
        _ => return None,
    };
    Some(ident(name))
}

fn of_words(column: Expr, words: &[Glob]) -> Expr {
    let exact: Vec<Expr> = words.iter().filter_map(Glob::as_exact).map(lit).collect();
    let patterns: Vec<Glob> = words
        .iter()
        .filter(|glob| glob.as_exact().is_none())
        .cloned()
        .collect();
    let mut ways = Vec::new();
    match exact.as_slice() {
        [] => {}
        [only] => ways.push(column.clone().eq(only.clone())),
        _ => ways.push(column.clone().in_list(exact, false)),
    }
    if !patterns.is_empty() {
        ways.push(is_word(column, &patterns));
    }
    one_of(ways)
}

/// The values of a member that is a string where it is there.
fn of_text_values(column: &Expr, values: &[ValueTest]) -> Expr {
    let words = values.iter().filter_map(|value| match value {
        ValueTest::Text(text) | ValueTest::Literal { text, .. } => Some(Glob::exact(text.as_str())),
        ValueTest::Pattern(glob) => Some(glob.clone()),
        _ => None,
    });
    of_words(column.clone(), &words.collect::<Vec<_>>())
}

fn of_model(test: &Test, mask: &Mask) -> Expr {
    let [name_seen, version_seen] = model_name_of(mask);
    let part = |column: &str, seen: bool, glob: Option<&Glob>| match glob {
        Some(glob) if seen => of_words(ident(column), std::slice::from_ref(glob)),
        Some(_) => lit(false),
        None => lit(true),
    };
    let there = |column: &str, seen: bool| {
        if seen {
            ident(column).is_not_null()
        } else {
            lit(false)
        }
    };
    match test {
        Test::Models(models) => one_of(models.iter().map(|model| {
            let name = part("model_name", name_seen, model.name.as_ref());
            name.and(part("model_version", version_seen, model.version.as_ref()))
        })),
        _ => there("model_name", name_seen).or(there("model_version", version_seen)),
    }
}

fn of_times(column: &Expr, span: &Span<i64>) -> Expr {
    of_span(column, span, |time, _| {
        ScalarValue::TimestampMicrosecond(Some(*time), Some("UTC".into()))
    })
}

fn of_whole(column: &Expr, span: &Span<u64>) -> Expr {
    // No column goes beyond what fits here; a bound that does is above all of them.
    let bounded = |bound: &Option<(u64, bool)>| {
        bound.map(|(value, inclusive)| match i64::try_from(value) {
            Ok(value) => (value, inclusive),
            Err(_) => (i64::MAX, true),
        })
    };
    let beyond =
        |bound: &Option<(u64, bool)>| bound.is_some_and(|(value, _)| i64::try_from(value).is_err());
    if beyond(&span.low) {
        return lit(false);
    }
    let span = Span {
        low: bounded(&span.low),
        high: bounded(&span.high),
    };
    of_span(column, &span, |value, _| ScalarValue::Int64(Some(*value)))
}

fn of_doubles(column: &Expr, span: &Span<f64>) -> Expr {
    of_span(column, span, |value, zero_below| {
        // The engine orders -0 before 0; for a filter they are one number.
        let value = match (*value == 0.0, zero_below) {
            (true, true) => -0.0,
            (true, false) => 0.0,
            (false, _) => *value,
        };
        ScalarValue::Float64(Some(value))
    })
}

/// `literal` is told whether a zero must stand before all zeros, or after them.
fn of_span<T: Clone>(
    column: &Expr,
    span: &Span<T>,
    literal: impl Fn(&T, bool) -> ScalarValue,
) -> Expr {
    let low = span.low.as_ref().map(|(low, inclusive)| {
        let bound = lit(literal(low, *inclusive));
        if *inclusive {
            column.clone().gt_eq(bound)
        } else {
            column.clone().gt(bound)
        }
    });
    let high = span.high.as_ref().map(|(high, inclusive)| {
        let bound = lit(literal(high, !*inclusive));
        if *inclusive {
            column.clone().lt_eq(bound)
        } else {
            column.clone().lt(bound)
        }
    });
    conjunction(low.into_iter().chain(high)).unwrap_or_else(|| column.clone().is_not_null())
}

/// Columns in which free text is looked for, with what they stand for.
fn searched_columns(mask: &Mask) -> Vec<Searched> {
    let raw = |column: &str, path: String| Searched {
        column: ident(column),
        path,
        raw: true,
    };
    let texts = TEXTS.into_iter().filter(|column| *column != "kind");
    let texts = texts.map(|column| raw(column, format!("/{column}")));
    let lifted = LIFTED
        .into_iter()
        .filter(|(_, column)| matches!(*column, "trace_id" | "source_name" | "source_run"));
    let lifted = lifted.map(|(path, column)| raw(column, path.to_owned()));
    let members = JSONS.into_iter().map(|column| Searched {
        column: ident(column),
        path: format!("/{column}"),
        raw: false,
    });
    let rest = Searched {
        column: ident("rest"),
        path: String::new(),
        raw: false,
    };
    texts
        .chain(lifted)
        .chain(members)
        .chain([rest])
        .filter(|searched| !mask.covers_path(&searched.path))
        .collect()
}

fn one_of(ways: impl IntoIterator<Item = Expr>) -> Expr {
    disjunction(ways).unwrap_or_else(|| lit(false))
}
