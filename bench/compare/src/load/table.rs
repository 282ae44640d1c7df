//! The table of the load over HTTP. Behind a peer's value stands how many times better Causebook's is.

use std::fmt::Write;

use super::Measured;
use crate::children::{CAUSEBOOK, Subject};
use crate::measures::{Better, Unit};
use crate::served::{BATCH, BATCHES, CLOSED, CONNECTIONS, OPEN, PROVE_EVERY, Phase};
use crate::table::{better_by, grouped, number, shown, times};

type Read = fn(&Phase) -> Option<f64>;

struct Row {
    mode: &'static str,
    name: String,
    unit: Unit,
    better: Better,
    read: Read,
}

/// The table, as Markdown.
pub(super) fn render(measured: &Measured, services: &[Subject]) -> String {
    let mut text = format!(
        "\n### Load over HTTP: loan decisions, {} in each closed loop, {} in the open loop\n\n",
        grouped(measured.records as u64),
        grouped(measured.arrivals as u64),
    );
    let names: Vec<&str> = services.iter().map(|service| service.name).collect();
    // Writing to a string does not fail, here and below.
    let _ = writeln!(text, "| measure | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(names.len()));
    for row in rows(measured.rate) {
        let cells: Vec<String> = services
            .iter()
            .map(|service| cell(&row, measured, service.key))
            .collect();
        let _ = writeln!(text, "| {} | {} |", row.name, cells.join(" | "));
    }
    let _ = writeln!(
        text,
        "\nBehind a peer's value: how many times better Causebook's is. † did not keep up with the arrivals. – the system does not \
        offer it. While Causebook is under load a client follows its checkpoints and checks the evidence of every {PROVE_EVERY}th \
        record, on the same cores. Every answer means: on disk, with its place fixed. How each is set, and what is not \
        comparable: bench/README.md."
    );
    measured.failures.render(&mut text);
    text
}

fn cell(row: &Row, measured: &Measured, key: &str) -> String {
    let phase = |key: &str| {
        let mut taken = measured.taken.iter();
        let found = taken.find(|taken| taken.key == key && taken.phase.driven.mode == row.mode);
        found.map(|taken| &taken.phase)
    };
    let value = |key: &str| phase(key).and_then(row.read);
    let Some(own) = value(key) else {
        return "–".to_owned();
    };
    let mut cell = match row.unit {
        Unit::Bytes => format!("{} MB", number(own / f64::from(1 << 20))),
        unit => shown(unit, own),
    };
    let is_of_arrivals = matches!(row.unit, Unit::PerSecond | Unit::Millis);
    if is_of_arrivals && phase(key).and_then(|phase| phase.driven.kept_up) == Some(false) {
        cell.push('†');
    }
    if let Some(ours) = value(CAUSEBOOK).filter(|_| key != CAUSEBOOK) {
        let _ = write!(cell, " ({})", times(better_by(row.better, ours, own)));
    }
    cell
}

fn rows(rate: u32) -> Vec<Row> {
    let mut rows = Vec::new();
    let closed = format!("single records, {CONNECTIONS} connections");
    let batches = format!("NDJSON batches of {BATCH}, one connection");
    let open = format!(
        "{}/s offered, {CONNECTIONS} connections",
        grouped(u64::from(rate))
    );
    for (mode, what) in [(CLOSED, closed), (BATCHES, batches), (OPEN, open)] {
        let mut row = |name: &str, unit, better, read: Read| {
            let name = format!("{what}: {name}");
            rows.push(Row {
                mode,
                name,
                unit,
                better,
                read,
            });
        };
        row("records", Unit::PerSecond, Better::More, |phase| {
            Some(phase.driven.records as f64 / phase.driven.seconds)
        });
        row("acknowledged, p50", Unit::Millis, Better::Less, |phase| {
            Some(phase.driven.acknowledged.p50_us / 1e3)
        });
        row("acknowledged, p99", Unit::Millis, Better::Less, |phase| {
            Some(phase.driven.acknowledged.p99_us / 1e3)
        });
        row("acknowledged, p99.9", Unit::Millis, Better::Less, |phase| {
            Some(phase.driven.acknowledged.p999_us / 1e3)
        });
        if mode == OPEN {
            proofs(&mut row);
        }
        row(
            "processor time of the service, a record",
            Unit::Micros,
            Better::Less,
            |phase| Some(phase.processor_seconds * 1e6 / phase.driven.records as f64),
        );
        row(
            "memory of the service then",
            Unit::Bytes,
            Better::Less,
            |phase| Some(phase.memory_bytes as f64),
        );
    }
    rows
}

fn proofs(row: &mut dyn FnMut(&str, Unit, Better, Read)) {
    let mut row = |name: &str, read| row(name, Unit::Millis, Better::Less, read);
    row("under a signed checkpoint that was seen, p50", |phase| {
        Some(phase.driven.checkpoint?.p50_us / 1e3)
    });
    row("under a signed checkpoint that was seen, p99", |phase| {
        Some(phase.driven.checkpoint?.p99_us / 1e3)
    });
    row("evidence checked, p50", |phase| {
        Some(phase.driven.evidence?.p50_us / 1e3)
    });
    row("evidence checked, p99", |phase| {
        Some(phase.driven.evidence?.p99_us / 1e3)
    });
}

#[cfg(test)]
mod tests {
    use causebook_load::Percentiles;

    use super::super::Taken;
    use super::*;
    use crate::failures::Failures;
    use crate::served::Driven;

    fn taken(key: &'static str, seconds: f64, checkpoint: bool) -> Taken {
        let latency = Percentiles {
            count: 1,
            p50_us: 1e3 * seconds,
            p99_us: 2e3 * seconds,
            p999_us: 3e3 * seconds,
            max_us: 4e3 * seconds,
        };
        let driven = Driven {
            mode: OPEN.to_owned(),
            records: 1000,
            seconds,
            kept_up: Some(seconds < 2.0),
            acknowledged: latency,
            checkpoint: checkpoint.then_some(latency),
            evidence: None,
        };
        let phase = Phase {
            driven,
            processor_seconds: seconds,
            memory_bytes: 64 << 20,
        };
        Taken {
            system: key,
            key,
            phase,
        }
    }

    #[test]
    fn a_peer_is_held_against_causebook_and_has_no_proofs() {
        let measured = Measured {
            records: 1000,
            rate: 5000,
            arrivals: 1000,
            taken: vec![taken(CAUSEBOOK, 1.0, true), taken("peer", 4.0, false)],
            failures: Failures::default(),
        };
        let row = |name: &str| {
            let rows = rows(5000);
            let row = rows
                .iter()
                .find(|row| row.mode == OPEN && row.name.ends_with(name));
            [CAUSEBOOK, "peer"].map(|key| cell(row.unwrap(), &measured, key))
        };
        assert_eq!(row("records"), ["1,000/s", "250/s† (4.00×)"]);
        assert_eq!(row("acknowledged, p99"), ["2.00 ms", "8.00 ms† (4.00×)"]);
        assert_eq!(row("seen, p50"), ["1.00 ms", "–"]);
        assert_eq!(row("then"), ["64.0 MB", "64.0 MB (1.00×)"]);
    }
}
