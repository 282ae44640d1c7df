//! `causebook check`: does an evidence file prove what it claims? Needs no ledger, no network and no clock.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use causebook_evidence::{
    CheckedRecord, Evidence, EvidenceError, FILE_BYTES_MAX, Link, NOT_PROVEN, Report, Signature,
    Standing, Trust, check,
};
use causebook_tlog::{Algorithm, Verifier};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome, plain_io};
use crate::json as layout;
use crate::output::{Format, Output, printable};
use crate::units::{grouped, second};

/// Check an evidence file; needs no ledger
///
/// Without --key or --keys the file is held against the keys it names itself: that shows that it is whole, not whose
/// it is. Ends with 0 if it proves what it claims, with 20 if it does not, with 21 if it cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The evidence file, or - for standard input
    file: PathBuf,

    /// Key of the log, as `causebook init` printed it
    #[arg(long, value_name = "VKEY")]
    key: Vec<String>,

    /// File with keys, one a line
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("check", &[Format::Table, Format::Json], Format::Table)?;
    let trust = trust(args)?;
    let bytes = read(&args.file)?;
    let place = args.file.display().to_string();
    let evidence =
        Evidence::parse(&bytes).map_err(|error| unreadable(&error).place(place.clone()))?;
    match check(&evidence, &trust) {
        Ok(report) if format == Format::Json => {
            output.line(format_args!("{:#}", describe(&report)?))
        }
        Ok(report) => print(&report, output),
        Err(error) => refuse(&error, &place, format, output),
    }
}

fn trust(args: &Args) -> Outcome<Trust> {
    let mut keys = args.key.clone();
    if let Some(path) = &args.keys {
        let text = fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        keys.extend(lines.map(str::to_owned));
        if keys.is_empty() {
            return Err(
                Failure::usage("there is no key in the file").place(path.display().to_string())
            );
        }
    }
    for key in &keys {
        Verifier::parse(key).map_err(|error| {
            let shown: String = key.chars().take(60).collect();
            Failure::usage(format!("{shown:?} is not a key: {error}"))
                .hint("a key is a line like name+1a2b3c4d+AbC...")
        })?;
    }
    Ok(if keys.is_empty() {
        Trust::Named
    } else {
        Trust::Keys(keys)
    })
}

fn read(path: &Path) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    let outcome = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    match outcome {
        Ok(_) => Ok(bytes),
        Err(error) => {
            let title = format!("could not read {}", path.display());
            Err(Failure::new(Exit::Unverified, "io", title).detail(plain_io(&error)))
        }
    }
}

fn unreadable(error: &EvidenceError) -> Failure {
    Failure::new(Exit::Unverified, "not-evidence", error.to_string()).hint(
        "nothing can be said about a file that is cut short or of another kind; ask for it again",
    )
}

/// The file can be read, but does not prove what it claims.
fn refuse(error: &EvidenceError, place: &str, format: Format, output: &Output) -> Outcome {
    if format == Format::Json {
        output.line(format_args!(
            "{:#}",
            json!({ "holds": false, "problem": error.to_string() })
        ))?;
        return Err(Failure::reported(Exit::Tampered));
    }
    let verdict = output.paint().bad("FALSE");
    output.line(format_args!(
        "{verdict}  {} does not prove what it claims",
        printable(place)
    ))?;
    output.line(format_args!("\n  {}", printable(&error.to_string())))?;
    match error {
        EvidenceError::Untrusted { .. } => {
            output.hint("is it the right key? it must be the log's own, from its keeper");
        }
        _ => output.hint("the file was changed after it was made; ask its keeper for it again"),
    }
    Err(Failure::reported(Exit::Tampered))
}

fn print(report: &Report, output: &Output) -> Outcome {
    let verdict = output.paint().good("HOLDS");
    let count = report.records.len();
    let what = if count == 1 {
        "this record is".to_owned()
    } else {
        format!("these {count} records are")
    };
    output.line(format_args!(
        "{verdict}  {what} in the log {}",
        printable(&report.origin)
    ))?;
    for record in &report.records {
        output.line("")?;
        print_record(record, output)?;
    }
    output.line("")?;
    output.line(format_args!(
        "  log         {} records, root {}",
        grouped(report.size),
        report.root
    ))?;
    for signature in &report.signatures {
        output.line(format_args!("  signed      {}", signer(signature, report)))?;
    }
    for name in &report.absent {
        output.line(format_args!("  not signed  by {}", printable(name)))?;
    }
    if report.self_asserted {
        let word = output.paint().warn("self-asserted");
        output.line(format_args!(
            "  trust       {word}: the keys are the file's own word;"
        ))?;
        output.line("              --key holds it against a key that you trust")?;
    }
    for unproven in NOT_PROVEN {
        output.line(format_args!("  not proven  {unproven}"))?;
    }
    Ok(())
}

fn print_record(record: &CheckedRecord, output: &Output) -> Outcome {
    let link = match record.link {
        Link::Asked => "",
        Link::Refers => ", which refers to the first",
        Link::Referred => ", which the first refers to",
        Link::Unproven => ", whose link to the first is erased",
    };
    match &record.standing {
        Standing::Erased => output.line(format_args!(
            "  index {}{link}: erased; only its digest is known",
            record.index
        )),
        Standing::Disclosed {
            text,
            shown,
            hidden,
        } => {
            let kept = if *hidden == 0 {
                String::new()
            } else {
                format!(", {hidden} kept back")
            };
            output.line(format_args!(
                "  index {}{link}: {shown} facts shown{kept}",
                record.index
            ))?;
            for line in layout::pretty(text).lines() {
                output.line(format_args!("    {}", printable(line)))?;
            }
            Ok(())
        }
    }
}

fn signer(signature: &Signature, report: &Report) -> String {
    let time = signature
        .time
        .and_then(|seconds| Timestamp::from_second(seconds as i64).ok());
    let time = time.map_or_else(String::new, |time| format!(" at {} UTC", second(time)));
    let trust = match (report.self_asserted, signature.trusted) {
        (true, _) => "by a key that the file names",
        (false, true) => "by a trusted key",
        (false, false) => "by a key that is not among those you trust",
    };
    let name = if signature.name == report.origin {
        String::new()
    } else {
        format!(", {}", printable(&signature.name))
    };
    format!("{} {trust}{time}{name}", algorithm(signature))
}

fn algorithm(signature: &Signature) -> &'static str {
    match signature.algorithm {
        Algorithm::Ed25519 => "Ed25519",
        Algorithm::Ed25519Cosignature => "Ed25519 cosignature",
        Algorithm::MlDsa44Cosignature => "ML-DSA-44 cosignature",
        _ => "signature of another kind",
    }
}

fn describe(report: &Report) -> Outcome<Value> {
    let records: Result<Vec<Value>, serde_json::Error> =
        report.records.iter().map(describe_record).collect();
    let records =
        records.map_err(|error| Failure::new(Exit::Unverified, "not-json", error.to_string()))?;
    let signature = |signature: &Signature| {
        json!({
            "name": signature.name,
            "algorithm": algorithm(signature),
            "time": signature.time,
            "trusted": signature.trusted && !report.self_asserted,
        })
    };
    Ok(json!({
        "holds": true,
        "origin": report.origin,
        "size": report.size,
        "root": report.root.to_string(),
        "self_asserted": report.self_asserted,
        "signatures": report.signatures.iter().map(signature).collect::<Vec<_>>(),
        "not_signed_by": report.absent,
        "records": records,
        "not_proven": NOT_PROVEN,
    }))
}

fn describe_record(record: &CheckedRecord) -> Result<Value, serde_json::Error> {
    let link = match record.link {
        Link::Asked => "asked",
        Link::Refers => "refers",
        Link::Referred => "referred",
        Link::Unproven => "unproven",
    };
    let mut described =
        json!({ "index": record.index, "digest": record.digest.to_string(), "link": link });
    if let Some(object) = described.as_object_mut() {
        match &record.standing {
            Standing::Erased => {
                object.insert("erased".to_owned(), json!(true));
            }
            Standing::Disclosed {
                text,
                shown,
                hidden,
            } => {
                object.insert("record".to_owned(), serde_json::from_str(text)?);
                object.insert("shown".to_owned(), json!(shown));
                object.insert("hidden".to_owned(), json!(hidden));
            }
        }
    }
    Ok(described)
}
