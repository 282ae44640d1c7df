//! `causebook tail`: the last records, and new ones as they are acknowledged.

use causebook_client::Item;

use crate::book::News;
use crate::commands::ls::Which;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::{Format, printable};
use crate::{book, rows, units};

/// Print the last records, and new ones as they come
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,

    /// How many of the last records to begin with
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 10)]
    limit: usize,

    /// Go on with new records until interrupted
    #[arg(short, long)]
    follow: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let known = [Format::Table, Format::Ndjson, Format::Line];
    let format = output.format("tail", &known, output.rows_default())?;
    let filter = args.which.filter()?;
    let book = book::open(&context.settings()?)?;
    if args.follow {
        return book.follow(&filter, args.limit, &mut |news| match news {
            News::Record(item) => print(context, &item, format),
            News::Remark(remark) => {
                context.output.warn(printable(&remark));
                Ok(())
            }
        });
    }
    let last = book.select(&filter, false, args.limit)?;
    for item in last.iter().rev() {
        print(context, item, format)?;
    }
    Ok(())
}

/// One record, one line: a table cannot know its widths before the last row.
fn print(context: &Context, item: &Item, format: Format) -> Outcome {
    if format != Format::Table {
        return rows::print(&context.output, std::slice::from_ref(item), format);
    }
    let fields = item.fields();
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
    let decision = word(fields.decision.or_else(|| rows::result(item)));
    context.output.line(format_args!(
        "{time}  {:<20}  {kind:<9} {decision}{score}{model}",
        word(fields.id)
    ))
}
