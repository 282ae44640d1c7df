//! `causebook tail`: the last records, and new ones as they are acknowledged.

use std::ops::ControlFlow;
use std::time::Duration;

use causebook_ledger::Row;

use crate::commands::ls::Filter;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Format, printable};
use crate::{rows, store, units};

/// Print the last records, and new ones as they come
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,

    /// How many of the last records to begin with
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    limit: usize,

    /// Go on with new records until interrupted
    #[arg(short, long)]
    follow: bool,
}

/// How often it is looked whether the log has grown. A record is under a new head about 100 ms after its receipt.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let known = [Format::Table, Format::Ndjson, Format::Line];
    let format = output.format("tail", &known, output.rows_default())?;
    let settings = context.settings()?;
    let mut reader = store::reader(&settings)?;
    let mut last = args.filter.find(&reader, false, args.limit)?;
    last.reverse();
    for row in &last {
        print(context, row, format)?;
    }
    if !args.follow {
        return Ok(());
    }
    loop {
        let next = reader.size();
        let head = store::head(&settings);
        while store::head(&settings) == head {
            std::thread::sleep(LOOK_INTERVAL);
        }
        reader = store::reader(&settings)?;
        let mut fresh = Vec::new();
        reader.scan(next..reader.size(), &mut |row| {
            fresh.push(row);
            ControlFlow::Continue(())
        })?;
        for row in fresh.iter().filter(|row| args.filter.admits(row)) {
            print(context, row, format)?;
        }
    }
}

/// One record, one line: a table cannot know its widths before the last row.
fn print(context: &Context, row: &Row, format: Format) -> Outcome {
    if format != Format::Table {
        return rows::print(&context.output, std::slice::from_ref(row), format);
    }
    let fields = row.record.fields();
    let word =
        |value: Option<String>| value.map_or_else(|| "-".to_owned(), |value| printable(&value));
    let time = fields.time.map(units::second).unwrap_or_default();
    let kind = fields.kind.map_or("erased", |kind| kind.as_str());
    let score = fields
        .score
        .map(|score| format!(" {score:.3}"))
        .unwrap_or_default();
    let model = rows::model(&fields)
        .map(|model| format!("  {}", printable(&model)))
        .unwrap_or_default();
    let decision = word(fields.decision.or_else(|| rows::result(row)));
    context.output.line(format_args!(
        "{time}  {:<20}  {kind:<9} {decision}{score}{model}",
        word(fields.id)
    ))
}
