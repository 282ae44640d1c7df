//! Rows and columns within the width of the terminal: cells that are too long run over several lines.

use crate::page::sheet::Table;
use crate::page::text::layout::{Page, Style, columns, pad, wrap};

/// Spaces between columns.
const BETWEEN: usize = 2;
/// A column is not made narrower than this.
const LEAST: usize = 8;

pub(super) fn write(page: &mut Page, table: &Table) {
    let rows: Vec<Vec<String>> = table
        .rows
        .iter()
        .map(|row| row.iter().map(|cell| page.safe(cell)).collect())
        .collect();
    let widths = widths(&table.head, &rows, page.width.saturating_sub(4));
    line(page, &table.head, &widths, Style::Faint);
    for row in &rows {
        line(page, row, &widths, Style::Plain);
    }
    if table.more > 0 {
        page.more(table.more);
    }
}

/// Widths of the columns: as wide as their cells, the widest cut down until they fit.
fn widths(head: &[String], rows: &[Vec<String>], room: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = (0..head.len())
        .map(|place| {
            let cells = rows.iter().filter_map(|row| row.get(place));
            let longest = cells.chain(head.get(place)).map(|cell| columns(cell)).max();
            longest.unwrap_or(0)
        })
        .collect();
    let room = room.saturating_sub(BETWEEN * head.len().saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        match widths.iter_mut().max() {
            Some(widest) if *widest > LEAST => *widest -= 1,
            _ => break,
        }
    }
    widths
}

fn line(page: &mut Page, cells: &[String], widths: &[usize], style: Style) {
    let wrapped: Vec<Vec<String>> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| wrap(cell, *width))
        .collect();
    let tall = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    for place in 0..tall {
        let parts: Vec<String> = wrapped
            .iter()
            .zip(widths)
            .map(|(lines, width)| pad(lines.get(place).map_or("", String::as_str), *width))
            .collect();
        let joined = parts.join(&" ".repeat(BETWEEN));
        let painted = page.paint(style, joined.trim_end());
        page.line(4, &painted);
    }
}
