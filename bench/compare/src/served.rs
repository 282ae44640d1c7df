//! The same load over HTTP on one service: started, driven mode after mode, stopped, and all that it then holds checked. This
//! runs in a process of its own, like every system, so that whatever it started ends with it.

mod causebook;
mod http_postgres;
mod program;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use causebook_load::{Failure, Percentiles};
use serde::{Deserialize, Serialize};

use self::causebook::Causebook;
use self::http_postgres::HttpPostgres;
pub(crate) use self::program::memory_bytes;

/// Connections of single records, and the most that are in flight of the open loop.
pub(crate) const CONNECTIONS: usize = 64;
/// Records of an NDJSON request.
pub(crate) const BATCH: usize = 1_000;
/// One record of so many has its evidence taken and checked: enough for a 99th percentile, and little work beside the load.
pub(crate) const PROVE_EVERY: usize = 500;

pub(crate) const CLOSED: &str = "closed";
pub(crate) const BATCHES: &str = "batches";
pub(crate) const OPEN: &str = "open";

/// A service that can be started.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Served {
    /// `causebook serve`.
    Causebook { binary: PathBuf },
    /// `bench/peers/http-postgres`, which gathers whoever waits into one transaction or does not.
    HttpPostgres {
        /// Where `initdb` and `postgres` are.
        binaries: PathBuf,
        service: PathBuf,
        gather: bool,
    },
}

/// What is sent to a service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoadPlan {
    /// Empty folder for the service's files.
    pub(crate) folder: PathBuf,
    /// The program that sends.
    pub(crate) driver: PathBuf,
    /// Records of each closed loop.
    pub(crate) records: usize,
    /// Arrivals a second of the open loop.
    pub(crate) rate: u32,
    /// Records of the open loop.
    pub(crate) arrivals: usize,
}

/// What is told of a service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Told {
    /// A mode is over.
    Phase(Phase),
    /// All of it is over: so many records were found stored, in order and unchanged, exactly those acknowledged.
    Stored(u64),
}

/// What came of a mode.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Phase {
    pub(crate) driven: Driven,
    /// Processor time that the service's processes took for it.
    pub(crate) processor_seconds: f64,
    /// Memory of the service's processes after it.
    pub(crate) memory_bytes: u64,
}

/// The driver's figures of a mode.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Driven {
    pub(crate) mode: String,
    pub(crate) records: u64,
    pub(crate) seconds: f64,
    pub(crate) kept_up: Option<bool>,
    /// From sending, or from when it was due, to the answer.
    pub(crate) acknowledged: Percentiles,
    /// From there to a signed checkpoint that covers the record, seen by a client.
    pub(crate) checkpoint: Option<Percentiles>,
    /// From there to evidence that a client has checked.
    pub(crate) evidence: Option<Percentiles>,
}

/// A service that is running.
trait Service {
    /// `http://HOST:PORT`
    fn url(&self) -> &str;

    /// Tells the driver what else it has to know.
    fn introduce(&self, driver: &mut Command);

    /// Processor time that all its processes have taken.
    fn processor_seconds(&self) -> Result<f64, Failure>;

    /// Memory of all its processes, what they share counted once.
    fn memory_bytes(&self) -> Result<u64, Failure>;

    /// Stops it in order, checks everything that is stored, and gives how many records that is.
    fn stop_and_check(self: Box<Self>) -> Result<u64, Failure>;
}

/// Runs a plan on a service, and tells of each mode and of the end, a line of JSON each.
pub(crate) fn run(served: Served, plan: &LoadPlan) -> Result<(), Failure> {
    std::fs::create_dir_all(&plan.folder)?;
    load(start(served, &plan.folder)?, plan, &mut print)
}

fn load(
    service: Box<dyn Service>,
    plan: &LoadPlan,
    tell: &mut dyn FnMut(&Told) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut acknowledged = 0;
    for (mode, records) in [
        (CLOSED, plan.records),
        (BATCHES, plan.records),
        (OPEN, plan.arrivals),
    ] {
        let before = service.processor_seconds()?;
        let driven = drive(service.as_ref(), plan, mode, records)?;
        acknowledged += driven.records;
        tell(&Told::Phase(Phase {
            driven,
            processor_seconds: service.processor_seconds()? - before,
            memory_bytes: service.memory_bytes()?,
        }))?;
    }
    let stored = service.stop_and_check()?;
    if stored != acknowledged {
        return Err(
            format!("{acknowledged} records were acknowledged, {stored} are stored").into(),
        );
    }
    tell(&Told::Stored(stored))
}

fn start(served: Served, folder: &Path) -> Result<Box<dyn Service>, Failure> {
    Ok(match served {
        Served::Causebook { binary } => Box::new(Causebook::start(binary, folder)?),
        Served::HttpPostgres {
            binaries,
            service,
            gather,
        } => Box::new(HttpPostgres::start(binaries, &service, gather, folder)?),
    })
}

/// Has the driver send, check all answers, and report.
fn drive(
    service: &dyn Service,
    plan: &LoadPlan,
    mode: &str,
    records: usize,
) -> Result<Driven, Failure> {
    #[derive(Deserialize)]
    struct Report {
        modes: Vec<Driven>,
    }
    let report = plan.folder.join("report.json");
    let mut driver = Command::new(&plan.driver);
    driver.args(["--url", service.url(), "--mode", mode, "--report"]);
    driver.arg(&report);
    for (name, number) in [
        ("--records", records),
        ("--connections", CONNECTIONS),
        ("--batch", BATCH),
        ("--rate", plan.rate as usize),
        ("--prove-every", PROVE_EVERY),
    ] {
        driver.args([name, &number.to_string()]);
    }
    service.introduce(&mut driver);
    let output = driver.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return Err(format!("{mode}: the driver says:\n{said}").into());
    }
    let report: Report = serde_json::from_slice(&std::fs::read(&report)?)?;
    let driven = report.modes.into_iter().next();
    Ok(driven.ok_or("the driver reports nothing")?)
}

fn print(told: &Told) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, told)?;
    writeln!(output)?;
    Ok(output.flush()?)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A service that holds so many records when it is stopped.
    struct Holds(u64);

    impl Service for Holds {
        fn url(&self) -> &'static str {
            "http://127.0.0.1:1"
        }

        fn introduce(&self, _driver: &mut Command) {}

        fn processor_seconds(&self) -> Result<f64, Failure> {
            Ok(0.0)
        }

        fn memory_bytes(&self) -> Result<u64, Failure> {
            Ok(0)
        }

        fn stop_and_check(self: Box<Self>) -> Result<u64, Failure> {
            Ok(self.0)
        }
    }

    /// Says that all was acknowledged.
    const DRIVER: &str = r#"#!/bin/sh
while [ $# -gt 1 ]; do
    case $1 in --report) report=$2 ;; --records) records=$2 ;; --mode) mode=$2 ;; esac
    shift
done
latency='{"count":1,"p50_us":1,"p99_us":1,"p999_us":1,"max_us":1}'
echo "{\"modes\":[{\"mode\":\"$mode\",\"records\":$records,\"seconds\":1,\"acknowledged\":$latency}]}" >"$report"
"#;

    #[test]
    fn what_is_stored_must_be_exactly_what_was_acknowledged() {
        let folder = tempfile::tempdir().unwrap();
        let driver = folder.path().join("driver");
        std::fs::write(&driver, DRIVER).unwrap();
        std::fs::set_permissions(&driver, Permissions::from_mode(0o755)).unwrap();
        let plan = LoadPlan {
            folder: folder.path().to_owned(),
            driver,
            records: 10,
            rate: 1,
            arrivals: 5,
        };
        let load = |stored| load(Box::new(Holds(stored)), &plan, &mut |_| Ok(()));
        assert!(load(25).is_ok());
        for stored in [24, 26] {
            let error = load(stored).unwrap_err();
            let expected = format!("25 records were acknowledged, {stored} are stored");
            assert_eq!(error.to_string(), expected);
        }
    }
}
