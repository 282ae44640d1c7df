//! Measures the table on decisions of about 1 KB and 25 facts: bytes a record, append, scan, lookup by index.
//!
//! `cargo run --release -p causebook-lake --example measure -- [rows] [folder]`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// A measurement reads the real clock.
#![allow(clippy::disallowed_methods)]

#[path = "../tests/harness/mod.rs"]
mod harness;

use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use causebook_lake::DeltaTable;
use causebook_ledger::{Scan, TableSink as _};

fn main() {
    let rows: u64 = std::env::args()
        .nth(1)
        .map_or(100_000, |rows| rows.parse().expect("rows"));
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::args()
        .nth(2)
        .map_or(temporary.path().join("table"), PathBuf::from);
    let mut out = std::io::stdout().lock();

    let given = harness::decisions(0..rows);
    let json: usize = given
        .iter()
        .map(|row| row.record.text().unwrap().len())
        .sum();
    writeln!(
        out,
        "{rows} records, {} bytes of JSON each",
        json as u64 / rows
    )
    .unwrap();

    let table = DeltaTable::create(&folder).unwrap();
    let clock = Clock::start();
    table.append(&given).unwrap();
    writeln!(out, "append: {}", clock.rates(rows)).unwrap();
    let snapshot = table.table_snapshot();
    let bytes: u64 = snapshot.files.iter().map(|file| file.bytes).sum();
    let each = bytes as f64 / rows as f64;
    let of_json = |each: f64| each * rows as f64 / json as f64;
    writeln!(
        out,
        "size: {each:.1} bytes a record in {} files, {:.3} of the JSON; with 66 bytes of log {:.3}",
        snapshot.files.len(),
        of_json(each),
        of_json(each + 66.0)
    )
    .unwrap();
    for (name, compressed) in column_sizes(&snapshot.files[0].path) {
        writeln!(
            out,
            "  {name:<16} {:>7.2}",
            compressed as f64 / snapshot.files[0].rows as f64
        )
        .unwrap();
    }

    for check_columns in [false, true] {
        let clock = Clock::start();
        let mut seen = 0_u64;
        let everything = Scan {
            indexes: 0..u64::MAX,
            check_columns,
        };
        table
            .scan(&everything, &mut |_| {
                seen += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(seen, rows);
        writeln!(
            out,
            "scan, columns checked {check_columns}: {}",
            clock.rates(rows)
        )
        .unwrap();
    }

    let random = &mut harness::Random(1);
    let clock = Clock::start();
    for _ in 0..2000 {
        assert!(table.get(random.below(rows)).unwrap().is_some());
    }
    writeln!(out, "get: {}", clock.rates(2000)).unwrap();
}

/// Wall time, and time on a processor of this thread, which other work on the machine does not stretch.
struct Clock {
    started: Instant,
    on_processor: Duration,
}

impl Clock {
    fn start() -> Self {
        Self {
            started: Instant::now(),
            on_processor: on_processor(),
        }
    }

    fn rates(&self, count: u64) -> String {
        let wall = self.started.elapsed().as_secs_f64();
        let busy = on_processor().abs_diff(self.on_processor).as_secs_f64();
        let (rate, each) = (count as f64 / wall, busy * 1e6 / count as f64);
        format!("{rate:.0}/s, {each:.2} us of processor each")
    }
}

/// See proc(5), `schedstat`: nanoseconds on a processor come first.
fn on_processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next();
    Duration::from_nanos(
        first
            .and_then(|nanoseconds| nanoseconds.parse().ok())
            .unwrap_or(0),
    )
}

fn column_sizes(path: &std::path::Path) -> Vec<(String, i64)> {
    let file = std::fs::File::open(path).unwrap();
    let metadata = parquet::file::metadata::ParquetMetaDataReader::new()
        .parse_and_finish(&file)
        .unwrap();
    let mut sizes: Vec<(String, i64)> = Vec::new();
    for group in metadata.row_groups() {
        for (at, column) in group.columns().iter().enumerate() {
            if sizes.len() <= at {
                sizes.push((column.column_path().string(), 0));
            }
            sizes[at].1 +=
                column.compressed_size() + i64::from(column.bloom_filter_length().unwrap_or(0));
        }
    }
    let total: i64 = sizes.iter().map(|(_, size)| size).sum();
    let footer = std::fs::metadata(path).unwrap().len().cast_signed() - total;
    sizes.push(("footer, indexes".to_owned(), footer));
    sizes
}
