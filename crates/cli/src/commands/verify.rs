//! `causebook verify`: is everything still as it was signed, and if not, what is wrong first?

use causebook_ledger::{Depth, Reader};
use serde_json::json;

use crate::commands::parse;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Format, Output, printable};
use crate::store;
use crate::verdict::{self, Memory};

/// Check that nothing was changed, dropped, added, reordered or rolled back
///
/// Ends with 0 if all is as it was signed, with 20 if it is not, and with 21 if that could not be found out.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only the checkpoint, the sizes, and that the log has grown from the head seen last
    #[arg(long)]
    quick: bool,

    /// Only records from this index or time of recording on
    #[arg(long, value_name = "INDEX|TIME", conflicts_with = "quick")]
    since: Option<String>,

    /// Only this record
    #[arg(long, value_name = "ID", conflicts_with_all = ["quick", "since"])]
    id: Option<String>,

    /// Neither compare with the head seen last nor remember this one
    #[arg(long)]
    forgetful: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("verify", &[Format::Table, Format::Json], Format::Table)?;
    let settings = context.settings()?;
    let outcome = store::reader(&settings).and_then(|reader| {
        let memory = if args.forgetful {
            None
        } else {
            Memory::of_user()
        };
        let verdict = verdict::reach(&reader, depth(args, &reader)?, memory.as_ref(), output)?;
        Ok((reader, verdict))
    });
    let (reader, verdict) = match outcome {
        Ok(verified) => verified,
        Err(failure) => return stopped(failure, format, output),
    };
    match format {
        Format::Json => output.line(format_args!("{:#}", verdict.json(&reader)))?,
        _ => output.line(verdict.text(&reader, output.paint()))?,
    }
    if verdict.report.is_intact() {
        return Ok(());
    }
    verdict.advise(output);
    Err(Failure::reported(Exit::Tampered))
}

/// A verification that could not be carried through. If what stopped it is itself tampering, that is the verdict;
/// anything short of it leaves the question open.
fn stopped(failure: Failure, format: Format, output: &Output) -> Outcome {
    match failure.exit {
        Exit::Tampered => {
            let place = failure.place.clone().unwrap_or_default();
            if format == Format::Json {
                let finding = json!({ "fault": failure.code, "index": null, "id": null, "what": failure.title });
                let report = json!({ "intact": false, "findings_total": 1, "findings": [finding], "at": place });
                output.line(format_args!("{report:#}"))?;
            } else {
                let word = output.paint().bad("TAMPERED");
                output.line(format_args!(
                    "{word}  {}\n\n  at {place}",
                    printable(&failure.title)
                ))?;
            }
            output
                .hint("nothing more can be told of a ledger in this state; compare with a backup");
            Err(Failure::reported(Exit::Tampered))
        }
        Exit::Failure => Err(Failure {
            exit: Exit::Unverified,
            ..failure
        }),
        _ => Err(failure),
    }
}

fn depth(args: &Args, reader: &Reader) -> Outcome<Depth> {
    if args.quick {
        return Ok(Depth::Quick);
    }
    if let Some(id) = &args.id {
        return Ok(Depth::One(reader.find(id)?.index));
    }
    let Some(since) = &args.since else {
        return Ok(Depth::Full);
    };
    if let Ok(index) = since.parse::<u64>() {
        if index >= reader.size() && index > 0 {
            let title = format!(
                "--since {index}: the ledger ends before, it has {} records",
                reader.size()
            );
            return Err(Failure::usage(title));
        }
        return Ok(Depth::Since(index));
    }
    let moment = parse::moment(since)
        .map_err(|problem| Failure::usage(format!("--since {since}: {problem}, or an index")))?;
    Ok(Depth::Since(first_recorded(
        reader,
        moment.before(store::now()),
    )?))
}

/// The first record that was recorded at `time` or later. Times of recording rise with the index, or nearly.
fn first_recorded(reader: &Reader, time: jiff::Timestamp) -> Outcome<u64> {
    let (mut low, mut high) = (0, reader.size());
    while low < high {
        let middle = low + (high - low) / 2;
        let recorded = reader
            .get(middle)?
            .and_then(|row| row.record.fields().recorded_at);
        if recorded.is_some_and(|recorded| recorded < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
