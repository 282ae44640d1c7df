//! `causebook init`: a home, its settings file and a ledger with keys of its own.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::book::{self, Made};
use crate::config::FILE_NAME;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::output::{Format, Output};

/// Make a home with a ledger in it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name under which the ledger signs, unique in the world, for example risk.example.com/loans
    /// [default: host/ledger/time]
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
}

/// What a new home's settings file says: nothing yet, but what could be said.
const SETTINGS: &str = "\
# Settings of this home. `causebook config show --origin` tells which setting holds and why.

# ledger = \"main\"           # the ledger to work on
# by = \"team:risk\"          # who records, as it will stand in `recorded.by`

# [sql]
# timeout_s = 60            # a query that takes longer is stopped
# memory_mb = 1024          # a query that needs more is stopped
";

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let settings = context.settings()?;
    let output = &context.output;
    let format = output.format("init", &[Format::Table, Format::Json], Format::Table)?;
    let made = book::create(&settings, args.origin.as_deref())?;
    match format {
        Format::Json => output.line(format_args!("{:#}", describe(&made))),
        _ => introduce(output, &made),
    }
}

/// Writes the settings file of a home that has none.
pub(crate) fn write_settings(home: &Path) -> Outcome {
    let path = home.join(FILE_NAME);
    if path.exists() {
        return Ok(());
    }
    fs::write(&path, SETTINGS).map_err(|error| Failure::io("write", &path, &error))
}

fn describe(made: &Made) -> serde_json::Value {
    json!({
        made.place_is: made.place,
        "ledger": made.name,
        "origin": made.origin,
        "created": made.created,
        "keys": made.keys,
    })
}

fn introduce(output: &Output, made: &Made) -> Outcome {
    output.line(format_args!("Made ledger {} in {}", made.name, made.place))?;
    output.line(format_args!("  origin  {}", made.origin))?;
    for key in &made.keys {
        output.line(format_args!(
            "  key     {}",
            shortened(key, output.width().saturating_sub(10))
        ))?;
    }
    output.say("\nGive origin and keys to whoever shall check evidence; --format json prints the keys in full.");
    output.hint("causebook record --model my-model@1 --input age=30 --output approved");
    Ok(())
}

/// An ML-DSA key is 1,763 characters long: on a page its beginning must do.
fn shortened(key: &str, width: usize) -> String {
    if key.len() <= width.max(80) {
        return key.to_owned();
    }
    let head: String = key.chars().take(width.saturating_sub(24)).collect();
    format!("{head}... ({} characters)", key.len())
}
