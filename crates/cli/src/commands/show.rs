//! `causebook show`: one record, for people or as it was sealed.

use causebook_client::Item;

use crate::book::Book;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Format, printable};
use crate::page::Page;
use crate::paint::Paint;
use crate::words::Dictionary;
use crate::{book, json, rows, units};

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
    let book = book::open(&context.settings()?)?;
    let item = book.find(&args.id)?;
    if args.raw {
        let text = item.text.as_deref().ok_or_else(|| erased(&item))?;
        return output.line(text);
    }
    match format {
        Format::Json => output.line(json::pretty(&item.to_json())),
        Format::Table => {
            let (text, intact) = page(book.as_ref(), &item, output.paint())?;
            output.line(text)?;
            if intact {
                Ok(())
            } else {
                Err(Failure::reported(Exit::Tampered))
            }
        }
        _ => rows::print(output, &[item], format),
    }
}

/// The page of a record with everything in the ledger that belongs to it, and whether the record is intact.
pub(crate) fn page(book: &dyn Book, item: &Item, paint: Paint) -> Outcome<(String, bool)> {
    let (integrity, intact) = integrity(book, item, paint)?;
    let text = write(book, item, &integrity, paint, Extent::Whole)?;
    Ok((text, intact))
}

/// The part of the page that fits on a screen.
pub(crate) fn summary(book: &dyn Book, item: &Item, paint: Paint) -> Outcome<String> {
    write(book, item, &[], paint, Extent::Summary)
}

/// How much of a page is written.
enum Extent {
    Summary,
    Whole,
}

fn write(
    book: &dyn Book,
    item: &Item,
    integrity: &[String],
    paint: Paint,
    extent: Extent,
) -> Outcome<String> {
    let value = rows::value(item)?;
    let about = match item.id() {
        Some(id) => book.about(&id)?,
        None => Vec::new(),
    };
    let dictionary = dictionary(book, &value)?;
    let page = Page {
        item,
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
pub(crate) fn dictionary(book: &dyn Book, value: &serde_json::Value) -> Outcome<Dictionary> {
    let Some(id) = Dictionary::id_in(value) else {
        return Ok(Dictionary::default());
    };
    match book.find_exact(id)? {
        Some(item) => Ok(Dictionary::of_record(&rows::value(&item)?)),
        None => Ok(Dictionary::default()),
    }
}

/// What the log says about the record, held against it here and now.
fn integrity(book: &dyn Book, item: &Item, paint: Paint) -> Outcome<(Vec<String>, bool)> {
    let integrity = book.integrity(item)?;
    let mut lines = vec![format!("index {} of {}", item.index, integrity.size)];
    if let Some(digest) = &integrity.digest {
        lines.push(format!("digest {digest}"));
    }
    let standing = match integrity.signed {
        Some(seconds) => {
            let time = jiff::Timestamp::from_second(seconds as i64)
                .map(units::second)
                .unwrap_or_default();
            format!("under the log head signed {time} UTC")
        }
        None => "acknowledged, not yet under a signed log head".to_owned(),
    };
    if integrity.unchecked.is_none() {
        lines.push(standing);
    }
    for finding in &integrity.findings {
        lines.push(format!("{} {}", paint.bad("TAMPERED"), printable(finding)));
    }
    let intact = integrity.findings.is_empty();
    if let Some(why) = &integrity.unchecked {
        lines.push(format!("not checked: {}", printable(why)));
    } else if intact {
        lines.push(format!("{} checked just now", paint.good("INTACT")));
    }
    Ok((lines, intact))
}

fn erased(item: &Item) -> Failure {
    Failure::new(
        Exit::NotFound,
        "erased",
        "the content of this record was erased",
    )
    .place(format!("index {}", item.index))
    .hint("its digest is still in the log: `causebook prove` shows it")
}
