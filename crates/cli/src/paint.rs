//! Colour, where the terminal wants it. Nothing the program says depends on it.

use std::env;
use std::io::IsTerminal;

use clap::ValueEnum;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set; always if `CLICOLOR_FORCE` is.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether to colour a stream, by this choice, the environment (<https://no-color.org>,
    /// <https://bixense.com/clicolors>) and what the stream is.
    pub(crate) fn wanted(self, stream: &impl IsTerminal) -> bool {
        let is_set =
            |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if is_set("NO_COLOR") => false,
            Color::Auto if is_set("CLICOLOR_FORCE") => true,
            Color::Auto => {
                stream.is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        }
    }
}

/// Wraps text in ANSI styles, or leaves it alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
}

impl Paint {
    pub(crate) fn new(on: bool) -> Paint {
        Paint { on }
    }

    /// Whether there are colours.
    pub(crate) fn is_on(self) -> bool {
        self.on
    }

    /// A heading or the thing a line is about.
    pub(crate) fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// What may be skipped at first reading.
    pub(crate) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// It is as it should be.
    pub(crate) fn good(self, text: &str) -> String {
        self.wrap("1;32", text)
    }

    /// It is wrong.
    pub(crate) fn bad(self, text: &str) -> String {
        self.wrap("1;31", text)
    }

    /// It wants attention.
    pub(crate) fn warn(self, text: &str) -> String {
        self.wrap("1;33", text)
    }

    /// Advice.
    pub(crate) fn note(self, text: &str) -> String {
        self.wrap("1;36", text)
    }

    fn wrap(self, style: &str, text: &str) -> String {
        if self.on {
            format!("\x1b[{style}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
