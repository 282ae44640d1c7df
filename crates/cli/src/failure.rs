//! What the program says when it cannot do what was asked: one sentence, where, why, and what to do next.
//!
//! Every error of every crate ends here as a [`Failure`] with a stable code and an exit code, printed as text, or as one
//! JSON object where `--format json` was asked for.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;

use serde_json::json;

use crate::paint::Paint;

/// The result of a command.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// How the process ends. Documented in `causebook help exit-codes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It failed, and nothing below says it better.
    Failure = 1,
    /// The command line or a setting is wrong.
    Usage = 2,
    /// What was named does not exist.
    NotFound = 3,
    /// A server does not know who asks, or does not allow it.
    Denied = 4,
    /// The ledger or the evidence contradicts itself or its signatures.
    Tampered = 20,
    /// It could not be verified: something needed for it is missing or unreadable.
    Unverified = 21,
    /// The reader of our output went away, as a shell reports it for SIGPIPE.
    BrokenPipe = 141,
}

/// Why a command did not do what it was asked.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// Stable name of the kind of failure, kebab-case.
    pub(crate) code: Cow<'static, str>,
    /// One sentence without a full stop.
    pub(crate) title: String,
    /// Where: file and line, JSON Pointer, path.
    pub(crate) place: Option<String>,
    /// Why, in as many lines as it takes.
    pub(crate) detail: Option<String>,
    /// What to do next.
    pub(crate) hint: Option<String>,
    /// The failure was reported in full already, as the command's own output; only the exit code is left to give.
    pub(crate) reported: bool,
}

impl Failure {
    pub(crate) fn new(
        exit: Exit,
        code: impl Into<Cow<'static, str>>,
        title: impl Into<String>,
    ) -> Failure {
        Failure {
            exit,
            code: code.into(),
            title: without_numbers(title.into()),
            place: None,
            detail: None,
            hint: None,
            reported: false,
        }
    }

    /// A command line or setting that cannot be followed.
    pub(crate) fn usage(title: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, "usage", title)
    }

    /// A failed act on a file, naming both.
    pub(crate) fn io(doing: &str, path: &std::path::Path, error: &io::Error) -> Failure {
        let failure = Failure::new(
            Exit::Failure,
            "io",
            format!("could not {doing} {}", path.display()),
        )
        .detail(plain_io(error));
        match error.kind() {
            io::ErrorKind::PermissionDenied => {
                failure.hint("check who owns the path, and whether the disk is mounted read-only")
            }
            io::ErrorKind::StorageFull => failure.hint("free some space and run the command again"),
            _ => failure,
        }
    }

    /// The exit code of a command that has already said what is wrong.
    pub(crate) fn reported(exit: Exit) -> Failure {
        Failure {
            reported: true,
            ..Failure::new(exit, "reported", "")
        }
    }

    pub(crate) fn place(mut self, place: impl Into<String>) -> Failure {
        self.place = Some(place.into());
        self
    }

    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Failure {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }

    /// The failure for people: `error:`, place and reason indented, a blank line, `hint:`.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let mut text = format!("{} {}\n", paint.bad("error:"), self.title);
        if let Some(place) = &self.place {
            let _ = writeln!(text, "  {} {place}", paint.faint("at"));
        }
        for line in self.detail.iter().flat_map(|detail| detail.lines()) {
            let _ = writeln!(text, "  {line}");
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "\n{} {hint}", paint.note("hint:"));
        }
        text
    }

    /// The failure for programs: one object with `code`, `title`, `at`, `detail`, `hint`; absent members are left out.
    pub(crate) fn json(&self) -> String {
        let mut problem = serde_json::Map::new();
        problem.insert("code".to_owned(), json!(self.code));
        problem.insert("title".to_owned(), json!(self.title));
        let optional = [
            ("at", &self.place),
            ("detail", &self.detail),
            ("hint", &self.hint),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                problem.insert(name.to_owned(), json!(value));
            }
        }
        problem.insert("exit".to_owned(), json!(self.exit as u8));
        serde_json::Value::Object(problem).to_string()
    }
}

/// Writing to a closed pipe ends the program quietly; any other failed write is a failure of the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure::reported(Exit::BrokenPipe);
        }
        Failure::new(Exit::Failure, "io", "could not write the output").detail(plain_io(&error))
    }
}

/// The operating system's words without its number: "No such file or directory".
pub(crate) fn plain_io(error: &io::Error) -> String {
    without_numbers(error.to_string())
}

fn without_numbers(mut text: String) -> String {
    while let Some(start) = text.find(" (os error ") {
        let end = text[start..]
            .find(')')
            .map_or(text.len(), |end| start + end + 1);
        text.replace_range(start..end, "");
    }
    text
}

/// An error and its causes, joined by colons, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            let _ = write!(text, ": {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_where_why_and_what_next() {
        let failure = Failure::usage("reading x: Not a directory (os error 20)")
            .place("x:3")
            .detail("because\nso it is")
            .hint("try y");
        let text =
            "error: reading x: Not a directory\n  at x:3\n  because\n  so it is\n\nhint: try y\n";
        assert_eq!(failure.text(Paint::new(false)), text);
        let problem: serde_json::Value = serde_json::from_str(&failure.json()).unwrap();
        assert_eq!(problem["at"], "x:3");
        assert_eq!(problem["exit"], 2);
    }
}
