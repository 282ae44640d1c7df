//! `causebook verify`: is everything still as it was signed, and if not, what is wrong first?

use serde_json::json;

use crate::book::{self, Question, Scope};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Format, Output, printable};

/// Check that nothing was changed, dropped, added, reordered or rolled back
///
/// Ends with 0 if all is as it was signed, with 20 if it is not, and with 21 if that could not be found out. A ledger on
/// a server is verified twice: by the server itself, and on this side as far as that needs no belief in the server.
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

    /// Of a ledger on a server: check evidence of this many records on this side, drawn at random [default: 8]
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["id", "since"])]
    sample: Option<u64>,

    /// Neither compare with the head seen last nor remember this one
    #[arg(long)]
    forgetful: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("verify", &[Format::Table, Format::Json], Format::Table)?;
    let settings = context.settings()?;
    let question = Question {
        scope: scope(args),
        sample: args.sample,
        remembering: !args.forgetful,
    };
    let outcome = book::open(&settings).and_then(|book| book.verify(&question, output));
    let verdict = match outcome {
        Ok(verdict) => verdict,
        Err(failure) => return stopped(failure, format, output),
    };
    match format {
        Format::Json => output.line(format_args!("{:#}", verdict.json()))?,
        _ => output.line(verdict.text(output.paint()))?,
    }
    if verdict.is_intact() {
        return Ok(());
    }
    verdict.advise(output);
    Err(Failure::reported(Exit::Tampered))
}

fn scope(args: &Args) -> Scope {
    match (&args.id, &args.since) {
        _ if args.quick => Scope::Quick,
        (Some(id), _) => Scope::One(id.clone()),
        (None, Some(since)) => Scope::Since(since.clone()),
        (None, None) => Scope::Full,
    }
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
