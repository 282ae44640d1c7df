//! Load over HTTP: the same driver sends the same records to Causebook's server and to services that somebody would write
//! by hand, one after the other.

mod table;

use causebook_load::{Failure, Stopwatch};
use serde::Serialize;

use crate::children::{Subject, services};
use crate::failures::Failures;
use crate::results::Results;
use crate::say;
use crate::scratch::Scratch;
use crate::served::{LoadPlan, Phase, Told};
use crate::settings::Settings;

const SECONDS: usize = 10;
/// Records of each closed loop, for every second of the open loop.
const CLOSED_PER_SECOND: usize = 2_000;
const CLOSED_MAX: usize = 200_000;
const RATE: u32 = 5_000;
/// Enough for each way of sending to be gone once.
const TRIAL_RECORDS: usize = 100;

/// A mode on one service.
#[derive(Debug, Serialize)]
struct Taken {
    system: &'static str,
    key: &'static str,
    phase: Phase,
}

/// Everything that was measured.
#[derive(Debug, Serialize)]
struct Measured {
    records: usize,
    rate: u32,
    arrivals: usize,
    taken: Vec<Taken>,
    failures: Failures,
}

pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let seconds: usize = settings.number("seconds")?.unwrap_or(SECONDS).max(1);
    let usual = (seconds * CLOSED_PER_SECOND).min(CLOSED_MAX);
    let records = settings.number("records")?.unwrap_or(usual).max(1);
    let services = services(settings)?;
    let results = Results::new(settings, "load")?;
    let scratch = Scratch::new(&settings.path("folder")?)?;
    let plan = LoadPlan {
        folder: scratch.path("system"),
        driver: settings.path("driver")?,
        records,
        rate: RATE,
        arrivals: seconds * RATE as usize,
    };
    say("each service is tried with a few records");
    let trial = LoadPlan {
        records: TRIAL_RECORDS,
        arrivals: TRIAL_RECORDS,
        ..plan.clone()
    };
    for service in &services {
        load(service, &trial, &scratch, &mut |_| Ok(()))?;
    }
    say(&format!(
        "{records} records in each closed loop, {RATE}/s for {seconds} s"
    ));
    let mut measured = Measured {
        records,
        rate: RATE,
        arrivals: plan.arrivals,
        taken: Vec::new(),
        failures: Failures::default(),
    };
    for service in &services {
        let loaded = load(service, &plan, &scratch, &mut |phase| {
            say(&told(service, &phase));
            let Subject { name, key, .. } = service;
            measured.taken.push(Taken {
                system: name,
                key,
                phase,
            });
            results.save(&table::render(&measured, &services), &measured)
        });
        if let Err(failure) = loaded {
            measured.failures.note("load", &failure);
            // Figures of records that were not all found are none, and nobody is held against them.
            measured.taken.retain(|taken| taken.key != service.key);
        }
    }
    say(&format!("took {:.0} s", watch.elapsed().as_secs_f64()));
    results.finish(&table::render(&measured, &services), &measured)?;
    measured.failures.outcome()
}

/// Runs a plan on a service. Everything that was acknowledged is stored, or it is an error.
fn load(
    service: &Subject,
    plan: &LoadPlan,
    scratch: &Scratch,
    take: &mut dyn FnMut(Phase) -> Result<(), Failure>,
) -> Result<(), Failure> {
    scratch.clear("system")?;
    // What another left to write is not this one's to wait for.
    rustix::fs::sync();
    let mut found = None;
    service.run(scratch, "load", plan, &mut |line| {
        match serde_json::from_str(line)? {
            Told::Phase(phase) => take(phase)?,
            Told::Stored(records) => found = Some(records),
        }
        Ok(())
    })?;
    let sent = (2 * plan.records + plan.arrivals) as u64;
    if found != Some(sent) {
        let name = service.name;
        return Err(format!("{name}: {sent} records were sent, {found:?} found").into());
    }
    say(&format!(
        "{}: {sent} acknowledged, {sent} found as they were",
        service.name
    ));
    scratch.clear("system")
}

fn told(service: &Subject, phase: &Phase) -> String {
    let driven = &phase.driven;
    let rate = driven.records as f64 / driven.seconds;
    format!("{}: {}: {rate:.0}/s", service.name, driven.mode)
}
