//! A ledger that grows, looked at when it has reached each of several sizes.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Failure;
use crate::clock::Stopwatch;
use crate::disk::memory_bytes;
use crate::loops::closed_loop;
use crate::measure::{find, verify};
use crate::plan::{Decade, GrowthPlan};
use crate::random::{Random, scatter};
use crate::records::loan_decision;
use crate::store::{Entry, Store, System};

/// Grows a system through the sizes of a plan and tells of each.
pub(crate) fn grow(
    system: &dyn System,
    plan: &GrowthPlan,
    tell: &mut dyn FnMut(Decade) -> Result<(), Failure>,
) -> Result<(), Failure> {
    system.create(&plan.folder)?;
    let mut store = system.open(&plan.folder)?;
    let (mut from, mut json_bytes) = (0, 0);
    for to in plan.sizes.iter().copied() {
        let bytes = AtomicU64::new(0);
        let calls = (to - from).div_ceil(plan.batch as u64) as usize;
        let append = closed_loop(plan.callers, calls, (to - from) as usize, &|call| {
            let first = from + (call * plan.batch) as u64;
            let last = (first + plan.batch as u64).min(to);
            append_made(store.as_ref(), first..last, &bytes)
        })?;
        json_bytes += bytes.into_inner();
        let watch = Stopwatch::start();
        store.settle()?;
        let settle_seconds = watch.elapsed().as_secs_f64();
        let writer_memory_bytes = memory_bytes()?;
        store.close()?;

        let archive = system.read(&plan.folder)?;
        let verified = verify(archive.as_ref(), to)?;
        let find = find(archive.as_ref(), plan.lookups, to, &id)?;
        let index_memory_bytes = archive.index_memory_bytes();
        drop(archive);
        let bytes = system.bytes(&plan.folder)?.values().sum();
        let watch = Stopwatch::start();
        store = system.open(&plan.folder)?;
        tell(Decade {
            records: to,
            append,
            settle_seconds,
            writer_memory_bytes,
            open_seconds: watch.elapsed().as_secs_f64(),
            index_memory_bytes,
            bytes,
            json_bytes,
            verified,
            find,
        })?;
        from = to;
    }
    store.close()
}

fn id(number: u64) -> String {
    format!("{:016x}", scatter(number))
}

/// Makes records and appends them. They are made here, and not before, because millions would not fit in memory.
fn append_made(
    store: &dyn Store,
    numbers: std::ops::Range<u64>,
    bytes: &AtomicU64,
) -> Result<(), Failure> {
    let mut random = Random::new(numbers.start);
    let made: Vec<(String, String)> = numbers
        .map(|number| {
            let id = id(number);
            let json = loan_decision(&id, &mut random);
            (id, json)
        })
        .collect();
    let entries: Vec<Entry<'_>> = made.iter().map(|(id, json)| Entry { id, json }).collect();
    let length: usize = made.iter().map(|(_, json)| json.len()).sum();
    bytes.fetch_add(length as u64, Ordering::Relaxed);
    store.append_batch(&entries)
}
