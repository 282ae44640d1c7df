//! `causebook export`: every record, or those a filter means, in a form that other tools read.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use causebook_client::Item;
use causebook_filter::Filter;

use crate::book::Book;
use crate::commands::parse;
use crate::config::Settings;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Format;
use crate::{answers, book, rows};

/// Write all records to a file, or those a filter means
///
/// NDJSON holds each record as it was sealed, with its index; CSV, Arrow and Parquet hold the table's columns.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those a filter means, such as 'decision:deny since:30d': see help filter
    #[arg(long, value_name = "FILTER", value_parser = parse::filter, allow_hyphen_values = true)]
    filter: Option<Filter>,

    /// Write to this file instead of standard output; its ending says the format if --format does not
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let known = [
        Format::Ndjson,
        Format::Csv,
        Format::Arrow,
        Format::Parquet,
        Format::Line,
    ];
    let by_name = args.output.as_deref().and_then(format_of);
    let format = match &args.output {
        // A terminal does not mind what goes into a file.
        Some(_) => {
            context
                .output
                .format_in_file("export", &known, by_name.unwrap_or(Format::Ndjson))?
        }
        None => context.output.format("export", &known, Format::Ndjson)?,
    };
    let settings = context.settings()?;
    let filter = args.filter.clone().unwrap_or_else(Filter::everything);
    let Some(path) = &args.output else {
        return write(&settings, &filter, format, context.output.stdout());
    };
    let partial = path.with_added_extension("part");
    let outcome = File::create(&partial)
        .map_err(|error| Failure::io("write", &partial, &error))
        .and_then(|file| write(&settings, &filter, format, BufWriter::new(file)))
        .and_then(|()| {
            fs::rename(&partial, path).map_err(|error| Failure::io("write", path, &error))
        });
    if outcome.is_err() {
        let _ = fs::remove_file(&partial);
    }
    outcome?;
    context.output.say(format_args!("wrote {}", path.display()));
    Ok(())
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        "csv" => Some(Format::Csv),
        "arrow" => Some(Format::Arrow),
        "parquet" => Some(Format::Parquet),
        "log" | "txt" => Some(Format::Line),
        _ => None,
    }
}

fn write(
    settings: &Settings,
    filter: &Filter,
    format: Format,
    mut out: impl Write + Send,
) -> Outcome {
    let book = book::open(settings)?;
    let book = book.as_ref();
    match format {
        Format::Ndjson => write_each(book, filter, &mut out, |item| Some(item.to_json())),
        Format::Line => write_each(book, filter, &mut out, rows::text_line),
        _ => answers::write(&book.table(filter)?, format, out),
    }
}

/// Writes record by record, without holding them.
fn write_each(
    book: &dyn Book,
    filter: &Filter,
    out: &mut impl Write,
    print: impl Fn(&Item) -> Option<String>,
) -> Outcome {
    let mut written = Ok(());
    book.each(filter, &mut |item| {
        written = print(&item).map_or(Ok(()), |line| writeln!(out, "{line}"));
        if written.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    written?;
    Ok(out.flush()?)
}
