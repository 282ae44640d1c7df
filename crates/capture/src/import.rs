//! An import: one pass to find out types, counts and repeated rows, then as many as are wanted that give records.
//!
//! Both passes stream. What is held is one row, the header, a few bits a row (see [`ids`]) and, of rows
//! that name their own members, one plan for the last shape seen.

mod survey;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::compose::Composer;
use crate::ids::{self, Occurrences, Repeats};
use crate::plan::{Constants, Plan};
use crate::rejects::cut;
use crate::row::{Item, Sink, SourceRow};
use crate::{
    CaptureError, Format, Mapping, ReadOptions, Reason, Rejected, Source, Types, delimited, json,
    line, parquet, xlsx,
};
use survey::Survey;

/// A prepared import.
#[derive(Debug)]
pub struct Import {
    source: Source,
    format: Format,
    mapping: Mapping,
    constants: Constants,
    columns: Vec<Column>,
    kinds: Vec<ColumnKind>,
    repeats: Repeats,
    rows: u64,
    unmapped: BTreeSet<String>,
    never_found: BTreeSet<String>,
}

/// A column of a table, as it will be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What it is called here.
    pub name: String,
    /// What the header calls it, where that had to be changed: it was empty, or another column has the same name.
    pub given_name: Option<String>,
    /// What its cells become.
    pub kind: ColumnKind,
    /// The members of the record that it goes to; none if it is not imported.
    pub members: Vec<String>,
}

/// What the cells of a column become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Strings, as they stand.
    Text,
    /// Numbers with the digits they have.
    Number,
    /// The JSON documents that they are.
    Json,
    /// What the format says of each cell.
    Typed,
}

/// What a row of the source came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// A record.
    Record(ImportedRow),
    /// Nothing, and why.
    Rejected(Rejected),
}

/// A row that became the text of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRow {
    /// Number of the row in its source, from 1, rejected ones counted: what to resume behind.
    pub row: u64,
    /// Line on which it begins, from 1; the row of the sheet or table in formats without lines.
    pub line: u64,
    /// The record's id.
    pub id: String,
    /// JSON text of the record, not yet checked by the record's own rules.
    pub record: Vec<u8>,
    /// The beginning of the row as it stands in the source, and whether that is not all of it: for [`Self::reject`].
    pub raw: (Vec<u8>, bool),
}

impl ImportedRow {
    /// The row as a rejected one, when the record's own rules or the ledger refuse it.
    pub fn reject(self, reason: impl Into<String>) -> Rejected {
        let (raw, cut) = self.raw;
        Rejected {
            row: self.row,
            line: self.line,
            raw,
            cut,
            reason: Reason::Refused(reason.into()),
        }
    }
}

/// How many rows came to what. `read` is the sum of the other two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows read, behind the one resumed from.
    pub read: u64,
    /// Rows that became records.
    pub records: u64,
    /// Rows that were rejected.
    pub rejected: u64,
}

impl Import {
    /// Reads the whole source once: checks the mapping against it, finds out the types of columns and counts the rows.
    ///
    /// `progress` is called with the number of rows read so far, every few thousand rows.
    ///
    /// # Errors
    /// [`CaptureError::Mapping`], [`CaptureError::UnknownColumn`], [`CaptureError::NoModel`] if the mapping does not fit,
    /// [`CaptureError::Io`] and [`CaptureError::Broken`] if the source cannot be read to its end.
    pub fn prepare(
        source: &Source,
        mapping: &Mapping,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Import, CaptureError> {
        let format = mapping.format(source)?;
        let constants = Constants::of(mapping)?;
        let is_decision = mapping
            .kind
            .as_deref()
            .is_none_or(|kind| kind == "decision");
        if is_decision
            && mapping.columns.model.is_none()
            && !constants.structured.contains_key("model")
        {
            return Err(CaptureError::NoModel);
        }
        if format != Format::Csv && mapping.types != Types::default() {
            return Err(CaptureError::Mapping {
                place: "types".to_owned(),
                problem: format!("the cells of {format} have types of their own"),
            });
        }
        let mut survey = Survey::new(mapping, format, source.len()?);
        read(source, format, &mapping.read, &mut |item| {
            survey.item(item)?;
            if survey.rows.is_multiple_of(PROGRESS_ROWS) {
                progress(survey.rows);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        progress(survey.rows);
        Ok(survey.finish(source, constants))
    }

    /// Gives every row behind number `after_row` (0: all of them) to `each`, as a record or as rejected, in order.
    ///
    /// # Errors
    /// [`CaptureError::Io`] and [`CaptureError::Broken`] if the source cannot be read to its end. What was given to `each`
    /// before stands.
    pub fn run(
        &self,
        after_row: u64,
        each: &mut dyn FnMut(Imported) -> ControlFlow<()>,
    ) -> Result<Summary, CaptureError> {
        let mut pass = Pass {
            import: self,
            composer: Composer {
                mapping: &self.mapping,
                constants: &self.constants,
                kinds: &self.kinds,
            },
            occurrences: Occurrences::new(&self.repeats),
            plans: Plans::default(),
            after_row,
        };
        let mut summary = Summary::default();
        read(&self.source, self.format, &self.mapping.read, &mut |item| {
            let Some(imported) = pass.item(item)? else {
                return Ok(ControlFlow::Continue(()));
            };
            summary.read += 1;
            match imported {
                Imported::Record(_) => summary.records += 1,
                Imported::Rejected(_) => summary.rejected += 1,
            }
            Ok(each(imported))
        })?;
        Ok(summary)
    }

    /// The format that the source is read as.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Rows of the source, rejected ones among them.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The columns of a table, in order; none where rows name their own members.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Columns (or members of rows) that the mapping takes nowhere: they will not be recorded.
    pub fn unmapped(&self) -> &BTreeSet<String> {
        &self.unmapped
    }

    /// Members that the mapping names and that no row has, in formats whose rows name their own members.
    pub fn never_found(&self) -> &BTreeSet<String> {
        &self.never_found
    }

    /// What the source is called in ids.
    pub fn source_name(&self) -> &str {
        self.mapping
            .source
            .name
            .as_deref()
            .unwrap_or(self.source.name())
    }

    /// The mapping with nothing left to be found out: format, delimiter, source name and the types of columns are
    /// fixed as this import has them. Keep it for a file that grows, or for others of its kind.
    ///
    /// # Errors
    /// As [`Source::head`].
    pub fn settled_mapping(&self) -> Result<Mapping, CaptureError> {
        let mut mapping = self.mapping.clone();
        mapping.read.format = Some(self.format);
        mapping.source.name = Some(self.source_name().to_owned());
        if self.format == Format::Csv {
            if mapping.read.delimiter.is_none() {
                let delimiter =
                    delimited::sniff(self.source.name(), &self.source.head()?, mapping.read.skip);
                mapping.read.delimiter = Some(char::from(delimiter).to_string());
            }
            let of_kind = |kind: ColumnKind| {
                let columns = self.columns.iter().filter(|column| column.kind == kind);
                columns.map(|column| column.name.clone()).collect()
            };
            mapping.types = Types {
                number: of_kind(ColumnKind::Number),
                text: vec!["*".to_owned()],
                json: of_kind(ColumnKind::Json),
            };
        }
        Ok(mapping)
    }
}

/// Reads a source's items.
pub(crate) fn read(
    source: &Source,
    format: Format,
    options: &ReadOptions,
    sink: &mut Sink<'_>,
) -> Result<(), CaptureError> {
    match format {
        Format::Csv => delimited::read(source, options, sink),
        Format::Xlsx => xlsx::read(source, options, sink),
        Format::Json => json::read_values(source, sink),
        Format::Jsonl => json::read_lines(source, sink),
        Format::Parquet => parquet::read(source, sink),
        Format::Line => line::read(source, sink),
    }
}
/// The second pass: from the items of a source to what its rows come to.
struct Pass<'i> {
    import: &'i Import,
    composer: Composer<'i>,
    occurrences: Occurrences<'i>,
    plans: Plans,
    after_row: u64,
}

impl Pass<'_> {
    /// What an item comes to; `None` for a header and for rows to be passed over.
    fn item(&mut self, item: Item<'_>) -> Result<Option<Imported>, CaptureError> {
        let row = match item {
            Item::Header { .. } => return Ok(None),
            Item::Bad { at, .. } if at.row <= self.after_row => return Ok(None),
            Item::Bad { at, raw, reason } => {
                return Ok(Some(Imported::Rejected(Rejected::new(at, raw, reason))));
            }
            Item::Row(row) => row,
        };
        let plan = self
            .plans
            .plan(&self.import.mapping, &row, self.import.format)?;
        // Made for rows passed over too, so that equal rows are counted and resuming gives the same ids.
        let id = match self.composer.given_id(plan, &row) {
            Ok(Some(id)) => Ok(id),
            Ok(None) => {
                let digest = ids::row_digest(&row, self.import.format.is_table());
                let occurrence = self.occurrences.next(&digest);
                Ok(ids::row_id(self.import.source_name(), &digest, occurrence))
            }
            Err(reason) => Err(reason),
        };
        if row.at.row <= self.after_row {
            return Ok(None);
        }
        let record = id.and_then(|id| Ok((self.composer.record(plan, &row, &id)?, id)));
        Ok(Some(match record {
            Ok((record, id)) => Imported::Record(ImportedRow {
                row: row.at.row,
                line: row.at.line,
                id,
                record,
                raw: cut(row.raw),
            }),
            Err(reason) => Imported::Rejected(Rejected::new(row.at, row.raw, reason)),
        }))
    }
}

/// The plan for the names of a row, worked out again only when they differ from those of the row before.
#[derive(Default)]
struct Plans {
    last: Option<(Vec<String>, Plan)>,
}

impl Plans {
    fn plan(
        &mut self,
        mapping: &Mapping,
        row: &SourceRow<'_>,
        format: Format,
    ) -> Result<&Plan, CaptureError> {
        let known = matches!(&self.last, Some((names, _)) if names == row.names);
        if !known {
            self.last = None;
        }
        match &mut self.last {
            Some((_, plan)) => Ok(plan),
            last @ None => {
                let plan = Plan::resolve(mapping, row.names, format.is_table())?;
                Ok(&last.insert((row.names.to_vec(), plan)).1)
            }
        }
    }
}

const PROGRESS_ROWS: u64 = 4_096;
