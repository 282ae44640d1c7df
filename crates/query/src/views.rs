//! A view for each kind of record, named after what it lists: `decisions`, `reviews`, `erasures`.
//!
//! A view has every column of `records` and, before them, what is particular to its kind: the object that carries its
//! substance as JSON, and for reviews and erasures the members that everyone asks for as text.

use std::sync::Arc;

use causebook_record::Kind;
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, col, lit};

use crate::json::{get, text};

/// Name of the table that the views are of.
pub(crate) const RECORDS: &str = "records";

/// Names of the views and what they are.
pub(crate) fn views(records: &Arc<dyn TableProvider>) -> Result<Vec<(&'static str, ViewTable)>> {
    let named = Kind::ALL
        .iter()
        .filter_map(|kind| Some((*kind, name(*kind)?)));
    named
        .map(|(kind, name)| Ok((name, view(kind, records)?)))
        .collect()
}

/// Names of the views.
pub(crate) fn names() -> Vec<&'static str> {
    Kind::ALL.iter().filter_map(|kind| name(*kind)).collect()
}

fn view(kind: Kind, records: &Arc<dyn TableProvider>) -> Result<ViewTable> {
    let columns: Vec<Expr> = records
        .schema()
        .fields()
        .iter()
        .map(|field| col(field.name()))
        .collect();
    let plan = LogicalPlanBuilder::scan(RECORDS, provider_as_source(Arc::clone(records)), None)?
        .filter(col("kind").eq(lit(kind.as_str())))?
        .project(particular(kind).into_iter().chain(columns))?
        .build()?;
    Ok(ViewTable::new(plan, None))
}

fn name(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Decision => "decisions",
        Kind::Outcome => "outcomes",
        Kind::Review => "reviews",
        Kind::Explanation => "explanations",
        Kind::Notice => "notices",
        Kind::Correction => "corrections",
        Kind::Model => "models",
        Kind::Config => "configs",
        Kind::Erasure => "erasures",
        Kind::Hold => "holds",
        Kind::Access => "accesses",
        Kind::Gap => "gaps",
        _ => return None,
    })
}

/// Columns that only this kind has.
fn particular(kind: Kind) -> Vec<Expr> {
    let substance = |member: &str| get(col("rest"), member);
    let object = |member: &str| substance(member).alias(member);
    let part = |member: &str, key: &str| text(substance(member), key).alias(key);
    match kind {
        Kind::Review => {
            let texts = ["action", "who", "role", "reason"];
            let mut columns: Vec<Expr> = texts.into_iter().map(|key| part("review", key)).collect();
            columns.push(object("review"));
            columns
        }
        Kind::Erasure => vec![part("erasure", "reason"), object("erasure")],
        Kind::Outcome
        | Kind::Notice
        | Kind::Correction
        | Kind::Config
        | Kind::Hold
        | Kind::Access
        | Kind::Gap => vec![object(kind.as_str())],
        _ => Vec::new(),
    }
}
