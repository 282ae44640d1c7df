//! Growth: what a ledger, and an audit table, are like at 100 thousand, a million and ten million records. It takes long, so
//! every system is tried before any is measured, and what is measured is kept whatever happens to the next.

use std::fmt::Write;

use causebook_load::{Decade, Failure, GrowthPlan, size_of};
use serde::Serialize;

use crate::children::{POSTGRES, Subject, subjects};
use crate::failures::Failures;
use crate::results::Results;
use crate::say;
use crate::scratch::Scratch;
use crate::settings::Settings;
use crate::table::{grouped, number};

const SIZES: [u64; 3] = [100_000, 1_000_000, 10_000_000];
/// Beyond it PostgreSQL would say nothing that SQLite does not.
const POSTGRES_MAX: u64 = 1_000_000;
const LOOKUPS: usize = 2_000;
const SYSTEMS: [&str; 3] = [
    crate::children::CAUSEBOOK,
    crate::children::SQLITE,
    POSTGRES,
];

/// A system of one size.
#[derive(Debug, Serialize)]
struct Grown {
    system: &'static str,
    decade: Decade,
}

/// All that was measured.
#[derive(Debug, Default, Serialize)]
struct Growth {
    grown: Vec<Grown>,
    failures: Failures,
}

pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let most = settings.number("records")?.unwrap_or(u64::MAX);
    let sizes: Vec<u64> = SIZES.into_iter().filter(|size| *size <= most).collect();
    let sizes = if sizes.is_empty() { vec![most] } else { sizes };
    let systems = subjects(settings, &SYSTEMS)?;
    let results = Results::new(settings, "growth")?;
    let scratch = Scratch::new(&settings.path("folder")?)?;
    say("each system is tried with one record");
    for system in &systems {
        grow(system, &[1], &scratch, &mut |_| Ok(()))?;
    }
    let mut growth = Growth::default();
    for system in &systems {
        let grown = grow(system, &sizes, &scratch, &mut |decade| {
            say(&told(system, &decade));
            let system = system.name;
            growth.grown.push(Grown { system, decade });
            results.save(&growth.render(), &growth)
        });
        if let Err(failure) = grown {
            growth.failures.note("growth", &failure);
        }
    }
    results.finish(&growth.render(), &growth)?;
    growth.failures.outcome()
}

fn told(system: &Subject, decade: &Decade) -> String {
    let (records, rate) = (grouped(decade.records), decade.append.rate());
    format!("{}: {records} records, {rate:.0}/s", system.name)
}

fn grow(
    system: &Subject,
    sizes: &[u64],
    scratch: &Scratch,
    take: &mut dyn FnMut(Decade) -> Result<(), Failure>,
) -> Result<(), Failure> {
    // A system that failed may have left something.
    scratch.clear("system")?;
    let most = if system.key == POSTGRES {
        POSTGRES_MAX
    } else {
        u64::MAX
    };
    let plan = GrowthPlan {
        folder: scratch.path("system"),
        sizes: sizes.iter().copied().filter(|size| *size <= most).collect(),
        batch: 1000,
        callers: 2,
        lookups: LOOKUPS,
    };
    rustix::fs::sync();
    system.run(scratch, "growth", &plan, &mut |line| {
        take(serde_json::from_str(line)?)
    })?;
    say(&format!(
        "{}: {} MB in its folder",
        system.name,
        size_of(&plan.folder)? >> 20
    ));
    scratch.clear("system")
}

impl Growth {
    fn render(&self) -> String {
        let mut text = table(&self.grown);
        self.failures.render(&mut text);
        text
    }
}

fn table(grown: &[Grown]) -> String {
    let mut text = String::from(
        "\n### Growth: loan decisions, closed loop of batches of 1,000 by 2 callers that make the records as they go\n\n\
        | system | records | appended | settled after | memory of the writer | memory of the index, a record | bytes a record \
        | × the JSON | open | verify | find p50 | find p99 |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for Grown { system, decade } in grown {
        let records = decade.records as f64;
        let index = decade
            .index_memory_bytes
            .map_or("–".to_owned(), |bytes| number(bytes as f64 / records));
        let verified = decade.verified.map_or("–".to_owned(), |it| {
            format!("{}/s", number(it.records as f64 / it.seconds))
        });
        let (p50, p99) = decade
            .find
            .map_or(("–".to_owned(), "–".to_owned()), |find| {
                let millis = |micros: f64| format!("{} ms", number(micros / 1e3));
                (millis(find.latency.p50_us), millis(find.latency.p99_us))
            });
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "| {system} | {} | {}/s | {} s | {} MB | {index} | {} | {:.2} | {} s | {verified} | {p50} | {p99} |",
            grouped(decade.records),
            number(decade.append.rate()),
            number(decade.settle_seconds),
            decade.writer_memory_bytes >> 20,
            number(decade.bytes as f64 / records),
            decade.bytes as f64 / decade.json_bytes as f64,
            number(decade.open_seconds),
        );
    }
    text.push_str(
        "\nThe rate is that of the records since the line above. The memory of PostgreSQL's server is not in its line. \
        Opening PostgreSQL includes starting the server and its connections.\n",
    );
    text
}
