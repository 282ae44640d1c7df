//! Statements answer over table and buffer as one, reach into JSON without losing a digit, and only read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../lake/tests/harness/mod.rs"]
mod harness;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use causebook_lake::DeltaTable;
use causebook_ledger::{Row, TableSink as _};
use causebook_query::output::{Format, Options, write};
use causebook_query::{Answer, Limits, Query, QueryError};
use harness::{decisions, row, start};

struct Ledger {
    _folder: tempfile::TempDir,
    table: Arc<DeltaTable>,
    buffer: Arc<Mutex<Vec<Row>>>,
    query: Query,
}

/// A ledger of `stored` rows in the table and `buffered` ones in the buffer.
fn ledger(stored: &[Row], buffered: &[Row], limits: Limits) -> Ledger {
    let folder = tempfile::tempdir().unwrap();
    let table = Arc::new(DeltaTable::create(&folder.path().join("a table ünï")).unwrap());
    table.append(stored).unwrap();
    let buffer = Arc::new(Mutex::new(buffered.to_vec()));
    let shared = Arc::clone(&buffer);
    let query = Query::open(
        Arc::clone(&table),
        move || shared.lock().unwrap().clone(),
        limits,
    )
    .unwrap();
    Ledger {
        _folder: folder,
        table,
        buffer,
        query,
    }
}

fn drafts(texts: &[&str]) -> Vec<Row> {
    (0..)
        .zip(texts)
        .map(|(index, text)| row(index, text, start()))
        .collect()
}

fn over(texts: &[&str]) -> Ledger {
    let rows = drafts(texts);
    let (stored, buffered) = rows.split_at(rows.len() / 2);
    ledger(stored, buffered, Limits::default())
}

fn ndjson(answer: &Answer, nest_json: bool) -> Vec<String> {
    let mut out = Vec::new();
    write(Format::Ndjson, answer, Options { nest_json }, &mut out).unwrap();
    String::from_utf8(out)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

fn lines(ledger: &Ledger, sql: &str) -> Vec<String> {
    let answer = ledger
        .query
        .run(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    ndjson(&answer, false)
}

#[test]
fn there_is_no_gap_and_no_double_between_table_and_buffer() {
    let rows = decisions(0..40);
    // The buffer still shows rows 20..30, which the table has by now.
    let ledger = ledger(&rows[..30], &rows[20..], Limits::default());
    let count = "SELECT count(*) AS n, count(DISTINCT index) AS d, min(index) AS a, max(index) AS z FROM records";
    assert_eq!(lines(&ledger, count), [r#"{"n":40,"d":40,"a":0,"z":39}"#]);
    ledger.table.append(&rows[30..35]).unwrap();
    assert_eq!(lines(&ledger, count), [r#"{"n":40,"d":40,"a":0,"z":39}"#]);
    ledger.buffer.lock().unwrap().clear();
    assert_eq!(lines(&ledger, count), [r#"{"n":35,"d":35,"a":0,"z":34}"#]);
}

#[test]
fn the_same_rows_come_from_the_table_and_from_the_buffer() {
    let mut rows = decisions(0..8);
    rows[3].record = rows[3].record.clone().erase();
    rows[4].record = rows[4]
        .record
        .clone()
        .erase_facts(&["/input/age".parse().unwrap()])
        .unwrap();
    let stored = ledger(&rows, &[], Limits::default());
    let buffered = ledger(&[], &rows, Limits::default());
    let all = |ledger: &Ledger| lines(ledger, "SELECT * FROM records ORDER BY index");
    let (mut from_table, mut from_buffer) = (all(&stored), all(&buffered));
    // A file keeps its date when a row in it is erased; a row that was erased before has none.
    for erased in [&mut from_table[3], &mut from_buffer[3]] {
        *erased = erased
            .split(",\"recorded_date\"")
            .next()
            .unwrap()
            .to_owned();
    }
    assert_eq!(from_table, from_buffer);
    assert_eq!(from_table.len(), 8);
    assert!(
        !from_table[0].contains("opening_key"),
        "keys stay out of SQL"
    );
    assert!(from_table[0].contains(r#""recorded_date":"2026-03-01""#));
}

#[test]
fn filters_and_projections_give_what_a_full_scan_gives() {
    let rows = decisions(0..3000);
    let ledger = ledger(&rows[..2900], &rows[2900..], Limits::default());
    let fields = rows[1234].record.fields();
    let one = format!(
        "SELECT index FROM records WHERE id = '{}'",
        fields.id.unwrap()
    );
    assert_eq!(lines(&ledger, &one), [r#"{"index":1234}"#]);
    let trace = format!(
        "SELECT index FROM records WHERE trace_id = '{}'",
        fields.trace_id.unwrap()
    );
    assert_eq!(lines(&ledger, &trace), [r#"{"index":1234}"#]);
    assert!(lines(&ledger, "SELECT index FROM records WHERE id = 'nobody'").is_empty());
    let denied = rows
        .iter()
        .filter(|row| row.record.fields().decision.as_deref() == Some("deny"))
        .count();
    assert_eq!(
        lines(
            &ledger,
            "SELECT count(*) AS n FROM decisions WHERE decision = 'deny' AND recorded_date = '2026-03-01'"
        ),
        [format!(r#"{{"n":{denied}}}"#)]
    );
    assert_eq!(
        lines(
            &ledger,
            "SELECT index FROM records WHERE index BETWEEN 2898 AND 2901 ORDER BY index"
        ),
        [
            r#"{"index":2898}"#,
            r#"{"index":2899}"#,
            r#"{"index":2900}"#,
            r#"{"index":2901}"#
        ]
    );
}

#[test]
fn json_is_reached_by_name_and_position_with_its_digits() {
    let ledger = over(&[
        r#"{"id":"a","model":"m","input":{"age":30,"big":9007199254740993,"amount":1234567890.123456789000,"huge":1e400,"x-y z":{"/~":[10,{"k":"v"},null]},"q":"a\"bü"},"output":[1.50,"two"]}"#,
        r#"{"id":"b","model":"m","input":{"age":9,"0":"zero"},"output":null}"#,
        r#"{"id":"c","model":"m","input":{"age":"NA"},"output":"plain"}"#,
    ]);
    let one = |expression: &str| {
        lines(
            &ledger,
            &format!("SELECT {expression} AS v FROM records WHERE id = 'a'"),
        )
        .remove(0)
    };
    assert_eq!(one("input->>'big'"), r#"{"v":"9007199254740993"}"#);
    assert_eq!(
        one("input->>'amount'"),
        r#"{"v":"1234567890.123456789000"}"#
    );
    assert_eq!(one("input->>'huge'"), r#"{"v":"1e400"}"#);
    assert_eq!(one("input->'x-y z'->'/~'->1->>'k'"), r#"{"v":"v"}"#);
    assert_eq!(
        one("input->'x-y z'->'/~'"),
        r#"{"v":"[10,{\"k\":\"v\"},null]"}"#
    );
    assert_eq!(one("input->'x-y z'->'/~'->>2"), r#"{"v":null}"#);
    assert_eq!(one("input->'x-y z'->'/~'->2"), r#"{"v":"null"}"#);
    assert_eq!(one("input->>'q'"), r#"{"v":"a\"bü"}"#);
    assert_eq!(one("input->'q'"), r#"{"v":"\"a\\\"bü\""}"#);
    assert_eq!(one("output->>0"), r#"{"v":"1.50"}"#);
    assert_eq!(one("output->>7"), r#"{"v":null}"#);
    assert_eq!(one("output->>'0'"), r#"{"v":null}"#);
    assert_eq!(one("input->>'nothing'"), r#"{"v":null}"#);
    assert_eq!(one("CAST(input->>'age' AS DOUBLE) / 4"), r#"{"v":7.5}"#);
    assert_eq!(
        one("CAST(input->>'big' AS BIGINT)"),
        r#"{"v":9007199254740993}"#
    );

    let found = |filter: &str| {
        lines(
            &ledger,
            &format!("SELECT id FROM records WHERE {filter} ORDER BY id"),
        )
    };
    assert_eq!(
        found("input->>'age' > 10"),
        [r#"{"id":"a"}"#],
        "9 is not above 10, and NA is no number"
    );
    assert_eq!(found("20 > input->>'age'"), [r#"{"id":"b"}"#]);
    assert_eq!(found("input->>'age' = '30'"), [r#"{"id":"a"}"#]);
    assert_eq!(found("input->>'age' = 30"), [r#"{"id":"a"}"#]);
    assert_eq!(
        found("input->>'age' IN ('30', 'NA')"),
        [r#"{"id":"a"}"#, r#"{"id":"c"}"#]
    );
    assert_eq!(found("input->>'0' = 'zero'"), [r#"{"id":"b"}"#]);
    assert_eq!(found("(input->>'age') + 1 = 10"), [r#"{"id":"b"}"#]);
    let named = ledger
        .query
        .run("SELECT input->>'age', input->'x-y z'->>'a' FROM records")
        .unwrap();
    let names: Vec<_> = named
        .schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, ["input->>'age'", "input->'x-y z'->>'a'"]);
}

#[test]
fn every_kind_has_a_view_with_what_is_particular_to_it() {
    let ledger = over(&[
        r#"{"id":"d","model":{"name":"n","version":"1"},"output":1,"subject":"s"}"#,
        r#"{"id":"o","kind":"outcome","refers_to":"d","outcome":{"repaid":false}}"#,
        r#"{"id":"r","kind":"review","refers_to":"d","review":{"action":"override","who":"ann","role":"officer","reason":"payslip","after":"approve"}}"#,
        r#"{"id":"e","kind":"erasure","refers_to":"d","erasure":{"reason":"asked"}}"#,
        r#"{"id":"g","kind":"gap","gap":{"from":1,"to":2}}"#,
    ]);
    assert_eq!(
        lines(&ledger, "SELECT id, model_name FROM decisions"),
        [r#"{"id":"d","model_name":"n"}"#]
    );
    assert_eq!(
        lines(&ledger, "SELECT outcome->>'repaid' AS repaid FROM outcomes"),
        [r#"{"repaid":"false"}"#]
    );
    assert_eq!(
        lines(
            &ledger,
            "SELECT action, who, role, reason, review->>'after' AS after FROM reviews"
        ),
        [
            r#"{"action":"override","who":"ann","role":"officer","reason":"payslip","after":"approve"}"#
        ]
    );
    assert_eq!(
        lines(&ledger, "SELECT reason, refers_to FROM erasures"),
        [r#"{"reason":"asked","refers_to":"d"}"#]
    );
    assert_eq!(
        lines(&ledger, "SELECT gap FROM gaps"),
        [r#"{"gap":"{\"from\":1,\"to\":2}"}"#]
    );
    for empty in [
        "explanations",
        "notices",
        "corrections",
        "models",
        "configs",
        "holds",
        "accesses",
    ] {
        assert!(lines(&ledger, &format!("SELECT * FROM {empty}")).is_empty());
    }
    assert_eq!(
        lines(
            &ledger,
            "SELECT r.action FROM decisions d JOIN reviews r ON r.refers_to = d.id"
        ),
        [r#"{"action":"override"}"#]
    );
    assert!(lines(&ledger, "SHOW TABLES").len() >= 13);
    assert!(lines(&ledger, "DESCRIBE records").len() > 25);
    assert!(!lines(&ledger, "EXPLAIN SELECT * FROM decisions").is_empty());
}

#[test]
fn statements_that_do_more_than_read_are_refused() {
    let ledger = over(&[r#"{"model":"m","output":1}"#]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.csv");
    let path = path.display();
    for sql in [
        "DROP TABLE records".to_owned(),
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW v AS SELECT 1".to_owned(),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{path}'"),
        "INSERT INTO records SELECT * FROM records".to_owned(),
        "DELETE FROM records".to_owned(),
        "UPDATE records SET id = 'x'".to_owned(),
        format!("COPY records TO '{path}'"),
        format!("COPY (SELECT 1) TO '{path}' STORED AS CSV"),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "BEGIN".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        format!("EXPLAIN ANALYZE COPY records TO '{path}'"),
        "CREATE SCHEMA s".to_owned(),
        "TRUNCATE TABLE records".to_owned(),
    ] {
        let error = ledger.query.run(&sql).unwrap_err();
        let refused = matches!(
            error,
            QueryError::Refused { .. } | QueryError::Invalid { .. } | QueryError::Syntax { .. }
        );
        assert!(refused, "{sql}: {error}");
    }
    assert!(matches!(
        ledger.query.run("DROP TABLE records"),
        Err(QueryError::Refused { what }) if what == "DROP TABLE"
    ));
    for sql in [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM \"/etc/passwd\"",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM parquet_metadata('/etc/passwd')",
    ] {
        assert!(ledger.query.run(sql).is_err(), "{sql}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing was written"
    );
    assert_eq!(
        lines(&ledger, "SELECT count(*) AS n FROM records"),
        [r#"{"n":1}"#]
    );
}

#[test]
fn errors_name_the_place_and_what_may_have_been_meant() {
    let ledger = over(&[r#"{"model":"m","output":1}"#]);
    let error = |sql: &str| ledger.query.run(sql).unwrap_err();
    assert_eq!(
        error("SELECT id,\n  desicion FROM records").to_string(),
        "no column \"desicion\" at line 2, column 3, did you mean \"decision\"?"
    );
    assert_eq!(
        error("SELECT * FROM recods").to_string(),
        "no table \"recods\" at line 1, column 15, did you mean \"records\"?"
    );
    let QueryError::Syntax {
        place: Some(place), ..
    } = error("SELECT id FRM records WHERE")
    else {
        panic!("a place is named");
    };
    assert_eq!(place.line, 1);
    assert!(matches!(
        error("SELECT * FORM records"),
        QueryError::Syntax { .. }
    ));
    assert!(matches!(
        error(""),
        QueryError::Syntax { .. } | QueryError::Invalid { .. }
    ));
    assert!(matches!(
        error("SELECT 1; SELECT 2"),
        QueryError::Syntax { .. } | QueryError::Invalid { .. }
    ));
    assert!(matches!(
        error("SELECT score->>'a' FROM records"),
        QueryError::Invalid { .. }
    ));
    assert!(matches!(
        error("SELECT no_such_function(1)"),
        QueryError::Invalid { .. }
    ));
}

#[test]
fn a_statement_that_runs_too_long_is_stopped() {
    let limits = Limits {
        time: Duration::from_millis(300),
        ..Limits::default()
    };
    let rows = decisions(0..2000);
    let ledger = ledger(&rows, &[], limits);
    let sql =
        "SELECT count(*) FROM records a, records b, records c WHERE a.score + b.score > c.score";
    let error = ledger.query.run(sql).unwrap_err();
    assert!(
        matches!(error, QueryError::Time { limit } if limit.as_millis() == 300),
        "{error}"
    );
    assert_eq!(
        lines(&ledger, "SELECT count(*) AS n FROM records"),
        [r#"{"n":2000}"#]
    );
}

#[test]
fn a_statement_that_needs_too_much_memory_is_stopped() {
    let limits = Limits {
        memory_bytes: 4 << 20,
        ..Limits::default()
    };
    let ledger = ledger(&decisions(0..2000), &[], limits);
    for sql in [
        "SELECT a.input, b.output FROM records a, records b ORDER BY a.score",
        "SELECT a.input, b.input FROM records a CROSS JOIN records b",
    ] {
        let error = ledger.query.run(sql).unwrap_err();
        assert!(
            matches!(
                error,
                QueryError::Memory {
                    limit_bytes: 4_194_304
                }
            ),
            "{sql}: {error}"
        );
    }
    assert_eq!(
        lines(&ledger, "SELECT count(*) AS n FROM records"),
        [r#"{"n":2000}"#]
    );
}

#[test]
fn an_answer_is_cut_at_the_row_limit_and_says_so() {
    let limits = Limits {
        rows_max: Some(25),
        ..Limits::default()
    };
    let ledger = ledger(&decisions(0..100), &[], limits);
    let answer = ledger.query.run("SELECT index FROM records").unwrap();
    assert_eq!((answer.rows(), answer.truncated), (25, true));
    let answer = ledger
        .query
        .run("SELECT index FROM records LIMIT 25")
        .unwrap();
    assert_eq!((answer.rows(), answer.truncated), (25, false));
}

#[test]
fn a_query_goes_on_when_files_are_merged_away_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let writer = DeltaTable::create(folder.path()).unwrap();
    for index in 0..16 {
        writer.append(&decisions(index..index + 1)).unwrap();
    }
    let reader = Arc::new(DeltaTable::open(folder.path()).unwrap());
    let query = Query::open(reader, Vec::new, Limits::default()).unwrap();
    writer.compact().unwrap();
    let answer = query.run("SELECT sum(index) AS s FROM records").unwrap();
    assert_eq!(ndjson(&answer, false), [r#"{"s":120}"#]);
}
