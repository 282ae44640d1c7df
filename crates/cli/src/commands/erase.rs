//! `causebook erase`: content goes, the record of its going stays, and every proof still holds.

use causebook_record::{Pointer, RecordError};
use serde_json::json;

use crate::book::{self, Recording};
use crate::commands::prove;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::units::grouped;

/// Erase a record's content, or fields of it; proofs still hold
///
/// Values and the keys that could give them back are removed from every file of the ledger; commitments take their
/// place. What was exported or proven to others before is out of reach.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the record
    id: String,

    /// Erase only these places, as JSON Pointers: /input/age,/subject. Without, the whole content goes
    #[arg(long, value_name = "POINTERS", value_delimiter = ',')]
    fields: Vec<String>,

    /// Why, as it will stand in the record of the erasure
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Do it; nothing brings it back
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("erase", &[Format::Table, Format::Json], Format::Table)?;
    let settings = context.settings()?;
    let item = book::open(&settings)?.find(&args.id)?;
    let id = item.id().unwrap_or_else(|| args.id.clone());
    let pointers = pointers(&args.fields)?;
    if let Some(text) = &item.text {
        let facts = causebook_record::facts(text)?;
        for pointer in &pointers {
            if !facts.iter().any(|fact| pointer.selects(&fact.path)) {
                return Err(prove::nothing_there(
                    pointer.as_str(),
                    facts.iter().map(|fact| fact.path.as_ref()),
                ));
            }
        }
    }
    let what = match args.fields.as_slice() {
        [] => format!("all content of {id}"),
        fields => format!("{} of {id}", fields.join(", ")),
    };
    if !args.yes {
        return Err(Failure::new(
            Exit::Usage,
            "not-confirmed",
            format!("this would erase {what}, for good"),
        )
        .hint("--yes does it"));
    }
    let pen = book::pen(&settings, Recording::by("cli"))?;
    let outcome = pen.erase(&id, &pointers, &args.reason);
    let closed = pen.close();
    let report = outcome?;
    closed?;
    for file in &report.found_in_files {
        output.warn(format_args!("an erased value is still found in {file}"));
    }
    if report.found_in_records > 0 {
        output.warn(format_args!(
            "{} other records hold an erased value as their own",
            report.found_in_records
        ));
    }
    if format == Format::Json {
        return output.line(json!({
            "id": id,
            "index": report.index,
            "facts_erased": report.facts_erased,
            "recorded_as": report.recorded_as,
            "recorded_at_index": report.recorded_at_index,
            "not_searched": report.not_searched,
            "bytes_searched": report.bytes_searched,
            "found_in_files": report.found_in_files,
            "found_in_records": report.found_in_records,
        }));
    }
    output.line(format_args!(
        "Erased {what}: {} facts.",
        report.facts_erased
    ))?;
    output.line(format_args!(
        "  recorded as {} at index {}",
        report.recorded_as, report.recorded_at_index
    ))?;
    if let Some(bytes) = report.bytes_searched {
        output.line(format_args!(
            "  searched {} bytes of the ledger for what is gone",
            grouped(bytes)
        ))?;
    }
    if report.not_searched > 0 {
        output.line(format_args!(
            "  {} of the values are too short to be told from others and were not searched for",
            report.not_searched
        ))?;
    }
    Ok(())
}

fn pointers(fields: &[String]) -> Outcome<Vec<Pointer>> {
    let parse = |field: &String| {
        field.parse().map_err(|error: RecordError| Failure {
            exit: Exit::Usage,
            ..Failure::from(error)
        })
    };
    fields.iter().map(parse).collect()
}
