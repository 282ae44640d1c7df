//! Answers of queries on their way out: drawn as a table here, in every other form by the query engine.

use std::io::{self, Write};

use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use causebook_query::{Answer, output};

use crate::failure::{Exit, Failure, Outcome};
use crate::grid::{Column, Grid};
use crate::output::{Format, name};

/// Writes an answer in any form but a drawn table. The writer is flushed.
pub(crate) fn write(answer: &Answer, format: Format, out: impl Write + Send) -> Outcome {
    let known: output::Format = name(format).parse()?;
    let mut out = Watched { out, failure: None };
    let written = output::write(known, answer, output::Options { nest_json: true }, &mut out);
    // The engine tells in words that writing failed; what failed decides how the program ends.
    if let Some(error) = out.failure {
        return Err(error.into());
    }
    written?;
    Ok(out.out.flush()?)
}

/// Draws an answer.
pub(crate) fn grid(answer: &Answer) -> Outcome<Grid> {
    let undrawable = |error: arrow::error::ArrowError| {
        Failure::new(
            Exit::Failure,
            "sql-output",
            "the answer cannot be drawn as a table",
        )
        .detail(error.to_string())
        .hint("--format json shows it")
    };
    let is_number = |kind: &DataType| kind.is_numeric() || matches!(kind, DataType::Null);
    let columns = answer.schema.fields().iter();
    let columns = columns
        .map(|field| Column::new(field.name(), is_number(field.data_type()), 0))
        .collect();
    let options = FormatOptions::new().with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S"));
    let mut rows = Vec::new();
    for batch in &answer.batches {
        let formatters = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
        let formatters: Vec<ArrayFormatter<'_>> =
            formatters.collect::<Result<_, _>>().map_err(undrawable)?;
        for row in 0..batch.num_rows() {
            let cells = formatters
                .iter()
                .map(|formatter| formatter.value(row).try_to_string());
            rows.push(cells.collect::<Result<_, _>>().map_err(undrawable)?);
        }
    }
    Ok(Grid { columns, rows })
}

/// Remembers why writing failed.
struct Watched<W> {
    out: W,
    failure: Option<io::Error>,
}

impl<W: Write> Watched<W> {
    fn remember<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.map_err(|error| {
            let kind = error.kind();
            self.failure = Some(error);
            kind.into()
        })
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.out.write(bytes);
        self.remember(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.out.flush();
        self.remember(outcome)
    }
}
