//! Load on a server, over HTTP, with all that it answers checked: `load --url http://HOST:PORT`; without arguments it says
//! what else there is.
//!
//! Each mode sends records of its own. Meanwhile one connection follows the checkpoints, each of which must continue the
//! one before, and one takes evidence of a part of the records and checks it, so that the time to a proof is that of a
//! client who believes nothing. Ends with 1 at anything that should not be.

mod arrow;
mod book;
mod modes;
mod proofs;
mod settings;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use causebook_bench::api::Client;
use causebook_bench::{Failure, Percentiles, Random, Stopwatch, closed_loop};
use serde_json::{Value, json};

use crate::book::{Book, held};
use crate::modes::{Run, Sent};
use crate::proofs::{Heads, prove};
use crate::settings::{HELP, Mode, Settings};

/// Connections that read everything back.
const READERS: usize = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.is_empty() {
        say(HELP);
        return ExitCode::from(2);
    }
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("load: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

fn run(arguments: &[String]) -> Result<bool, Failure> {
    let token = std::env::var("CAUSEBOOK_TOKEN").ok();
    let settings = Settings::read(arguments, token, Random::from_time().below(u64::MAX))?;
    let seed = settings.seed;
    say(&format!("seed {seed}: {} records a mode", settings.records));
    let mut outcomes = Vec::new();
    for (mode, place) in settings.modes.iter().zip(0_u64..) {
        let book = Book::new(settings.records, seed.wrapping_add(place));
        outcomes.push(outcome(*mode, &settings, &book));
    }
    say(HEAD);
    for outcome in &outcomes {
        say(&outcome.row());
    }
    let faults = outcomes.iter().flat_map(|outcome| {
        let mode = outcome.mode.name();
        outcome
            .faults
            .iter()
            .map(move |fault| format!("{mode}: {fault}"))
    });
    let faults: Vec<String> = faults.collect();
    for fault in &faults {
        say(fault);
    }
    if let Some(file) = &settings.report {
        let outcomes: Vec<Value> = outcomes.iter().map(Outcome::json).collect();
        let report = json!({ "seed": seed, "records": settings.records, "modes": outcomes });
        std::fs::write(file, format!("{report:#}\n"))?;
    }
    Ok(faults.is_empty())
}

/// What came of a mode.
struct Outcome {
    mode: Mode,
    records: usize,
    sent: Option<Sent>,
    checkpoint: Option<Percentiles>,
    evidence: Option<Percentiles>,
    checkpoints: usize,
    statuses: String,
    faults: Vec<String>,
}

fn outcome(mode: Mode, settings: &Settings, book: &Book) -> Outcome {
    let mut outcome = Outcome {
        mode,
        records: book.len(),
        sent: None,
        checkpoint: None,
        evidence: None,
        checkpoints: 0,
        statuses: String::new(),
        faults: Vec::new(),
    };
    let filled = if settings.peer {
        outcome.fill_unproven(settings, book)
    } else {
        outcome.fill(settings, book)
    };
    if let Err(error) = filled {
        book.fault(error.to_string());
    }
    let statuses = book.statuses();
    let told = statuses
        .iter()
        .map(|(status, count)| format!("{status}: {count}"));
    outcome.statuses = told.collect::<Vec<_>>().join(", ");
    outcome.faults = book.faults();
    outcome
}

impl Outcome {
    /// Sends to a peer, which has no checkpoints to follow and no evidence to take.
    fn fill_unproven(&mut self, settings: &Settings, book: &Book) -> Result<(), Failure> {
        let run = Run {
            settings,
            book,
            keys: &[],
            watch: Stopwatch::start(),
            wanted: Mutex::new(channel().0),
        };
        self.sent = Some(run.send(self.mode)?);
        Ok(())
    }

    fn fill(&mut self, settings: &Settings, book: &Book) -> Result<(), Failure> {
        let (mut reader, mut prover) = (settings.connect()?, settings.connect()?);
        let keys = reader.ledger()?.keys;
        let mut heads = Heads::new(&keys)?;
        let watch = Stopwatch::start();
        let over = AtomicBool::new(false);
        let end = || {
            let places = book.places();
            places
                .iter()
                .flatten()
                .map(|place| place.index + 1)
                .max()
                .unwrap_or(0)
        };
        let (want, wanted) = channel();
        let run = Run {
            settings,
            book,
            keys: &keys,
            watch,
            wanted: Mutex::new(want),
        };
        thread::scope(|scope| {
            let following = scope.spawn(|| heads.follow(&mut reader, watch, &over, &end));
            let (prover, keys) = (&mut prover, &keys);
            let proving = scope.spawn(move || prove(prover, keys, watch, wanted));
            let sent = run.send(self.mode);
            // The prover ends when nothing more can be wanted.
            drop(run);
            let proved = proving.join().map_err(|_| "the prover panicked")?;
            over.store(true, Ordering::SeqCst);
            let followed = following.join().map_err(|_| "the follower panicked")?;
            // Told first: sending stops when evidence is no longer taken.
            let evidence = proved?.percentiles();
            self.evidence = (evidence.count > 0).then_some(evidence);
            self.sent = Some(sent?);
            followed
        })?;
        let places = book.places();
        let due = places
            .iter()
            .flatten()
            .map(|place| (place.index, place.due));
        self.checkpoint = Some(heads.latencies(due)?);
        self.checkpoints = heads.count();
        if settings.verify_after {
            verify_after(self.mode, settings, book)?;
        }
        Ok(())
    }

    fn row(&self) -> String {
        let percentiles = |of: Option<Percentiles>| match of {
            Some(Percentiles {
                p50_us,
                p99_us,
                p999_us,
                ..
            }) => format!(
                "{:.2} / {:.2} / {:.2}",
                p50_us / 1e3,
                p99_us / 1e3,
                p999_us / 1e3
            ),
            None => "-".to_owned(),
        };
        let rate = self
            .sent
            .map_or(0.0, |sent| self.records as f64 / sent.seconds);
        let kept_up = match self.sent.and_then(|sent| sent.kept_up) {
            Some(true) => " (kept up)",
            Some(false) => " (did not keep up)",
            None => "",
        };
        format!(
            "| {} | {} | {rate:.0}{kept_up} | {} | {} | {} | {} | {} | {} |",
            self.mode.name(),
            self.records,
            percentiles(self.sent.map(|sent| sent.latency)),
            percentiles(self.checkpoint),
            percentiles(self.evidence),
            self.checkpoints,
            self.statuses,
            self.faults.len(),
        )
    }

    fn json(&self) -> Value {
        json!({
            "mode": self.mode.name(),
            "records": self.records,
            "seconds": self.sent.map(|sent| sent.seconds),
            "kept_up": self.sent.and_then(|sent| sent.kept_up),
            "acknowledged": self.sent.map(|sent| sent.latency),
            "checkpoint": self.checkpoint,
            "evidence": self.evidence,
            "checkpoints": self.checkpoints,
            "statuses": self.statuses,
            "faults": self.faults,
        })
    }
}

const HEAD: &str = "\
| mode | records | records/s | acknowledged, ms: p50 / p99 / p99.9 | under a checkpoint seen | evidence checked | checkpoints | \
statuses | faults |\n|---|---|---|---|---|---|---|---|---|";

/// Reads every record back and holds it against what was sent; then has the server verify.
fn verify_after(mode: Mode, settings: &Settings, book: &Book) -> Result<(), Failure> {
    let clients: Result<Vec<Client>, _> = (0..READERS).map(|_| settings.connect()).collect();
    let clients = Mutex::new(clients?);
    let places = book.places();
    closed_loop(READERS, book.len(), book.len(), &|number| {
        let (id, json) = book.record(number)?;
        let mut client = held(&clients)
            .pop()
            .ok_or("fewer connections than readers")?;
        let shown: Value = serde_json::from_slice(&client.record(id)?)?;
        held(&clients).push(client);
        let place = places.get(number).and_then(Option::as_ref);
        let index = place.map(|place| place.index);
        if shown.get("index").and_then(Value::as_u64) != index {
            book.fault(format!("{id} is not at {index:?}, but: {shown}"));
        }
        // Arrow has no digits, only numbers: what comes back is the same number written otherwise.
        let sent: Value = serde_json::from_str(json)?;
        let members = sent.as_object().filter(|_| mode != Mode::Arrow);
        for (name, value) in members.into_iter().flatten() {
            if shown.get(name) != Some(value) {
                book.fault(format!("{id} has another {name} than was sent: {shown}"));
            }
        }
        Ok(())
    })?;
    let report: Value = serde_json::from_slice(&settings.connect()?.verify()?)?;
    if !is_intact(&report) {
        book.fault(format!("the server's verification: {report}"));
    }
    Ok(())
}

/// Whether a report, as `causebook verify --format json` gives it, has nothing to complain of.
fn is_intact(report: &Value) -> bool {
    report.get("intact").and_then(Value::as_bool) == Some(true)
}
