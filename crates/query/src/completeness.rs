//! What a ledger can tell about what it does not have: numbers that a source gave and that never came, and records that
//! wait for another.
//!
//! A source that numbers what it sends (`source.name`, `source.run`, `source.seq`) makes a stream, and a stream without
//! gaps is whole between its first and its last number. What was never numbered, and what would have come after the
//! last number, nobody can see from here: see `docs/completeness.md`.
//!
//! Each question is one statement over the typed columns, pinned to the records below `as_of`. Streams are numbered by a
//! first pass over the records, so that what is sorted, once by place and once by number, is four integers a record:
//! 32 MB a million, where the names would take three times that.

use std::fmt::Write as _;

use arrow::array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;
use jiff::Timestamp;

use crate::error::QueryError;
use crate::query::Query;

/// Most gaps that are listed of one stream.
pub const GAPS_LISTED: usize = 1_000;
/// Most examples that are listed of one kind of orphan.
pub const EXAMPLES_LISTED: usize = 20;

/// What is missing, as far as a ledger can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Completeness {
    /// Only records below this place were looked at.
    pub as_of: u64,
    /// Every stream, by source and run.
    pub streams: Vec<Stream>,
    /// Records that wait for another.
    pub orphans: Orphans,
    /// Records whose source was erased, of which nobody can tell any more which gap they fill.
    pub erased: u64,
}

/// The records of one source in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stream {
    /// `/source/name`
    pub source: String,
    /// `/source/run`
    pub run: String,
    /// Records.
    pub records: u64,
    /// The lowest number.
    pub first_seq: u64,
    /// The highest number.
    pub last_seq: u64,
    /// Different numbers.
    pub distinct: u64,
    /// The first gaps, at most [`GAPS_LISTED`].
    pub gaps: Vec<Gap>,
    /// All gaps.
    pub gaps_total: u64,
    /// Numbers in all gaps.
    pub missing: u64,
    /// Records that came after one with a higher number.
    pub late: u64,
    /// Records whose number another one before them has.
    pub repeated: u64,
    /// When the last record was recorded.
    pub last_at: Option<Timestamp>,
}

/// Numbers that never came, between two that did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gap {
    /// The first of them.
    pub from: u64,
    /// The last of them.
    pub to: u64,
    /// When the first record with a higher number was recorded: since then they are overdue.
    pub since: Option<Timestamp>,
}

/// Records that wait for another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Orphans {
    /// Linked records whose target is not in the ledger.
    pub missing_target: u64,
    /// Decisions with neither `output` nor `decision`, to which no outcome and no correction refers.
    pub intent_without_outcome: u64,
    /// Ids of the first linked records, then of the first decisions, at most [`EXAMPLES_LISTED`] of each.
    pub examples: Vec<String>,
}

impl Stream {
    /// Whether a listed gap has been open since this instant or longer.
    pub fn has_gap_since(&self, instant: Timestamp) -> bool {
        let since = |gap: &Gap| gap.since.is_some_and(|since| since <= instant);
        self.gaps.iter().any(since)
    }
}

impl Query {
    /// What is missing among the records below `as_of`: of all sources and runs, or of those named.
    ///
    /// # Errors
    /// [`QueryError`] if a limit is met. Naming a source or a run makes for less to sort.
    pub fn completeness(
        &self,
        as_of: u64,
        source: Option<&str>,
        run: Option<&str>,
    ) -> Result<Completeness, QueryError> {
        let asked = Asked { as_of, source, run };
        let mut streams = Vec::new();
        for table in self.tables(&asked.streams())? {
            for row in 0..table.rows {
                streams.push(Stream {
                    source: table.text(0, row),
                    run: table.text(1, row),
                    records: table.number(2, row),
                    first_seq: table.number(3, row),
                    last_seq: table.number(4, row),
                    late: table.number(5, row),
                    last_at: table.time(6, row),
                    distinct: table.number(7, row),
                    gaps_total: table.number(8, row),
                    missing: table.number(9, row),
                    repeated: table.number(2, row) - table.number(7, row),
                    gaps: Vec::new(),
                });
            }
        }
        if streams.iter().any(|stream| stream.gaps_total > 0) {
            for table in self.tables(&asked.gaps())? {
                for row in 0..table.rows {
                    let key = (table.text(0, row), table.text(1, row));
                    let name = |stream: &Stream| (stream.source.clone(), stream.run.clone());
                    if let Ok(nth) = streams.binary_search_by_key(&key, name) {
                        streams[nth].gaps.push(Gap {
                            from: table.number(2, row),
                            to: table.number(3, row),
                            since: table.time(4, row),
                        });
                    }
                }
            }
        }
        let mut orphans = Orphans::default();
        let examples = &mut orphans.examples;
        orphans.missing_target = self.found(&asked.missing_target(), examples)?;
        orphans.intent_without_outcome = self.found(&asked.intent_without_outcome(), examples)?;
        let erased = self.tables(&asked.erased())?;
        Ok(Completeness {
            as_of,
            streams,
            orphans,
            erased: erased.iter().map(|table| table.number(0, 0)).sum(),
        })
    }

    /// How many records a statement is about; the first are added to the examples.
    fn found(&self, sql: &str, examples: &mut Vec<String>) -> Result<u64, QueryError> {
        let mut total = 0;
        for table in self.tables(sql)? {
            for row in 0..table.rows {
                examples.push(table.text(0, row));
                total = table.number(1, row);
            }
        }
        Ok(total)
    }

    fn tables(&self, sql: &str) -> Result<Vec<Table>, QueryError> {
        let answer = self.run(sql)?;
        if answer.truncated {
            return Err(QueryError::Invalid {
                problem: "there are more streams or gaps than the limit on rows; name a source"
                    .to_owned(),
                place: None,
            });
        }
        answer.batches.iter().map(Table::of).collect()
    }
}

/// Rows of an answer whose columns are texts and integers.
struct Table {
    rows: usize,
    columns: Vec<Column>,
}

enum Column {
    Texts(StringArray),
    Numbers(Int64Array),
}

impl Table {
    fn of(batch: &RecordBatch) -> Result<Self, QueryError> {
        let column = |array: &ArrayRef| {
            let is_text = array.data_type().is_string();
            let wanted = if is_text {
                DataType::Utf8
            } else {
                DataType::Int64
            };
            let array = cast(array, &wanted)?;
            Ok(if is_text {
                Column::Texts(array.as_string::<i32>().clone())
            } else {
                Column::Numbers(array.as_primitive::<Int64Type>().clone())
            })
        };
        let columns: Result<_, ArrowError> = batch.columns().iter().map(column).collect();
        Ok(Self {
            rows: batch.num_rows(),
            columns: columns.map_err(|error| QueryError::Engine {
                problem: error.to_string(),
            })?,
        })
    }

    fn text(&self, column: usize, row: usize) -> String {
        match self.columns.get(column) {
            Some(Column::Texts(texts)) if texts.is_valid(row) => texts.value(row).to_owned(),
            _ => String::new(),
        }
    }

    fn optional_number(&self, column: usize, row: usize) -> Option<i64> {
        match self.columns.get(column)? {
            Column::Numbers(numbers) => numbers.is_valid(row).then(|| numbers.value(row)),
            Column::Texts(_) => None,
        }
    }

    fn number(&self, column: usize, row: usize) -> u64 {
        let number = self.optional_number(column, row).unwrap_or_default();
        u64::try_from(number).unwrap_or_default()
    }

    fn time(&self, column: usize, row: usize) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.optional_number(column, row)?).ok()
    }
}

/// Which records are asked about.
struct Asked<'a> {
    as_of: u64,
    source: Option<&'a str>,
    run: Option<&'a str>,
}

impl Asked<'_> {
    /// Condition on a table of records, called by this name.
    fn condition(&self, table: &str) -> String {
        let mut condition = format!("{table}.index < {}", self.as_of);
        for (column, value) in [("source_name", self.source), ("source_run", self.run)] {
            if let Some(value) = value {
                let literal = value.replace('\'', "''");
                let _ = write!(condition, " AND {table}.{column} = '{literal}'");
            }
        }
        condition
    }

    /// `streams`, numbered in the order of their names, and `numbered`, their records as integers.
    fn numbered(&self) -> String {
        let condition = self.condition("r");
        format!(
            "WITH streams AS (
                SELECT source_name, source_run, row_number() OVER (ORDER BY source_name, source_run) AS stream
                FROM (SELECT DISTINCT r.source_name, r.source_run FROM records r
                    WHERE {condition} AND r.source_seq IS NOT NULL
                        AND r.source_name IS NOT NULL AND r.source_run IS NOT NULL) AS names),
            numbered AS (
                SELECT s.stream, r.index, r.source_seq AS seq, CAST(r.recorded_at AS BIGINT) AS at
                FROM records r
                JOIN streams s ON r.source_name = s.source_name AND r.source_run = s.source_run
                WHERE {condition} AND r.source_seq IS NOT NULL)"
        )
    }

    /// The record with the next lower number for each, and since when a record at or above its number is there. Of
    /// records with one number, the last has the lower one.
    fn stepped(&self) -> String {
        let numbered = self.numbered();
        format!(
            "{numbered},
            stepped AS (
                SELECT stream, seq,
                    lead(seq) OVER (PARTITION BY stream ORDER BY seq DESC) AS lower,
                    min(at) OVER (PARTITION BY stream ORDER BY seq DESC
                        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS since
                FROM numbered)"
        )
    }

    fn streams(&self) -> String {
        let stepped = self.stepped();
        format!(
            "{stepped},
            seen AS (
                SELECT stream, seq, at,
                    max(seq) OVER (PARTITION BY stream ORDER BY index
                        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS highest
                FROM numbered),
            by_place AS (
                SELECT stream, count(*) AS records, min(seq) AS first_seq, max(seq) AS last_seq,
                    count(*) FILTER (WHERE seq < highest) AS late, max(at) AS last_at
                FROM seen GROUP BY stream),
            by_number AS (
                SELECT stream, count(*) FILTER (WHERE lower IS NULL OR lower < seq) AS distinct_seq,
                    count(*) FILTER (WHERE lower < seq - 1) AS gaps,
                    coalesce(sum(seq - lower - 1) FILTER (WHERE lower < seq - 1), 0) AS missing
                FROM stepped GROUP BY stream)
            SELECT s.source_name, s.source_run, p.records, p.first_seq, p.last_seq, p.late, p.last_at,
                n.distinct_seq, n.gaps, n.missing
            FROM streams s JOIN by_place p ON s.stream = p.stream JOIN by_number n ON s.stream = n.stream
            ORDER BY s.stream"
        )
    }

    fn gaps(&self) -> String {
        let stepped = self.stepped();
        format!(
            "{stepped},
            gaps AS (
                SELECT stream, lower + 1 AS first, seq - 1 AS last, since,
                    row_number() OVER (PARTITION BY stream ORDER BY seq) AS nth
                FROM stepped WHERE lower < seq - 1)
            SELECT s.source_name, s.source_run, g.first, g.last, g.since
            FROM gaps g JOIN streams s ON g.stream = s.stream
            WHERE g.nth <= {GAPS_LISTED}
            ORDER BY g.stream, g.first"
        )
    }

    fn erased(&self) -> String {
        let as_of = self.as_of;
        format!(
            "SELECT count(*) FROM records
            WHERE index < {as_of} AND erased IS NOT NULL
                AND (source_seq IS NULL OR source_name IS NULL OR source_run IS NULL)"
        )
    }

    fn missing_target(&self) -> String {
        let condition = self.condition("r");
        let as_of = self.as_of;
        orphans(&format!(
            "FROM records r
            WHERE {condition} AND r.refers_to IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM records t WHERE t.id = r.refers_to AND t.index < {as_of})"
        ))
    }

    /// A decision from which something was erased may have had an output, so it is no intent.
    fn intent_without_outcome(&self) -> String {
        let condition = self.condition("r");
        let as_of = self.as_of;
        orphans(&format!(
            "FROM records r
            WHERE {condition} AND r.kind = 'decision' AND r.decision IS NULL AND r.output IS NULL
                AND r.erased IS NULL
                AND NOT EXISTS (SELECT 1 FROM records f
                    WHERE f.refers_to = r.id AND f.kind IN ('outcome', 'correction') AND f.index < {as_of})"
        ))
    }
}

/// The first of the records that are meant, each beside the number of all.
fn orphans(meant: &str) -> String {
    format!(
        "SELECT id, count(*) OVER () AS total
        FROM (SELECT r.index, r.id {meant}) AS found
        ORDER BY index LIMIT {EXAMPLES_LISTED}"
    )
}
