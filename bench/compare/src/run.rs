//! The comparison: workloads are made once, then every system goes through them, round after round, so that a
//! disturbance of the machine does not fall on one system alone. Every system is tried before any is measured, and what is
//! measured is kept whatever happens to the next.

use std::collections::BTreeMap;
use std::path::Path;

use causebook_load::{Failure, Kind, Plan, Report, Stopwatch, generate};
use serde::Serialize;

use crate::children::{ALL, Subject, subjects};
use crate::failures::Failures;
use crate::limits::{self, Limits};
use crate::measures::measures;
use crate::results::Results;
use crate::scratch::Scratch;
use crate::settings::Settings;
use crate::{say, table};

const RECORDS: usize = 200_000;
/// Below this many records one round is enough to see that everything works.
const ROUNDS_FROM: usize = 20_000;
const ROUNDS: usize = 3;
const SEED: u64 = 1;
const SINGLES_MAX: usize = 40_000;
const RATES: [u32; 2] = [2_000, 5_000];
const OPEN_SECONDS_MAX: f64 = 10.0;
const LOOKUPS: usize = 2_000;
const TRIAL_RECORDS: usize = 10;

/// One system's pass over one workload.
#[derive(Debug, Serialize)]
pub(crate) struct Pass {
    pub(crate) round: usize,
    pub(crate) workload: &'static str,
    pub(crate) system: &'static str,
    pub(crate) report: Report,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) records: usize,
    pub(crate) rounds: usize,
    pub(crate) seed: u64,
    pub(crate) limits: Vec<Limits>,
    /// By workload: the JSON compressed by zstd alone, as a part of its length.
    pub(crate) compressed: BTreeMap<&'static str, f64>,
    pub(crate) passes: Vec<Pass>,
    pub(crate) failures: Failures,
}

pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let records = settings.number("records")?.unwrap_or(RECORDS);
    let usual = if records < ROUNDS_FROM { 1 } else { ROUNDS };
    let rounds = settings.number("rounds")?.unwrap_or(usual).max(1);
    let systems = subjects(settings, &ALL)?;
    let results = Results::new(settings, "comparison")?;
    let scratch = Scratch::new(&settings.path("folder")?)?;
    try_all(&systems, &settings.path("examples")?, &scratch)?;
    say(&format!("{records} records, {rounds} rounds, seed {SEED}"));
    let workloads = make_workloads(records, &settings.path("examples")?, &scratch)?;
    let compressed = workloads
        .iter()
        .map(|(kind, plan)| Ok((kind.name(), limits::compressed(&plan.workload)?)));
    let compressed = compressed.collect::<Result<_, Failure>>()?;
    let mut comparison = Comparison {
        compressed,
        records,
        rounds,
        seed: SEED,
        limits: Vec::new(),
        passes: Vec::new(),
        failures: Failures::default(),
    };
    let measures = measures(&workloads);
    for round in 0..rounds {
        for (kind, plan) in &workloads {
            comparison
                .limits
                .push(limits::measure(&scratch.path("limits"))?);
            // Another system begins in every round.
            let from = round % systems.len();
            for system in systems.iter().cycle().skip(from).take(systems.len()) {
                let place = (round, kind.name(), system.name);
                comparison.take(place, pass(system, plan, &scratch));
                let tables = table::render(&comparison, &systems, &measures);
                results.save(&tables, &comparison)?;
            }
        }
    }
    let tables = table::render(&comparison, &systems, &measures);
    say(&format!("took {:.0} s", watch.elapsed().as_secs_f64()));
    results.finish(&tables, &comparison)?;
    comparison.failures.outcome()
}

impl Comparison {
    /// Takes up what came of a pass.
    fn take(
        &mut self,
        (round, workload, system): (usize, &'static str, &'static str),
        outcome: Result<Report, Failure>,
    ) {
        match outcome {
            Ok(report) => {
                say(&told(round, workload, system, &report));
                self.passes.push(Pass {
                    round,
                    workload,
                    system,
                    report,
                });
            }
            Err(failure) => {
                let what = format!("round {}: {workload}", round + 1);
                self.failures.note(&what, &failure);
            }
        }
    }
}

/// Puts a few records through every system, so that one that cannot run here is known before anything is timed.
fn try_all(systems: &[Subject], examples: &Path, scratch: &Scratch) -> Result<(), Failure> {
    say("each system is tried with a few records");
    let plan = Plan {
        lookups: 1,
        ..plan(scratch, "trial", TRIAL_RECORDS, TRIAL_RECORDS)
    };
    generate(Kind::Loan, plan.records(), SEED, examples, &plan.workload)?;
    for system in systems {
        pass(system, &plan, scratch)?;
    }
    Ok(())
}

fn make_workloads(
    records: usize,
    examples: &Path,
    scratch: &Scratch,
) -> Result<Vec<(Kind, Plan)>, Failure> {
    let loans = Plan {
        singles: (records / 5).min(SINGLES_MAX),
        rates: RATES.to_vec(),
        seconds: (records as f64 / 20_000.0).clamp(1.0, OPEN_SECONDS_MAX),
        ..plan(scratch, "loans", records, 1000)
    };
    let workloads = vec![
        (Kind::Loan, loans),
        (
            Kind::GermanCredit,
            plan(scratch, "german-credit", records / 2, 1000),
        ),
        // As many bytes a batch as a batch of the others has, and a little more.
        (
            Kind::Exchange,
            plan(scratch, "exchanges", records / 20, 100),
        ),
    ];
    for (kind, plan) in &workloads {
        generate(*kind, plan.records(), SEED, examples, &plan.workload)?;
    }
    Ok(workloads)
}

/// Batches alone.
fn plan(scratch: &Scratch, name: &str, batched: usize, batch: usize) -> Plan {
    Plan {
        folder: scratch.path("system"),
        workload: scratch.path(name),
        batched: batched.max(batch),
        batch,
        batch_callers: 2,
        singles: 0,
        single_callers: 64,
        rates: Vec::new(),
        seconds: 0.0,
        in_flight_max: 1024,
        lookups: LOOKUPS,
    }
}

fn pass(system: &Subject, plan: &Plan, scratch: &Scratch) -> Result<Report, Failure> {
    scratch.clear("system")?;
    // What earlier passes left to write is not this one's to wait for.
    rustix::fs::sync();
    let mut report = None;
    system.run(scratch, "plan", plan, &mut |line| {
        report = Some(serde_json::from_str::<Report>(line)?);
        Ok(())
    })?;
    scratch.clear("system")?;
    let report = report.ok_or_else(|| format!("{} reported nothing", system.name))?;
    check(system, plan, &report)?;
    Ok(report)
}

/// A system that did less than it was asked is no system to compare with.
fn check(system: &Subject, plan: &Plan, report: &Report) -> Result<(), Failure> {
    let mut calls = BTreeMap::from([("batches", (report.batches.records, plan.batched as u64))]);
    if let Some(singles) = &report.singles {
        calls.insert("singles", (singles.records, plan.singles as u64));
    }
    if let Some(verified) = &report.verified {
        calls.insert("verified", (verified.records, report.records));
    }
    for (what, (done, asked)) in calls {
        if done != asked {
            return Err(format!("{}: {what}: {asked} asked, {done} done", system.name).into());
        }
    }
    let open: Vec<u32> = report
        .open
        .iter()
        .map(|open| open.offered_per_second)
        .collect();
    if open != plan.rates || (report.singles.is_some()) != (plan.singles > 0) {
        return Err(format!("{} left out a phase", system.name).into());
    }
    Ok(())
}

fn told(round: usize, workload: &str, system: &str, report: &Report) -> String {
    format!(
        "round {}: {workload}: {system}: batches {:.0}/s{}",
        round + 1,
        report.batches.rate(),
        report.singles.map_or(String::new(), |singles| format!(
            ", singles {:.0}/s",
            singles.rate()
        )),
    )
}
