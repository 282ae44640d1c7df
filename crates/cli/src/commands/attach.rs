//! `causebook attach`: a file kept beside the ledger, under the digest of its bytes.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use serde_json::json;

use crate::book::{self, Recording};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::Format;

/// Keep a file beside the ledger and print its digest, to be named in `attachments`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, or - for standard input
    file: PathBuf,

    /// Media type for the printed `attachments` entry
    #[arg(long, value_name = "TYPE", default_value = "application/octet-stream")]
    media_type: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let format = context
        .output
        .format("attach", &[Format::Table, Format::Json], Format::Table)?;
    let mut reader: Box<dyn Read> = if args.file.as_os_str() == "-" {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(&args.file).map_err(|error| Failure::io("open", &args.file, &error))?)
    };
    let settings = context.settings()?;
    let pen = book::pen(&settings, Recording::by("cli"))?;
    let blob = pen.attach(&mut reader);
    let closed = pen.close();
    let blob = blob?;
    closed?;
    if format == Format::Table {
        return context.output.line(&blob.digest);
    }
    let name = args
        .file
        .file_name()
        .map_or_else(|| "stdin".into(), |name| name.to_string_lossy());
    let entry = json!({ "name": name, "media_type": args.media_type, "size": blob.size, "digest": blob.digest });
    context.output.line(entry)
}
