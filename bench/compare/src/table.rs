//! The tables: a row for every measure, a column for every system, medians of all rounds. Behind a peer's value stands
//! how many times better Causebook's is.

use std::fmt::Write;

use crate::children::{CAUSEBOOK, SQLITE, Subject};
use crate::limits::Limits;
use crate::measures::{Better, Measure, Unit, Value};
use crate::run::{Comparison, Pass};

/// What came of all rounds.
#[derive(Clone, Copy, Debug)]
struct Summary {
    median: f64,
    /// Half the distance between the least and the greatest, as a part of the median.
    spread: f64,
    fell_behind: bool,
}

fn summary(values: &[Value]) -> Option<Summary> {
    let mut numbers: Vec<f64> = values.iter().map(|value| value.number).collect();
    numbers.sort_by(f64::total_cmp);
    let (least, greatest) = (numbers.first()?, numbers.last()?);
    let median = f64::midpoint(
        *numbers.get((numbers.len() - 1) / 2)?,
        *numbers.get(numbers.len() / 2)?,
    );
    Some(Summary {
        median,
        spread: (greatest - least) / 2.0 / median,
        fell_behind: values.iter().any(|value| value.fell_behind),
    })
}

/// All tables, as Markdown.
pub(crate) fn render(comparison: &Comparison, systems: &[Subject], measures: &[Measure]) -> String {
    let mut text = String::new();
    let mut workload = "";
    for measure in measures {
        if measure.workload != workload {
            workload = measure.workload;
            head(&mut text, comparison, workload, systems);
        }
        row(&mut text, comparison, measure, systems);
    }
    limits(&mut text, comparison, measures);
    text.push_str(NOTES);
    comparison.failures.render(&mut text);
    text
}

const NOTES: &str = "
Medians of all rounds, ± half the distance between the least and the greatest. Behind a peer's value: how many times \
better Causebook's is (more a second, less time, fewer bytes). † did not keep up with the arrivals in at least one round: \
latencies then say how long the loop was, not how fast the system is. – the system does not offer it. In closed loops \
callers wait for their answer, so a slow system is offered less; in open loops latency counts from when the arrival was due. \
Every answer means: on disk, with its place fixed. How each system is set, and what is not comparable: bench/README.md.
";

fn head(text: &mut String, comparison: &Comparison, workload: &str, systems: &[Subject]) {
    let passes = comparison
        .passes
        .iter()
        .filter(|pass| pass.workload == workload);
    let report = passes.map(|pass| &pass.report).next();
    let mean = report.map_or(0, |report| report.json_bytes / report.records.max(1));
    let records = report.map_or(0, |report| report.batches.records);
    // Writing to a string does not fail, here and below.
    let compressed = comparison.compressed.get(workload).copied().unwrap_or(1.0);
    let _ = writeln!(
        text,
        "\n### {workload}: {} in batches, {mean} bytes of JSON each; zstd alone makes {compressed:.2} × of it\n",
        grouped(records)
    );
    let names: Vec<&str> = systems.iter().map(|system| system.name).collect();
    let _ = writeln!(text, "| measure | to reach | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "--:|".repeat(names.len()));
}

fn row(text: &mut String, comparison: &Comparison, measure: &Measure, systems: &[Subject]) {
    let of = |system: &Subject| {
        let here = |pass: &&Pass| pass.workload == measure.workload && pass.system == system.name;
        let passes = comparison.passes.iter().filter(here);
        summary(
            &passes
                .filter_map(|pass| (measure.read)(&pass.report))
                .collect::<Vec<_>>(),
        )
    };
    let by_key = |key| systems.iter().find(|system| system.key == key).and_then(of);
    let (ours, sqlite) = (by_key(CAUSEBOOK), by_key(SQLITE));
    if systems.iter().all(|system| of(system).is_none()) {
        return;
    }
    let cells = systems.iter().map(|system| {
        let Some(summary) = of(system) else {
            return "–".to_owned();
        };
        let mut cell = shown(measure.unit, summary.median);
        if comparison.rounds > 1 {
            let _ = write!(cell, " ±{:.0} %", summary.spread * 100.0);
        }
        if summary.fell_behind {
            cell.push('†');
        }
        if let Some(ours) = ours.filter(|_| system.key != CAUSEBOOK) {
            let _ = write!(
                cell,
                " ({})",
                times(better_by(measure.better, ours.median, summary.median))
            );
        }
        cell
    });
    let cells: Vec<String> = cells.collect();
    let reached = measure.target.map_or(String::new(), |target| {
        let mark = ours.map_or("", |ours| {
            let enough = match measure.better {
                Better::More => ours.median >= target.number,
                Better::Less => ours.median <= target.number && !ours.fell_behind,
            };
            let beside = target.times_sqlite.is_none_or(|times| {
                sqlite.is_some_and(|sqlite| {
                    better_by(measure.better, ours.median, sqlite.median) >= times
                })
            });
            if enough && beside {
                ": reached"
            } else {
                ": **not reached**"
            }
        });
        format!("{}{mark}", target.text)
    });
    let _ = writeln!(
        text,
        "| {} | {reached} | {} |",
        measure.name,
        cells.join(" | ")
    );
}

pub(crate) fn better_by(better: Better, ours: f64, theirs: f64) -> f64 {
    match better {
        Better::More => ours / theirs,
        Better::Less => theirs / ours,
    }
}

/// Causebook beside the limits of the machine.
fn limits(text: &mut String, comparison: &Comparison, measures: &[Measure]) {
    let median = |read: fn(&Limits) -> f64| {
        let values: Vec<Value> = comparison
            .limits
            .iter()
            .map(|limits| Value {
                number: read(limits),
                fell_behind: false,
            })
            .collect();
        summary(&values)
    };
    let first = measures.first().map_or("", |measure| measure.workload);
    let ours = |read: &dyn Fn(&Pass) -> Option<f64>| {
        let passes = comparison
            .passes
            .iter()
            .filter(|pass| pass.workload == first && pass.system == "Causebook");
        let values: Vec<Value> = passes
            .filter_map(|pass| {
                Some(Value {
                    number: read(pass)?,
                    fell_behind: false,
                })
            })
            .collect();
        summary(&values)
    };
    let mean_json = |pass: &Pass| pass.report.json_bytes as f64 / pass.report.records as f64;
    let rows = [
        (
            "4 KB appends with fdatasync, a second",
            median(|limits| limits.syncs),
            1.0,
            "single records a second, 64 callers",
            ours(&|pass| pass.report.singles.map(|singles| singles.rate())),
        ),
        (
            "sequential writing, one fdatasync at the end, MB/s",
            median(|limits| limits.written_bytes),
            1e6,
            "JSON in batches, MB/s",
            ours(&|pass| Some(pass.report.batches.rate() * mean_json(pass))),
        ),
        (
            "SHA-256 of 1 KB messages, one core, MB/s",
            median(|limits| limits.hashed_bytes),
            1e6,
            "JSON verified, MB/s",
            ours(&|pass| {
                pass.report
                    .verified
                    .map(|it| it.records as f64 / it.seconds * mean_json(pass))
            }),
        ),
    ];
    text.push_str("\n### Limits of this machine, measured in the same run\n\n");
    text.push_str("| limit | measured | Causebook | value | ratio |\n|---|--:|---|--:|--:|\n");
    for (limit, measured, scale, what, ours) in rows {
        let Some(measured) = measured else { continue };
        let spread = if comparison.limits.len() > 1 {
            format!(" ±{:.0} %", measured.spread * 100.0)
        } else {
            String::new()
        };
        let (value, ratio) = ours.map_or(("–".to_owned(), "–".to_owned()), |ours| {
            (
                number(ours.median / scale),
                times(ours.median / measured.median),
            )
        });
        let _ = writeln!(
            text,
            "| {limit} | {}{spread} | {what} | {value} | {ratio} |",
            number(measured.median / scale)
        );
    }
}

pub(crate) fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::PerSecond => format!("{}/s", number(value)),
        Unit::Millis => format!("{} ms", number(value)),
        Unit::Micros => format!("{} µs", number(value)),
        Unit::Bytes => number(value),
        Unit::Times => format!("{value:.2} ×"),
    }
}

pub(crate) fn times(ratio: f64) -> String {
    format!("{}×", number(ratio))
}

/// Three significant digits: what is measured is not known better.
pub(crate) fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => {
            let unit = 10_f64.powf(size.log10().floor() - 2.0);
            grouped(((value / unit).round() * unit).round() as u64)
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits() {
        let shown = [0.0123, 0.512, 12.34, 123.4, 1234.0, 53_149.0, 1_234_567.0].map(number);
        assert_eq!(
            shown,
            [
                "0.012",
                "0.51",
                "12.3",
                "123",
                "1,230",
                "53,100",
                "1,230,000"
            ]
        );
    }

    #[test]
    fn the_median_of_an_even_number_of_rounds_lies_between_the_middle_two() {
        let values = [4.0, 1.0, 3.0, 2.0].map(|number| Value {
            number,
            fell_behind: false,
        });
        let summary = summary(&values).unwrap();
        assert!((summary.median - 2.5).abs() < 1e-9 && (summary.spread - 0.6).abs() < 1e-9);
    }

    #[test]
    fn less_time_is_better() {
        assert!((better_by(Better::Less, 2.0, 6.0) - 3.0).abs() < 1e-9);
        assert!((better_by(Better::More, 6.0, 2.0) - 3.0).abs() < 1e-9);
    }
}
