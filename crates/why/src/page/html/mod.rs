//! The answer as a page of its own: no script, nothing from elsewhere, for a screen, a phone or paper, in light and dark.
//!
//! Text enters the page through [`escape`] alone; what this module writes itself are constants and numbers.

mod chart;

use std::fmt::Write as _;

use crate::document::{Basis, Why};
use crate::page::compose::{Manner, compose};
use crate::page::harmless::{harmless, harmless_lines};
use crate::page::redact::{Audience, redact};
use crate::page::sheet::{Piece, Ranked, Said, Section, Sheet, Table, Tone};
use crate::page::words::{Words, capital, grouped};

/// The page's style sheet.
const STYLE: &str = include_str!("style.css");
/// Nothing is loaded and nothing runs, whatever may stand in a record.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// The answer as a page for this audience, redacted for it.
pub fn html(why: &Why, audience: Audience, words: &Words) -> String {
    let answer = redact(why, audience);
    let is_subject = matches!(audience, Audience::Subject { .. });
    let manner = Manner {
        words,
        plain: is_subject,
        rows: if is_subject { 24 } else { 60 },
        characters: 4_000,
    };
    let sheet = compose(&answer, &manner);
    let mut page = Page {
        is_subject,
        html: String::with_capacity(32 << 10),
    };
    page.write(&sheet, &answer);
    page.html
}

/// Text as the content of an element or the value of an attribute: harmless, on one line.
pub(super) fn escape(text: &str) -> String {
    escaped(&harmless(text))
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// The page being written.
struct Page {
    is_subject: bool,
    html: String,
}

impl Page {
    /// Markup of this module: constants, numbers and escaped texts.
    fn put(&mut self, markup: &str) {
        self.html.push_str(markup);
    }

    fn write(&mut self, sheet: &Sheet, why: &Why) {
        let title = escape(&capital(&sheet.title));
        let _ = write!(
            self.html,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>Why: {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
            escape(&sheet.title)
        );
        let (kicker, audience) = if self.is_subject {
            ("Explanation of a decision", "for the person it is about")
        } else {
            (
                "Explanation of a decision",
                "complete, for an authority or auditor",
            )
        };
        let tone = match sheet.adverse {
            Some(true) => " adverse",
            Some(false) => " favourable",
            None => "",
        };
        let _ = write!(
            self.html,
            "<header>\n<p class=\"kicker\">{kicker}, {audience}</p>\n<h1>{title}</h1>\n\
             <p class=\"verdict{tone}\">{}</p>\n<dl class=\"facts\">\n",
            escape(&sheet.verdict)
        );
        for (name, value) in &sheet.facts {
            let _ = writeln!(
                self.html,
                "<div><dt>{name}</dt><dd>{}</dd></div>",
                escape(value)
            );
        }
        self.put("</dl>\n");
        self.legend();
        self.put("</header>\n<main>\n");
        for section in &sheet.sections {
            self.section(section);
        }
        if why.withheld.is_empty() {
            self.put("<p class=\"faint\">Nothing that belongs to this answer was withheld from this page.</p>\n");
        }
        let _ = write!(
            self.html,
            "</main>\n<footer><p>Made from the ledger {} as it was with {} records. A change of what is recorded would \
             show: the command under “{}” gives the evidence.</p></footer>\n</body>\n</html>\n",
            escape(&why.ledger),
            grouped(why.as_of),
            if self.is_subject {
                "How this can be proven"
            } else {
                "Proof"
            },
        );
    }

    /// What the tags mean.
    fn legend(&mut self) {
        self.put("<ul class=\"legend\" aria-label=\"What the tags mean\">\n");
        for basis in [
            Basis::Recorded,
            Basis::Recomputed,
            Basis::InferredFromHistory,
        ] {
            let meaning = match basis {
                Basis::Recorded => "as it was written down at the time",
                Basis::Recomputed => "computed now, by the registered model",
                Basis::InferredFromHistory => "follows from other recorded decisions",
            };
            let _ = writeln!(self.html, "<li>{} {meaning}</li>", tag(basis));
        }
        self.put("</ul>\n");
    }

    fn section(&mut self, section: &Section) {
        let id = escape(&section.id);
        let title = escape(&section.title);
        let tag = section.basis.map(tag).unwrap_or_default();
        let absent = if section.absent.is_some() {
            " class=\"absent\""
        } else {
            ""
        };
        let _ = writeln!(
            self.html,
            "<section aria-labelledby=\"{id}\"{absent}>\n<div class=\"head\"><h2 id=\"{id}\">{title}</h2>{tag}</div>"
        );
        if let Some(why) = &section.absent {
            let _ = writeln!(self.html, "<p>Not here: {}</p>", escape(why));
        }
        for piece in &section.pieces {
            self.piece(piece, section);
        }
        for note in &section.notes {
            let _ = writeln!(self.html, "<p class=\"note\">Note: {}</p>", escape(note));
        }
        self.put("</section>\n");
    }

    fn piece(&mut self, piece: &Piece, section: &Section) {
        match piece {
            Piece::Line(line) => {
                let _ = writeln!(self.html, "<p>{}</p>", escape(line));
            }
            Piece::Mark(tone, word, meaning) => self.mark(*tone, word, meaning),
            Piece::Pairs(pairs) => self.pairs(pairs),
            Piece::Ranked(ranked) => self.ranked(ranked, &section.id),
            Piece::Table(table) => self.table(table),
            Piece::Waterfall(waterfall) => chart::write(&mut self.html, waterfall, section),
            Piece::Said(said) => self.said(said),
            Piece::Command(command) => {
                let _ = writeln!(self.html, "<pre><code>{}</code></pre>", escape(command));
            }
            Piece::More(number) => self.more(*number),
        }
    }

    fn mark(&mut self, tone: Tone, word: &str, meaning: &str) {
        let class = match tone {
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
        };
        let _ = writeln!(
            self.html,
            "<p><strong class=\"mark {class}\">{}:</strong> {}</p>",
            escape(word),
            escape(meaning)
        );
    }

    fn pairs(&mut self, pairs: &[(String, String)]) {
        if pairs.is_empty() {
            return;
        }
        self.put("<dl class=\"pairs\">\n");
        for (name, value) in pairs {
            let _ = writeln!(
                self.html,
                "<div><dt>{}</dt><dd>{}</dd></div>",
                escape(name),
                escape(value)
            );
        }
        self.put("</dl>\n");
    }

    fn ranked(&mut self, ranked: &[Ranked], id: &str) {
        // What was withheld is a list without an order.
        let list = if id == "withheld" { "ul" } else { "ol" };
        let _ = writeln!(self.html, "<{list} class=\"ranked\">");
        for item in ranked {
            let amount = item.amount.as_ref().map_or_else(String::new, |amount| {
                format!(" <span class=\"number\">{}</span>", escape(amount))
            });
            let _ = write!(self.html, "<li>{}{amount}", escape(&item.text));
            for line in &item.below {
                let _ = write!(
                    self.html,
                    "<br><span class=\"faint\">{}</span>",
                    escape(line)
                );
            }
            self.put("</li>\n");
        }
        let _ = writeln!(self.html, "</{list}>");
    }

    fn table(&mut self, table: &Table) {
        let _ = writeln!(
            self.html,
            "<table>\n<caption>{}</caption>\n<thead><tr>",
            escape(&table.caption)
        );
        for head in &table.head {
            let _ = write!(self.html, "<th scope=\"col\">{}</th>", escape(head));
        }
        self.put("</tr></thead>\n<tbody>\n");
        for row in &table.rows {
            self.put("<tr>");
            for (place, cell) in row.iter().enumerate() {
                let cell = escape(cell);
                let _ = if place == 0 {
                    write!(self.html, "<th scope=\"row\">{cell}</th>")
                } else {
                    write!(self.html, "<td>{cell}</td>")
                };
            }
            self.put("</tr>\n");
        }
        self.put("</tbody>\n</table>\n");
        if table.more > 0 {
            self.more(table.more);
        }
    }

    fn said(&mut self, said: &Said) {
        let class = if said.own_account { " own" } else { "" };
        let _ = write!(
            self.html,
            "<div class=\"said{class}\">\n<h3>{}</h3>\n",
            escape(&said.heading)
        );
        if !said.text.is_empty() {
            let lines: Vec<String> = harmless_lines(&said.text)
                .iter()
                .map(|line| escaped(line))
                .collect();
            let _ = writeln!(self.html, "<blockquote>{}</blockquote>", lines.join("\n"));
        }
        if said.cut > 0 {
            let _ = writeln!(
                self.html,
                "<p class=\"faint\">{} more characters; the JSON form has all.</p>",
                grouped(said.cut as u64)
            );
        }
        self.pairs(&said.details);
        self.put("</div>\n");
    }

    fn more(&mut self, number: usize) {
        let _ = writeln!(
            self.html,
            "<p class=\"faint\">and {} more; the JSON form has all.</p>",
            grouped(number as u64)
        );
    }
}

fn tag(basis: Basis) -> String {
    let class = match basis {
        Basis::Recorded => "recorded",
        Basis::Recomputed => "recomputed",
        Basis::InferredFromHistory => "inferred",
    };
    format!(
        " <span class=\"tag {class}\">{}</span>",
        crate::page::text::tag(basis)
    )
}
