//! Lines of a terminal: wrapped and aligned by what they fill, coloured where it is wanted.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::page::harmless::harmless;
use crate::page::words::grouped;

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Strong,
    Faint,
    Good,
    Warn,
    Bad,
    Note,
}

impl Style {
    /// Those of `causebook show`.
    fn code(self) -> Option<&'static str> {
        match self {
            Style::Plain => None,
            Style::Strong => Some("1"),
            Style::Faint => Some("2"),
            Style::Good => Some("1;32"),
            Style::Warn => Some("1;33"),
            Style::Bad => Some("1;31"),
            Style::Note => Some("36"),
        }
    }
}

/// Columns that a text fills.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// The text being written.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) width: usize,
    pub(super) unicode: bool,
    colour: bool,
    text: String,
}

impl Page {
    pub(super) fn new(width: usize, colour: bool, unicode: bool) -> Page {
        Page {
            width,
            unicode,
            colour,
            text: String::new(),
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Recorded text as it may go to this terminal: every text passes here.
    pub(super) fn safe(&self, text: &str) -> String {
        let text = harmless(text);
        if self.unicode || text.is_ascii() {
            return text;
        }
        let mut ascii = String::with_capacity(text.len());
        for c in text.chars() {
            if c.is_ascii() {
                ascii.push(c);
            } else {
                ascii.extend(c.escape_default());
            }
        }
        ascii
    }

    /// Text in a style.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        match style.code() {
            Some(code) if self.colour && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line of parts that are safe and painted already.
    pub(super) fn line(&mut self, indent: usize, parts: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(parts);
        let end = self.text.trim_end_matches(' ').len();
        self.text.truncate(end);
        self.text.push('\n');
    }

    /// A paragraph.
    pub(super) fn wrapped(&mut self, indent: usize, text: &str, style: Style) {
        for line in wrap(&self.safe(text), self.width.saturating_sub(indent)) {
            let painted = self.paint(style, &line);
            self.line(indent, &painted);
        }
    }

    /// A word, then a paragraph that hangs behind it; beneath it if the word is long.
    pub(super) fn hanging(&mut self, indent: usize, word: &str, style: Style, text: &str) {
        let word = self.safe(word);
        let behind = indent + columns(&word) + 1;
        if behind * 2 > self.width {
            self.wrapped(indent, &word, style);
            self.wrapped(indent + 2, text, Style::Plain);
            return;
        }
        let painted = self.paint(style, &word);
        let lines = wrap(&self.safe(text), self.width - behind);
        for (place, line) in lines.iter().enumerate() {
            if place == 0 {
                self.line(indent, &format!("{painted} {line}"));
            } else {
                self.line(behind, line);
            }
        }
    }

    /// A name in a column of `names`, and its value behind it.
    pub(super) fn pair(&mut self, indent: usize, names: usize, name: &str, value: &str) {
        let name = self.safe(name);
        let behind = indent + names + 2;
        let lines = wrap(&self.safe(value), self.width.saturating_sub(behind));
        let first = if columns(&name) > names {
            let named = self.paint(Style::Faint, &name);
            self.line(indent, &named);
            0
        } else {
            let named = self.paint(Style::Faint, &pad(&name, names));
            self.line(indent, &format!("{named}  {}", lines[0]));
            1
        };
        for line in &lines[first..] {
            self.line(behind, line);
        }
    }

    /// The heading of a section with its tag.
    pub(super) fn heading(&mut self, title: &str, tag: Option<&str>) {
        let tag = tag.map(|tag| format!("[{tag}]")).unwrap_or_default();
        let title = self.safe(title);
        let fits = columns(&title) + columns(&tag) + 2 <= self.width;
        let mut lines = wrap(&title, self.width);
        let last = lines.pop().unwrap_or_default();
        for line in lines {
            let painted = self.paint(Style::Strong, &line);
            self.line(0, &painted);
        }
        let title = self.paint(Style::Strong, &last);
        let tag = self.paint(Style::Note, &tag);
        if fits || columns(&last) + columns(&tag) + 2 <= self.width {
            self.line(0, &format!("{title}  {tag}"));
        } else {
            self.line(0, &title);
            self.line(0, &tag);
        }
    }

    /// A block that is not there: its title and why, as one paragraph.
    pub(super) fn absent(&mut self, title: &str, why: &str) {
        let title = self.safe(title);
        let said = format!("{title}: {}", self.safe(why));
        for (place, line) in wrap(&said, self.width.saturating_sub(2)).iter().enumerate() {
            if place > 0 {
                let painted = self.paint(Style::Faint, line);
                self.line(2, &painted);
            } else if let Some(rest) = line.strip_prefix(title.as_str()) {
                let painted = self.paint(Style::Strong, &title) + &self.paint(Style::Faint, rest);
                self.line(0, &painted);
            } else {
                let painted = self.paint(Style::Strong, line);
                self.line(0, &painted);
            }
        }
    }

    /// What was cut off.
    pub(super) fn more(&mut self, number: usize) {
        let said = format!("and {} more (--json has all)", grouped(number as u64));
        self.wrapped(2, &said, Style::Faint);
    }
}

/// Filled up with spaces on the right.
pub(super) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Filled up with spaces on the left.
pub(super) fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Lines of at most `width` columns, broken at spaces, and inside words that are longer. At least one line.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut filled = 0;
    let start = text.len() - text.trim_start_matches(' ').len();
    if start > 0 && start < width / 2 {
        line.push_str(&" ".repeat(start));
        filled = start;
    }
    let mut begun = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let long = columns(word);
        if begun && filled + 1 + long <= width {
            line.push(' ');
            filled += 1;
        } else if begun {
            lines.push(std::mem::take(&mut line));
            filled = 0;
        }
        for c in word.chars() {
            let wide = c.width().unwrap_or(0);
            if filled + wide > width {
                lines.push(std::mem::take(&mut line));
                filled = 0;
            }
            line.push(c);
            filled += wide;
        }
        begun = true;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_inside_words_that_are_too_long() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghijkl", 8), ["abcdefgh", "ijkl"]);
        assert_eq!(wrap("", 8), [""]);
        assert_eq!(wrap("a b", 8), ["a b"]);
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(columns("你好"), 4);
        assert_eq!(wrap("你好你好你好", 8), ["你好你好", "你好"]);
        assert_eq!(pad("你", 4), "你  ");
    }
}
