//! `causebook import`: decisions that are already written down somewhere, brought in with their counts accounted for.
//!
//! What the file seems to hold is shown before anything is recorded. Ids are made from the rows, so a run that was
//! interrupted is simply repeated: what is recorded is not recorded twice. read = recorded + repeated + rejected.

use std::fs::{self, File};
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use causebook_capture::{CaptureError, Import, Mapping, Source, guess};
use serde_json::json;

use crate::book::{self, Recording};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Format, Output, printable};
use crate::progress::Progress;
use crate::units::grouped;

mod intake;

use intake::{Counts, Intake, Rejects};

/// Bring in decisions from a table, a log or a spreadsheet
///
/// Reads CSV, TSV and other delimited text, XLSX, JSON, NDJSON, Parquet, and the text line
/// "2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved". A mapping says which column is what; without one a
/// guess is shown first. Ends with 1 if rows were rejected and no --rejects file took them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, or - for standard input
    file: PathBuf,

    /// Mapping to use instead of a guess (TOML)
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,

    /// Write the mapping that is used to this file
    #[arg(long, value_name = "FILE")]
    save_mapping: Option<PathBuf>,

    /// Model that decided: NAME or NAME@VERSION
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,

    /// Column with the id
    #[arg(long, value_name = "COLUMN")]
    id: Option<String>,

    /// Column with the time
    #[arg(long, value_name = "COLUMN")]
    time: Option<String>,

    /// Column with whom it concerns
    #[arg(long, value_name = "COLUMN")]
    subject: Option<String>,

    /// Column with the outcome
    #[arg(long, value_name = "COLUMN")]
    decision: Option<String>,

    /// Column with the score
    #[arg(long, value_name = "COLUMN")]
    score: Option<String>,

    /// Columns that went in, with commas; * is every other one
    #[arg(long, value_name = "COLUMNS")]
    input: Option<String>,

    /// Columns that came out
    #[arg(long = "output", value_name = "COLUMNS")]
    outputs: Option<String>,

    /// Any key of the mapping: --set read.delimiter=tab --set decision.values.3=denied
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Record nothing; show what would be
    #[arg(long)]
    dry_run: bool,

    /// Record by a guessed mapping without asking
    #[arg(short, long)]
    yes: bool,

    /// Record also rows that refer to a record that is not there yet
    #[arg(long)]
    allow_missing_target: bool,

    /// Write rejected rows with their reasons to this file (CSV, or NDJSON by its name)
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,

    /// Pass over the rows up to this one
    #[arg(long, value_name = "ROW", default_value_t = 0)]
    after: u64,
}

/// Most bytes read from standard input, which has to be held in memory because it is read twice.
const STDIN_BYTES_MAX: u64 = 1 << 30;
/// What a guess calls a model that no column names.
const MODEL_UNKNOWN: &str = "unspecified";

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("import", &[Format::Table, Format::Json], Format::Table)?;
    let settings = context.settings()?;
    let source = source(&args.file)?;
    let (mapping, shown) = mapping(args, &source)?;
    if let Some(toml) = &shown {
        output.say(format_args!(
            "{} looks like this:\n\n{}",
            printable(source.name()),
            toml.trim_end()
        ));
    }
    let progress = Progress::new(output, "reading", "rows");
    let import = Import::prepare(&source, &mapping, &mut |rows| progress.at(rows, 0))?;
    drop(progress);
    tell_what_is_left_out(&import, output);
    if let Some(path) = &args.save_mapping {
        let toml = import.settled_mapping()?.to_toml()?;
        fs::write(path, toml).map_err(|error| Failure::io("write", path, &error))?;
        output.say(format_args!("wrote the mapping to {}", path.display()));
    }
    if !args.dry_run && shown.is_some() {
        settle_placeholder(&mapping, &source, output)?;
        if !args.yes {
            confirm(&import, args)?;
        }
    }
    let rejects = Rejects::new(args.rejects.as_deref(), output)?;
    let pen = if args.dry_run {
        None
    } else {
        let how = Recording {
            via: "import",
            allow_missing_target: args.allow_missing_target,
        };
        Some(book::pen(&settings, how)?)
    };
    let intake = Intake::new(pen.as_deref(), rejects);
    let counts = intake.run(&import, args.after, output);
    let closed = match pen {
        Some(pen) => pen.close(),
        None => Ok(()),
    };
    let counts = counts?;
    closed?;
    report(&counts, args.dry_run, format, output)?;
    // Rows that a file has taken were asked to be set aside; others are a failure to be noticed.
    let unnoticed = counts.rejected > 0 && args.rejects.is_none() && !args.dry_run;
    if unnoticed {
        Err(Failure::reported(Exit::Failure))
    } else {
        Ok(())
    }
}

fn source(file: &Path) -> Outcome<Source> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        io::stdin()
            .lock()
            .take(STDIN_BYTES_MAX + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > STDIN_BYTES_MAX {
            return Err(Failure::usage(format!(
                "standard input is longer than {} MiB",
                STDIN_BYTES_MAX >> 20
            ))
            .hint("write it to a file and import that"));
        }
        return Ok(Source::from_bytes("stdin", bytes));
    }
    // Opened once here, so that a file that is not there is told as what it is.
    File::open(file).map_err(|error| Failure::io("open", file, &error))?;
    let name = file.file_name().map_or_else(
        || file.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let path = file.to_owned();
    Ok(Source::new(name, move || Ok(Box::new(File::open(&path)?))))
}

/// The mapping to use, and what to show of it first if it was guessed.
fn mapping(args: &Args, source: &Source) -> Outcome<(Mapping, Option<String>)> {
    if let Some(path) = &args.mapping {
        let text = fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
        let mut mapping = Mapping::parse(&text)
            .map_err(|error| Failure::from(error).place(path.display().to_string()))?;
        apply(args, &mut mapping)?;
        return Ok((mapping, None));
    }
    let mut given = Mapping::default();
    apply(args, &mut given)?;
    let proposal = guess(source, &given)?;
    let toml = proposal.to_toml()?;
    Ok((proposal.mapping, Some(toml)))
}

fn apply(args: &Args, mapping: &mut Mapping) -> Outcome {
    for setting in &args.set {
        let (key, value) = setting.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--set {setting}: write it as KEY=VALUE"))
                .hint("for example --set read.delimiter=tab")
        })?;
        mapping.set(key, value)?;
    }
    let columns = [
        ("columns.id", &args.id),
        ("columns.time", &args.time),
        ("columns.subject", &args.subject),
        ("columns.decision", &args.decision),
        ("columns.score", &args.score),
        ("columns.input", &args.input),
        ("columns.output", &args.outputs),
    ];
    for (key, column) in columns {
        if let Some(column) = column {
            mapping.set(key, column)?;
        }
    }
    if let Some(model) = &args.model {
        let (name, version) = model
            .rsplit_once('@')
            .map_or((model.as_str(), None), |(name, it)| (name, Some(it)));
        mapping.set("constants.model.name", name)?;
        if let Some(version) = version {
            mapping.set("constants.model.version", version)?;
        }
    }
    Ok(())
}

/// A guess that found no model puts a word in its place, for the human to replace. Hand-written text lines name no
/// model and are taken as they are; other files have to be told.
fn settle_placeholder(mapping: &Mapping, source: &Source, output: &Output) -> Outcome {
    let name = mapping
        .constants
        .get("model")
        .and_then(|model| model.get("name")?.as_str());
    if name != Some(MODEL_UNKNOWN) {
        return Ok(());
    }
    if mapping.format(source)? != causebook_capture::Format::Line {
        return Err(Failure::from(CaptureError::NoModel));
    }
    output.warn(format_args!(
        "the lines name no model: recorded as {MODEL_UNKNOWN:?}; --model NAME@VERSION names it"
    ));
    Ok(())
}

fn tell_what_is_left_out(import: &Import, output: &Output) {
    let list = |names: &mut dyn Iterator<Item = &String>| {
        names
            .map(|name| printable(name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if !import.unmapped().is_empty() {
        output.warn(format_args!(
            "not recorded, because nothing takes them: {}",
            list(&mut import.unmapped().iter())
        ));
    }
    if !import.never_found().is_empty() {
        output.warn(format_args!(
            "named by the mapping, but in no row: {}",
            list(&mut import.never_found().iter())
        ));
    }
}

fn confirm(import: &Import, args: &Args) -> Outcome {
    let unconfirmed = || {
        Failure::new(Exit::Usage, "not-confirmed", "nothing was recorded, because the mapping is a guess")
            .hint("--yes records by it, --dry-run shows what would come of it, --save-mapping FILE keeps it for editing")
    };
    if args.file.as_os_str() == "-" || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(unconfirmed());
    }
    let mut answer = String::new();
    write!(
        io::stderr(),
        "\nRecord {} rows by it? [y/N] ",
        grouped(import.rows())
    )?;
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        Ok(())
    } else {
        Err(unconfirmed())
    }
}

fn report(counts: &Counts, dry_run: bool, format: Format, output: &Output) -> Outcome {
    let Counts {
        read,
        recorded,
        repeated,
        rejected,
    } = *counts;
    debug_assert_eq!(read, recorded + repeated + rejected);
    if format == Format::Json {
        return output.line(json!({
            "read": read, "recorded": recorded, "repeated": repeated, "rejected": rejected, "dry_run": dry_run
        }));
    }
    let [read, recorded, repeated, rejected] = [read, recorded, repeated, rejected].map(grouped);
    if dry_run {
        return output.line(format_args!(
            "{read} rows read: {recorded} would be recorded, {rejected} rejected"
        ));
    }
    output.line(format_args!(
        "{read} rows read = {recorded} recorded + {repeated} repeated + {rejected} rejected"
    ))
}
