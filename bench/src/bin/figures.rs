//! First figures: append, verify, find, bytes per record, and the cost of knowing every id for all time.
//!
//! `figures [RECORDS] [FOLDER]` (default 500,000 in a temporary folder) prints one Markdown table. Everything is
//! acknowledged after a sync; table flushes run meanwhile.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use causebook_bench::{
    Failure, Random, Stopwatch, create_ledger, loan_decision, open_ledger, open_reader,
};
use causebook_ledger::{Depth, Ledger, Options, VerifyRequest};
use causebook_record::Draft;

const RECORDS: u64 = 500_000;
const BATCH: u64 = 1_000;
const SINGLES: u64 = 40_000;
const CALLERS: u64 = 64;
const LOOKUPS: u64 = 2_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let records = arguments
        .get(1)
        .and_then(|records| records.parse().ok())
        .unwrap_or(RECORDS);
    match run(records, arguments.get(2).map(PathBuf::from)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            row("failed", &error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn row(what: &str, figure: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stdout().lock(), "| {what} | {figure} |");
}

fn run(records: u64, folder: Option<PathBuf>) -> Result<(), Failure> {
    let temporary = tempfile::tempdir()?;
    let folder = folder.unwrap_or_else(|| temporary.path().join("ledger"));
    create_ledger(&folder)?;
    row("what", "figure");
    row("---", "---");
    let mut random = Random::new(1);
    let sample = loan_decision("0000000000000000", &mut random);
    row(
        "record",
        &format!("{} bytes of JSON, {} facts", sample.len(), facts(&sample)?),
    );
    sealing(&sample)?;

    let ledger = open_ledger(&folder, Options::default())?;
    let json_bytes = append_batches(&ledger, records);
    append_singles(&ledger);
    time_to_checkpoint(&ledger)?;
    let watch = Stopwatch::start();
    ledger.flush()?;
    row(
        "last flush",
        &format!("{:.2} s", watch.elapsed().as_secs_f64()),
    );
    ledger.close()?;

    let reader = open_reader(&folder)?;
    let stored = reader.size();
    let mean_json = json_bytes as f64 / records as f64;
    for (part, bytes) in [
        ("table", size_of(&folder.join("table"))?),
        ("log", size_of(&folder.join("log"))?),
        ("index", size_of(&folder.join("index"))?),
        ("write-ahead log", size_of(&folder.join("wal"))?),
    ] {
        row(
            &format!("bytes a record: {part}"),
            &format!("{:.1}", bytes as f64 / stored as f64),
        );
    }
    let all = size_of(&folder)? as f64 / stored as f64;
    row(
        "bytes a record: everything",
        &format!("{all:.1} = {:.2} x the JSON", all / mean_json),
    );
    row(
        "index memory",
        &format!(
            "{:.2} bytes a record",
            reader.index_memory_bytes() as f64 / stored as f64
        ),
    );
    verify(&reader)?;
    find(&reader, records)?;
    Ok(())
}

fn facts(json: &str) -> Result<usize, Failure> {
    Ok(causebook_record::facts(&causebook_record::canonicalize(json.as_bytes())?)?.len())
}

fn sealing(sample: &str) -> Result<(), Failure> {
    let rounds = 20_000_u32;
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        Draft::parse(sample.as_bytes())?;
    }
    let per = watch.elapsed() / rounds;
    row(
        "parse, check and canonicalise, one core",
        &format!("{:.1} us", per.as_secs_f64() * 1e6),
    );
    Ok(())
}

fn append_batches(ledger: &Ledger, records: u64) -> u64 {
    let bytes = AtomicU64::new(0);
    let next = AtomicU64::new(0);
    let watch = Stopwatch::start();
    thread::scope(|scope| {
        for caller in 0..2 {
            let (bytes, next) = (&bytes, &next);
            scope.spawn(move || {
                let mut random = Random::new(100 + caller);
                loop {
                    let from = next.fetch_add(BATCH, Ordering::Relaxed);
                    if from >= records {
                        return;
                    }
                    let drafts = (from..(from + BATCH).min(records)).filter_map(|number| {
                        let json = loan_decision(&format!("{:016x}", scatter(number)), &mut random);
                        bytes.fetch_add(json.len() as u64, Ordering::Relaxed);
                        Draft::parse(json.as_bytes()).ok()
                    });
                    let results = ledger.append_batch(drafts.collect(), "bench", "bench");
                    if let Some(Err(error)) = results.iter().find(|result| result.is_err()) {
                        row("failed", &error.to_string());
                        return;
                    }
                }
            });
        }
    });
    let took = watch.elapsed();
    let rate = records as f64 / took.as_secs_f64();
    row(
        "append, batches of 1,000, 2 callers, flushes included",
        &format!("{rate:.0}/s ({records} in {:.1} s)", took.as_secs_f64()),
    );
    bytes.into_inner()
}

/// Spreads ids over the whole range, as random ones would be.
fn scatter(number: u64) -> u64 {
    Random::new(number).below(u64::MAX)
}

fn append_singles(ledger: &Ledger) {
    let watch = Stopwatch::start();
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            scope.spawn(move || {
                let mut random = Random::new(1_000 + caller);
                for number in 0..SINGLES / CALLERS {
                    let json = loan_decision(&format!("single-{caller}-{number}"), &mut random);
                    let draft = Draft::parse(json.as_bytes());
                    if let Some(Err(error)) = draft
                        .ok()
                        .map(|draft| ledger.append(draft, "bench", "bench"))
                    {
                        return row("failed", &error.to_string());
                    }
                }
            });
        }
    });
    let rate = SINGLES as f64 / watch.elapsed().as_secs_f64();
    row(
        "append, single records, 64 callers",
        &format!("{rate:.0}/s"),
    );
}

fn time_to_checkpoint(ledger: &Ledger) -> Result<(), Failure> {
    let mut random = Random::new(5);
    let mut waits = Vec::new();
    for number in 0..200 {
        let draft =
            Draft::parse(loan_decision(&format!("proof-{number}"), &mut random).as_bytes())?;
        let receipt = ledger.append(draft, "bench", "bench")?;
        let watch = Stopwatch::start();
        ledger.wait_checkpoint(receipt.index + 1, Duration::from_secs(5))?;
        waits.push(watch.elapsed());
    }
    row("receipt to signed checkpoint", &percentiles(waits));
    Ok(())
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| {
        times
            .get(times.len() * percent / 100)
            .map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    format!("p50 {:.2} ms, p99 {:.2} ms", at(50), at(99))
}

fn verify(reader: &causebook_ledger::Reader) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let request = VerifyRequest {
        depth: Depth::Full,
        remembered: None,
        threads: 2,
    };
    let report = reader.verify(&request, &mut |_, _| {})?;
    let took = watch.elapsed().as_secs_f64();
    let verdict = if report.is_intact() {
        "intact"
    } else {
        "NOT INTACT"
    };
    row(
        "verify everything",
        &format!(
            "{:.0}/s ({} in {took:.1} s, {verdict})",
            report.records_checked as f64 / took,
            report.records_checked
        ),
    );
    let watch = Stopwatch::start();
    reader.verify(
        &VerifyRequest {
            depth: Depth::Quick,
            remembered: None,
            threads: 1,
        },
        &mut |_, _| {},
    )?;
    row(
        "verify --quick",
        &format!("{:.1} ms", watch.elapsed().as_secs_f64() * 1e3),
    );
    Ok(())
}

fn find(reader: &causebook_ledger::Reader, records: u64) -> Result<(), Failure> {
    let mut random = Random::new(9);
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..LOOKUPS {
        let id = format!("{:016x}", scatter(random.below(records)));
        let watch = Stopwatch::start();
        if reader.find_exact(&id)?.is_none() {
            return Err(format!("{id} was not found").into());
        }
        known.push(watch.elapsed());
        let watch = Stopwatch::start();
        reader.find_exact(&format!("absent-{}", random.below(u64::MAX)))?;
        unknown.push(watch.elapsed());
    }
    row("find by id, present", &percentiles(known));
    row("find by id, absent", &percentiles(unknown));
    Ok(())
}

fn size_of(folder: &Path) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() {
            size_of(&entry.path())?
        } else {
            metadata.len()
        };
    }
    Ok(bytes)
}
