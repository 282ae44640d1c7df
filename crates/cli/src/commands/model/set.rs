//! `causebook model set`: a policy, reasons or constraints that hold from now on, on record.

use std::fs;
use std::path::PathBuf;

use causebook_explain::register;
use serde_json::{Map, Value as Json, json};

use crate::book::{self, Recording};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;

/// Record a policy, reasons or constraints that hold from now on
///
/// Each is a member of the registration (docs/registration.md) and takes the place of the one before, for decisions recorded
/// from now on: what was in force for an earlier decision stays what it was.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the model
    name: String,

    /// The version it is for; all versions if left out
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,

    /// JSON file: bands of scores and their decisions
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,

    /// JSON file: the dictionary of reasons
    #[arg(long, value_name = "FILE")]
    reasons: Option<PathBuf>,

    /// JSON file: what may change about each field
    #[arg(long, value_name = "FILE")]
    constraints: Option<PathBuf>,

    /// JSON file: a list of fields that are protected
    #[arg(long, value_name = "FILE")]
    protected: Option<PathBuf>,

    /// JSON file: names of fields for people
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("model", &[Format::Table, Format::Json], Format::Table)?;
    let settings = context.settings()?;
    let config = config(args)?;
    let draft = register::setting(&args.name, args.version.as_deref(), &config)?;
    let pen = book::pen(&settings, Recording::by("cli"))?;
    let recorded = pen.append_all(vec![draft]);
    let closed = pen.close();
    let receipts = recorded.map_err(|stopped| stopped.failure)?;
    closed?;
    let id = receipts
        .into_iter()
        .next()
        .map_or_else(String::new, |receipt| receipt.id);
    if format == Format::Json {
        return output.line(json!({ "id": id, "set": config }));
    }
    let members: Vec<&str> = config
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    output.line(format_args!(
        "set {} of {} from now on, as {id}",
        members.join(", "),
        args.name
    ))
}

fn config(args: &Args) -> Outcome<Json> {
    let given = [
        ("policy", &args.policy),
        ("reasons", &args.reasons),
        ("constraints", &args.constraints),
        ("protected", &args.protected),
        ("labels", &args.labels),
    ];
    let mut config = Map::new();
    for (member, path) in given {
        let Some(path) = path else { continue };
        let bytes = fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            Failure::new(
                Exit::Failure,
                "registration",
                format!("{member} cannot be read"),
            )
            .place(path.display().to_string())
            .detail(error.to_string())
        })?;
        config.insert(member.to_owned(), value);
    }
    if config.is_empty() {
        return Err(Failure::usage("nothing is set")
            .hint("give --policy, --reasons, --constraints, --protected or --labels"));
    }
    Ok(Json::Object(config))
}
