//! `causebook sql`: questions over everything recorded, answered in place.

use std::io::{self, IsTerminal, Read};

use crate::answers;
use crate::book;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::units::grouped;

/// Ask the ledger in SQL
///
/// The table is `records`; a view per kind has its own name: decisions, outcomes, reviews... Members are reached with
/// -> (JSON) and ->> (text): SELECT input->>'age' FROM decisions WHERE decision = 'deny'. Queries read; none changes
/// anything. What they answer is what is stored: `verify` says whether that is what was signed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The statement; standard input if there is none
    query: Option<String>,

    /// Rows at most
    #[arg(short = 'n', long, value_name = "COUNT")]
    limit: Option<usize>,
}

/// Longest statement read from standard input.
const STATEMENT_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let known = [
        Format::Table,
        Format::Json,
        Format::Ndjson,
        Format::Csv,
        Format::Markdown,
        Format::Arrow,
        Format::Parquet,
    ];
    let format = output.format("sql", &known, output.rows_default())?;
    let settings = context.settings()?;
    let statement = statement(args)?;
    let answer = book::open(&settings)?.sql(&statement, args.limit)?;
    if format == Format::Table {
        output.line(answers::grid(&answer)?.table(output.width(), output.paint()))?;
        output.say(format_args!("\n{} rows", grouped(answer.rows() as u64)));
    } else {
        answers::write(&answer, format, output.stdout())?;
    }
    if answer.truncated {
        let limit = match args.limit {
            Some(_) => "--limit allows",
            None => "a server gives at once",
        };
        output.say(format_args!("there are more rows than {limit}"));
    }
    Ok(())
}

fn statement(args: &Args) -> Outcome<String> {
    if let Some(query) = args.query.as_deref().filter(|query| *query != "-") {
        return Ok(query.to_owned());
    }
    if io::stdin().is_terminal() {
        return Err(Failure::usage("there is no statement")
            .hint("causebook sql \"SELECT decision, count(*) FROM decisions GROUP BY decision\""));
    }
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(STATEMENT_BYTES_MAX)
        .read_to_string(&mut text)?;
    Ok(text)
}
