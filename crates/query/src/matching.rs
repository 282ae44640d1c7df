//! The rows that a filter means, read in parallel: what every question of a list stands on.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use causebook_filter::Filter;
use causebook_record::Mask;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{Expr, ident, lit};
use datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use tokio::task::JoinSet;

use crate::condition::condition;
use crate::error::QueryError;
use crate::query::{Query, State, explained};

/// What is read of one stream of rows, and put together with what was read of the others.
pub(crate) trait Gather: Send + Sized + 'static {
    /// One that has read nothing.
    fn fresh(&self) -> Self;
    /// Reads a batch of the columns asked for.
    fn read(&mut self, batch: &RecordBatch) -> Result<(), QueryError>;
    /// Takes in what another has read.
    fn join(&mut self, other: Self) -> Result<(), QueryError>;
}

/// Which rows a question is about.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    condition: Expr,
    pub(crate) range: Range<u64>,
}

impl Wanted {
    pub(crate) fn new(filter: &Filter, mask: &Mask, range: Range<u64>) -> Self {
        Self {
            condition: condition(filter, mask),
            range,
        }
    }

    /// These rows, of a part of the positions.
    pub(crate) fn within(&self, range: Range<u64>) -> Self {
        Self {
            condition: self.condition.clone(),
            range,
        }
    }

    /// Of these rows, those of which a condition holds.
    pub(crate) fn and(&self, condition: Expr) -> Self {
        Self {
            condition: self.condition.clone().and(condition),
            range: self.range.clone(),
        }
    }

    pub(crate) fn expression(&self) -> Expr {
        let bound = |position: u64| lit(i64::try_from(position).unwrap_or(i64::MAX));
        let index = ident("index");
        let within = index.clone().gt_eq(bound(self.range.start));
        within
            .and(index.lt(bound(self.range.end)))
            .and(self.condition.clone())
    }
}

impl Query {
    /// Reads the columns of all rows wanted into what `gather` makes of them. Must be called within the limits.
    pub(crate) async fn gather<G: Gather>(
        &self,
        context: &SessionContext,
        state: &State,
        wanted: &Wanted,
        columns: Vec<Expr>,
        mut gather: G,
    ) -> Result<G, QueryError> {
        let memory_bytes = self.limits().memory_bytes;
        let problem = |why: DataFusionError| explained(&why, memory_bytes);
        let records = state.records(wanted.range.clone())?;
        let frame = context
            .read_table(Arc::new(records))
            .and_then(|frame| frame.filter(wanted.expression()))
            .and_then(|frame| frame.select(columns))
            .map_err(problem)?;
        let streams = frame.execute_stream_partitioned().await.map_err(problem)?;
        let mut reading = JoinSet::new();
        for mut stream in streams {
            let mut part = gather.fresh();
            reading.spawn(async move {
                while let Some(batch) = stream.next().await {
                    let batch = batch.map_err(|why| explained(&why, memory_bytes))?;
                    part.read(&batch)?;
                }
                Ok::<G, QueryError>(part)
            });
        }
        while let Some(part) = reading.join_next().await {
            let part = part.map_err(|why| QueryError::Engine {
                problem: why.to_string(),
            })?;
            gather.join(part?)?;
        }
        Ok(gather)
    }
}

/// Positions.
#[derive(Debug, Default)]
pub(crate) struct Positions(pub(crate) Vec<u64>);

impl Gather for Positions {
    fn fresh(&self) -> Self {
        Self::default()
    }

    fn read(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let index = batch
            .columns()
            .first()
            .and_then(|column| column.as_primitive_opt::<Int64Type>());
        let index = index.map(|index| index.values().as_ref());
        let positions: &[i64] = index.unwrap_or_default();
        self.0
            .extend(positions.iter().map(|index| index.cast_unsigned()));
        Ok(())
    }

    fn join(&mut self, other: Self) -> Result<(), QueryError> {
        self.0.extend(other.0);
        Ok(())
    }
}

/// How many.
#[derive(Debug, Default)]
pub(crate) struct Count(pub(crate) u64);

impl Gather for Count {
    fn fresh(&self) -> Self {
        Self::default()
    }

    fn read(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        self.0 += batch.num_rows() as u64;
        Ok(())
    }

    fn join(&mut self, other: Self) -> Result<(), QueryError> {
        self.0 += other.0;
        Ok(())
    }
}

/// A text of a batch's column; none where it is null or the column holds no texts.
pub(crate) fn text_at(column: &dyn Array, row: usize) -> Option<&str> {
    let texts = column.as_string_opt::<i32>()?;
    texts.is_valid(row).then(|| texts.value(row))
}
