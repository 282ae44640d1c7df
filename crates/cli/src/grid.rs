//! Rows and columns of text, laid out for a terminal, as Markdown or as CSV.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, presets};

use crate::output::printable;
use crate::paint::Paint;

/// One column of a [`Grid`].
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Heading, and the name in CSV.
    pub(crate) name: String,
    /// Numbers stand to the right.
    pub(crate) right: bool,
    /// On a narrow terminal the highest number goes first; 0 always stays.
    pub(crate) leaves: u8,
}

impl Column {
    pub(crate) fn new(name: &str, right: bool, leaves: u8) -> Column {
        Column {
            name: name.to_owned(),
            right,
            leaves,
        }
    }
}

/// Text in rows and columns.
#[derive(Clone, Debug)]
pub(crate) struct Grid {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Grid {
    /// Columns for people. Where they do not fit in `width`, whole columns are left out rather than cells cut.
    pub(crate) fn table(&self, width: usize, paint: Paint) -> String {
        let text = self.fitted(width);
        match text.split_once('\n') {
            Some((header, rows)) => format!("{}\n{rows}", paint.faint(header)),
            None => paint.faint(&text),
        }
    }

    fn fitted(&self, width: usize) -> String {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            let text = self.layout(&shown, ContentArrangement::Disabled, width);
            if text.lines().all(|line| line.chars().count() <= width) {
                return text;
            }
            let rank =
                |position: usize| self.columns.get(position).map_or(0, |column| column.leaves);
            match shown.iter().copied().max_by_key(|position| rank(*position)) {
                Some(position) if rank(position) > 0 => shown.retain(|other| *other != position),
                _ => return self.layout(&shown, ContentArrangement::Dynamic, width),
            }
        }
    }

    /// A table in GitHub's Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        let mut line = |cells: &mut dyn Iterator<Item = String>| {
            let _ = writeln!(text, "| {} |", cells.collect::<Vec<_>>().join(" | "));
        };
        line(&mut self.columns.iter().map(|column| printable(&column.name)));
        line(
            &mut self
                .columns
                .iter()
                .map(|column| if column.right { "---:" } else { "---" }.to_owned()),
        );
        for row in &self.rows {
            line(&mut row.iter().map(|cell| printable(cell).replace('|', "\\|")));
        }
        text.trim_end().to_owned()
    }

    /// Comma-separated values with a header (RFC 4180, lines end with LF).
    pub(crate) fn csv(&self) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|column| column.name.to_lowercase())
            .collect();
        let lines = std::iter::once(&names).chain(&self.rows);
        let quoted = |row: &Vec<String>| {
            row.iter()
                .map(|cell| csv_cell(cell))
                .collect::<Vec<_>>()
                .join(",")
        };
        lines.map(quoted).collect::<Vec<_>>().join("\n")
    }

    fn layout(&self, shown: &[usize], arrangement: ContentArrangement, width: usize) -> String {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(arrangement)
            .set_width(width as u16);
        table.set_header(
            shown
                .iter()
                .filter_map(|at| Some(printable(&self.columns.get(*at)?.name))),
        );
        for row in &self.rows {
            table.add_row(
                shown
                    .iter()
                    .filter_map(|at| row.get(*at))
                    .map(|cell| printable(cell)),
            );
        }
        for (place, at) in shown.iter().enumerate() {
            let right = self.columns.get(*at).is_some_and(|column| column.right);
            if let Some(column) = table.column_mut(place) {
                column.set_padding((0, 2));
                column.set_cell_alignment(if right {
                    CellAlignment::Right
                } else {
                    CellAlignment::Left
                });
                if place == 0 || right {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        let lines: Vec<String> = table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        lines.join("\n")
    }
}

fn csv_cell(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
