//! The answer as text for a terminal: the verdict first, then block by block, each with its tag.
//!
//! It reads the same without colour and without Unicode, from 50 columns on: the sign of a bar is in its filling, a tag is a
//! word in brackets.

mod bars;
mod layout;
mod table;

use crate::document::{Basis, Why};
use crate::page::compose::{Manner, compose};
use crate::page::harmless::harmless_lines;
use crate::page::sheet::{Piece, Ranked, Said, Section, Sheet, Tone};
use crate::page::text::layout::{Page, Style, columns};
use crate::page::words::{Words, grouped};

/// Fewest columns that a page is laid out for; on fewer it runs over.
const NARROWEST: usize = 40;
/// Most columns that a page fills: longer lines are hard to read.
const WIDEST: usize = 200;
/// Widest column of names.
const NAMES: usize = 28;

/// How the text looks.
#[derive(Clone, Debug)]
pub struct Look {
    /// Columns of the terminal.
    pub width: usize,
    /// ANSI colours.
    pub colour: bool,
    /// Characters beyond ASCII; without them those of a record are written as escapes.
    pub unicode: bool,
    /// What things are called.
    pub words: Words,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: 100,
            colour: false,
            unicode: true,
            words: Words::default(),
        }
    }
}

/// The answer as text, ending in a line feed.
pub fn text(why: &Why, look: &Look) -> String {
    let manner = Manner {
        words: &look.words,
        plain: false,
        rows: 10,
        characters: 600,
    };
    let sheet = compose(why, &manner);
    let mut page = Page::new(
        look.width.clamp(NARROWEST, WIDEST),
        look.colour,
        look.unicode,
    );
    head(&mut page, &sheet);
    for part in &sheet.sections {
        section(&mut page, part);
    }
    page.finish()
}

fn head(page: &mut Page, sheet: &Sheet) {
    let title = crate::page::words::capital(&sheet.title);
    page.wrapped(0, &title, Style::Strong);
    let facts: Vec<String> = sheet
        .facts
        .iter()
        .map(|(name, value)| format!("{} {value}", name.to_lowercase()))
        .collect();
    let between = if page.unicode { " · " } else { ", " };
    page.wrapped(0, &facts.join(between), Style::Faint);
    page.blank();
    let style = match sheet.adverse {
        Some(true) => Style::Bad,
        Some(false) => Style::Good,
        None => Style::Strong,
    };
    page.wrapped(2, &sheet.verdict, style);
}

fn section(page: &mut Page, section: &Section) {
    page.blank();
    if let Some(why) = &section.absent {
        page.absent(&section.title, why);
        return;
    }
    page.heading(&section.title, section.basis.map(tag));
    for piece in &section.pieces {
        write(page, piece);
    }
    for note in &section.notes {
        page.wrapped(2, &format!("note: {note}"), Style::Faint);
    }
}

/// The word for where a block comes from.
pub(in crate::page) fn tag(basis: Basis) -> &'static str {
    match basis {
        Basis::Recorded => "recorded",
        Basis::Recomputed => "recomputed",
        Basis::InferredFromHistory => "inferred from history",
    }
}

fn write(page: &mut Page, piece: &Piece) {
    match piece {
        Piece::Line(line) => page.wrapped(2, line, Style::Plain),
        Piece::Mark(tone, word, meaning) => {
            let style = match tone {
                Tone::Good => Style::Good,
                Tone::Warn => Style::Warn,
                Tone::Bad => Style::Bad,
            };
            page.hanging(2, &format!("{word}:"), style, meaning);
        }
        Piece::Pairs(pairs) => write_pairs(page, pairs),
        Piece::Ranked(ranked) => write_ranked(page, ranked),
        Piece::Table(table) => table::write(page, table),
        Piece::Waterfall(waterfall) => bars::write(page, waterfall),
        Piece::Said(said) => write_said(page, said),
        Piece::Command(command) => page.hanging(2, "$", Style::Faint, command),
        Piece::More(number) => page.more(*number),
    }
}

fn write_pairs(page: &mut Page, pairs: &[(String, String)]) {
    let longest = pairs
        .iter()
        .map(|(name, _)| columns(&page.safe(name)))
        .max();
    let names = longest.unwrap_or(0).min(NAMES).min(page.width / 3);
    for (name, value) in pairs {
        page.pair(2, names, name, value);
    }
}

fn write_ranked(page: &mut Page, ranked: &[Ranked]) {
    for (place, item) in ranked.iter().enumerate() {
        let number = format!("{}.", place + 1);
        let text = match &item.amount {
            Some(amount) => format!("{}  {amount}", item.text),
            None => item.text.clone(),
        };
        page.hanging(2, &number, Style::Plain, &text);
        for line in &item.below {
            page.wrapped(2 + number.len() + 1, line, Style::Faint);
        }
    }
}

fn write_said(page: &mut Page, said: &Said) {
    let style = if said.own_account {
        Style::Warn
    } else {
        Style::Strong
    };
    page.wrapped(2, &format!("[{}]", said.heading), style);
    for line in harmless_lines(&said.text) {
        page.wrapped(4, &line, Style::Plain);
    }
    if said.cut > 0 {
        let cut = format!(
            "[{} more characters: --json has all]",
            grouped(said.cut as u64)
        );
        page.wrapped(4, &cut, Style::Faint);
    }
    if !said.details.is_empty() {
        let details: Vec<String> = said
            .details
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        page.wrapped(4, &details.join("; "), Style::Faint);
    }
}
