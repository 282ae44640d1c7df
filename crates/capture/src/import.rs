//! An import: one pass to find out types, counts and repeated rows, then as many as are wanted that give records.
//!
//! Both passes stream. What is held is one row, the header, a few bits a row (see [`ids`]) and, of rows
//! that name their own members, one plan for the last shape seen.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::compose::Composer;
use crate::ids::{self, Occurrences, Repeats};
use crate::plan::{Constants, Plan, Shape};
use crate::rejects::cut;
use crate::row::{Cell, Item, Renamed, Sink, SourceRow};
use crate::select::matches;
use crate::{
    CaptureError, Format, Mapping, ReadOptions, Reason, Rejected, Source, Types, delimited, json,
    line, number, parquet, xlsx,
};

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
        let mut survey = Survey {
            mapping,
            format,
            columns: Vec::new(),
            kinds: Vec::new(),
            plans: Plans::default(),
            repeats: if mapping.columns.id.is_none() {
                Repeats::for_bytes(source.len()?)
            } else {
                Repeats::default()
            },
            rows: 0,
            unmapped: BTreeSet::new(),
            never_found: None,
        };
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
        let composer = Composer {
            mapping: &self.mapping,
            constants: &self.constants,
            kinds: &self.kinds,
        };
        let source_name = self.source_name();
        let mut occurrences = Occurrences::new(&self.repeats);
        let mut plans = Plans::default();
        let mut summary = Summary::default();
        read(&self.source, self.format, &self.mapping.read, &mut |item| {
            let (at, raw, result) = match item {
                Item::Header { .. } => return Ok(ControlFlow::Continue(())),
                Item::Bad { at, raw, reason } => (at, raw, Err(reason)),
                Item::Row(row) => {
                    let plan = plans.plan(&self.mapping, &row, self.format)?;
                    let id = match composer.given_id(plan, &row) {
                        Ok(None) => {
                            let digest = ids::row_digest(&row, self.format.is_table());
                            // Counted for rows passed over too, so that resuming gives the same ids.
                            Ok(ids::row_id(source_name, &digest, occurrences.next(&digest)))
                        }
                        Ok(Some(id)) => Ok(id),
                        Err(reason) => Err(reason),
                    };
                    let result = if row.at.row <= after_row {
                        Err(Reason::Refused(String::new()))
                    } else {
                        id.and_then(|id| Ok((composer.record(plan, &row, &id)?, id)))
                    };
                    (row.at, row.raw, result)
                }
            };
            if at.row <= after_row {
                return Ok(ControlFlow::Continue(()));
            }
            summary.read += 1;
            let imported = match result {
                Ok((record, id)) => {
                    summary.records += 1;
                    Imported::Record(ImportedRow {
                        row: at.row,
                        line: at.line,
                        id,
                        record,
                        raw: cut(raw),
                    })
                }
                Err(reason) => {
                    summary.rejected += 1;
                    Imported::Rejected(Rejected::new(at, raw, reason))
                }
            };
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

/// What the first pass finds out.
struct Survey<'m> {
    mapping: &'m Mapping,
    format: Format,
    columns: Vec<Column>,
    kinds: Vec<Candidate>,
    plans: Plans,
    repeats: Repeats,
    rows: u64,
    unmapped: BTreeSet<String>,
    never_found: Option<BTreeSet<String>>,
}

/// What a column can still be.
#[derive(Clone, Copy)]
enum Candidate {
    Fixed(ColumnKind),
    /// No cell seen that is not missing.
    Open,
    Number,
}

impl Survey<'_> {
    fn item(&mut self, item: Item<'_>) -> Result<(), CaptureError> {
        match item {
            Item::Header { names, renamed } => self.header(names, renamed),
            Item::Bad { .. } => {
                self.rows += 1;
                Ok(())
            }
            Item::Row(row) => {
                self.rows += 1;
                self.row(&row)
            }
        }
    }

    fn header(&mut self, names: &[String], renamed: &[Renamed]) -> Result<(), CaptureError> {
        let plan = Plan::resolve(self.mapping, names, true)?;
        for (index, name) in names.iter().enumerate() {
            let given_name = renamed
                .iter()
                .find(|one| one.position == index + 1)
                .map(|one| one.from.clone());
            self.columns.push(Column {
                name: name.clone(),
                given_name,
                kind: ColumnKind::Typed,
                members: members_of(&plan, index),
            });
            if self.format == Format::Csv {
                let fixed = fixed_kind(&self.mapping.types, name);
                self.kinds
                    .push(fixed.map_or(Candidate::Open, Candidate::Fixed));
            }
        }
        let types = &self.mapping.types;
        for named in types.number.iter().chain(&types.text).chain(&types.json) {
            if !named.contains('*') && !names.contains(named) {
                return Err(CaptureError::UnknownColumn {
                    role: "types".to_owned(),
                    column: named.clone(),
                    nearest: crate::error::nearest(named, names.iter().map(String::as_str)),
                });
            }
        }
        let unmapped = plan.unmapped.iter().filter_map(|column| names.get(*column));
        self.unmapped.extend(unmapped.cloned());
        Ok(())
    }

    fn row(&mut self, row: &SourceRow<'_>) -> Result<(), CaptureError> {
        if self.mapping.columns.id.is_none() {
            self.repeats
                .note(&ids::row_digest(row, self.format.is_table()));
        }
        for (kind, cell) in self.kinds.iter_mut().zip(row.cells) {
            if let (Candidate::Open | Candidate::Number, Cell::Text(text)) = (*kind, cell) {
                *kind = if number::is_json(text) {
                    Candidate::Number
                } else {
                    Candidate::Fixed(ColumnKind::Text)
                };
            }
        }
        if self.format.is_table() {
            return Ok(());
        }
        let is_new_shape = !matches!(&self.plans.last, Some((names, _)) if names == row.names);
        if is_new_shape {
            let plan = self.plans.plan(self.mapping, row, self.format)?;
            match &mut self.never_found {
                Some(never_found) => never_found.retain(|name| plan.absent.contains(name)),
                None => self.never_found = Some(plan.absent.clone()),
            }
            for column in &plan.unmapped {
                if let (Some(name), true) = (
                    row.names.get(*column),
                    self.unmapped.len() < UNMAPPED_NAMES_MAX,
                ) {
                    self.unmapped.insert(name.clone());
                }
            }
        }
        Ok(())
    }

    fn finish(mut self, source: &Source, constants: Constants) -> Import {
        let mut kinds = Vec::with_capacity(self.kinds.len());
        for (candidate, column) in self.kinds.iter().zip(&mut self.columns) {
            column.kind = match candidate {
                Candidate::Fixed(kind) => *kind,
                Candidate::Open => ColumnKind::Text,
                Candidate::Number => ColumnKind::Number,
            };
            kinds.push(column.kind);
        }
        Import {
            source: source.clone(),
            format: self.format,
            mapping: self.mapping.clone(),
            constants,
            columns: self.columns,
            kinds,
            repeats: self.repeats,
            rows: self.rows,
            unmapped: self.unmapped,
            never_found: self.never_found.unwrap_or_default(),
        }
    }
}

/// The type that a mapping fixes for a column: a name counts before a pattern.
fn fixed_kind(types: &Types, name: &str) -> Option<ColumnKind> {
    let lists = [
        (&types.number, ColumnKind::Number),
        (&types.json, ColumnKind::Json),
        (&types.text, ColumnKind::Text),
    ];
    let by = |fits: &dyn Fn(&String) -> bool| {
        let mut found = lists.iter().filter(|(list, _)| list.iter().any(fits));
        found.next().map(|(_, kind)| *kind)
    };
    by(&|named| named == name).or_else(|| by(&|pattern| matches(pattern, name)))
}

/// Where a column goes to.
fn members_of(plan: &Plan, column: usize) -> Vec<String> {
    let single = [
        ("id", &plan.id),
        ("time", &plan.time),
        ("decision", &plan.decision),
        ("score", &plan.score),
    ];
    let mut members: Vec<String> = Vec::new();
    for (member, pick) in single {
        if pick.as_ref().is_some_and(|pick| pick.column == column) {
            members.push(member.to_owned());
        }
    }
    for (member, pick) in &plan.words {
        if pick.column == column {
            members.push((*member).to_owned());
        }
    }
    for (member, shape) in &plan.structured {
        match shape {
            Shape::Whole(pick) if pick.column == column => members.push((*member).to_owned()),
            Shape::Whole(_) => {}
            Shape::Object(object) => {
                let taken = object.iter().filter(|(_, pick)| pick.column == column);
                members.extend(taken.map(|(name, _)| format!("{member}.{name}")));
            }
        }
    }
    members
}

const PROGRESS_ROWS: u64 = 4_096;
const UNMAPPED_NAMES_MAX: usize = 1_000;
