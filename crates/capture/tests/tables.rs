//! Delimited text as tables: types by column, missing cells, bad rows, names, ids, resuming.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use causebook_capture::{CaptureError, ColumnKind, Import, Mapping, Reason, Source};
use support::{all_input, at, import, import_after, with};

fn csv(text: &str) -> Source {
    Source::from_bytes("t.csv", text.as_bytes())
}

fn inputs(text: &str, mapping: &Mapping) -> Vec<String> {
    let taken = import(&csv(text), mapping);
    assert_eq!(taken.rejected, []);
    taken.rows.iter().map(|row| at(row, "/input")).collect()
}

#[test]
fn one_cell_that_is_no_number_keeps_a_column_text() {
    let rows = inputs(
        "a,b,c,d\n36,1.50,007,\nNA,-0,1,\n30%-<36%,1e5,2,\n",
        &all_input(),
    );
    assert_eq!(rows[0], r#"{"a":"36","b":1.50,"c":"007","d":""}"#);
    assert_eq!(rows[1], r#"{"a":"NA","b":-0,"c":"1","d":""}"#);
    assert_eq!(rows[2], r#"{"a":"30%-<36%","b":1e5,"c":"2","d":""}"#);
}

#[test]
fn the_last_row_of_a_long_file_still_counts_for_the_type() {
    let rows: Vec<String> = (0..5_000).map(|row| row.to_string()).collect();
    let mut text = format!("a\n{}\n", rows.join("\n"));
    assert_eq!(inputs(&text, &all_input())[0], r#"{"a":0}"#);
    text.push_str("none\n");
    assert_eq!(inputs(&text, &all_input())[0], r#"{"a":"0"}"#);
}

#[test]
fn booleans_are_not_guessed() {
    assert_eq!(inputs("a\ntrue\n", &all_input())[0], r#"{"a":"true"}"#);
}

#[test]
fn empty_cells_become_what_is_asked_for() {
    let text = "a,b\n1,\n,x\n";
    let with_empty = |empty: &str| with(&format!("read.empty = '{empty}'\ncolumns.input = ['*']"));
    assert_eq!(
        inputs(text, &with_empty("keep")),
        [r#"{"a":1,"b":""}"#, r#"{"a":"","b":"x"}"#]
    );
    assert_eq!(
        inputs(text, &with_empty("null")),
        [r#"{"a":1,"b":null}"#, r#"{"a":null,"b":"x"}"#]
    );
    assert_eq!(
        inputs(text, &with_empty("omit")),
        [r#"{"a":1}"#, r#"{"b":"x"}"#]
    );
}

#[test]
fn words_declared_missing_do_not_keep_a_column_from_being_numbers() {
    let mapping = with("read.missing = ['NA']\ncolumns.input = ['*']\ncolumns.score = 'a'");
    let taken = import(&csv("a,b\n1.50,x\nNA,y\n"), &mapping);
    assert_eq!(at(&taken.rows[0], "/score"), "1.50");
    assert_eq!(at(&taken.rows[1], "/score"), "(none)");
    let mapping = with("read.missing = ['NA']\ncolumns.input = ['*']");
    assert_eq!(
        inputs("a\n1.50\nNA\n", &mapping),
        [r#"{"a":1.50}"#, r#"{"a":"NA"}"#]
    );
}

#[test]
fn fixed_types_reject_what_does_not_fit() {
    let mapping =
        with("types = { number = ['n'], text = ['t*'], json = ['j'] }\ncolumns.input = ['*']");
    let taken = import(
        &csv("n,t1,j\n1,2,\"{\"\"a\"\": [1.0]}\"\nx,2,1\n3,4,{}x\n"),
        &mapping,
    );
    assert_eq!(
        at(&taken.rows[0], "/input"),
        r#"{"j":{"a":[1.0]},"n":1,"t1":"2"}"#
    );
    assert_eq!(taken.rows.len(), 1);
    let column = "n".to_owned();
    let value = "x".to_owned();
    assert_eq!(
        taken.rejected[0].reason,
        Reason::NotANumber { column, value }
    );
    assert!(
        taken.rejected[1]
            .reason
            .to_string()
            .starts_with("column \"j\": not JSON")
    );
}

#[test]
fn bad_rows_are_rejected_with_their_line_and_text_and_the_rest_is_unharmed() {
    let text = b"a,b\n1,2\n3\n4,5,6\n\xff,7\n\"x\"y,8\n9,\"open\n";
    let taken = import(&Source::from_bytes("t.csv", &text[..]), &all_input());
    assert_eq!(taken.rows.len(), 1);
    let rejected: Vec<(u64, u64, String, &[u8])> = taken
        .rejected
        .iter()
        .map(|one| {
            (
                one.row,
                one.line,
                one.reason.to_string(),
                one.raw.as_slice(),
            )
        })
        .collect();
    assert_eq!(
        rejected[0],
        (2, 3, "1 fields, the header has 2".into(), &b"3"[..])
    );
    assert_eq!(
        rejected[1],
        (3, 4, "3 fields, the header has 2".into(), &b"4,5,6"[..])
    );
    assert_eq!(
        rejected[2],
        (4, 5, "column \"a\" is not UTF-8".into(), &b"\xff,7"[..])
    );
    assert_eq!(
        rejected[3],
        (
            5,
            6,
            "text after the closing quote of field 1".into(),
            &b"\"x\"y,8"[..]
        )
    );
    assert_eq!(rejected[4].2, "the quote opened on line 7 is never closed");
    // A rejected row takes no part in finding out types.
    assert_eq!(at(&taken.rows[0], "/input"), r#"{"a":1,"b":2}"#);
}

#[test]
fn repeated_and_empty_column_names_are_told_apart_and_reported() {
    let taken = import(&csv("a,a,,Case-A\n1,2,3,4\n"), &all_input());
    assert_eq!(
        at(&taken.rows[0], "/input"),
        r#"{"Case-A":4,"a":1,"a_2":2,"col_3":3}"#
    );
    let given: Vec<Option<&str>> = taken
        .import
        .columns()
        .iter()
        .map(|column| column.given_name.as_deref())
        .collect();
    assert_eq!(given, [None, Some("a"), Some(""), None]);
}

#[test]
fn the_decision_is_a_word_and_its_original_is_kept_where_it_was_changed() {
    let mapping = with("[columns]\ndecision = 'd'\ninput = ['a']\n[decision.values]\n3 = 'denied'");
    let taken = import(&csv("d,a\n3,1\n1,2\n"), &mapping);
    assert_eq!(at(&taken.rows[0], "/decision"), "\"denied\"");
    assert_eq!(at(&taken.rows[0], "/output/d"), "3");
    assert_eq!(at(&taken.rows[1], "/decision"), "\"1\"");
    let plain = with("columns = { decision = 'd', input = ['a'] }");
    let taken = import(&csv("d,a\n3,1\n"), &plain);
    assert_eq!(at(&taken.rows[0], "/output"), "(none)");
}

#[test]
fn a_date_is_taken_as_midnight_and_kept_as_it_was() {
    let mapping = with("columns = { time = 't', input = ['a'] }");
    let taken = import(
        &csv("t,a\n2024-06-01,1\n2024-06-01 12:00:00,2\n,3\n"),
        &mapping,
    );
    assert_eq!(at(&taken.rows[0], "/time"), "\"2024-06-01T00:00:00\"");
    assert_eq!(at(&taken.rows[0], "/context/time_given"), "\"2024-06-01\"");
    assert_eq!(at(&taken.rows[1], "/time"), "\"2024-06-01 12:00:00\"");
    assert_eq!(at(&taken.rows[1], "/context"), "(none)");
    assert_eq!(at(&taken.rows[2], "/time"), "(none)");
}

#[test]
fn times_are_read_as_the_mapping_says_and_kept_as_they_were() {
    let mapping = with("columns = { time = 't', input = ['a'] }\ntime.unit = 'milliseconds'");
    let taken = import(&csv("t,a\n1717243200250,1\nsoon,2\n"), &mapping);
    assert_eq!(at(&taken.rows[0], "/time"), "\"2024-06-01T12:00:00.25Z\"");
    assert_eq!(
        at(&taken.rows[0], "/context/time_given"),
        "\"1717243200250\""
    );
    assert!(
        taken.rejected[0]
            .reason
            .to_string()
            .contains("not a count of time")
    );
    let mapping = with("columns = { time = 't', input = ['a'] }\ntime.format = '%m/%d/%Y %H:%M'");
    let taken = import(&csv("t,a\n06/01/2024 9:30,1\n"), &mapping);
    assert_eq!(at(&taken.rows[0], "/time"), "\"2024-06-01T09:30:00\"");
}

#[test]
fn a_score_that_is_no_number_and_an_empty_id_reject_the_row() {
    let mapping = with("columns = { id = 'i', score = 's', input = ['*'] }");
    let taken = import(&csv("i,s,a\nx,0.50,1\n,0.1,1\ny,high,1\nz,,1\n"), &mapping);
    assert_eq!(at(&taken.rows[0], "/score"), "0.50");
    assert_eq!(taken.rows[0].id, "x");
    assert_eq!(at(&taken.rows[1], "/score"), "(none)");
    assert_eq!(
        taken.rejected[0].reason,
        Reason::NoId { column: "i".into() }
    );
    assert!(matches!(
        taken.rejected[1].reason,
        Reason::NotANumber { .. }
    ));
}

#[test]
fn constants_stand_in_where_a_row_has_none() {
    let mapping = Mapping::parse(
        "columns = { model = { version = 'v' }, input = ['a'] }\nconstants = { model = { name = 'm', version = '0' } }",
    )
    .unwrap();
    let taken = import(&csv("v,a\n1,1\n,2\n"), &mapping);
    assert_eq!(
        at(&taken.rows[0], "/model"),
        r#"{"name":"m","version":"1"}"#
    );
    assert_eq!(
        at(&taken.rows[1], "/model"),
        r#"{"name":"m","version":"0"}"#
    );
}

#[test]
fn equal_rows_are_records_of_their_own_and_order_does_not_matter() {
    let ids = |text: &str| -> Vec<String> {
        import(&csv(text), &all_input())
            .rows
            .into_iter()
            .map(|row| row.id)
            .collect()
    };
    let first = ids("a,b\n1,2\n3,4\n1,2\n");
    assert_eq!(
        first,
        ids("a,b\r\n1,2\r\n\"3\",4\r\n\r\n1,2"),
        "other line ends and quotes"
    );
    assert_ne!(first[0], first[2]);
    let reordered = ids("a,b\n1,2\n1,2\n3,4\n5,6\n");
    assert_eq!(
        [&reordered[0], &reordered[1], &reordered[2]],
        [&first[0], &first[2], &first[1]]
    );
    assert!(first[0].starts_with("imp-") && first[0].len() == 36);
}

#[test]
fn the_name_of_the_source_is_part_of_the_id_and_can_be_fixed() {
    let id = |name: &str, mapping: &Mapping| {
        let source = Source::from_bytes(name, &b"a\n1\n"[..]);
        import(&source, mapping).rows[0].id.clone()
    };
    assert_ne!(id("jan.csv", &all_input()), id("feb.csv", &all_input()));
    let named = with("columns.input = ['*']\nsource.name = 'loans'");
    assert_eq!(id("jan.csv", &named), id("feb.csv", &named));
}

#[test]
fn resuming_behind_any_row_gives_the_same_rest() {
    let rows: Vec<String> = (0..200)
        .map(|row| format!("{},{}", row % 7, row % 3))
        .collect();
    let text = format!("a,b\n{}\nragged\n", rows.join("\n"));
    let all = import(&csv(&text), &all_input());
    assert_eq!(all.rows.len(), 200);
    for after in [1, 20, 100, 199, 200, 201, 500] {
        let rest = import_after(&csv(&text), &all_input(), after);
        assert_eq!(rest.rows, all.rows[200.min(after as usize)..]);
        assert_eq!(rest.rejected.len(), usize::from(after < 201));
    }
}

#[test]
fn an_import_can_be_stopped_between_two_rows() {
    let source = csv("a\n1\n2\n3\n");
    let import = Import::prepare(&source, &all_input(), &mut |_| {}).unwrap();
    let mut seen = 0;
    let summary = import
        .run(0, &mut |_| {
            seen += 1;
            if seen == 2 {
                std::ops::ControlFlow::Break(())
            } else {
                std::ops::ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!((summary.read, import.rows()), (2, 3));
}

#[test]
fn a_settled_mapping_has_nothing_left_to_find_out() {
    let source = csv("a;b\n1;x\n2;y\n");
    let first = import(&source, &all_input());
    let settled = first.import.settled_mapping().unwrap();
    let settled = Mapping::parse(&settled.to_toml().unwrap()).unwrap();
    assert_eq!(settled.types.number, ["a"]);
    assert_eq!(settled.read.delimiter.as_deref(), Some(";"));
    let grown = Source::from_bytes("grown.csv", &b"a;b\n1;x\n2;y\nNA;z\n"[..]);
    let second = import(&grown, &settled);
    assert_eq!(second.rows, first.rows);
    assert_eq!(second.rejected.len(), 1);
}

#[test]
fn mistakes_in_a_mapping_are_found_before_anything_is_read_out() {
    let problem = |mapping: &Mapping| {
        Import::prepare(&csv("age,income\n1,2\n"), mapping, &mut |_| {}).unwrap_err()
    };
    let unknown = problem(&with("columns.input = ['agee']"));
    assert_eq!(
        unknown.to_string(),
        "columns.input: no column \"agee\", did you mean \"age\"?"
    );
    assert!(matches!(
        problem(&Mapping::default()),
        CaptureError::NoModel
    ));
    assert!(matches!(
        problem(&with("read.delimiter = 'ab'")),
        CaptureError::Mapping { .. }
    ));
    assert!(matches!(
        problem(&with("read.columns = ['one']")),
        CaptureError::Mapping { .. }
    ));
    assert!(matches!(
        problem(&with("types.number = ['x']")),
        CaptureError::UnknownColumn { .. }
    ));
    assert!(matches!(
        problem(&with("constants.modle.name = 'x'")),
        CaptureError::Mapping { .. }
    ));
    assert!(matches!(
        problem(&with("read.format = 'xlsx'")),
        CaptureError::Broken { .. }
    ));
}

#[test]
fn a_header_alone_and_an_empty_file_have_no_rows() {
    assert_eq!(import(&csv("a,b\n"), &all_input()).summary.read, 0);
    assert_eq!(import(&csv(""), &with("")).summary.read, 0);
}

#[test]
fn columns_say_what_they_become_and_where_they_go() {
    let mapping = with(
        "columns = { decision = 'd', score = 's', input = ['*'], output = ['d'], exclude = ['x'] }",
    );
    let taken = import(&csv("d,s,a,x\nyes,0.1,q,1\n"), &mapping);
    let columns = taken.import.columns();
    assert_eq!(columns[0].members, ["decision", "output.d"]);
    assert_eq!(columns[1].members, ["score"]);
    assert_eq!(columns[2].members, ["input.a"]);
    assert_eq!(columns[2].kind, ColumnKind::Text);
    assert!(columns[3].members.is_empty());
    assert_eq!(taken.import.unmapped().iter().collect::<Vec<_>>(), ["x"]);
}

#[test]
fn outcomes_can_be_imported_about_decisions() {
    let mapping = Mapping::parse(
        "kind = 'outcome'\ncolumns = { refers_to = 'loan', outcome = ['defaulted'], time = 't' }",
    )
    .unwrap();
    let taken = import(
        &csv("loan,defaulted,t\nGC-1,1,2024-06-01T00:00:00Z\n"),
        &mapping,
    );
    assert_eq!(at(&taken.rows[0], "/kind"), "\"outcome\"");
    assert_eq!(at(&taken.rows[0], "/refers_to"), "\"GC-1\"");
    assert_eq!(at(&taken.rows[0], "/outcome"), "{\"defaulted\":1}");
}
