//! Where words go: data to standard output, everything else to standard error.
//!
//! Commands print through [`Output`] alone. It knows whether people or programs read the output, how wide the terminal
//! is, and which format was asked for.

use std::env;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;

use crate::failure::{Failure, Outcome};
use crate::paint::{Color, Paint};

/// The form of what a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a line.
    Ndjson,
    /// Comma-separated values (RFC 4180) with a header.
    Csv,
    /// A Markdown table.
    Markdown,
    /// An Arrow IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
    /// `2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved`, one decision a line.
    Line,
}

impl Format {
    fn is_binary(self) -> bool {
        matches!(self, Format::Arrow | Format::Parquet)
    }
}

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Volume {
    /// Errors only.
    Quiet,
    /// Results and advice.
    Normal,
    /// Details too.
    Verbose,
}

/// The program's two streams and what is known about who reads them.
#[derive(Debug)]
pub(crate) struct Output {
    asked: Option<Format>,
    volume: Volume,
    out: io::Stdout,
    out_paint: Paint,
    out_is_terminal: bool,
    err: io::Stderr,
    err_paint: Paint,
}

impl Output {
    pub(crate) fn new(asked: Option<Format>, volume: Volume, color: Color) -> Output {
        Output {
            asked,
            volume,
            out: io::stdout(),
            out_paint: Paint::new(color.wanted(&io::stdout())),
            out_is_terminal: io::stdout().is_terminal(),
            err: io::stderr(),
            err_paint: Paint::new(color.wanted(&io::stderr())),
        }
    }

    /// The format to print: the one asked for, else `default`. One the command has no use for is a usage error.
    pub(crate) fn format(
        &self,
        command: &str,
        known: &[Format],
        default: Format,
    ) -> Outcome<Format> {
        let format = self.format_in_file(command, known, default)?;
        if format.is_binary() && self.out_is_terminal {
            return Err(
                Failure::usage(format!("{} is not printed to a terminal", name(format)))
                    .hint("redirect the output to a file, or pass it on through a pipe"),
            );
        }
        Ok(format)
    }

    /// The same, for output that does not go to standard output.
    pub(crate) fn format_in_file(
        &self,
        command: &str,
        known: &[Format],
        default: Format,
    ) -> Outcome<Format> {
        let format = self.asked.unwrap_or(default);
        if known.contains(&format) {
            return Ok(format);
        }
        let names: Vec<String> = known.iter().map(|format| name(*format)).collect();
        Err(Failure::usage(format!(
            "`causebook {command}` does not print {}",
            name(format)
        ))
        .hint(format!("use --format {}", names.join("|"))))
    }

    /// The format of a list of rows when none is asked for: a table for people, NDJSON for programs.
    pub(crate) fn rows_default(&self) -> Format {
        if self.out_is_terminal {
            Format::Table
        } else {
            Format::Ndjson
        }
    }

    /// Whether failures are to be printed as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        matches!(self.asked, Some(Format::Json | Format::Ndjson))
    }

    /// Styles for standard output.
    pub(crate) fn paint(&self) -> Paint {
        self.out_paint
    }

    /// Styles for standard error.
    pub(crate) fn paint_err(&self) -> Paint {
        self.err_paint
    }

    /// Columns that a line on standard output may fill.
    pub(crate) fn width(&self) -> usize {
        let from_environment = env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok());
        let from_terminal = || {
            comfy_table::Table::new()
                .width()
                .filter(|_| self.out_is_terminal)
        };
        let width = from_environment
            .or_else(from_terminal)
            .map_or(100, usize::from);
        width.clamp(40, 200)
    }

    /// Standard output for data in bulk. It must be flushed.
    pub(crate) fn stdout(&self) -> io::BufWriter<&io::Stdout> {
        io::BufWriter::with_capacity(1 << 16, &self.out)
    }

    /// One line of data.
    pub(crate) fn line(&self, text: impl Display) -> Outcome {
        writeln!(self.out.lock(), "{text}")?;
        Ok(())
    }

    /// A line for people, on standard error.
    pub(crate) fn say(&self, text: impl Display) {
        if self.volume >= Volume::Normal {
            let _ = writeln!(self.err.lock(), "{text}");
        }
    }

    /// A line for people who asked for details.
    pub(crate) fn detail(&self, text: impl Display) {
        if self.volume >= Volume::Verbose {
            let _ = writeln!(
                self.err.lock(),
                "{}",
                self.err_paint.faint(&text.to_string())
            );
        }
    }

    /// Something to know that does not stop the command.
    pub(crate) fn warn(&self, text: impl Display) {
        self.say(format_args!("{} {text}", self.err_paint.warn("warning:")));
    }

    /// What to try next.
    pub(crate) fn hint(&self, text: impl Display) {
        self.say(format_args!("\n{} {text}", self.err_paint.note("hint:")));
    }

    /// A failure, to people or to programs. Never silenced.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.reported {
            return;
        }
        let text = if self.wants_json() {
            failure.json() + "\n"
        } else {
            failure.text(self.err_paint)
        };
        let _ = self.err.lock().write_all(text.as_bytes());
    }

    /// Whether a progress bar would be seen and is wanted.
    pub(crate) fn shows_progress(&self) -> bool {
        self.volume >= Volume::Normal && self.err.is_terminal()
    }
}

/// The name a format has on the command line.
pub(crate) fn name(format: Format) -> String {
    format
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Text that is safe to show in a terminal: control characters and marks that reorder text are written as escapes.
pub(crate) fn printable(text: &str) -> String {
    let reorders = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if !text.chars().any(|c| c.is_control() || reorders(c)) {
        return text.to_owned();
    }
    let escape = |c: char| -> String {
        if c.is_control() || reorders(c) {
            c.escape_default().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn terminal_escapes_in_recorded_text_are_shown_not_obeyed() {
        assert_eq!(
            printable("a\x1b[2Jb\n\u{202e}c"),
            "a\\u{1b}[2Jb\\n\\u{202e}c"
        );
        assert_eq!(printable("Grüße, 你好"), "Grüße, 你好");
    }
}
