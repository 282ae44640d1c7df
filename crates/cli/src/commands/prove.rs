//! `causebook prove`: one record, with as much of it as shall be shown, in a file that proves itself.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use causebook_ledger::Row;
use causebook_record::{Pointer, RecordError, Selection, Stored};

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::store;
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

/// A record that was acknowledged a moment ago is under a signed head soon, if its writer lives.
const LOOKS_MAX: usize = 10;
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    context
        .output
        .format("prove", &[Format::Json], Format::Json)?;
    let settings = context.settings()?;
    let mut reader = store::reader(&settings)?;
    let row = reader.find(&args.id)?;
    for _ in 0..LOOKS_MAX {
        if reader
            .checkpoint()
            .is_some_and(|signed| signed.checkpoint.size > row.index)
        {
            break;
        }
        std::thread::sleep(LOOK_INTERVAL);
        reader = store::reader(&settings)?;
    }
    let selection = selection(&args.show, &row)?;
    let evidence = reader.evidence(row.index, &selection, args.linked)?;
    let text = evidence.to_json();
    let Some(path) = &args.output else {
        return context.output.line(text.trim_end());
    };
    fs::write(path, &text).map_err(|error| Failure::io("write", path, &error))?;
    context.output.say(format_args!(
        "wrote {}: whoever has it can check it with",
        path.display()
    ));
    let key = reader.identity().keys.first().map_or("", String::as_str);
    context.output.say(format_args!(
        "  causebook check {} --key '{key}'",
        path.display()
    ));
    Ok(())
}

/// The places to show. Each must be there: a slip of the pen must not look like a kept secret.
fn selection(places: &[String], row: &Row) -> Outcome<Selection> {
    if places.is_empty() {
        return Ok(Selection::All);
    }
    let text = match &row.record {
        Stored::Erased { .. } => return Ok(Selection::All),
        record => record.text().unwrap_or_default(),
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
    Ok(Selection::Only(pointers))
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
