//! What is told of each workload: the rows of the tables, with the targets of the design that they are held against.

use causebook_load::{Closed, Kind, Open, Plan, Report};

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    PerSecond,
    Millis,
    Micros,
    Bytes,
    Times,
}

/// A value, and whether the system did not keep up while it was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) number: f64,
    pub(crate) fell_behind: bool,
}

type Read = Box<dyn Fn(&Report) -> Option<Value>>;

/// What is to be reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) text: &'static str,
    pub(crate) number: f64,
    /// How many times better than SQLite it is to be.
    pub(crate) times_sqlite: Option<f64>,
}

/// A row of a table.
pub(crate) struct Measure {
    pub(crate) workload: &'static str,
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) better: Better,
    pub(crate) target: Option<Target>,
    pub(crate) read: Read,
}

fn target(text: &'static str, number: f64) -> Target {
    Target {
        text,
        number,
        times_sqlite: None,
    }
}

fn sound(number: f64) -> Value {
    Value {
        number,
        fell_behind: false,
    }
}

/// The rows for all workloads, in order.
pub(crate) fn measures(workloads: &[(Kind, Plan)]) -> Vec<Measure> {
    workloads
        .iter()
        .flat_map(|(kind, plan)| of_workload(*kind, plan))
        .collect()
}

fn of_workload(kind: Kind, plan: &Plan) -> Vec<Measure> {
    let loans = kind == Kind::Loan;
    let mut rows = Vec::new();
    let mut row = |name: String, unit, better, target, read: Read| {
        rows.push(Measure {
            workload: kind.name(),
            name,
            unit,
            better,
            target,
            read,
        });
    };
    let batches = Target {
        text: "≥ 100,000/s and ≥ 5 × SQLite",
        number: 100_000.0,
        times_sqlite: Some(5.0),
    };
    let (batch, callers) = (plan.batch, plan.batch_callers);
    row(
        format!("closed loop: batches of {batch}, {callers} callers"),
        Unit::PerSecond,
        Better::More,
        loans.then_some(batches),
        Box::new(|report| Some(sound(report.batches.rate()))),
    );
    row(
        "the same, until all is where it rests".to_owned(),
        Unit::PerSecond,
        Better::More,
        None,
        Box::new(|report| {
            let seconds = report.batches.seconds + report.settle_seconds;
            Some(sound(report.batches.records as f64 / seconds))
        }),
    );
    row(
        "the same, p99 of a batch's answer".to_owned(),
        Unit::Millis,
        Better::Less,
        None,
        Box::new(|report| Some(sound(report.batches.latency.p99_us / 1e3))),
    );
    row(
        "processor time a record, until all is where it rests".to_owned(),
        Unit::Micros,
        Better::Less,
        None,
        Box::new(|report| {
            let micros = report.processor_seconds * 1e6;
            Some(sound(micros / report.batches.records as f64))
        }),
    );
    if plan.singles > 0 {
        singles(plan, &mut row);
    }
    for rate in plan.rates.iter().copied() {
        open_loop(rate, &mut row);
    }
    row(
        "verify everything".to_owned(),
        Unit::PerSecond,
        Better::More,
        loans.then(|| target("≥ 250,000/s", 250_000.0)),
        Box::new(|report| {
            report
                .verified
                .map(|it| sound(it.records as f64 / it.seconds))
        }),
    );
    for (name, quantile) in [("p50", 0), ("p99", 1)] {
        row(
            format!("find by id, warm, {name}"),
            Unit::Millis,
            Better::Less,
            (loans && quantile == 1).then(|| target("≤ 10 ms among 10 M", 10.0)),
            Box::new(move |report| {
                let latency = report.find?.latency;
                Some(sound([latency.p50_us, latency.p99_us].get(quantile)? / 1e3))
            }),
        );
    }
    row(
        "bytes a record at rest".to_owned(),
        Unit::Bytes,
        Better::Less,
        None,
        Box::new(|report| Some(sound(bytes(report) / report.records as f64))),
    );
    row(
        "bytes at rest, × the JSON".to_owned(),
        Unit::Times,
        Better::Less,
        Some(target("≤ 0.35 ×", 0.35)),
        Box::new(|report| Some(sound(bytes(report) / report.json_bytes as f64))),
    );
    rows
}

type Row<'a> = dyn FnMut(String, Unit, Better, Option<Target>, Read) + 'a;

fn singles(plan: &Plan, row: &mut Row<'_>) {
    let callers = plan.single_callers;
    let rate = |closed: Option<Closed>| closed.map(|closed| sound(closed.rate()));
    let wait = |closed: Option<Closed>| closed.map(|closed| sound(closed.latency.p99_us / 1e3));
    row(
        format!("closed loop: single records, {callers} callers, as the system does it"),
        Unit::PerSecond,
        Better::More,
        Some(target("≥ 40,000/s", 40_000.0)),
        Box::new(move |report| rate(report.singles)),
    );
    row(
        "the same, p99 of the receipt".to_owned(),
        Unit::Millis,
        Better::Less,
        None,
        Box::new(move |report| wait(report.singles)),
    );
    row(
        format!(
            "closed loop: single records, {callers} callers, gathered for the system by a writer thread"
        ),
        Unit::PerSecond,
        Better::More,
        None,
        // What gathers callers by itself is compared with what it does by itself.
        Box::new(move |report| rate(report.gathered.or(report.singles))),
    );
}

fn open_loop(rate: u32, row: &mut Row<'_>) {
    let open = move |report: &Report| -> Option<Open> {
        let of_rate = report
            .open
            .iter()
            .find(|open| open.offered_per_second == rate);
        of_rate.map(|open| open.open)
    };
    for (name, quantile) in [("p50", 0), ("p99", 1), ("p99.9", 2)] {
        row(
            format!("open loop: {rate}/s offered, due arrival to receipt, {name}"),
            Unit::Millis,
            Better::Less,
            None,
            Box::new(move |report| {
                let open = open(report)?;
                let receipt = open.receipt;
                let micros = [receipt.p50_us, receipt.p99_us, receipt.p999_us];
                Some(Value {
                    number: micros.get(quantile)? / 1e3,
                    fell_behind: !open.kept_up,
                })
            }),
        );
    }
    for (name, quantile) in [("p50", 0), ("p99", 1)] {
        let reach = (rate == 5_000 && quantile == 1).then(|| target("≤ 150 ms", 150.0));
        row(
            format!("open loop: {rate}/s offered, receipt to signed checkpoint, {name}"),
            Unit::Millis,
            Better::Less,
            reach,
            Box::new(move |report| {
                let open = open(report)?;
                let checkpoint = open.checkpoint?;
                let micros = [checkpoint.p50_us, checkpoint.p99_us];
                Some(Value {
                    number: micros.get(quantile)? / 1e3,
                    fell_behind: !open.kept_up,
                })
            }),
        );
    }
}

fn bytes(report: &Report) -> f64 {
    report.bytes.values().sum::<u64>() as f64
}
