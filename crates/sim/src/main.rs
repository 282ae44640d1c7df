//! `sim [RUNS] | --hours N | --seed S [--from S]`: runs the simulation and ends with 1 if a promise was broken.

use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use causebook_ledger::{Clock, SystemClock};
use causebook_sim::{Harm, Totals, Violation, run};

const RUNS: u64 = 1_000;
const THREADS: usize = 2;
/// Failing seeds after which a campaign ends.
const FAILURES_MAX: usize = 10;
const HELP: &str = "sim [RUNS] [--from SEED] | --hours N [--from SEED] | --seed SEED";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Asked::parse(&arguments) {
        Some(Asked::One(seed)) => show(seed),
        Some(Asked::Many(bounds)) => campaign(&bounds),
        None => {
            say(HELP);
            ExitCode::from(2)
        }
    }
}

fn say(line: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

enum Asked {
    One(u64),
    Many(Bounds),
}

struct Bounds {
    from: u64,
    runs: u64,
    time: Option<Duration>,
}

impl Asked {
    fn parse(arguments: &[String]) -> Option<Self> {
        let mut bounds = Bounds {
            from: 0,
            runs: RUNS,
            time: None,
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--seed" => return Some(Self::One(words.next()?.parse().ok()?)),
                "--from" => bounds.from = words.next()?.parse().ok()?,
                "--hours" => {
                    let hours: f64 = words.next()?.parse().ok()?;
                    bounds.time = Some(Duration::try_from_secs_f64(hours * 3_600.0).ok()?);
                    bounds.runs = u64::MAX - bounds.from;
                }
                runs => bounds.runs = runs.parse().ok()?,
            }
        }
        Some(Self::Many(bounds))
    }
}

/// One seed, with the end of its trace if it fails.
fn show(seed: u64) -> ExitCode {
    let outcome = run(seed, None, true);
    if let Some(violation) = &outcome.violation {
        for line in &outcome.lines {
            say(line);
        }
        say(&format!("\nseed {seed}: {violation}"));
        say(&format!("again: cargo xtask sim --seed {seed}"));
        return ExitCode::FAILURE;
    }
    let operations = outcome.totals.operations;
    say(&format!(
        "seed {seed}: every promise was kept, {operations} operations, trace {:016x}",
        outcome.trace
    ));
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Found {
    totals: Totals,
    failures: Vec<(u64, Violation)>,
}

fn campaign(bounds: &Bounds) -> ExitCode {
    let clock = SystemClock::new();
    let next = AtomicU64::new(0);
    let found = Mutex::new(Found::default());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let is_late = bounds.time.is_some_and(|time| clock.monotonic() >= time);
            if number >= bounds.runs || is_late {
                return;
            }
            let outcome = run(bounds.from + number, None, false);
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            found.totals.add(&outcome.totals);
            if let Some(violation) = outcome.violation {
                found.failures.push((bounds.from + number, violation));
            }
            if found.failures.len() >= FAILURES_MAX {
                return;
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.failures.sort_by_key(|(seed, _)| *seed);
    let seconds = clock.monotonic().as_secs_f64();
    tell(bounds.from, &found, seconds);
    match found.failures.first() {
        None if found.totals.runs > 0 => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
        Some((seed, _)) => {
            for (seed, violation) in found.failures.iter().skip(1) {
                say(&format!("seed {seed}: {violation}"));
            }
            show(*seed)
        }
    }
}

fn tell(from: u64, found: &Found, seconds: f64) {
    let mut harms: HashMap<Harm, u64> = HashMap::new();
    for (_, violation) in &found.failures {
        *harms.entry(violation.harm).or_default() += 1;
    }
    let harm = |harm| harms.get(&harm).copied().unwrap_or(0);
    let totals = &found.totals;
    say(&format!(
        "simulation: seeds {from} to {}, {} runs in {seconds:.0} s, {} operations, {} power cuts, {} kills, \
         {} faults injected, {} recoveries, {} steps in the middle of others, {} verifications, {} erasures, \
         {} merges, {} evidence files, {} records acknowledged, {} repeated, {} conflicting; {} lost, {} doubled, {} unnoticed, {} false alarms, \
         {} other promises broken",
        (from + totals.runs).saturating_sub(1),
        totals.runs,
        totals.operations,
        totals.power_cuts,
        totals.kills,
        totals.faults,
        totals.recoveries,
        totals.interleaved,
        totals.verifications,
        totals.erasures,
        totals.merges,
        totals.evidence,
        totals.acknowledged,
        totals.repeats,
        totals.conflicts,
        harm(Harm::Lost),
        harm(Harm::Doubled),
        harm(Harm::Unnoticed),
        harm(Harm::FalseAlarm),
        harm(Harm::Broken),
    ));
}
