//! Facets: of the records that a filter means, how many have which value of some fields. Exact, in one pass.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use causebook_filter::{Field, Filter, model_name_of};
use causebook_record::Mask;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, cast, ident, lit};

use crate::condition::column;
use crate::error::QueryError;
use crate::functions::{model, shown};
use crate::matching::{Gather, Wanted, text_at};
use crate::place::Place;
use crate::query::Query;

/// A field whose values are counted: any field of a filter.
pub type FacetField = Field;

/// How often values come, over all records that a filter means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facets {
    /// Records that the filter means.
    pub matched: u64,
    /// One for each field asked for, in that order.
    pub facets: Vec<Facet>,
}

/// The values of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facet {
    /// The field.
    pub field: FacetField,
    /// The most frequent values, as a filter takes them once they are quoted; equally frequent ones in order.
    pub values: Vec<FacetValue>,
    /// Records that have another value. Those that have none, null, an array or an object are in no count.
    pub other: u64,
}

/// One value and how many records have it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FacetValue {
    /// The value: a number without needless digits, a time as its day, a model as `name@version`.
    pub value: String,
    /// How many.
    pub count: u64,
}

impl Query {
    /// Counts the values of some fields over the records below `as_of` that the filter means, and gives the `limit` most
    /// frequent of each.
    ///
    /// # Errors
    /// [`QueryError::Memory`] where a field has more values than can be counted; else as [`page`](Self::page).
    pub fn facets(
        &self,
        filter: &Filter,
        as_of: u64,
        fields: &[FacetField],
        limit: usize,
        mask: &Mask,
    ) -> Result<Facets, QueryError> {
        self.on_a_state(|state| {
            let wanted = Wanted::new(filter, mask, 0..as_of.min(state.size));
            let context = self.bare_session()?;
            let mut columns: Vec<Expr> = vec![ident("index").alias("position")];
            let values = fields.iter().zip(0..);
            columns.extend(values.map(|(field, nth)| value(field, mask).alias(format!("f{nth}"))));
            let tally = Tally::new(fields.len(), self.limits().memory_bytes);
            let tally = self.limited(self.gather(&context, state, &wanted, columns, tally))?;
            let facets = fields.iter().zip(tally.counts);
            Ok(Facets {
                matched: tally.rows,
                facets: facets
                    .map(|(field, counts)| facet(field.clone(), counts, limit))
                    .collect(),
            })
        })
    }
}

/// The value of a field as text, null for a reader who may not see it.
pub(crate) fn value(field: &Field, mask: &Mask) -> Expr {
    let absent = || lit(ScalarValue::Utf8(None));
    if mask.covers_path(field.place()) {
        return absent();
    }
    match (field, column(field)) {
        (Field::Time | Field::Recorded, Some(column)) => {
            cast(cast(column, DataType::Date32), DataType::Utf8)
        }
        (Field::Index | Field::Seq | Field::Score, Some(column)) => cast(column, DataType::Utf8),
        (_, Some(column)) => column,
        (Field::Model, None) => {
            let part = |column: &str, seen: bool| if seen { ident(column) } else { absent() };
            let [name, version] = model_name_of(mask);
            model(part("model_name", name), part("model_version", version))
        }
        (field, None) => match Place::of(field.place()) {
            Place::Text(column) => ident(column),
            place @ Place::Json { .. } => shown(&place),
        },
    }
}

/// The most frequent values first.
pub(crate) fn ranked(counts: HashMap<String, u64>) -> Vec<FacetValue> {
    let values = counts.into_iter();
    let mut values: Vec<FacetValue> = values
        .map(|(value, count)| FacetValue { value, count })
        .collect();
    values.sort_unstable_by(|one, other| {
        other
            .count
            .cmp(&one.count)
            .then_with(|| one.value.cmp(&other.value))
    });
    values
}

fn facet(field: FacetField, counts: HashMap<String, u64>, limit: usize) -> Facet {
    let mut values = ranked(counts);
    let rest = values.split_off(limit.min(values.len()));
    Facet {
        field,
        values,
        other: rest.iter().map(|value| value.count).sum(),
    }
}

/// Counts of values, a column of texts each, after a first column that is not looked at.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) counts: Vec<HashMap<String, u64>>,
    bytes: usize,
    bytes_max: usize,
}

impl Tally {
    pub(crate) fn new(columns: usize, bytes_max: usize) -> Self {
        Self {
            rows: 0,
            counts: vec![HashMap::new(); columns],
            bytes: 0,
            bytes_max,
        }
    }

    fn add(&mut self, nth: usize, value: &str, times: u64) -> Result<(), QueryError> {
        let Some(counts) = self.counts.get_mut(nth) else {
            return Ok(());
        };
        if let Some(count) = counts.get_mut(value) {
            *count += times;
            return Ok(());
        }
        self.bytes += value.len() + ENTRY_BYTES;
        if self.bytes > self.bytes_max {
            return Err(QueryError::Memory {
                limit_bytes: self.bytes_max,
            });
        }
        counts.insert(value.to_owned(), times);
        Ok(())
    }
}

/// What an entry of a map takes beside its text, about.
const ENTRY_BYTES: usize = 64;

impl Gather for Tally {
    fn fresh(&self) -> Self {
        Self::new(self.counts.len(), self.bytes_max)
    }

    fn read(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        self.rows += batch.num_rows() as u64;
        for (nth, column) in batch.columns().iter().skip(1).enumerate() {
            // Neighbours are often alike: what repeats is looked up once.
            let mut run: Option<(&str, u64)> = None;
            for row in 0..batch.num_rows() {
                let Some(value) = text_at(column, row) else {
                    continue;
                };
                run = match run {
                    Some((same, times)) if same == value => Some((same, times + 1)),
                    Some((other, times)) => {
                        self.add(nth, other, times)?;
                        Some((value, 1))
                    }
                    None => Some((value, 1)),
                };
            }
            if let Some((value, times)) = run {
                self.add(nth, value, times)?;
            }
        }
        Ok(())
    }

    fn join(&mut self, other: Self) -> Result<(), QueryError> {
        self.rows += other.rows;
        for (nth, counts) in other.counts.into_iter().enumerate() {
            for (value, count) in counts {
                self.add(nth, &value, count)?;
            }
        }
        Ok(())
    }
}
