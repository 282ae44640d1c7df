//! `causebook model list` and `show`: what is registered, and what decisions name.

use causebook_explain::Version;
use serde_json::json;

use crate::book;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::grid::{Column, Grid};
use crate::output::{Format, printable};
use crate::suggest::nearest;
use crate::{json as text, rows};

/// List the models that are registered or that decisions name
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Show the registration of a model
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Name of the model
    name: String,

    /// Its version; may be left out if there is one
    version: Option<String>,
}

pub(crate) fn run(_args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("model", &[Format::Table, Format::Json], Format::Table)?;
    let versions = book::open(&context.settings()?)?.models()?;
    if format == Format::Json {
        return output.line(json!(versions));
    }
    if versions.is_empty() {
        return output.line("no model is registered, and no decision names one");
    }
    let columns = vec![
        Column::new("model", false, 0),
        Column::new("version", false, 0),
        Column::new("decisions", true, 1),
        Column::new("registered by", false, 2),
        Column::new("runs as", false, 3),
        Column::new("artefact", false, 4),
    ];
    let row = |version: &Version| {
        vec![
            printable(&version.name),
            printable(&version.version),
            version.seen.decisions.to_string(),
            version
                .registered_by
                .as_deref()
                .map_or_else(|| "-".to_owned(), printable),
            version.format.clone().unwrap_or_else(|| "-".to_owned()),
            version
                .digest
                .as_deref()
                .map_or_else(|| "-".to_owned(), short),
        ]
    };
    let rows = versions.iter().map(row).collect();
    output.line(Grid { columns, rows }.table(output.width(), output.paint()))?;
    for version in &versions {
        for warning in &version.warnings {
            output.warn(format_args!("{}: {warning}", named(version)));
        }
    }
    Ok(())
}

pub(crate) fn show(args: &ShowArgs, context: &Context) -> Outcome {
    let output = &context.output;
    output.format("model", &[Format::Json], Format::Json)?;
    let book = book::open(&context.settings()?)?;
    let versions = book.models()?;
    let fits = |version: &&Version| {
        version.registered_by.is_some()
            && version.name == args.name
            && args
                .version
                .as_ref()
                .is_none_or(|it| *it == version.version)
    };
    let found: Vec<&Version> = versions.iter().filter(fits).collect();
    let [version] = found.as_slice() else {
        return Err(which(&found, &versions, args));
    };
    let id = version.registered_by.as_deref().unwrap_or_default();
    let item = book.find(id)?;
    output.line(text::pretty(&rows::value(&item)?.to_string()))
}

fn which(found: &[&Version], all: &[Version], args: &ShowArgs) -> Failure {
    if found.is_empty() {
        let failure = Failure::new(
            Exit::NotFound,
            "no-model",
            format!("no model is registered as {:?}", args.name),
        );
        let names = all.iter().map(|version| version.name.as_str());
        return match nearest(&args.name, names) {
            Some(name) if name != args.name => failure.hint(format!("did you mean {name}?")),
            _ => failure.hint(
                "`causebook model list` shows what there is; `causebook model add` registers one",
            ),
        };
    }
    let versions: Vec<&str> = found.iter().map(|it| it.version.as_str()).collect();
    Failure::usage(format!("{} has {} versions", args.name, found.len()))
        .hint(format!("name one of {}", versions.join(", ")))
}

fn named(version: &Version) -> String {
    format!(
        "{} {}",
        printable(&version.name),
        printable(&version.version)
    )
}

/// The beginning of a digest, which is enough to tell it from others.
fn short(digest: &str) -> String {
    const SHOWN: usize = "sha256:".len() + 12;
    printable(digest.get(..SHOWN).unwrap_or(digest))
}
