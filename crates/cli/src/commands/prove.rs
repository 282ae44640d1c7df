//! `causebook prove`: one record, with as much of it as shall be shown, in a file that proves itself.

use std::fs;
use std::path::PathBuf;

use causebook_client::Item;
use causebook_record::{Pointer, RecordError};

use crate::book::{self, Proof};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::suggest::nearest;

/// Write evidence for a record that anyone can check
///
/// The file holds what is shown of the record, salted commitments to the rest, its place in the log and the signed
/// head of the log. `causebook check` checks it without the ledger.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the record, or the first four characters or more of it
    id: String,

    /// Show only these places, as JSON Pointers: /input/age,/output. Without, everything is shown
    #[arg(long, value_name = "POINTERS", value_delimiter = ',')]
    show: Vec<String>,

    /// Also the records about this one, and the one it is about
    #[arg(long)]
    linked: bool,

    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    context
        .output
        .format("prove", &[Format::Json], Format::Json)?;
    let book = book::open(&context.settings()?)?;
    let item = book.find(&args.id)?;
    let places = places(&args.show, &item)?;
    let Proof { text, key } = book.evidence(&item, &places, args.linked)?;
    let Some(path) = &args.output else {
        return context.output.line(text.trim_end());
    };
    fs::write(path, &text).map_err(|error| Failure::io("write", path, &error))?;
    context.output.say(format_args!(
        "wrote {}: whoever has it can check it with",
        path.display()
    ));
    context.output.say(format_args!(
        "  causebook check {} --key '{key}'",
        path.display()
    ));
    Ok(())
}

/// The places to show; none are all. Each must be there: a slip of the pen must not look like a kept secret.
fn places(places: &[String], item: &Item) -> Outcome<Vec<Pointer>> {
    let Some(text) = &item.text else {
        return Ok(Vec::new());
    };
    let facts = causebook_record::facts(text)?;
    let mut pointers = Vec::new();
    for place in places {
        let pointer: Pointer = place.parse().map_err(|error: RecordError| Failure {
            exit: Exit::Usage,
            ..error.into()
        })?;
        if !facts.iter().any(|fact| pointer.selects(&fact.path)) {
            return Err(nothing_there(
                place,
                facts.iter().map(|fact| fact.path.as_ref()),
            ));
        }
        pointers.push(pointer);
    }
    Ok(pointers)
}

/// A pointer that selects nothing, with the nearest that would.
pub(crate) fn nothing_there<'a>(place: &str, paths: impl Iterator<Item = &'a str>) -> Failure {
    let failure = Failure::new(
        Exit::Usage,
        "nothing-selected",
        format!("the record has nothing at {place}"),
    );
    match nearest(place, paths) {
        Some(path) => failure.hint(format!("did you mean {path}?")),
        None => failure.hint("`causebook show ID --format json` shows what it has"),
    }
}
