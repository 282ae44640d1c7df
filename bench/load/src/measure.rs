//! One pass of one system over one workload: the phases in their order, each on what the one before left.

use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::Failure;
use crate::clock::Stopwatch;
use crate::grouper::gathered;
use crate::latency::{Latencies, Percentiles};
use crate::loops::{Closed, Open, closed_loop, open_loop};
use crate::plan::{Find, OpenReport, Plan, Report, Verified};
use crate::random::Random;
use crate::store::{Archive, Entry, Store, System};
use crate::workload::Workload;

const LOOKUP_SEED: u64 = 9;

/// Runs a plan.
pub(crate) fn measure(
    system: &dyn System,
    plan: &Plan,
    workload: &Workload,
) -> Result<Report, Failure> {
    let all: Vec<Entry<'_>> = workload.entries().collect();
    if all.len() < plan.records() {
        return Err(format!(
            "the plan needs {} records, the workload has {}",
            plan.records(),
            all.len()
        )
        .into());
    }
    system.create(&plan.folder)?;
    let store = system.open(&plan.folder)?;
    let mut rest = all.as_slice();
    let mut take = |count: usize| {
        let (taken, left) = rest.split_at(count);
        rest = left;
        taken
    };

    let batched = take(plan.batched);
    let before = store.processor_seconds()?;
    let batches = closed_batches(store.as_ref(), batched, plan.batch, plan.batch_callers)?;
    let watch = Stopwatch::start();
    store.settle()?;
    let settle_seconds = watch.elapsed().as_secs_f64();
    let processor_seconds = store.processor_seconds()? - before;
    let alone = take(plan.singles);
    let singles = (!alone.is_empty())
        .then(|| closed_singles(store.as_ref(), alone, plan.single_callers))
        .transpose()?;
    let gathers = store.gathers_callers();
    let together = if gathers { &[][..] } else { take(plan.singles) };
    let gathered_singles = (!together.is_empty())
        .then(|| closed_gathered(store.as_ref(), together, plan.single_callers))
        .transpose()?;
    let mut open = Vec::new();
    for rate in &plan.rates {
        let arrivals = take(plan.open_records(*rate));
        open.push(OpenReport {
            offered_per_second: *rate,
            open: arrive(store.as_ref(), arrivals, *rate, plan.in_flight_max)?,
        });
    }
    store.settle()?;
    store.close()?;

    let sent = all.get(..all.len() - rest.len()).unwrap_or_default();
    let given = sent.len() as u64;
    let archive = system.read(&plan.folder)?;
    let verified = verify(archive.as_ref(), given)?;
    let id_of = |number: u64| {
        let entry = sent.get(number as usize);
        entry.map_or(String::new(), |entry| entry.id.to_owned())
    };
    let find = find(archive.as_ref(), plan.lookups, given, &id_of)?;
    // Closed first: a server that still runs would keep another from counting.
    drop(archive);
    Ok(Report {
        batches,
        settle_seconds,
        processor_seconds,
        singles,
        gathered: gathered_singles,
        open,
        verified,
        find,
        bytes: system.bytes(&plan.folder)?,
        records: given,
        json_bytes: sent.iter().map(|entry| entry.json.len() as u64).sum(),
    })
}

fn closed_batches(
    store: &dyn Store,
    entries: &[Entry<'_>],
    batch: usize,
    callers: usize,
) -> Result<Closed, Failure> {
    let batches: Vec<&[Entry<'_>]> = entries.chunks(batch).collect();
    closed_loop(callers, batches.len(), entries.len(), &|number| {
        batches
            .get(number)
            .map_or(Ok(()), |batch| store.append_batch(batch))
    })
}

fn closed_singles(
    store: &dyn Store,
    entries: &[Entry<'_>],
    callers: usize,
) -> Result<Closed, Failure> {
    closed_loop(callers, entries.len(), entries.len(), &|number| {
        entries
            .get(number)
            .map_or(Ok(()), |entry| store.append_one(*entry).map(drop))
    })
}

fn closed_gathered(
    store: &dyn Store,
    entries: &[Entry<'_>],
    callers: usize,
) -> Result<Closed, Failure> {
    gathered(store, |grouper| {
        closed_loop(callers, entries.len(), entries.len(), &|number| {
            entries
                .get(number)
                .map_or(Ok(()), |entry| grouper.append(*entry))
        })
    })
}

/// An open loop, in the way that suits the system: where it syncs for every caller alone, behind a writer thread.
fn arrive(
    store: &dyn Store,
    entries: &[Entry<'_>],
    rate: u32,
    callers: usize,
) -> Result<Open, Failure> {
    let watch = Stopwatch::start();
    if !store.gathers_callers() {
        return gathered(store, |grouper| {
            open_loop(callers, rate, entries.len(), watch, &|number, _| {
                entries
                    .get(number)
                    .map_or(Ok(()), |entry| grouper.append(*entry))
            })
        });
    }
    thread::scope(|scope| {
        let (receipts, given) = channel();
        let watcher = scope.spawn(move || watch_checkpoints(store, &given, watch));
        let open = open_loop(callers, rate, entries.len(), watch, &|number, _| {
            let Some(entry) = entries.get(number) else {
                return Ok(());
            };
            let place = store.append_one(*entry)?;
            // The watcher may have ended on an error, which is told below.
            let _ = receipts.send((place, watch.elapsed()));
            Ok(())
        });
        drop(receipts);
        let checkpoint = watcher
            .join()
            .map_err(|_| "the watcher of checkpoints panicked")??;
        Ok(Open {
            checkpoint,
            ..open?
        })
    })
}

/// Times from receipt to checkpoint.
fn watch_checkpoints(
    store: &dyn Store,
    receipts: &Receiver<(u64, Duration)>,
    watch: Stopwatch,
) -> Result<Option<Percentiles>, Failure> {
    let mut latencies = Latencies::new()?;
    let mut waiting: Vec<(u64, Duration)> = Vec::new();
    loop {
        if waiting.is_empty() {
            match receipts.recv() {
                Ok(receipt) => waiting.push(receipt),
                Err(_) => return Ok(Some(latencies.percentiles())),
            }
        }
        let first = waiting.iter().map(|(place, _)| *place).min().unwrap_or(0);
        let Some(covered) = store.wait_checkpoint(first + 1) else {
            return Ok(None);
        };
        let (covered, now) = (covered?, watch.elapsed());
        waiting.extend(receipts.try_iter());
        waiting.retain(|(place, given)| {
            let open = *place >= covered;
            if !open {
                latencies.record(now.saturating_sub(*given));
            }
            open
        });
    }
}

/// Verifies everything, and that it is as many records as were given.
pub(crate) fn verify(archive: &dyn Archive, given: u64) -> Result<Option<Verified>, Failure> {
    let watch = Stopwatch::start();
    let Some(records) = archive.verify()? else {
        return Ok(None);
    };
    let seconds = watch.elapsed().as_secs_f64();
    if records != given {
        return Err(format!("{given} records were acknowledged, {records} are stored").into());
    }
    Ok(Some(Verified { records, seconds }))
}

/// Looks up records at random, warm: as many look-ups before the ones that count.
pub(crate) fn find(
    archive: &dyn Archive,
    lookups: usize,
    records: u64,
    id_of: &dyn Fn(u64) -> String,
) -> Result<Option<Find>, Failure> {
    let mut random = Random::new(LOOKUP_SEED);
    let mut latencies = Latencies::new()?;
    for number in 0..2 * lookups {
        let id = id_of(random.below(records));
        let watch = Stopwatch::start();
        let Some(found) = archive.find(&id) else {
            return Ok(None);
        };
        let latency = watch.elapsed();
        if found.map_err(|error| format!("{id}: {error}"))? == 0 {
            return Err(format!("{id} was found empty").into());
        }
        if number >= lookups {
            latencies.record(latency);
        }
    }
    Ok(Some(Find {
        latency: latencies.percentiles(),
    }))
}
