//! What the first rows of a source show of each column: how many values, of what kind, how many different ones.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::row::{Cell, Item, Renamed};
use crate::{CaptureError, Format, Mapping, Source, TimeUnit, number, text};

/// What is known of a column.
#[derive(Default)]
pub(super) struct Seen {
    /// Cells that are not missing; the counts below are of these.
    pub(super) values: u64,
    pub(super) missing: u64,
    pub(super) numbers: u64,
    pub(super) times: u64,
    /// Numbers that count time since 1970 in the unit of the first such.
    pub(super) counts: u64,
    /// That unit.
    pub(super) unit: Option<TimeUnit>,
    /// Lists and objects.
    pub(super) structures: u64,
    /// Values that begin with a blank.
    pub(super) blank_led: u64,
    /// Different values, each cut to a length that can be shown.
    pub(super) distinct: BTreeSet<String>,
}

impl Seen {
    /// Whether `count` is all of the values, and there are any.
    pub(super) fn all(&self, count: u64) -> bool {
        self.values > 0 && count == self.values
    }
}

/// The first rows, column by column.
pub(super) struct Sample {
    /// Names in order of appearance.
    pub(super) names: Vec<String>,
    pub(super) seen: BTreeMap<String, Seen>,
    /// Whether the header reads like one more row: its cells are numbers, or values of their own columns.
    pub(super) header_is_data: bool,
    /// A sentence for each column whose name had to be changed.
    pub(super) renamed: Vec<String>,
    rows: u64,
}

impl Sample {
    pub(super) fn take(
        source: &Source,
        format: Format,
        mapping: &Mapping,
    ) -> Result<Sample, CaptureError> {
        let mut sample = Sample {
            names: Vec::new(),
            seen: BTreeMap::new(),
            header_is_data: false,
            renamed: Vec::new(),
            rows: 0,
        };
        let mut header = Vec::new();
        crate::import::read(source, format, &mapping.read, &mut |item| {
            if let Item::Header { names, renamed } = &item {
                header = given_names(names, renamed);
            }
            sample.item(item);
            Ok(if sample.rows < SAMPLE_ROWS {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        })?;
        sample.header_is_data = sample.reads_like_a_row(&header);
        Ok(sample)
    }

    /// A name seldom turns up among the values of its own column, and is seldom a number; years as names are, but
    /// beside them stands a name that is neither.
    fn reads_like_a_row(&self, header: &[String]) -> bool {
        let numbers = header
            .iter()
            .filter(|name| number::is_json(name.trim()))
            .count();
        let columns = header.iter().zip(&self.names);
        let words = columns.filter(|(given, name)| {
            let seen = self.seen.get(*name);
            let turns_up = seen.is_some_and(|seen| seen.distinct.contains(&text::shortened(given)));
            turns_up && !number::is_json(given.trim())
        });
        let words = words.count();
        let is_possible = !header.is_empty() && (words > 0 || numbers == header.len());
        is_possible && (numbers + words) * 2 > header.len()
    }

    fn item(&mut self, item: Item<'_>) {
        match item {
            Item::Header { names, renamed } => {
                for name in names {
                    self.column(name);
                }
                for one in renamed {
                    let what = if one.from.is_empty() {
                        "has no name"
                    } else {
                        "has the name of another"
                    };
                    let (position, to) = (one.position, &one.to);
                    self.renamed.push(format!(
                        "column {position} {what}; it is called {to:?} here"
                    ));
                }
            }
            Item::Bad { .. } => self.rows += 1,
            Item::Row(row) => {
                self.rows += 1;
                for (name, cell) in row.names.iter().zip(row.cells) {
                    self.column(name).cell(cell);
                }
            }
        }
    }

    fn column(&mut self, name: &str) -> &mut Seen {
        if !self.seen.contains_key(name) {
            self.names.push(name.to_owned());
        }
        self.seen.entry(name.to_owned()).or_default()
    }
}

impl Seen {
    fn cell(&mut self, cell: &Cell<'_>) {
        let (value, is_number) = match cell {
            Cell::Json(json) if json != "null" => match text::unquoted(json) {
                Some(text) => (text, false),
                None => (json.as_ref().into(), number::is_json(json)),
            },
            Cell::Text(text) => (text.as_ref().into(), number::is_json(text)),
            Cell::Json(_) | Cell::Missing(_) => {
                self.missing += 1;
                return;
            }
        };
        self.values += 1;
        self.numbers += u64::from(is_number);
        self.times += u64::from(looks_like_time(&value));
        if is_number {
            let whole = value.split('.').next().unwrap_or_default();
            let unit = TimeUnit::of_digits(whole.len());
            self.unit = self.unit.or(unit);
            self.counts += u64::from(unit.is_some() && unit == self.unit);
        }
        self.structures +=
            u64::from(matches!(cell, Cell::Json(json) if json.starts_with(['{', '['])));
        self.blank_led += u64::from(value.starts_with(' '));
        self.distinct.insert(text::shortened(&value));
    }
}

/// The names as the header has them.
fn given_names(names: &[String], renamed: &[Renamed]) -> Vec<String> {
    let mut given = names.to_vec();
    for one in renamed {
        if let Some(name) = given.get_mut(one.position - 1) {
            name.clone_from(&one.from);
        }
    }
    given
}

/// `YYYY-MM-DD`, alone or with what follows a date.
fn looks_like_time(value: &str) -> bool {
    let (date, rest) = value.split_at_checked(10).unwrap_or_default();
    text::is_date(date) && (rest.is_empty() || rest.starts_with(['T', ' ']))
}

const SAMPLE_ROWS: u64 = 1_000;
