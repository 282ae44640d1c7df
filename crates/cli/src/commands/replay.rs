//! `causebook replay`: whether registered models give what was recorded, to the last bit.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use causebook_explain::replay::{self, Replayed};
use causebook_filter::Filter;
use causebook_record::value_at;
use causebook_why::Verdict;
use serde_json::{Value as Json, json};

use crate::book::{self, Book, Recording};
use crate::commands::ls::Which;
use crate::commands::parse;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Format, printable};

/// Run decisions again by their registered models, and compare
///
/// BIT_EXACT: every number to the last bit. WITHIN_TOLERANCE: within what floating point leaves open. LABEL_TIE: the score
/// is as near to the threshold, and the label another. MISMATCH: the registered model says something else. NOT_REPLAYABLE:
/// there is nothing to run, with the reason. Ends with 20 if one is a mismatch.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ids of decisions; without, all that are meant by the options below
    ids: Vec<String>,

    #[command(flatten)]
    which: Which,

    /// How many at most
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100_000)]
    limit: usize,

    /// Record the result in the ledger
    #[arg(long)]
    append: bool,

    /// A program of yours that runs a language model again: it is given the decision's input, as JSON, and prints an output
    #[arg(long, value_name = "PROGRAM", requires = "ids")]
    runner: Option<String>,

    /// How often the program is run for each decision
    #[arg(long, value_name = "TIMES", default_value_t = 5, requires = "runner", value_parser = clap::value_parser!(u32).range(1..=1000))]
    times: u32,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("replay", &[Format::Table, Format::Json], Format::Table)?;
    let settings = context.settings()?;
    let book = book::open(&settings)?;
    if let Some(runner) = &args.runner {
        return run_again(args, runner, book.as_ref(), context);
    }
    let filter = match args.ids.as_slice() {
        [] => decisions(&args.which.filter()?)?,
        ids => these(book.as_ref(), ids)?,
    };
    let replayed = book.replay(&filter, args.limit, output)?;
    if args.append {
        let draft = replay::record(&replayed)?;
        let pen = book::pen(&settings, Recording::by("cli"))?;
        let recorded = pen.append_all(vec![draft]);
        let closed = pen.close();
        let receipts = recorded.map_err(|stopped| stopped.failure)?;
        closed?;
        for receipt in receipts {
            output.say(format_args!("recorded as {}", receipt.id));
        }
    }
    if format == Format::Json {
        output.line(json!(replayed))?;
    } else {
        output.line(text(&replayed, context))?;
    }
    if replayed.count(Verdict::Mismatch) > 0 {
        return Err(Failure::reported(Exit::Tampered));
    }
    Ok(())
}

/// What is meant, of the decisions.
fn decisions(filter: &Filter) -> Outcome<Filter> {
    let said = filter.to_string();
    parse::filter(format!("kind:decision {said}").trim()).map_err(Failure::usage)
}

fn these(book: &dyn Book, ids: &[String]) -> Outcome<Filter> {
    let mut words = Vec::new();
    for id in ids {
        let found = book.find(id)?.id().unwrap_or_else(|| id.clone());
        words.push(book::quoted(&found));
    }
    parse::filter(&format!("id:{}", words.join(","))).map_err(Failure::usage)
}

/// The result for people: a line a verdict, then the reasons and the worst differences.
pub(crate) fn text(replayed: &Replayed, context: &Context) -> String {
    let paint = context.output.paint();
    let mut text = format!("{} decisions replayed", replayed.decisions);
    for (verdict, count) in &replayed.verdicts {
        let word = replay::word(*verdict);
        let word = match verdict {
            Verdict::BitExact | Verdict::WithinTolerance => paint.good(word),
            Verdict::Mismatch => paint.bad(word),
            Verdict::LabelTie | Verdict::NotReplayable => paint.note(word),
        };
        let _ = write!(text, "\n  {count:>9}  {word}");
    }
    if let Some(max) = replayed.max_difference {
        let _ = write!(text, "\n  largest difference {max}");
    }
    for (reason, count) in &replayed.reasons {
        let _ = write!(text, "\n  {count:>9}  {}", printable(reason));
    }
    for worst in &replayed.worst {
        let why = worst.why.as_deref().map(printable).unwrap_or_default();
        let _ = write!(
            text,
            "\n  {}  {}  {why}",
            printable(&worst.id),
            replay::word(worst.verdict)
        );
    }
    text
}

/// Runs a language model's decisions again by the user's program. That nothing is promised is part of the answer.
fn run_again(args: &Args, runner: &str, book: &dyn Book, context: &Context) -> Outcome {
    for id in &args.ids {
        let item = book.find(id)?;
        let Some(text) = &item.text else {
            return Err(Failure::new(
                Exit::NotFound,
                "erased",
                "the content of this decision was erased",
            ));
        };
        let (input, recorded) = (value_at(text, "/input"), value_at(text, "/output"));
        let (Some(input), Some(recorded)) = (input, recorded) else {
            return Err(Failure::new(
                Exit::Failure,
                "not-replayable",
                "the decision has no input or no output on record",
            ));
        };
        let mut outputs: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..args.times {
            *outputs.entry(once(runner, input)?).or_default() += 1;
        }
        let wanted = plain(recorded);
        let agreed = outputs.get(&wanted).copied().unwrap_or_default();
        context.output.line(format_args!(
            "{}: {agreed} of {} re-runs agree with what is recorded; {} different outputs. No re-run proves what the model said then.",
            printable(id),
            args.times,
            outputs.len()
        ))?;
    }
    Ok(())
}

fn once(runner: &str, input: &str) -> Outcome<String> {
    let failed = |error: &std::io::Error| {
        Failure::new(Exit::Failure, "runner", format!("could not run {runner}"))
            .detail(error.to_string())
    };
    let mut child = Command::new("sh")
        .args(["-c", runner])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| failed(&error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not want its input has closed it.
        let _ = stdin.write_all(input.as_bytes());
    }
    let out = child.wait_with_output().map_err(|error| failed(&error))?;
    if !out.status.success() {
        return Err(Failure::new(
            Exit::Failure,
            "runner",
            format!("{runner} failed: {}", out.status),
        ));
    }
    Ok(plain(&String::from_utf8_lossy(&out.stdout)))
}

/// JSON in its canonical form, anything else as text, so that layout makes no difference.
fn plain(text: &str) -> String {
    let trimmed = text.trim();
    match serde_json::from_str::<Json>(trimmed) {
        Ok(Json::String(text)) => text,
        Ok(_) => causebook_record::canonicalize(trimmed.as_bytes())
            .unwrap_or_else(|_| trimmed.to_owned()),
        Err(_) => trimmed.to_owned(),
    }
}
