//! `causebook record`: records from a file, standard input or flags, acknowledged when they are on stable storage.
//!
//! A batch is recorded whole or not at all, unless `--keep-going` was given; then the good records of it are recorded,
//! each bad one is reported with its line, and the command ends with 1.

use std::fs::File;
use std::io::{self, BufReader, IsTerminal};
use std::path::PathBuf;

use causebook_client::Receipt;
use causebook_record::Draft;
use serde_json::json;

use crate::book::{self, Pen, Recording, Stopped};
use crate::commands::compose::{self, Flags};
use crate::context::Context;
use crate::documents::{Document, Documents};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Format, Output};

/// Record decisions from a file, standard input or flags
///
/// A file holds one JSON document, or one a line (NDJSON). A decision needs a model and at least one of input, output
/// and decision: {"model":{"name":"credit","version":"1"},"input":{"age":30},"output":"approved"}
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File with records; - or nothing reads standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// Record what can be recorded and report the rest, instead of nothing or all
    #[arg(short, long)]
    keep_going: bool,

    /// Record also what refers to a record that is not there yet
    #[arg(long)]
    allow_missing_target: bool,

    #[command(flatten)]
    flags: Flags,
}

/// Records given to the ledger at a time.
const CHUNK: usize = 1000;
/// Most bytes of a batch that is recorded whole or not at all; it is held in memory until its last record is checked.
const WHOLE_BATCH_BYTES_MAX: u64 = 256 << 20;
/// Refused records reported one by one before they are only counted.
const REPORTED_MAX: usize = 20;

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let known = [Format::Table, Format::Json, Format::Ndjson];
    let format = output.format("record", &known, output.rows_default())?;
    let settings = context.settings()?;
    let documents = match compose::record(&args.flags)? {
        Some(_) if args.file.is_some() => {
            return Err(Failure::usage(
                "a record comes from --file or from flags, not from both",
            ));
        }
        Some(text) => Documents::single("the flags", text),
        None => open(args.file.as_ref())?,
    };
    let how = Recording {
        via: "cli",
        allow_missing_target: args.allow_missing_target,
    };
    let pen = book::pen(&settings, how)?;
    let batch = Batch {
        pen: pen.as_ref(),
        output,
        format,
    };
    let counts = if args.keep_going {
        batch.record_what_is_good(documents)
    } else {
        batch.record_all_or_nothing(documents)
    };
    // What was told first is told, even if closing fails too.
    let closed = pen.close();
    let counts = counts?;
    closed?;
    if counts.recorded + counts.repeated + counts.refused != 1 {
        output.say(format_args!(
            "\n{} read: {} recorded, {} already there, {} refused",
            counts.recorded + counts.repeated + counts.refused,
            counts.recorded,
            counts.repeated,
            counts.refused
        ));
    }
    if counts.refused > 0 {
        Err(Failure::reported(Exit::Failure))
    } else {
        Ok(())
    }
}

fn open(file: Option<&PathBuf>) -> Outcome<Documents> {
    match file.filter(|path| path.as_os_str() != "-") {
        Some(path) => {
            let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
            Ok(Documents::new(&path.display().to_string(), Box::new(BufReader::new(file))))
        }
        None if io::stdin().is_terminal() => Err(Failure::usage("there is nothing to record")
            .hint("give --file FILE, pipe JSON in, or use flags: --model my-model@1 --input age=30 --output approved")),
        None => Ok(Documents::new("stdin", Box::new(BufReader::new(io::stdin())))),
    }
}

#[derive(Debug, Default)]
struct Counts {
    recorded: u64,
    repeated: u64,
    refused: u64,
}

struct Batch<'a> {
    pen: &'a dyn Pen,
    output: &'a Output,
    format: Format,
}

impl Batch<'_> {
    fn record_all_or_nothing(&self, documents: Documents) -> Outcome<Counts> {
        let mut drafts = Vec::new();
        let mut places = Vec::new();
        let mut refused: Vec<Failure> = Vec::new();
        let mut bytes = 0;
        for document in documents {
            let document = document?;
            bytes += document.bytes.len() as u64;
            if bytes > WHOLE_BATCH_BYTES_MAX {
                return Err(Failure::usage(format!(
                    "the batch is larger than {} MiB",
                    WHOLE_BATCH_BYTES_MAX >> 20
                ))
                .hint("--keep-going records it as it is read; so does `causebook import`"));
            }
            match parse(&document) {
                Ok(draft) => {
                    drafts.push(draft);
                    places.push(document.place);
                }
                Err(failure) => refused.push(failure),
            }
        }
        if let Some(failure) = self.nothing_recorded(refused, drafts.len()) {
            return Err(failure);
        }
        let mut counts = Counts::default();
        let receipts = match self.pen.append_all(drafts) {
            Ok(receipts) => receipts,
            Err(stopped) => return Err(self.stopped(stopped, &places)?),
        };
        for receipt in receipts {
            self.acknowledged(&receipt, &mut counts)?;
        }
        Ok(counts)
    }

    /// What is said of a batch that was not recorded as a whole. What was recorded of it is acknowledged first.
    fn stopped(&self, stopped: Stopped, places: &[String]) -> Outcome<Failure> {
        let Stopped {
            position,
            failure,
            recorded,
        } = stopped;
        let mut counts = Counts::default();
        for receipt in &recorded {
            self.acknowledged(receipt, &mut counts)?;
        }
        let others = match recorded.len() {
            0 => "nothing was recorded".to_owned(),
            1 => "1 other record was recorded".to_owned(),
            count => format!("{count} other records were recorded"),
        };
        Ok(match places.get(position) {
            Some(place) if places.len() > 1 => failure.place(format!("{place}; {others}")),
            Some(place) => failure.place(place.clone()),
            None => failure,
        })
    }

    /// Reports every refused record of a batch that had to be whole.
    fn nothing_recorded(&self, mut refused: Vec<Failure>, good: usize) -> Option<Failure> {
        if good == 0 && refused.len() == 1 {
            return refused.pop();
        }
        if refused.is_empty() {
            return None;
        }
        for failure in refused.iter().take(REPORTED_MAX) {
            self.output.failure(failure);
        }
        let (bad, all) = (refused.len(), refused.len() + good);
        let title = format!("nothing was recorded, because {bad} of {all} records were refused");
        Some(
            Failure::new(Exit::Failure, "batch-refused", title).hint(format!(
                "--keep-going records the other {good} and reports these"
            )),
        )
    }

    fn record_what_is_good(&self, documents: Documents) -> Outcome<Counts> {
        let mut counts = Counts::default();
        let mut drafts = Vec::new();
        let mut places = Vec::new();
        for document in documents {
            let document = document?;
            match parse(&document) {
                Ok(draft) => {
                    drafts.push(draft);
                    places.push(document.place);
                }
                Err(failure) => self.refused(&failure, &mut counts),
            }
            if drafts.len() == CHUNK {
                self.append(
                    std::mem::take(&mut drafts),
                    std::mem::take(&mut places),
                    &mut counts,
                )?;
            }
        }
        self.append(drafts, places, &mut counts)?;
        Ok(counts)
    }

    fn append(&self, drafts: Vec<Draft>, places: Vec<String>, counts: &mut Counts) -> Outcome {
        let results = self.pen.append_batch(drafts);
        for (result, place) in results.into_iter().zip(places) {
            match result {
                Ok(receipt) => self.acknowledged(&receipt, counts)?,
                Err(error) if error.ends => return Err(error.failure.place(place)),
                Err(error) => self.refused(&error.failure.place(place), counts),
            }
        }
        Ok(())
    }

    fn refused(&self, failure: &Failure, counts: &mut Counts) {
        counts.refused += 1;
        self.output.failure(failure);
    }

    fn acknowledged(&self, receipt: &Receipt, counts: &mut Counts) -> Outcome {
        if receipt.repeated {
            counts.repeated += 1;
        } else {
            counts.recorded += 1;
        }
        if self.format == Format::Table {
            let verb = if receipt.repeated {
                "already there"
            } else {
                "recorded"
            };
            return self.output.line(format_args!(
                "{verb:<13} {} at index {}",
                receipt.id, receipt.index
            ));
        }
        self.output.line(json!({
            "id": receipt.id, "index": receipt.index, "digest": receipt.digest, "repeated": receipt.repeated
        }))
    }
}

fn parse(document: &Document) -> Outcome<Draft> {
    Draft::parse(&document.bytes)
        .map_err(|error| Failure::from(error).place(document.place.clone()))
}
