//! What is missing is found by statements as a plain walk over the records finds it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../lake/tests/harness/mod.rs"]
mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causebook_lake::DeltaTable;
use causebook_ledger::{Row, TableSink as _};
use causebook_query::{
    Completeness, EXAMPLES_LISTED, GAPS_LISTED, Limits, Query, QueryError, Stream,
};
use harness::{Random, row, start};
use jiff::{SignedDuration, Timestamp};

struct Ledger {
    _folder: tempfile::TempDir,
    query: Query,
}

/// A ledger of which the table has as many rows as said, and the buffer the rest.
fn ledger(rows: &[Row], stored: usize, limits: Limits) -> Ledger {
    let folder = tempfile::tempdir().unwrap();
    let table = Arc::new(DeltaTable::create(&folder.path().join("table")).unwrap());
    let (in_table, buffered) = rows.split_at(stored);
    for part in in_table.chunks(in_table.len().div_ceil(2).max(1)) {
        table.append(part).unwrap();
    }
    let buffered = buffered.to_vec();
    let query = Query::open(table, move || buffered.clone(), limits).unwrap();
    Ledger {
        _folder: folder,
        query,
    }
}

fn at(index: u64) -> Timestamp {
    start() + SignedDuration::from_secs(index.cast_signed())
}

fn rows(texts: &[String]) -> Vec<Row> {
    let row = |(index, text): (u64, &String)| row(index, text, at(index));
    (0..).zip(texts).map(row).collect()
}

fn numbered(id: u64, source: &str, run: &str, seq: u64) -> String {
    format!(
        r#"{{"id":"{id}","model":"m","output":1,"source":{{"name":"{source}","run":"{run}","seq":{seq}}}}}"#
    )
}

fn whole(ledger: &Ledger, as_of: u64) -> Completeness {
    ledger.query.completeness(as_of, None, None).unwrap()
}

#[test]
fn gaps_late_and_repeated_numbers_are_told() {
    let sequence = [3, 4, 9, 4, 12, 6];
    let texts: Vec<String> = (0..)
        .zip(sequence)
        .map(|(id, seq)| numbered(id, "loans", "r1", seq))
        .collect();
    let rows = rows(&texts);
    let ledger = ledger(&rows, 3, Limits::default());
    let found = whole(&ledger, 6);
    assert_eq!((found.as_of, found.streams.len(), found.erased), (6, 1, 0));
    let stream = &found.streams[0];
    assert_eq!(
        (stream.source.as_str(), stream.run.as_str()),
        ("loans", "r1")
    );
    assert_eq!((stream.records, stream.distinct), (6, 5));
    assert_eq!((stream.first_seq, stream.last_seq), (3, 12));
    assert_eq!((stream.late, stream.repeated), (2, 1));
    assert_eq!((stream.gaps_total, stream.missing), (3, 5));
    assert_eq!(stream.last_at, Some(at(5)));
    // 5 and 7 to 8 were overdue when 9 came, although 6 came later.
    let gaps: Vec<_> = stream
        .gaps
        .iter()
        .map(|gap| (gap.from, gap.to, gap.since))
        .collect();
    assert_eq!(
        gaps,
        [
            (5, 5, Some(at(2))),
            (7, 8, Some(at(2))),
            (10, 11, Some(at(4)))
        ]
    );
    assert!(stream.has_gap_since(at(2)));
    assert!(!stream.has_gap_since(at(1)));

    // Before 6 came, and before 12 did.
    let earlier = whole(&ledger, 4);
    let gaps: Vec<_> = earlier.streams[0]
        .gaps
        .iter()
        .map(|gap| (gap.from, gap.to))
        .collect();
    assert_eq!(gaps, [(5, 8)]);
    assert_eq!(whole(&ledger, 0).streams, []);
}

#[test]
fn one_source_or_one_run_can_be_asked_for() {
    let texts = [
        numbered(0, "a", "1", 0),
        numbered(1, "a", "2", 5),
        numbered(2, r#"b's \\ \"x\""#, "1", 7),
        numbered(3, "a", "2", 7),
    ];
    let ledger = ledger(&rows(&texts), 2, Limits::default());
    let names = |source: Option<&str>, run: Option<&str>| -> Vec<(String, String)> {
        let found = ledger.query.completeness(4, source, run).unwrap();
        let name = |stream: Stream| (stream.source, stream.run);
        found.streams.into_iter().map(name).collect()
    };
    let pair = |source: &str, run: &str| (source.to_owned(), run.to_owned());
    assert_eq!(
        names(None, None),
        [pair("a", "1"), pair("a", "2"), pair("b's \\ \"x\"", "1")]
    );
    assert_eq!(names(Some("a"), None), [pair("a", "1"), pair("a", "2")]);
    assert_eq!(names(Some("b's \\ \"x\""), Some("1")).len(), 1);
    assert_eq!(names(None, Some("2")), [pair("a", "2")]);
    assert_eq!(names(Some("' OR 1=1 --"), None), []);
}

#[test]
fn records_that_wait_for_another_are_counted_and_the_first_are_named() {
    let linked = |id: &str, kind: &str, target: &str| {
        format!(r#"{{"id":"{id}","kind":"{kind}","refers_to":"{target}","{kind}":{{"x":1}}}}"#)
    };
    let intent = |id: &str| format!(r#"{{"id":"{id}","model":"m","input":{{"x":1}}}}"#);
    let mut texts = vec![
        intent("i0"),
        intent("i1"),
        intent("i2"),
        r#"{"id":"d","model":"m","output":null}"#.to_owned(),
        linked("o1", "outcome", "i1"),
        linked("n2", "notice", "i2"),
        linked("c0", "correction", "i0"),
        linked("lost", "outcome", "nobody"),
    ];
    texts.extend((0..30).map(|nth| intent(&format!("more{nth}"))));
    let rows = rows(&texts);
    let ledger = ledger(&rows, 5, Limits::default());
    let found = whole(&ledger, 8);
    assert_eq!(found.orphans.missing_target, 1);
    // A notice is no outcome.
    assert_eq!(found.orphans.intent_without_outcome, 1);
    assert_eq!(found.orphans.examples, ["lost", "i2"]);
    // The correction comes at 6.
    let earlier = whole(&ledger, 6);
    assert_eq!(earlier.orphans.missing_target, 0);
    assert_eq!(earlier.orphans.examples, ["i0", "i2"]);
    let all = whole(&ledger, 38);
    assert_eq!(all.orphans.intent_without_outcome, 31);
    assert_eq!(all.orphans.examples.len(), 1 + EXAMPLES_LISTED);
}

#[test]
fn what_was_erased_is_neither_an_intent_nor_silently_a_gap() {
    let texts: Vec<String> = (0..5).map(|seq| numbered(seq, "a", "r", seq)).collect();
    let mut rows = rows(&texts);
    rows[1].record = rows[1].record.clone().erase();
    rows[2].record = rows[2]
        .record
        .clone()
        .erase_facts(&["/source".parse().unwrap(), "/output".parse().unwrap()])
        .unwrap();
    rows[3].record = rows[3]
        .record
        .clone()
        .erase_facts(&["/output".parse().unwrap()])
        .unwrap();
    let ledger = ledger(&rows, 3, Limits::default());
    let found = whole(&ledger, 5);
    assert_eq!(found.streams[0].missing, 2);
    assert_eq!(found.erased, 2);
    assert_eq!(found.orphans.intent_without_outcome, 0);
}

#[test]
fn of_many_gaps_the_first_are_listed_and_all_are_counted() {
    let texts: Vec<String> = (0..1_200)
        .map(|nth| numbered(nth, "a", "r", nth * 3))
        .collect();
    let rows = rows(&texts);
    let whole_limits = ledger(&rows, 1_000, Limits::default());
    let stream = whole(&whole_limits, 1_200).streams.remove(0);
    assert_eq!((stream.gaps_total, stream.missing), (1_199, 2_398));
    assert_eq!(stream.gaps.len(), GAPS_LISTED);
    let last = stream.gaps.last().unwrap();
    assert_eq!((last.from, last.to), (2_998, 2_999));

    let few = Limits {
        rows_max: Some(10),
        ..Limits::default()
    };
    let cut = ledger(&rows, 1_000, few);
    let error = cut.query.completeness(1_200, None, None).unwrap_err();
    assert!(matches!(error, QueryError::Invalid { .. }), "{error}");
}

/// What a walk over the records in their order finds of one stream.
#[derive(Default)]
struct Walked {
    records: u64,
    late: u64,
    /// When each number came first.
    numbers: BTreeMap<u64, u64>,
    last: u64,
}

#[test]
fn random_streams_are_told_as_a_plain_walk_tells_them() {
    for seed in 0..12 {
        let random = &mut Random(seed);
        let count = random.below(400);
        let mut next: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut texts = Vec::new();
        let mut walked: BTreeMap<(String, String), Walked> = BTreeMap::new();
        let mut ids = BTreeSet::new();
        let (mut waiting, mut intents, mut answered) = (Vec::new(), Vec::new(), BTreeSet::new());
        for index in 0..count {
            let id = format!("id{index}");
            ids.insert(id.clone());
            if random.below(6) == 0 {
                let target = format!("id{}", random.below(count * 2));
                let kind = ["outcome", "notice", "correction"][random.below(3) as usize];
                texts.push(format!(
                    r#"{{"id":"{id}","kind":"{kind}","refers_to":"{target}","{kind}":{{}}}}"#
                ));
                if kind != "notice" {
                    answered.insert(target.clone());
                }
                waiting.push((id, target));
                continue;
            }
            let key = (
                ["a", "b", "ü"][random.below(3) as usize].to_owned(),
                format!("run{}", random.below(2)),
            );
            let next = next.entry(key.clone()).or_insert_with(|| 5);
            let seq = match random.below(8) {
                0 => *next + random.below(6),
                1 => random.below(*next + 1),
                _ => *next,
            };
            *next = (*next).max(seq + 1);
            let stream = walked.entry(key.clone()).or_default();
            stream.records += 1;
            let highest = stream.numbers.last_key_value();
            stream.late += u64::from(highest.is_some_and(|(highest, _)| seq < *highest));
            stream.numbers.entry(seq).or_insert(index);
            stream.last = index;
            let (source, run) = &key;
            let result = if random.below(3) == 0 {
                intents.push(id.clone());
                r#""input":1"#
            } else {
                r#""decision":"x""#
            };
            texts.push(format!(
                r#"{{"id":"{id}","model":"m",{result},"source":{{"name":"{source}","run":"{run}","seq":{seq}}}}}"#
            ));
        }
        let rows = rows(&texts);
        let stored = random.below(count + 1) as usize;
        let ledger = ledger(&rows, stored, Limits::default());
        let found = whole(&ledger, count);
        assert_eq!(found.streams.len(), walked.len(), "seed {seed}");
        for (stream, (key, walked)) in found.streams.iter().zip(&walked) {
            assert_eq!(
                (&stream.source, &stream.run),
                (&key.0, &key.1),
                "seed {seed}"
            );
            let numbers: Vec<u64> = walked.numbers.keys().copied().collect();
            let gaps: Vec<(u64, u64, Option<Timestamp>)> = numbers
                .windows(2)
                .filter(|pair| pair[1] > pair[0] + 1)
                .map(|pair| {
                    let above = walked.numbers.range(pair[1]..);
                    let since = above.map(|(_, index)| *index).min().unwrap();
                    (pair[0] + 1, pair[1] - 1, Some(at(since)))
                })
                .collect();
            let missing: u64 = gaps.iter().map(|(from, to, _)| to - from + 1).sum();
            let told: Vec<_> = stream
                .gaps
                .iter()
                .map(|gap| (gap.from, gap.to, gap.since))
                .collect();
            assert_eq!(told, gaps, "seed {seed} {key:?}");
            assert_eq!(
                [stream.records, stream.distinct, stream.late, stream.missing],
                [walked.records, numbers.len() as u64, walked.late, missing],
                "seed {seed} {key:?}"
            );
            assert_eq!(
                [
                    stream.first_seq,
                    stream.last_seq,
                    stream.gaps_total,
                    stream.repeated
                ],
                [
                    numbers[0],
                    *numbers.last().unwrap(),
                    gaps.len() as u64,
                    walked.records - numbers.len() as u64
                ],
                "seed {seed} {key:?}"
            );
            assert_eq!(stream.last_at, Some(at(walked.last)), "seed {seed} {key:?}");
        }
        let lost: Vec<&String> = waiting
            .iter()
            .filter(|(_, target)| !ids.contains(target))
            .map(|(id, _)| id)
            .collect();
        let open: Vec<&String> = intents
            .iter()
            .filter(|id| !answered.contains(*id))
            .collect();
        assert_eq!(
            found.orphans.missing_target,
            lost.len() as u64,
            "seed {seed}"
        );
        assert_eq!(
            found.orphans.intent_without_outcome,
            open.len() as u64,
            "seed {seed}"
        );
        let first = [lost, open].map(|ids| ids.into_iter().take(EXAMPLES_LISTED));
        let expected: Vec<String> = first.into_iter().flatten().cloned().collect();
        assert_eq!(found.orphans.examples, expected, "seed {seed}");
    }
}
