//! A record put together from flags.

use std::path::Path;

use causebook_record::{canonicalize, join_members, string_text};

use crate::commands::parse;
use crate::failure::{Failure, Outcome};

/// Flags that make a record.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "A record from flags")]
pub(crate) struct Flags {
    /// Model that decided: NAME or NAME@VERSION
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,

    /// Digest of the model's artefact, sha256:...
    #[arg(long, value_name = "DIGEST")]
    model_digest: Option<String>,

    /// One input, NAME=VALUE; a JSON document; or @FILE with one
    #[arg(long, value_name = "INPUT")]
    input: Vec<String>,

    /// Output: JSON or text
    #[arg(long, value_name = "OUTPUT")]
    output: Option<String>,

    /// The outcome in a word
    #[arg(long, value_name = "WORD")]
    decision: Option<String>,

    /// Its number
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true)]
    score: Option<String>,

    /// Whom it concerns, by a pseudonym
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,

    /// Id of the record; one is made if there is none
    #[arg(long, value_name = "ID")]
    id: Option<String>,

    /// When it was decided; now if not given
    #[arg(long, value_name = "TIME")]
    time: Option<String>,

    /// Kind of record
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,

    /// Id of the record it is about
    #[arg(long, value_name = "ID")]
    refers_to: Option<String>,

    /// Which service or person called
    #[arg(long, value_name = "ACTOR")]
    actor: Option<String>,

    /// How far a machine decided: sole, assisted or human
    #[arg(long, value_name = "WORD")]
    automation: Option<String>,

    /// One parameter, NAME=VALUE
    #[arg(long = "parameter", value_name = "NAME=VALUE")]
    parameters: Vec<String>,

    /// One thing to know about it, NAME=VALUE
    #[arg(long, value_name = "NAME=VALUE")]
    context: Vec<String>,
}

/// The JSON text of the record that the flags describe; `None` if there are none.
pub(crate) fn record(flags: &Flags) -> Outcome<Option<String>> {
    let mut members: Vec<(&str, String)> = Vec::new();
    let words = [
        ("actor", &flags.actor),
        ("automation", &flags.automation),
        ("decision", &flags.decision),
        ("id", &flags.id),
        ("kind", &flags.kind),
        ("refers_to", &flags.refers_to),
        ("subject", &flags.subject),
        ("time", &flags.time),
    ];
    for (name, word) in words {
        members.extend(word.as_ref().map(|word| (name, string_text(word))));
    }
    members.extend(
        flags
            .score
            .as_ref()
            .map(|score| ("score", parse::json_or_string(score))),
    );
    members.extend(
        flags
            .output
            .as_ref()
            .map(|output| ("output", parse::json_or_string(output))),
    );
    members.extend(model(flags)?.map(|model| ("model", model)));
    members.extend(input(&flags.input)?.map(|input| ("input", input)));
    members.extend(object("--parameter", &flags.parameters)?.map(|object| ("parameters", object)));
    members.extend(object("--context", &flags.context)?.map(|object| ("context", object)));
    if members.is_empty() {
        return Ok(None);
    }
    let members = members.iter().map(|(name, text)| (*name, text.as_str()));
    Ok(Some(join_members(members)?))
}

fn model(flags: &Flags) -> Outcome<Option<String>> {
    let mut members: Vec<(&str, String)> = Vec::new();
    if let Some(model) = &flags.model {
        let (name, version) = model
            .rsplit_once('@')
            .map_or((model.as_str(), None), |(name, it)| (name, Some(it)));
        members.push(("name", string_text(name)));
        members.extend(version.map(|version| ("version", string_text(version))));
    }
    members.extend(
        flags
            .model_digest
            .as_ref()
            .map(|digest| ("digest", string_text(digest))),
    );
    if members.is_empty() {
        return Ok(None);
    }
    Ok(Some(join_members(
        members.iter().map(|(name, text)| (*name, text.as_str())),
    )?))
}

/// Inputs as one document, from a file, or as names and values.
fn input(given: &[String]) -> Outcome<Option<String>> {
    if let [only] = given {
        if let Some(path) = only.strip_prefix('@') {
            let bytes = std::fs::read(path)
                .map_err(|error| Failure::io("read", Path::new(path), &error))?;
            return Ok(Some(
                canonicalize(&bytes)
                    .map_err(|error| Failure::from(error).place(path.to_owned()))?,
            ));
        }
        if only.trim_start().starts_with(['{', '[']) {
            return Ok(Some(
                canonicalize(only.as_bytes())
                    .map_err(|error| Failure::from(error).place("--input"))?,
            ));
        }
    }
    object("--input", given)
}

fn object(flag: &str, given: &[String]) -> Outcome<Option<String>> {
    if given.is_empty() {
        return Ok(None);
    }
    let refuse =
        |given: &String, problem: String| Failure::usage(format!("{flag} {given}: {problem}"));
    let mut members: Vec<(String, String)> = Vec::new();
    for text in given {
        let (name, value) = parse::member(text).map_err(|problem| refuse(text, problem))?;
        if members.iter().any(|(other, _)| *other == name) {
            return Err(refuse(text, format!("`{name}` is given twice")));
        }
        members.push((name, value));
    }
    Ok(Some(join_members(
        members
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str())),
    )?))
}
