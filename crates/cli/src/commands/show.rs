//! `causebook show`: one record, for people or as it was sealed.

use causebook_ledger::{Depth, Reader, Row, VerifyRequest};

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Format, printable};
use crate::page::Page;
use crate::paint::Paint;
use crate::words::Dictionary;
use crate::{json, rows, store, units};

/// Show one record: what was decided and why
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the record, or the first four characters or more of it
    id: String,

    /// Print the sealed text itself, or what is left of it
    #[arg(long)]
    raw: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let known = [Format::Table, Format::Json, Format::Ndjson, Format::Line];
    let format = output.format("show", &known, Format::Table)?;
    let reader = store::reader(&context.settings()?)?;
    let row = reader.find(&args.id)?;
    if args.raw {
        let text = row.record.text().ok_or_else(|| erased(&row))?;
        return output.line(text);
    }
    match format {
        Format::Json => output.line(json::pretty(&rows::json(&row))),
        Format::Table => {
            let (text, intact) = page(&reader, &row, output.paint())?;
            output.line(text)?;
            if intact {
                Ok(())
            } else {
                Err(Failure::reported(Exit::Tampered))
            }
        }
        _ => rows::print(output, &[row], format),
    }
}

/// The page of a record with everything in the ledger that belongs to it, and whether the record is intact.
pub(crate) fn page(reader: &Reader, row: &Row, paint: Paint) -> Outcome<(String, bool)> {
    let (integrity, intact) = integrity(reader, row, paint)?;
    let text = write(reader, row, &integrity, paint, Extent::Whole)?;
    Ok((text, intact))
}

/// The part of the page that fits on a screen.
pub(crate) fn summary(reader: &Reader, row: &Row, paint: Paint) -> Outcome<String> {
    write(reader, row, &[], paint, Extent::Summary)
}

/// How much of a page is written.
enum Extent {
    Summary,
    Whole,
}

fn write(
    reader: &Reader,
    row: &Row,
    integrity: &[String],
    paint: Paint,
    extent: Extent,
) -> Outcome<String> {
    let value = rows::value(row)?;
    let about = match row.record.fields().id {
        Some(id) => rows_at(reader, &reader.referring_to(&id)?)?,
        None => Vec::new(),
    };
    let dictionary = dictionary(reader, &value)?;
    let page = Page {
        row,
        value: &value,
        dictionary: &dictionary,
        about: &about,
        integrity,
        paint,
    };
    Ok(match extent {
        Extent::Summary => page.summary(),
        Extent::Whole => page.text(),
    })
}

/// The words that the record says it was explained with; none if that record is gone.
pub(crate) fn dictionary(reader: &Reader, value: &serde_json::Value) -> Outcome<Dictionary> {
    let Some(id) = Dictionary::id_in(value) else {
        return Ok(Dictionary::default());
    };
    match reader.find_exact(id)? {
        Some(row) => Ok(Dictionary::of_record(&rows::value(&row)?)),
        None => Ok(Dictionary::default()),
    }
}

/// What the log says about the record, held against it here and now.
fn integrity(reader: &Reader, row: &Row, paint: Paint) -> Outcome<(Vec<String>, bool)> {
    let request = VerifyRequest {
        depth: Depth::One(row.index),
        remembered: None,
        threads: 1,
    };
    let report = reader.verify(&request, &mut |_, _| {})?;
    let mut lines = vec![format!("index {} of {}", row.index, reader.size())];
    if let Ok(Some(digest)) = row.record.digest() {
        lines.push(format!("digest {digest}"));
    }
    let signed = reader
        .checkpoint()
        .filter(|signed| signed.checkpoint.size > row.index);
    lines.push(match signed.and_then(|signed| signed.time) {
        Some(seconds) => {
            let time = jiff::Timestamp::from_second(seconds as i64)
                .map(units::second)
                .unwrap_or_default();
            format!("under the log head signed {time} UTC")
        }
        None => "acknowledged, not yet under a signed log head".to_owned(),
    });
    for finding in &report.findings {
        lines.push(format!(
            "{} {}",
            paint.bad("TAMPERED"),
            printable(&finding.to_string())
        ));
    }
    if report.is_intact() {
        lines.push(format!("{} checked just now", paint.good("INTACT")));
    }
    Ok((lines, report.is_intact()))
}

fn rows_at(reader: &Reader, indexes: &[u64]) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for index in indexes {
        rows.extend(reader.get(*index)?);
    }
    Ok(rows)
}

fn erased(row: &Row) -> Failure {
    Failure::new(
        Exit::NotFound,
        "erased",
        "the content of this record was erased",
    )
    .place(format!("index {}", row.index))
    .hint("its digest is still in the log: `causebook prove` shows it")
}
