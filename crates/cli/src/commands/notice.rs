//! `causebook notice`: what the subject of an adverse decision is told, rendered from the record, and its bytes recorded.

use std::fs;
use std::path::PathBuf;

use causebook_explain::Ask;
use causebook_record::Draft;
use causebook_why::notice::{self, Notice, NoticeError, TEMPLATE, Terms};
use causebook_why::page::Audience;
use serde_json::{Value as Json, json};

use crate::book::{self, Pen, Recording};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::store;

/// Render the notice of an adverse decision, with its principal reasons
///
/// The text follows the sample form C-1 of Regulation B. It is refused where it would be incomplete: no reason may be without
/// words, and none is left out. With --record its bytes are kept in the ledger, and a notice record says so.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the decision, or the first four characters or more of it
    id: String,

    /// Name of the creditor
    #[arg(long, value_name = "NAME")]
    creditor: String,

    /// Its address
    #[arg(long, value_name = "ADDRESS")]
    address: String,

    /// Name and address of the federal agency that administers compliance
    #[arg(long, value_name = "AGENCY")]
    agency: String,

    /// Where to ask for a review by a person
    #[arg(long, value_name = "CONTACT")]
    contact: Option<String>,

    /// The decision in words: 'We cannot grant the loan that you applied for'
    #[arg(long, value_name = "WORDS")]
    decision: Option<String>,

    /// Date of the notice; today by default
    #[arg(long, value_name = "DATE")]
    date: Option<String>,

    /// Write it to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Keep its bytes in the ledger, and record that it was given
    #[arg(long)]
    record: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    output.format("notice", &[Format::Table], Format::Table)?;
    let settings = context.settings()?;
    let book = book::open(&settings)?;
    let id = book.find(&args.id)?.id().unwrap_or_else(|| args.id.clone());
    let ask = Ask {
        audience: Audience::Authority,
        all_versions: false,
    };
    let why = book.why(&id, ask)?;
    let notice = notice::render(&why, &terms(args)).map_err(refused)?;
    match &args.output {
        Some(path) => {
            fs::write(path, &notice.text).map_err(|error| Failure::io("write", path, &error))?;
        }
        None => output.line(notice.text.trim_end())?,
    }
    if args.record {
        let pen = book::pen(&settings, Recording::by("cli"))?;
        let recorded = record(pen.as_ref(), &id, &notice, args);
        let closed = pen.close();
        let recorded = recorded?;
        closed?;
        output.say(format_args!("recorded as {recorded}"));
    }
    Ok(())
}

fn terms(args: &Args) -> Terms {
    let today = || store::now().strftime("%Y-%m-%d").to_string();
    Terms {
        creditor: args.creditor.clone(),
        address: args.address.clone(),
        agency: args.agency.clone(),
        contact: args.contact.clone(),
        date: args.date.clone().unwrap_or_else(today),
        decision: args.decision.clone(),
    }
}

fn refused(error: NoticeError) -> Failure {
    let failure = Failure::new(Exit::Failure, "notice", error.to_string());
    match error {
        NoticeError::Unmapped { .. } | NoticeError::NoReasons(_) => {
            failure.hint("`causebook model set NAME --reasons FILE` records a dictionary; docs/reasons.md describes it")
        }
        NoticeError::NotAdverse(_) => {
            failure.hint("the policy says which decisions are adverse: `causebook model set NAME --policy FILE`")
        }
        _ => failure,
    }
}

fn record(pen: &dyn Pen, id: &str, notice: &Notice, args: &Args) -> Outcome<String> {
    let kept = pen.attach(&mut notice.text.as_bytes())?;
    let reasons: Vec<Json> = notice
        .reasons
        .iter()
        .map(|(code, text)| json!({ "code": code, "text": text }))
        .collect();
    let record = json!({
        "kind": "notice",
        "refers_to": id,
        "notice": {
            "template": TEMPLATE,
            "creditor": args.creditor,
            "reasons": reasons,
            "dictionary": notice.dictionary,
            "text": kept.digest,
        },
        "attachments": [{
            "name": "notice.txt",
            "media_type": "text/plain; charset=utf-8",
            "size": kept.size,
            "digest": kept.digest,
        }],
    });
    let draft = Draft::parse(record.to_string().as_bytes())?;
    let receipts = pen
        .append_all(vec![draft])
        .map_err(|stopped| stopped.failure)?;
    Ok(receipts
        .into_iter()
        .next()
        .map_or_else(String::new, |receipt| receipt.id))
}
