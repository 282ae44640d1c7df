//! Callers. In a closed loop each caller waits for its answer before it asks again, so a slow system is offered less. In an
//! open loop arrivals keep to a schedule, and a latency begins when the arrival was due: what waits behind a stall counts
//! in full (no coordinated omission).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::clock::Stopwatch;
use crate::latency::{Latencies, Percentiles};

/// Callers of an open loop are many and mostly asleep.
const CALLER_STACK_BYTES: usize = 256 << 10;
/// Time for all callers to be ready before the first arrival is due.
const LEAD: Duration = Duration::from_millis(300);
/// The last tenth of the arrivals says whether the system kept up: there the latency is to be below a tenth of the loop's
/// length, so that fewer than a tenth of all records wait when the last one arrives.
const TENTH: usize = 10;

/// What came of a closed loop.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Closed {
    /// Records appended.
    pub records: u64,
    /// Time it took.
    pub seconds: f64,
    /// Latencies of the calls.
    pub latency: Percentiles,
}

impl Closed {
    /// Records a second.
    pub fn rate(&self) -> f64 {
        self.records as f64 / self.seconds
    }
}

/// What came of an open loop.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Open {
    /// Records appended.
    pub records: u64,
    /// From the first arrival to the last answer.
    pub seconds: f64,
    /// From due arrival to receipt.
    pub receipt: Percentiles,
    /// From receipt to the checkpoint that covers the record, where the system signs any.
    pub checkpoint: Option<Percentiles>,
    /// Whether the system kept up: the last tenth of the arrivals waited less than a tenth of the loop's length.
    pub kept_up: bool,
}

/// Runs `calls` calls by `callers` callers that wait for their answers; `records` is what all calls append.
///
/// # Errors
/// The first call's that failed, or if a caller cannot be started.
pub fn closed_loop(
    callers: usize,
    calls: usize,
    records: usize,
    call: &(dyn Fn(usize) -> Result<(), Failure> + Sync),
) -> Result<Closed, Failure> {
    let next = AtomicUsize::new(0);
    let watch = Stopwatch::start();
    let latencies = thread::scope(|scope| {
        let callers = (0..callers).map(|_| {
            scope.spawn(|| {
                let mut latencies = Latencies::new()?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= calls {
                        return Ok(latencies);
                    }
                    let start = watch.elapsed();
                    // A call that failed stops the others too.
                    call(number).inspect_err(|_| next.store(calls, Ordering::Relaxed))?;
                    latencies.record(watch.elapsed().saturating_sub(start));
                }
            })
        });
        joined(callers.collect())
    })?;
    Ok(Closed {
        records: records as u64,
        seconds: watch.elapsed().as_secs_f64(),
        latency: latencies.percentiles(),
    })
}

/// Runs `arrivals` calls, due at `rate` a second, by at most `callers` callers. `call` gets the number of the arrival and
/// the time at which it was due, by `watch`.
///
/// # Errors
/// The first call's that failed, or if a caller cannot be started.
pub fn open_loop(
    callers: usize,
    rate: u32,
    arrivals: usize,
    watch: Stopwatch,
    call: &(dyn Fn(usize, Duration) -> Result<(), Failure> + Sync),
) -> Result<Open, Failure> {
    let next = AtomicUsize::new(0);
    let tenth = (arrivals / TENTH).max(1);
    let late_micros = AtomicU64::new(0);
    let first_due = watch.elapsed() + LEAD;
    let latencies = thread::scope(|scope| {
        let mut handles = Vec::with_capacity(callers);
        for _ in 0..callers.min(arrivals) {
            let caller = || {
                let mut latencies = Latencies::new()?;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arrivals {
                        return Ok(latencies);
                    }
                    let due = first_due + Duration::from_secs_f64(number as f64 / f64::from(rate));
                    thread::sleep(due.saturating_sub(watch.elapsed()));
                    call(number, due).inspect_err(|_| next.store(arrivals, Ordering::Relaxed))?;
                    let latency = watch.elapsed().saturating_sub(due);
                    latencies.record(latency);
                    if number >= arrivals - tenth {
                        late_micros.fetch_add(latency.as_micros() as u64, Ordering::Relaxed);
                    }
                }
            };
            let builder = thread::Builder::new().stack_size(CALLER_STACK_BYTES);
            handles.push(builder.spawn_scoped(scope, caller)?);
        }
        joined(handles)
    })?;
    let seconds = watch.elapsed().saturating_sub(first_due).as_secs_f64();
    let behind = late_micros.into_inner() as f64 / tenth as f64 / 1e6;
    Ok(Open {
        records: arrivals as u64,
        seconds,
        receipt: latencies.percentiles(),
        checkpoint: None,
        kept_up: behind < arrivals as f64 / f64::from(rate) / TENTH as f64,
    })
}

fn joined(
    handles: Vec<ScopedJoinHandle<'_, Result<Latencies, Failure>>>,
) -> Result<Latencies, Failure> {
    let mut all = Latencies::new()?;
    for handle in handles {
        let latencies = handle.join().map_err(|_| "a caller panicked")??;
        all.add(&latencies)?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn every_call_of_a_closed_loop_is_made_once() {
        let seen = Mutex::new(Vec::new());
        let closed = closed_loop(4, 100, 1000, &|number| {
            seen.lock().unwrap().push(number);
            Ok(())
        });
        assert_eq!(closed.unwrap().records, 1000);
        let mut seen = seen.into_inner().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_failed_call_fails_the_loop() {
        let outcome = closed_loop(2, 100, 100, &|number| {
            if number == 7 {
                Err("no".into())
            } else {
                Ok(())
            }
        });
        assert!(outcome.is_err());
    }

    #[test]
    fn a_stall_counts_for_all_who_arrive_during_it() {
        // One caller, 100 arrivals in 100 ms; the first call takes 60 ms.
        let open = open_loop(1, 1000, 100, Stopwatch::start(), &|number, _| {
            if number == 0 {
                thread::sleep(Duration::from_millis(60));
            }
            Ok(())
        });
        let receipt = open.unwrap().receipt;
        assert_eq!(receipt.count, 100);
        assert!(receipt.p50_us > 5_000.0, "{receipt:?}");
    }

    #[test]
    fn who_is_slower_than_the_arrivals_did_not_keep_up() {
        let slow = open_loop(1, 1000, 200, Stopwatch::start(), &|_, _| {
            thread::sleep(Duration::from_millis(4));
            Ok(())
        });
        assert!(!slow.unwrap().kept_up);
    }

    #[test]
    fn who_is_late_from_the_first_arrival_on_did_not_keep_up() {
        let late = open_loop(1, 1000, 100, Stopwatch::start(), &|number, _| {
            if number == 0 {
                thread::sleep(Duration::from_millis(300));
            }
            Ok(())
        });
        assert!(!late.unwrap().kept_up);
    }
}
