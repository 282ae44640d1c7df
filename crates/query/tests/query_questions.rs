//! Pages, counts, facets and histograms say what the filter says of each record by itself, and no question finds out
//! what is masked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../filter/tests/support/mod.rs"]
mod filters;
#[path = "../../lake/tests/harness/mod.rs"]
mod harness;

use std::collections::BTreeMap;
use std::sync::Arc;

use causebook_filter::{Field, Filter};
use causebook_lake::DeltaTable;
use causebook_ledger::{Row, TableSink as _};
use causebook_query::output::{Format, Options, write};
use causebook_query::{Facets, HistogramRequest, Limits, PageRequest, Query, QueryError, SeriesOf};
use causebook_record::{Mask, fields, string_value, value_at};
use filters::{Random, draft, filter, mask};
use harness::{decisions, row, start};
use jiff::{SignedDuration, Timestamp};

struct Ledger {
    _folder: tempfile::TempDir,
    query: Query,
}

fn ledger(stored: &[Row], buffered: &[Row]) -> Ledger {
    with_limits(stored, buffered, Limits::default())
}

fn with_limits(stored: &[Row], buffered: &[Row], limits: Limits) -> Ledger {
    let folder = tempfile::tempdir().unwrap();
    let table = Arc::new(DeltaTable::create(&folder.path().join("table")).unwrap());
    for chunk in stored.chunks(stored.len().div_ceil(3).max(1)) {
        table.append(chunk).unwrap();
    }
    let buffered = buffered.to_vec();
    let query = Query::open(table, move || buffered.clone(), limits).unwrap();
    Ledger {
        _folder: folder,
        query,
    }
}

fn parse(text: &str) -> Filter {
    Filter::parse(text, Timestamp::UNIX_EPOCH).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn open_mask(places: &[&str]) -> Mask {
    Mask::new(places.iter().map(|place| place.parse().unwrap())).unwrap()
}

const ALL: u64 = u64::MAX;

fn oldest(limit: usize) -> PageRequest {
    PageRequest {
        as_of: ALL,
        after: None,
        newest_first: false,
        limit,
    }
}

/// Made-up records, some of them erased in part or whole.
fn made_up(random: &mut Random, count: usize) -> Vec<Row> {
    (0..count)
        .map(|nth| {
            let at = start() + SignedDuration::from_mins(nth as i64 * 17);
            let mut row = row(nth as u64, &draft(random, nth), at);
            row.record = match random.below(12) {
                0 => row.record.erase(),
                1 => {
                    let subject = ["/subject".parse().unwrap()];
                    let whole = row.record.clone();
                    row.record.erase_facts(&subject).unwrap_or(whole)
                }
                _ => row.record,
            };
            row
        })
        .collect()
}

#[test]
fn the_table_answers_as_the_filter_does_on_each_record() {
    let (mut met, mut asked) = (0, 0);
    for seed in 0..6 {
        let random = &mut Random(seed);
        let rows = made_up(random, 120);
        let ledger = ledger(&rows[..90], &rows[90..]);
        for _ in 0..150 {
            let text = filter(random, 2);
            let (wanted, mask) = (parse(&text), mask(random));
            let right: Vec<u64> = rows
                .iter()
                .filter(|row| wanted.admits(row.index, &row.record, &mask))
                .map(|row| row.index)
                .collect();
            let found = ledger
                .query
                .page(&wanted, &oldest(1000), &mask)
                .unwrap_or_else(|error| panic!("seed {seed}: {text}: {error}"));
            assert_eq!(found, right, "seed {seed}: {text} with {mask:?}");
            assert_eq!(
                ledger.query.count(&wanted, ALL, &mask).unwrap(),
                right.len() as u64
            );
            met += right.len();
            asked += 1;
        }
    }
    assert!(
        met > asked * 5,
        "the filters must meet records: {met} of {asked}"
    );
}

#[test]
fn facets_count_what_a_walk_over_the_records_counts() {
    let fields = [
        "decision",
        "input.age",
        "/context/trace_id",
        "source",
        "/score",
        "automation",
        "seq",
        "/subject",
        "recorded.by",
    ];
    let fields: Vec<Field> = fields
        .iter()
        .map(|name| Field::named(name).unwrap())
        .collect();
    for seed in 0..4 {
        let random = &mut Random(1000 + seed);
        let rows = made_up(random, 150);
        let ledger = ledger(&rows[..100], &rows[100..]);
        for _ in 0..12 {
            let text = filter(random, 1);
            let (wanted, mask) = (parse(&text), mask(random));
            let found = ledger
                .query
                .facets(&wanted, ALL, &fields, 1000, &mask)
                .unwrap();
            let meant: Vec<&Row> = rows
                .iter()
                .filter(|row| wanted.admits(row.index, &row.record, &mask))
                .collect();
            assert_eq!(found.matched, meant.len() as u64, "seed {seed}: {text}");
            for (field, facet) in fields.iter().zip(&found.facets) {
                let mut counts: BTreeMap<String, u64> = BTreeMap::new();
                for row in &meant {
                    let json = row
                        .record
                        .text()
                        .and_then(|text| value_at(text, field.place()));
                    let shown = json
                        .filter(|_| !mask.covers_path(field.place()))
                        .and_then(shown);
                    *counts.entry(shown.unwrap_or_default()).or_default() += 1;
                }
                let mut values: Vec<(String, u64)> = facet
                    .values
                    .iter()
                    .map(|value| (value.value.clone(), value.count))
                    .collect();
                values.sort();
                // An empty text and none are told apart by the facet, not by this walk.
                values.retain(|(value, _)| !value.is_empty());
                counts.remove("");
                assert_eq!(
                    values,
                    counts.into_iter().collect::<Vec<_>>(),
                    "seed {seed}: {text}: {field}"
                );
            }
        }
    }
}

/// As a facet shows a value.
fn shown(json: &str) -> Option<String> {
    match json.as_bytes()[0] {
        b'"' => string_value(json).map(std::borrow::Cow::into_owned),
        b'{' | b'[' | b'n' => None,
        b't' | b'f' => Some(json.to_owned()),
        _ => Some(causebook_filter::Decimal::parse(json).unwrap().to_string()),
    }
}

#[test]
fn a_facet_leads_to_as_many_records_as_it_counts() {
    let rows = decisions(0..500);
    let ledger = ledger(&rows[..400], &rows[400..]);
    let none = Mask::default();
    let fields: Vec<Field> = ["model", "decision", "input.purpose", "time", "input.age"]
        .iter()
        .map(|name| Field::named(name).unwrap())
        .collect();
    let facets = ledger
        .query
        .facets(&parse("score:>0.2"), 450, &fields, 3, &none)
        .unwrap();
    for facet in &facets.facets {
        let listed: u64 = facet.values.iter().map(|value| value.count).sum();
        assert!(!facet.values.is_empty() && facet.values.len() <= 3);
        assert_eq!(listed + facet.other, facets.matched, "{}", facet.field);
        for value in &facet.values {
            let quoted = filters::quoted(&value.value);
            let bare = matches!(facet.field.to_string().as_str(), "input.age");
            let quoted = if bare { &value.value } else { &quoted };
            let narrowed = parse(&format!("score:>0.2 {}:{quoted}", facet.field));
            assert_eq!(
                ledger.query.count(&narrowed, 450, &none).unwrap(),
                value.count,
                "{narrowed}"
            );
        }
    }
}

#[test]
fn pages_follow_one_another_from_either_end_over_many_windows() {
    // More rows than the first window holds.
    let rows = decisions(0..20_000);
    let ledger = ledger(&rows[..19_500], &rows[19_500..]);
    let none = Mask::default();
    let rare = parse("input.age:30 input.duration_months:12 decision:deny");
    let right: Vec<u64> = rows
        .iter()
        .filter(|row| rare.admits(row.index, &row.record, &none))
        .map(|row| row.index)
        .filter(|index| *index < 19_800)
        .collect();
    assert!((3..60).contains(&right.len()), "{}", right.len());
    for newest_first in [true, false] {
        let mut right = right.clone();
        if newest_first {
            right.reverse();
        }
        let mut request = PageRequest {
            as_of: 19_800,
            after: None,
            newest_first,
            limit: 2,
        };
        let mut found = Vec::new();
        loop {
            let page = ledger.query.page(&rare, &request, &none).unwrap();
            assert!(page.len() <= 2);
            request.after = page.last().copied();
            found.extend_from_slice(&page);
            if page.is_empty() {
                break;
            }
        }
        assert_eq!(found, right);
    }
    let all = Filter::everything();
    let newest = PageRequest {
        as_of: ALL,
        after: None,
        newest_first: true,
        limit: 3,
    };
    assert_eq!(
        ledger.query.page(&all, &newest, &none).unwrap(),
        [19_999, 19_998, 19_997]
    );
    assert_eq!(ledger.query.count(&all, ALL, &none).unwrap(), 20_000);
    assert_eq!(ledger.query.count(&all, 7, &none).unwrap(), 7);
}

#[test]
fn a_histogram_counts_every_record_with_a_time_once() {
    let mut rows = decisions(0..300);
    for (nth, row) in rows.iter_mut().enumerate() {
        let time = start() + SignedDuration::from_secs(nth as i64 * 61);
        let model = r#""model":"m","output":1"#;
        let text = match nth % 3 {
            0 => format!(r#"{{"time":"{time}",{model},"decision":"deny"}}"#),
            1 => format!(r#"{{"time":"{time}",{model}}}"#),
            _ => format!(r#"{{"time":"{time}",{model},"decision":"word-{nth}"}}"#),
        };
        *row = harness::row(nth as u64, &text, time);
    }
    rows[9].record = rows[9].record.clone().erase();
    let ledger = ledger(&rows[..200], &rows[200..]);
    let none = Mask::default();
    let mut request = HistogramRequest {
        as_of: ALL,
        by: Some(Field::Decision),
        buckets: 60,
        ..HistogramRequest::default()
    };
    let histogram = ledger
        .query
        .histogram(&parse("kind:*"), &request, &none)
        .unwrap();
    assert_eq!(histogram.step, SignedDuration::from_mins(10));
    assert_eq!(histogram.from.to_string(), "2026-03-01T09:00:00Z");
    let total = |of: &SeriesOf| {
        let series = histogram.series.iter().find(|series| series.of == *of);
        series.map_or(0, |series| series.counts.iter().sum::<u64>())
    };
    assert_eq!(total(&SeriesOf::Value("deny".to_owned())), 99);
    assert_eq!(total(&SeriesOf::Absent), 100);
    assert_eq!(total(&SeriesOf::Other), 100 - 11);
    let bucket = histogram.series[0].counts[1];
    let second = rows
        .iter()
        .filter(|row| {
            let fields = row.record.fields();
            let within = fields.time.is_some_and(|time| {
                let from = histogram.from + histogram.step;
                from <= time && time < from + histogram.step
            });
            within && fields.decision.as_deref() == Some("deny")
        })
        .count();
    assert_eq!(bucket, second as u64);

    request.by = None;
    request.from = Some("2026-03-01T10:00:00Z".parse().unwrap());
    request.to = Some("2026-03-01T11:00:00Z".parse().unwrap());
    let hour = ledger
        .query
        .histogram(&Filter::everything(), &request, &none)
        .unwrap();
    let within = |row: &&Row| {
        let time = row.record.fields().time;
        time.is_some_and(|time| request.from.unwrap() <= time && time < request.to.unwrap())
    };
    assert_eq!(hour.series.len(), 1);
    assert_eq!(
        (hour.series[0].counts.len(), hour.step),
        (60, SignedDuration::from_mins(1))
    );
    assert_eq!(
        hour.series[0].counts.iter().sum::<u64>(),
        rows.iter().filter(within).count() as u64
    );

    let masked = ledger
        .query
        .histogram(&Filter::everything(), &request, &open_mask(&["/time"]))
        .unwrap();
    assert_eq!(masked.series[0].counts.iter().sum::<u64>(), 0);
}

#[test]
fn sql_shows_a_masked_reader_nothing_masked() {
    let mut rows = decisions(0..60);
    rows[3].record = rows[3].record.clone().erase();
    let age = ["/input/age".parse().unwrap()];
    rows[4].record = rows[4].record.clone().erase_facts(&age).unwrap();
    let ledger = ledger(&rows[..40], &rows[40..]);
    let mask = open_mask(&[
        "/subject",
        "/score",
        "/input/credit_amount",
        "/output",
        "/model/name",
        "/context/trace_id",
        "/source/name",
    ]);
    let answer = |sql: &str, mask: &Mask| {
        let answer = ledger
            .query
            .run_masked(sql, mask)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let mut out = Vec::new();
        write(
            Format::Ndjson,
            &answer,
            Options { nest_json: false },
            &mut out,
        )
        .unwrap();
        String::from_utf8(out).unwrap()
    };
    for table in ["records", "decisions"] {
        let all = answer(&format!("SELECT * FROM {table} ORDER BY index"), &mask);
        for row in rows.iter().filter(|row| row.record.text().is_some()) {
            let fields = fields(row.record.text().unwrap());
            for hidden in [fields.subject, fields.trace_id].into_iter().flatten() {
                assert!(!all.contains(&hidden), "{hidden}");
            }
            let score = fields.score.unwrap().to_string();
            assert!(!all.contains(&score), "{score}");
        }
        for hidden in ["credit-risk", "salts", "probability"] {
            assert!(!all.contains(hidden), "{hidden}");
        }
        assert!(all.contains("2026.2.1") && all.contains("checking_status"));
        let probe = format!(
            "SELECT count(*) AS n FROM {table} WHERE subject IS NOT NULL OR score > 0 OR model_name = 'credit-risk' OR input->>'credit_amount' > 0 OR output->>'class' = 'deny'"
        );
        assert_eq!(answer(&probe, &mask), "{\"n\":0}\n");
        let covered = format!(
            "SELECT count(*) AS n FROM {table} WHERE input->>'credit_amount' = '••••' AND output = '\"••••\"'"
        );
        assert_eq!(answer(&covered, &mask), "{\"n\":59}\n");
        let kept = format!("SELECT count(*) AS n FROM {table} WHERE decision = 'deny'");
        assert_eq!(answer(&kept, &mask), answer(&kept, &Mask::default()));
    }
    let plan = answer(
        "EXPLAIN SELECT * FROM records WHERE subject = 'applicant-1'",
        &mask,
    );
    assert!(!plan.contains("applicant-0"), "{plan}");
    assert!(answer("SELECT * FROM records", &Mask::default()).contains("salts"));
}

#[test]
fn facets_of_what_is_masked_are_empty() {
    let rows = decisions(0..50);
    let ledger = ledger(&rows[..30], &rows[30..]);
    let fields = [
        Field::Subject,
        Field::Model,
        Field::named("input.age").unwrap(),
        Field::named("input").unwrap(),
    ];
    let mask = open_mask(&["/subject", "/model/name", "/input"]);
    let Facets {
        matched, facets, ..
    } = ledger
        .query
        .facets(&Filter::everything(), ALL, &fields, 10, &mask)
        .unwrap();
    assert_eq!(matched, 50);
    let values: Vec<Vec<String>> = facets
        .iter()
        .map(|facet| {
            facet
                .values
                .iter()
                .map(|value| value.value.clone())
                .collect()
        })
        .collect();
    assert_eq!(
        values,
        [vec![], vec!["@2026.2.1".to_owned()], vec![], vec![]]
    );
    assert_eq!(facets.iter().map(|facet| facet.other).sum::<u64>(), 0);
}

#[test]
fn limits_on_time_and_memory_apply() {
    let rows = decisions(0..3000);
    let no_time = Limits {
        time: std::time::Duration::ZERO,
        ..Limits::default()
    };
    let slow = with_limits(&rows, &[], no_time);
    let none = Mask::default();
    let everything = Filter::everything();
    assert!(matches!(
        slow.query.page(&everything, &oldest(10), &none),
        Err(QueryError::Time { .. })
    ));
    let no_memory = Limits {
        memory_bytes: 64 << 10,
        ..Limits::default()
    };
    let small = with_limits(&rows, &[], no_memory);
    let facets = small
        .query
        .facets(&everything, ALL, &[Field::Id], 10, &none);
    assert!(
        matches!(facets, Err(QueryError::Memory { .. })),
        "{facets:?}"
    );
}
