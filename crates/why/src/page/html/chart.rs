//! Contributions as a drawing and, beside it, as the table that says the same to who does not see it.
//!
//! The drawing is made twice, for wide pages and for phones, and the style sheet shows one: text in a drawing that is made
//! smaller cannot be read.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthChar;

use crate::page::html::escape;
use crate::page::sheet::{Section, Waterfall};
use crate::page::words::{fixed, rough, signed};

/// Where things stand in a drawing, in its own units.
struct Frame {
    class: &'static str,
    width: f64,
    /// Left edge of the bars.
    left: f64,
    /// Length of the bars.
    room: f64,
    row: f64,
    /// Distance of a bar from the top of its row.
    bar: f64,
    /// Columns that a label may fill.
    label: usize,
    low: f64,
    span: f64,
}

pub(super) fn write(html: &mut String, waterfall: &Waterfall, section: &Section) {
    let (low, high) = waterfall.range();
    let span = if high > low { high - low } else { 1.0 };
    let low = if low.is_finite() { low } else { 0.0 };
    let wide = Frame {
        class: "wide",
        width: 720.0,
        left: 300.0,
        room: 330.0,
        row: 24.0,
        bar: 4.0,
        label: 36,
        low,
        span,
    };
    let narrow = Frame {
        class: "narrow",
        width: 340.0,
        left: 4.0,
        room: 258.0,
        row: 40.0,
        bar: 20.0,
        label: 46,
        low,
        span,
    };
    html.push_str("<figure>\n");
    draw(html, waterfall, section, &wide);
    draw(html, waterfall, section, &narrow);
    html.push_str("</figure>\n");
    table(html, waterfall);
}

impl Frame {
    fn x(&self, number: f64) -> f64 {
        let share = (number - self.low) / self.span;
        let share = if share.is_nan() { 0.0 } else { share };
        self.left + share.clamp(0.0, 1.0) * self.room
    }

    /// Where the label of a row stands and how it is anchored.
    fn label(&self, y: f64) -> (f64, f64, &'static str) {
        if self.left > 100.0 {
            (self.left - 10.0, y + 16.0, "end")
        } else {
            (self.left, y + 14.0, "start")
        }
    }
}

fn draw(html: &mut String, waterfall: &Waterfall, section: &Section, frame: &Frame) {
    let digits = waterfall.digits;
    let end = waterfall.value.unwrap_or(waterfall.end());
    let rows = waterfall.steps.len() + usize::from(waterfall.rest.is_some()) + 2;
    let height = frame.row * rows as f64 + 8.0;
    let id = format!("{}-{}", escape(&section.id), frame.class);
    let _ = write!(
        html,
        "<svg class=\"chart {}\" viewBox=\"0 0 {} {height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
         <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{}</desc>\n",
        frame.class,
        frame.width,
        escape(&section.title),
        escape(&described(waterfall, end)),
    );
    let mut y = 4.0;
    place(html, frame, y, "baseline", waterfall.start, digits);
    let rest = waterfall
        .rest
        .map(|(number, _)| format!("{number} more together"));
    let labels = waterfall
        .steps
        .iter()
        .map(|step| format!("{}: {}", step.label, step.value))
        .chain(rest);
    let mut before = frame.x(waterfall.start);
    for (label, (from, to)) in labels.zip(waterfall.spans()) {
        // On a phone the labels stand where the links would be.
        if frame.class == "wide" {
            let _ = writeln!(
                html,
                "<line class=\"link\" x1=\"{before:.1}\" x2=\"{before:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
                y + frame.row - 4.0,
                y + frame.row + frame.bar
            );
        }
        y += frame.row;
        bar(html, frame, y, &label, from, to, digits);
        before = frame.x(to);
    }
    y += frame.row;
    place(html, frame, y, "what the model says", end, digits);
    html.push_str("</svg>\n");
}

/// The beginning or the end.
fn place(html: &mut String, frame: &Frame, y: f64, label: &str, at: f64, digits: usize) {
    let (x, baseline, anchor) = frame.label(y);
    let line = frame.x(at);
    let top = y + frame.bar;
    let _ = writeln!(
        html,
        "<text class=\"end\" x=\"{x:.1}\" y=\"{baseline:.1}\" text-anchor=\"{anchor}\">{label}</text>\
         <line class=\"at\" x1=\"{line:.1}\" x2=\"{line:.1}\" y1=\"{top:.1}\" y2=\"{:.1}\"/>\
         <text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        top + 16.0,
        frame.left + frame.room + 10.0,
        top + 12.0,
        fixed(at, digits),
    );
}

fn bar(html: &mut String, frame: &Frame, y: f64, label: &str, from: f64, to: f64, digits: usize) {
    let (x, baseline, anchor) = frame.label(y);
    let (begin, end) = (frame.x(from.min(to)), frame.x(from.max(to)));
    let class = if to >= from { "up" } else { "down" };
    let top = y + frame.bar;
    let _ = writeln!(
        html,
        "<text x=\"{x:.1}\" y=\"{baseline:.1}\" text-anchor=\"{anchor}\">{}</text>\
         <rect class=\"{class}\" x=\"{begin:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"15\" rx=\"2\"/>\
         <text class=\"number\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        escape(&cut(label, frame.label)),
        (end - begin).max(1.5),
        frame.left + frame.room + 10.0,
        top + 12.0,
        escape(&signed(to - from, digits)),
    );
}

fn described(waterfall: &Waterfall, end: f64) -> String {
    let digits = waterfall.digits;
    let scale = waterfall
        .scale
        .as_ref()
        .map_or_else(String::new, |scale| format!(" in {scale}"));
    format!(
        "Bars{scale} from {} ({}) to {}. The table after the drawing has every number.",
        fixed(waterfall.start, digits),
        waterfall.baseline,
        fixed(end, digits)
    )
}

/// At most so many columns.
fn cut(text: &str, most: usize) -> String {
    let mut filled = 0;
    let mut kept = String::new();
    for c in text.chars() {
        filled += c.width().unwrap_or(0);
        if filled > most.saturating_sub(1) {
            kept.push('…');
            return kept;
        }
        kept.push(c);
    }
    kept
}

fn table(html: &mut String, waterfall: &Waterfall) {
    let digits = waterfall.digits;
    let scale = waterfall
        .scale
        .as_ref()
        .map_or_else(String::new, |scale| format!(", in {scale}"));
    let _ = write!(
        html,
        "<table class=\"effects\">\n<caption>The same as a table{}</caption>\n<thead><tr><th scope=\"col\">field</th>\
         <th scope=\"col\">value</th><th scope=\"col\" class=\"number\">contribution</th></tr></thead>\n<tbody>\n",
        escape(&scale)
    );
    row(
        html,
        "from",
        &waterfall.baseline,
        &fixed(waterfall.start, digits),
    );
    for step in &waterfall.steps {
        let error = step
            .error
            .map_or_else(String::new, |error| format!(" ±{}", rough(error)));
        let amount = signed(step.amount, digits) + &error;
        row(html, &step.label, &step.value, &amount);
    }
    if let Some((number, sum)) = waterfall.rest {
        row(
            html,
            &format!("{number} more together"),
            "the JSON form has all",
            &signed(sum, digits),
        );
    }
    let residual = waterfall
        .residual
        .map_or_else(|| "not known".to_owned(), residual_words);
    row(html, "residual", "what they do not add up to", &residual);
    let (said, end) = match waterfall.value {
        Some(value) => ("what the model says", value),
        None => (
            "their sum; what the model says is not on record",
            waterfall.end(),
        ),
    };
    row(html, "to", said, &fixed(end, digits));
    html.push_str("</tbody>\n</table>\n");
}

fn residual_words(residual: f64) -> String {
    if residual == 0.0 {
        "0".to_owned()
    } else {
        format!("{residual:+.1e}")
    }
}

fn row(html: &mut String, name: &str, value: &str, number: &str) {
    let _ = writeln!(
        html,
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"number\">{}</td></tr>",
        escape(name),
        escape(value),
        escape(number)
    );
}
