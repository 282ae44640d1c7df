//! Histograms: the records that a filter means over time, in steps that people reckon in.

use std::collections::HashMap;

use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::TimestampMicrosecondType;
use causebook_filter::{Filter, microseconds};
use causebook_record::Mask;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, ident, lit};
use jiff::{SignedDuration, Timestamp};

use crate::error::QueryError;
use crate::facets::{FacetField, Tally, ranked, value};
use crate::matching::{Gather, Wanted, text_at};
use crate::query::Query;

/// Most buckets of a histogram.
pub const BUCKETS_MAX: usize = 1000;
/// Most values of the field it is divided by that have a series of their own.
pub const SERIES_MAX: usize = 12;

/// What a histogram is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramRequest {
    /// Only positions below this.
    pub as_of: u64,
    /// A series for each value of this field.
    pub by: Option<FacetField>,
    /// Records of this time or later; by default from the earliest.
    pub from: Option<Timestamp>,
    /// Records before this time; by default to the latest.
    pub to: Option<Timestamp>,
    /// How many buckets, about; at most [`BUCKETS_MAX`], one too many where the steps begin earlier than the records.
    pub buckets: usize,
}

/// Counts over time, by the records' `time`. Those without one are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Histogram {
    /// Where the first bucket begins: a whole number of steps.
    pub from: Timestamp,
    /// Where the last bucket ends.
    pub to: Timestamp,
    /// Length of a bucket: whole seconds.
    pub step: SignedDuration,
    /// The series: the most frequent values first, then the others and those without a value, if there are any. Without
    /// a field to divide by there is one.
    pub series: Vec<Series>,
}

/// Counts of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Series {
    /// What it counts.
    pub of: SeriesOf,
    /// A count for each bucket.
    pub counts: Vec<u64>,
}

/// What a series counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeriesOf {
    /// All records.
    All,
    /// Those with this value.
    Value(String),
    /// Those with any value that has no series of its own.
    Other,
    /// Those without a value.
    Absent,
}

impl Query {
    /// Counts the records that the filter means over time.
    ///
    /// # Errors
    /// As [`facets`](Self::facets).
    pub fn histogram(
        &self,
        filter: &Filter,
        request: &HistogramRequest,
        mask: &Mask,
    ) -> Result<Histogram, QueryError> {
        self.on_a_state(|state| {
            let wanted = Wanted::new(filter, mask, 0..request.as_of.min(state.size));
            let time = if mask.covers_path("/time") {
                lit(ScalarValue::TimestampMicrosecond(None, Some("UTC".into())))
            } else {
                ident("time")
            };
            let wanted = wanted.and(within(&time, request.from, request.to));
            let by = request
                .by
                .as_ref()
                .map(|field| value(field, mask).alias("by"));
            let columns: Vec<Expr> = [time.clone().alias("at")].into_iter().chain(by).collect();
            let context = self.bare_session()?;
            self.limited(async {
                let tally = Tally::new(columns.len() - 1, self.limits().memory_bytes);
                let range = Range { tally, ends: None };
                let range = self
                    .gather(&context, state, &wanted, columns.clone(), range)
                    .await?;
                let steps = Steps::over(request, range.ends);
                let names = range.tally.counts.into_iter().next().map(ranked);
                let counts = Buckets::new(steps, names.map(shown_series));
                let counts = self
                    .gather(&context, state, &wanted, columns, counts)
                    .await?;
                Ok(counts.histogram())
            })
        })
    }
}

fn within(time: &Expr, from: Option<Timestamp>, to: Option<Timestamp>) -> Expr {
    let at = |time: Timestamp| {
        lit(ScalarValue::TimestampMicrosecond(
            Some(microseconds(time)),
            Some("UTC".into()),
        ))
    };
    let bounds = [
        from.map(|from| time.clone().gt_eq(at(from))),
        to.map(|to| time.clone().lt(at(to))),
    ];
    let there = time.clone().is_not_null();
    bounds.into_iter().flatten().fold(there, Expr::and)
}

fn shown_series(ranked: Vec<crate::facets::FacetValue>) -> Vec<String> {
    let values = ranked.into_iter().take(SERIES_MAX);
    values.map(|value| value.value).collect()
}

/// Equal steps, in microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Steps {
    from: i64,
    step: i64,
    count: usize,
}

impl Steps {
    /// Steps over the times asked for, or over those that were found where none are asked for.
    fn over(request: &HistogramRequest, found: Option<(i64, i64)>) -> Self {
        let from = request
            .from
            .map(microseconds)
            .or(found.map(|(first, _)| first));
        let to = request.to.map(microseconds);
        let to = to.or(found.map(|(_, last)| last.saturating_add(1)));
        let (from, to) = match (from, to) {
            (Some(from), Some(to)) => (from, to.max(from.saturating_add(1))),
            (Some(from), None) => (from, from.saturating_add(1)),
            (None, Some(to)) => (to.saturating_sub(1), to),
            (None, None) => (0, 1),
        };
        let buckets = request.buckets.clamp(1, BUCKETS_MAX) as i64;
        let length = to.saturating_sub(from);
        let step = step_for(length / buckets + i64::from(length % buckets != 0));
        let from = from - (from - origin(step)).rem_euclid(step);
        let count = (to - from).div_euclid(step) + i64::from((to - from).rem_euclid(step) != 0);
        Self {
            from,
            step,
            count: count as usize,
        }
    }

    fn bucket(&self, microsecond: i64) -> Option<usize> {
        let nth = usize::try_from((microsecond - self.from).div_euclid(self.step)).ok()?;
        (nth < self.count).then_some(nth)
    }
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Steps that people reckon in. Longer ones are whole numbers of the last.
const STEPS: [i64; 22] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    WEEK,
    4 * WEEK,
    52 * WEEK,
];

fn step_for(least: i64) -> i64 {
    let fitting = STEPS.into_iter().find(|step| *step >= least);
    let longest = 52 * WEEK;
    fitting.unwrap_or_else(|| (least / longest + i64::from(least % longest != 0)) * longest)
}

/// Where steps of a length are counted from: weeks begin on Mondays, and 1970 began on a Thursday.
fn origin(step: i64) -> i64 {
    if step % WEEK == 0 { -3 * DAY } else { 0 }
}

/// First and last time, and how often each value comes.
#[derive(Debug)]
struct Range {
    tally: Tally,
    ends: Option<(i64, i64)>,
}

impl Range {
    fn stretch(&mut self, (first, last): (i64, i64)) {
        let (from, to) = self.ends.unwrap_or((first, last));
        self.ends = Some((from.min(first), to.max(last)));
    }
}

impl Gather for Range {
    fn fresh(&self) -> Self {
        Self {
            tally: self.tally.fresh(),
            ends: None,
        }
    }

    fn read(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        for time in times(batch) {
            self.stretch((time, time));
        }
        self.tally.read(batch)
    }

    fn join(&mut self, other: Self) -> Result<(), QueryError> {
        if let Some(ends) = other.ends {
            self.stretch(ends);
        }
        self.tally.join(other.tally)
    }
}

/// Counts by series and bucket.
#[derive(Debug)]
struct Buckets {
    steps: Steps,
    /// Values with a series of their own; none where the histogram is not divided.
    values: Option<Vec<String>>,
    /// As `values`, then the others, then those without a value; or all in one.
    counts: Vec<Vec<u64>>,
}

impl Buckets {
    fn new(steps: Steps, values: Option<Vec<String>>) -> Self {
        let series = values.as_ref().map_or(1, |values| values.len() + 2);
        Self {
            steps,
            values,
            counts: vec![vec![0; steps.count]; series],
        }
    }

    fn histogram(self) -> Histogram {
        let time =
            |microsecond: i64| Timestamp::from_microsecond(microsecond).unwrap_or(Timestamp::MAX);
        let end = self.steps.from + self.steps.step * self.steps.count as i64;
        let names = match self.values {
            None => vec![SeriesOf::All],
            Some(values) => {
                let values = values.into_iter().map(SeriesOf::Value);
                values.chain([SeriesOf::Other, SeriesOf::Absent]).collect()
            }
        };
        let series = names.into_iter().zip(self.counts);
        let series = series.filter(|(of, counts)| {
            let left_over = matches!(of, SeriesOf::Other | SeriesOf::Absent);
            !left_over || counts.iter().any(|count| *count > 0)
        });
        Histogram {
            from: time(self.steps.from),
            to: time(end),
            step: SignedDuration::from_micros(self.steps.step),
            series: series.map(|(of, counts)| Series { of, counts }).collect(),
        }
    }
}

impl Gather for Buckets {
    fn fresh(&self) -> Self {
        Self::new(self.steps, self.values.clone())
    }

    fn read(&mut self, batch: &RecordBatch) -> Result<(), QueryError> {
        let places: HashMap<&str, usize> = match &self.values {
            Some(values) => values.iter().map(String::as_str).zip(0..).collect(),
            None => HashMap::new(),
        };
        let by = batch.columns().get(1);
        let Some(times) = time_column(batch) else {
            return Ok(());
        };
        for row in 0..batch.num_rows() {
            let bucket = times
                .is_valid(row)
                .then(|| self.steps.bucket(times.value(row)));
            let Some(bucket) = bucket.flatten() else {
                continue;
            };
            let series = match by {
                None => 0,
                Some(by) => match text_at(by, row) {
                    Some(value) => places.get(value).copied().unwrap_or(places.len()),
                    None => places.len() + 1,
                },
            };
            if let Some(count) = self
                .counts
                .get_mut(series)
                .and_then(|counts| counts.get_mut(bucket))
            {
                *count += 1;
            }
        }
        Ok(())
    }

    fn join(&mut self, other: Self) -> Result<(), QueryError> {
        for (series, more) in self.counts.iter_mut().zip(other.counts) {
            for (count, more) in series.iter_mut().zip(more) {
                *count += more;
            }
        }
        Ok(())
    }
}

fn time_column(batch: &RecordBatch) -> Option<&arrow::array::TimestampMicrosecondArray> {
    batch
        .columns()
        .first()?
        .as_primitive_opt::<TimestampMicrosecondType>()
}

fn times(batch: &RecordBatch) -> impl Iterator<Item = i64> {
    time_column(batch).into_iter().flatten().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(from: &str, to: &str, buckets: usize) -> (String, i64, usize) {
        let request = HistogramRequest {
            from: Some(from.parse().unwrap()),
            to: Some(to.parse().unwrap()),
            buckets,
            ..HistogramRequest::default()
        };
        let steps = Steps::over(&request, None);
        let start = Timestamp::from_microsecond(steps.from).unwrap();
        (start.to_string(), steps.step / SECOND, steps.count)
    }

    #[test]
    fn steps_are_those_that_people_reckon_in() {
        for (from, to, buckets, expected) in [
            (
                "2026-11-01T10:03:20Z",
                "2026-11-01T11:00:00Z",
                60,
                ("2026-11-01T10:03:00Z", 60, 57),
            ),
            (
                "2026-11-01T00:00:00Z",
                "2026-11-02T00:00:00Z",
                60,
                ("2026-11-01T00:00:00Z", 1800, 48),
            ),
            (
                "2026-11-01T00:00:00Z",
                "2026-11-01T00:00:00.5Z",
                60,
                ("2026-11-01T00:00:00Z", 1, 1),
            ),
            (
                "2025-11-01T00:00:00Z",
                "2026-11-01T00:00:00Z",
                60,
                ("2025-10-27T00:00:00Z", 604_800, 53),
            ),
            (
                "0001-01-01T00:00:00Z",
                "9999-01-01T00:00:00Z",
                1,
                ("-000001-12-27T00:00:00Z", 0, 0),
            ),
        ] {
            let found = steps(from, to, buckets);
            if expected.1 == 0 {
                assert!(found.2 <= buckets + 1, "{found:?}");
                continue;
            }
            assert_eq!(found, (expected.0.to_owned(), expected.1, expected.2));
        }
    }

    #[test]
    fn there_is_a_bucket_even_where_there_is_no_record() {
        let request = HistogramRequest {
            buckets: 60,
            ..HistogramRequest::default()
        };
        let steps = Steps::over(&request, None);
        assert_eq!((steps.from, steps.step, steps.count), (0, SECOND, 1));
    }
}
