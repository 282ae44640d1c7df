//! `causebook model add`: an artefact, and how it is used, on record.

use std::fs;
use std::path::{Path, PathBuf};

use causebook_explain::register::{self, Artefact, Kept, NewModel};
use causebook_why::registration::Registration;
use serde_json::{Map, Value as Json, json};

use crate::book::{self, Book, Pen, Recording};
use crate::commands::{parse, replay};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;

/// Register a version of a model: keep its artefact and record how it is used
///
/// XGBoost (JSON, UBJ), LightGBM (text) and ONNX artefacts are read and run by Causebook itself; any other file is kept and
/// never executed. How the model's inputs are made from recorded fields is proposed from a recorded decision where
/// --registration does not say it, and checked; decisions that are recorded already are replayed at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The artefact
    file: PathBuf,

    /// Name of the model, as decisions name it
    #[arg(long, value_name = "NAME")]
    name: String,

    /// Its version, as decisions name it
    #[arg(long, value_name = "VERSION")]
    version: String,

    /// A JSON file with features, output, policy, constraints, protected fields, reasons: docs/registration.md
    #[arg(long, value_name = "FILE")]
    registration: Option<PathBuf>,

    /// A background set for attributions: recorded inputs, a JSON object a line
    #[arg(long, value_name = "FILE")]
    background: Option<PathBuf>,

    /// The library that made it, with its version: 'xgboost 3.2.0'
    #[arg(long, value_name = "LIBRARY")]
    framework: Option<String>,

    /// What it was trained on: a name, URL or digest
    #[arg(long, value_name = "REFERENCE")]
    training_data: Option<String>,

    /// The code that made it: a repository with its revision
    #[arg(long, value_name = "REFERENCE")]
    code: Option<String>,

    /// A parameter that it was trained or runs with, as NAME=JSON; may be given again
    #[arg(long = "parameter", value_name = "NAME=JSON", value_parser = parameter)]
    parameters: Vec<(String, Json)>,

    /// Check everything and say what would be recorded, but record nothing
    #[arg(long)]
    dry_run: bool,
}

/// Most decisions that are replayed when a model is registered.
const REPLAYED_MAX: usize = 1000;
/// Decisions that are looked at to propose how inputs are made.
const LOOKED_AT: usize = 200;

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("model", &[Format::Table, Format::Json], Format::Table)?;
    let bytes = read(&args.file)?;
    let artefact = register::look_at(&bytes);
    let settings = context.settings()?;
    let book = book::open(&settings)?;
    let decisions = decisions(book.as_ref(), args)?;
    let decisions: Vec<&str> = decisions.iter().map(String::as_str).collect();
    let new = register::complete(new_model(args)?, &artefact, &decisions).map_err(|error| {
        Failure::from(error).hint(
            "docs/registration.md describes what a registration says; --registration FILE says it",
        )
    })?;
    if let Artefact::Stored { reason } = &artefact {
        output.warn(format_args!(
            "{} is kept, but not run: {reason}",
            args.file.display()
        ));
    }
    if args.dry_run {
        return output.line(pretty(&json!(new)));
    }
    let pen = book::pen(&settings, Recording::by("cli"))?;
    let recorded = record(pen.as_ref(), args, &new);
    let closed = pen.close();
    let id = recorded?;
    closed?;
    if format == Format::Json {
        return output.line(json!({ "id": id, "registered": new }));
    }
    output.line(format_args!(
        "registered {} {} as {id}",
        new.name, new.version
    ))?;
    if matches!(artefact, Artefact::Runs(_)) {
        replay_recorded(args, context)?;
    }
    Ok(())
}

fn new_model(args: &Args) -> Outcome<NewModel> {
    let registration = match &args.registration {
        Some(path) => registration(path)?,
        None => Registration::default(),
    };
    let mut data = Map::new();
    let references = [("training", &args.training_data), ("code", &args.code)];
    for (name, reference) in references {
        if let Some(reference) = reference {
            data.insert(name.to_owned(), json!({ "name": reference }));
        }
    }
    let parameters: Map<String, Json> = args.parameters.iter().cloned().collect();
    Ok(NewModel {
        name: args.name.clone(),
        version: args.version.clone(),
        framework: args.framework.clone(),
        parameters: Some(parameters)
            .filter(|it| !it.is_empty())
            .map(Json::Object),
        data: Some(data).filter(|it| !it.is_empty()).map(Json::Object),
        registration,
    })
}

fn registration(path: &Path) -> Outcome<Registration> {
    let unreadable = |detail: String| {
        Failure::new(
            Exit::Failure,
            "registration",
            "the registration cannot be read",
        )
        .place(path.display().to_string())
        .detail(detail)
        .hint("docs/registration.md describes its members")
    };
    let json =
        serde_json::from_slice(&read(path)?).map_err(|error| unreadable(error.to_string()))?;
    Registration::parse(&json).map_err(|error| unreadable(error.to_string()))
}

/// Some recorded decisions of this model: of this version, if there are any.
fn decisions(book: &dyn Book, args: &Args) -> Outcome<Vec<String>> {
    let name = book::quoted(&args.name);
    let version = book::quoted(&args.version);
    for filter in [
        format!("kind:decision /model/name:{name} /model/version:{version}"),
        format!("kind:decision /model/name:{name}"),
    ] {
        let filter = parse::filter(&filter).map_err(Failure::usage)?;
        let found = book.select(&filter, false, LOOKED_AT)?;
        let texts: Vec<String> = found.into_iter().filter_map(|item| item.text).collect();
        if !texts.is_empty() {
            return Ok(texts);
        }
    }
    Ok(Vec::new())
}

fn record(pen: &dyn Pen, args: &Args, new: &NewModel) -> Outcome<String> {
    let artefact = attach(pen, &args.file)?;
    let background = match &args.background {
        Some(path) => Some(attach(pen, path)?),
        None => None,
    };
    let draft = register::record(new, &artefact, background.as_ref())?;
    let receipts = pen.append_all(vec![draft]).map_err(|stopped| {
        let known = stopped.failure.code == "conflict";
        if known {
            stopped.failure.hint("a version is registered once; `causebook model set` changes its policy, reasons or constraints")
        } else {
            stopped.failure
        }
    })?;
    Ok(receipts
        .into_iter()
        .next()
        .map_or_else(String::new, |receipt| receipt.id))
}

fn attach(pen: &dyn Pen, path: &Path) -> Outcome<Kept> {
    let mut file = fs::File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    let kept = pen.attach(&mut file)?;
    Ok(Kept {
        digest: kept.digest,
        size: kept.size,
    })
}

/// What is recorded already is held against the model at once: a mapping that is wrong shows here.
fn replay_recorded(args: &Args, context: &Context) -> Outcome {
    let book = book::open(&context.settings()?)?;
    let filter = format!(
        "kind:decision /model/name:{} /model/version:{}",
        book::quoted(&args.name),
        book::quoted(&args.version)
    );
    let filter = parse::filter(&filter).map_err(Failure::usage)?;
    let summary = book.replay(&filter, REPLAYED_MAX, &context.output)?;
    context.output.line(replay::text(&summary, context))
}

fn parameter(given: &str) -> Result<(String, Json), String> {
    let (name, value) = given.split_once('=').ok_or("a parameter is NAME=JSON")?;
    // What is no JSON is a word.
    let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    Ok((name.to_owned(), value))
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::io("read", path, &error))
}

fn pretty(value: &Json) -> String {
    crate::json::pretty(&value.to_string())
}
