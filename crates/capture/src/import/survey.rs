//! The first pass over a source: checks the mapping against its header, finds out the types of its columns and which
//! rows can be equal to others, and counts.

use std::collections::BTreeSet;

use super::{Column, ColumnKind, Import, Plans};
use crate::ids::{self, Repeats};
use crate::plan::{Constants, Plan, Shape};
use crate::row::{Cell, Item, Renamed, SourceRow};
use crate::select::matches;
use crate::{CaptureError, Format, Mapping, Source, Types, number};

/// What the first pass finds out.
pub(super) struct Survey<'m> {
    mapping: &'m Mapping,
    format: Format,
    columns: Vec<Column>,
    kinds: Vec<Candidate>,
    plans: Plans,
    repeats: Repeats,
    pub(super) rows: u64,
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
    pub(super) fn new(mapping: &Mapping, format: Format, source_bytes: u64) -> Survey<'_> {
        Survey {
            mapping,
            format,
            columns: Vec::new(),
            kinds: Vec::new(),
            plans: Plans::default(),
            repeats: if mapping.columns.id.is_none() {
                Repeats::for_bytes(source_bytes)
            } else {
                Repeats::default()
            },
            rows: 0,
            unmapped: BTreeSet::new(),
            never_found: None,
        }
    }

    pub(super) fn item(&mut self, item: Item<'_>) -> Result<(), CaptureError> {
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

    pub(super) fn finish(mut self, source: &Source, constants: Constants) -> Import {
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

const UNMAPPED_NAMES_MAX: usize = 1_000;
