//! One settings file: read strictly, each value with the line it stands on.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::failure::{Exit, Failure, Outcome};
use crate::suggest::nearest;

/// What a settings file may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) home: Option<Spanned<PathBuf>>,
    pub(super) ledger: Option<Spanned<String>>,
    pub(super) by: Option<Spanned<String>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) token_file: Option<Spanned<PathBuf>>,
    pub(super) allow_plain_http: Option<Spanned<bool>>,
    pub(super) purpose: Option<Spanned<String>>,
    pub(super) sql: Option<SqlKeys>,
    pub(super) server: Option<toml::Table>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SqlKeys {
    pub(super) timeout_s: Option<Spanned<u64>>,
    pub(super) memory_mb: Option<Spanned<u64>>,
}

const KNOWN_KEYS: [&str; 11] = [
    "home",
    "ledger",
    "by",
    "url",
    "token_file",
    "allow_plain_http",
    "purpose",
    "sql",
    "timeout_s",
    "memory_mb",
    "server",
];

/// One settings file.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) path: PathBuf,
    text: String,
    pub(super) keys: Keys,
}

impl Layer {
    /// Reads a file; `None` if there is none.
    pub(super) fn read(path: &Path) -> Outcome<Option<Layer>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
            Err(error) => return Err(Failure::io("read", path, &error)),
        };
        match toml::from_str(&text) {
            Ok(keys) => Ok(Some(Layer {
                path: path.to_owned(),
                text,
                keys,
            })),
            Err(error) => Err(refusal(path, &text, &error)),
        }
    }

    /// The line that sets a key of the server, from 1; the last part of its name is what the line begins with.
    pub(super) fn line_of_key(&self, name: &str) -> usize {
        let last = name.rsplit('.').next().unwrap_or(name);
        let sets = |line: &str| {
            line.trim_start()
                .strip_prefix(last)
                .is_some_and(|rest| rest.trim_start().starts_with('='))
        };
        self.text.lines().position(sets).map_or(1, |line| line + 1)
    }

    /// The line a value of this file stands on, from 1.
    pub(super) fn line_of<T>(&self, value: &Spanned<T>) -> usize {
        line_at(&self.text, value.span().start)
    }
}

fn refusal(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let span = error.span().unwrap_or(0..0);
    let place = format!("{}:{}", path.display(), line_at(text, span.start));
    let key = text.get(span).unwrap_or_default().trim().trim_matches('"');
    let failure = if error.message().starts_with("unknown field") {
        let suggestion = match nearest(key, KNOWN_KEYS) {
            _ if key == "token" => {
                "a token is not kept among settings: CAUSEBOOK_TOKEN holds one, `token_file` names a file with one".to_owned()
            }
            Some(known) => format!("did you mean `{known}`?"),
            None => "`causebook config show` lists every key".to_owned(),
        };
        Failure::new(
            Exit::Usage,
            "config-unknown-key",
            format!("`{key}` is not a setting"),
        )
        .hint(suggestion)
    } else {
        Failure::new(
            Exit::Usage,
            "config-invalid",
            "the settings file cannot be read",
        )
        .detail(error.message())
    };
    failure.place(place)
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes()
        .take(offset)
        .filter(|byte| *byte == b'\n')
        .count()
        + 1
}
