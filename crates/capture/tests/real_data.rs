//! Imports of real files: real loan applications, real credit decisions, census rows. Counts add up, and what is
//! recorded is what the file says, to the byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use causebook_capture::{ColumnKind, Format, Mapping, Members, Source, guess};
use support::{at, data, file, import, with};

#[test]
fn hmda_applications_are_imported_with_every_cell_as_it_stands() {
    let Some(path) = data("hmda-travis-2024/travis_cu_2024_hmda.csv", 1442 * 99) else {
        return;
    };
    let source = file(&path);
    let mut mapping = guess(&source, &Mapping::default()).unwrap().mapping;
    assert_eq!(mapping.columns.decision.as_deref(), Some("action_taken"));
    assert_eq!(
        mapping.columns.id, None,
        "no column of the public file is an id"
    );
    mapping
        .set("columns.output", "denial_reason-*,rate_spread")
        .unwrap();
    mapping.set("decision.values.1", "originated").unwrap();
    mapping.set("decision.values.3", "denied").unwrap();
    let taken = import(&source, &mapping);
    assert_eq!((taken.summary.read, taken.summary.records), (1442, 1442));
    assert_eq!(taken.import.columns().len(), 99);
    assert!(taken.import.unmapped().is_empty());

    let kind = |name: &str| {
        taken
            .import
            .columns()
            .iter()
            .find(|column| column.name == name)
            .unwrap()
            .kind
    };
    assert_eq!(
        kind("debt_to_income_ratio"),
        ColumnKind::Text,
        "bands, NA and integers in one column"
    );
    assert_eq!(kind("interest_rate"), ColumnKind::Text, "NA beside numbers");
    assert_eq!(kind("county_code"), ColumnKind::Text, "leading zeros");
    assert_eq!(kind("loan_amount"), ColumnKind::Number);

    let denied = taken
        .rows
        .iter()
        .filter(|row| at(row, "/decision") == "\"denied\"")
        .count();
    assert_eq!(denied, 379);
    let first = &taken.rows[0];
    for (pointer, value) in [
        ("/input/loan_amount", "205000.0"),
        ("/input/loan_to_value_ratio", "\"23.83000\""),
        ("/input/county_code", "\"06001\""),
        ("/input/derived_msa-md", "36084"),
        ("/input/debt_to_income_ratio", "\"42\""),
        ("/input/applicant_ethnicity-2", "\"\""),
        ("/input/applicant_age", "\"65-74\""),
        ("/output/denial_reason-1", "10"),
        ("/output/rate_spread", "\"-0.191\""),
        ("/output/action_taken", "1"),
        ("/decision", "\"originated\""),
        ("/model/name", "\"unspecified\""),
    ] {
        assert_eq!(at(first, pointer), value, "{pointer}");
    }

    // Every cell of every row, against another reader of the format.
    let mut reader = csv::Reader::from_path(&path).unwrap();
    let headers = reader.headers().unwrap().clone();
    for (row, cells) in taken.rows.iter().zip(reader.records()) {
        let record: serde_json::Value = serde_json::from_slice(&row.record).unwrap();
        for (name, cell) in headers.iter().zip(&cells.unwrap()) {
            let member = ["input", "output"]
                .iter()
                .find_map(|member| record[member].get(name));
            let shown = match member {
                Some(serde_json::Value::String(text)) => text.clone(),
                Some(number) => number.to_string(),
                None => panic!("row {}: no {name}", row.row),
            };
            assert_eq!(shown, cell, "row {}, {name}", row.row);
        }
    }
}

#[test]
fn ids_of_the_hmda_file_are_all_different_and_survive_appended_rows() {
    let Some(path) = data("hmda-travis-2024/travis_cu_2024_hmda.csv", 1442) else {
        return;
    };
    let bytes = std::fs::read(&path).unwrap();
    let half = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .nth(700)
        .unwrap()
        .0
        + 1;
    let mapping = with("columns.input = ['*']");
    let ids = |bytes: &[u8]| -> Vec<String> {
        let source = Source::from_bytes("hmda.csv", bytes);
        import(&source, &mapping)
            .rows
            .into_iter()
            .map(|row| row.id)
            .collect()
    };
    let all = ids(&bytes);
    assert_eq!(all[..700], ids(&bytes[..half]));
    let distinct: std::collections::HashSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), 1442);
}

#[test]
fn german_credit_keeps_commas_inside_quotes() {
    let Some(path) = data("german-credit/germancredit_labelled.csv", 1000) else {
        return;
    };
    let source = file(&path);
    let guess = guess(&source, &Mapping::default()).unwrap();
    assert_eq!(
        guess.mapping.columns.decision.as_deref(),
        Some("creditability")
    );
    let toml = guess.to_toml().unwrap();
    assert!(
        toml.contains("observed later rather than decided"),
        "{toml}"
    );
    let taken = import(&source, &Mapping::parse(&toml).unwrap());
    assert_eq!(taken.summary.records, 1000);
    let first = &taken.rows[0];
    assert_eq!(
        at(first, "/input/telephone"),
        "\"yes, registered under the customers name\""
    );
    assert_eq!(
        at(first, "/input/status_of_existing_checking_account"),
        "\"... < 0 DM\""
    );
    assert_eq!(at(first, "/input/credit_amount"), "1169");
    let good = taken
        .rows
        .iter()
        .filter(|row| at(row, "/decision") == "\"good\"")
        .count();
    assert_eq!(good, 700);
}

#[test]
fn german_data_is_split_by_blanks_and_named_by_position() {
    let Some(path) = data("german-credit/german.data", 1000) else {
        return;
    };
    let source = file(&path);
    let mut given = Mapping::default();
    given.set("columns.decision", "col_21").unwrap();
    given.set("decision.values.2", "bad").unwrap();
    let guess = guess(&source, &given).unwrap();
    assert_eq!(guess.mapping.read.format, Some(Format::Csv));
    assert_eq!(
        guess.mapping.read.header,
        Some(false),
        "its first row is one of data"
    );
    assert_eq!(guess.mapping.read.delimiter.as_deref(), Some(" "));
    let taken = import(&source, &guess.mapping);
    assert_eq!(taken.summary.records, 1000);
    assert_eq!(at(&taken.rows[0], "/input/col_1"), "\"A11\"");
    assert_eq!(at(&taken.rows[0], "/input/col_5"), "1169");
    assert_eq!(at(&taken.rows[1], "/decision"), "\"bad\"");
    assert_eq!(at(&taken.rows[1], "/output/col_21"), "2");
    assert_eq!(at(&taken.rows[0], "/decision"), "\"1\"");
}

#[test]
fn adult_rows_keep_their_blanks_unless_trimmed() {
    let Some(path) = data("adult/adult.data", 32_561) else {
        return;
    };
    let source = file(&path);
    let guess = guess(&source, &Mapping::default()).unwrap();
    assert_eq!(
        guess.mapping.read.header,
        Some(false),
        "its first row is one of data"
    );
    assert!(
        guess
            .notes
            .iter()
            .any(|note| note.contains("begin with a blank")),
        "{:?}",
        guess.notes
    );
    let taken = import(&source, &guess.mapping);
    assert_eq!(taken.summary.records, 32_561);
    assert_eq!(at(&taken.rows[0], "/input/col_2"), "\" State-gov\"");
    assert_eq!(at(&taken.rows[0], "/input/col_3"), "\" 77516\"");
    // The census rows have equal ones among them: each is a record of its own.
    let ids: std::collections::HashSet<&String> = taken.rows.iter().map(|row| &row.id).collect();
    assert_eq!(ids.len(), 32_561);

    let mut trimmed = guess.mapping.clone();
    trimmed.read.trim = true;
    trimmed.read.missing = vec!["?".to_owned()];
    trimmed.read.empty = causebook_capture::Empty::Omit;
    trimmed.read.columns = ADULT_NAMES.iter().copied().map(String::from).collect();
    trimmed.columns.decision = Some("income".to_owned());
    let taken = import(&source, &trimmed);
    assert_eq!(at(&taken.rows[0], "/input/fnlwgt"), "77516");
    assert_eq!(at(&taken.rows[0], "/decision"), "\"<=50K\"");
    let without = taken
        .rows
        .iter()
        .filter(|row| at(row, "/input/workclass") == "(none)")
        .count();
    assert_eq!(without, 1836);
}

#[test]
fn the_comment_above_adult_test_is_skipped() {
    let Some(path) = data("adult/adult.test", 16_281) else {
        return;
    };
    let mapping = with("[read]\nheader = false\nskip = 1\ntrim = true\n[columns]\ninput = ['*']");
    let taken = import(&file(&path), &mapping);
    assert_eq!(taken.summary.records, 16_281);
    assert_eq!(taken.rows[0].line, 2);
    assert_eq!(at(&taken.rows[0], "/input/col_15"), "\"<=50K.\"");
}

#[test]
fn credit_decisions_are_mapped_out_of_nested_json() {
    let Some(path) = data("credit-model/decisions.jsonl", 200) else {
        return;
    };
    let source = file(&path);
    let columns = guess(&source, &Mapping::default()).unwrap().mapping.columns;
    assert_eq!(columns.id.as_deref(), Some("application_id"));
    assert_eq!(columns.decision.as_deref(), Some("decision"));
    assert_eq!(columns.score.as_deref(), Some("probability_bad"));
    assert_eq!(columns.input, Some(Members::Whole("raw".to_owned())));
    let mapping = Mapping::parse(
        r#"
        [columns]
        id = "application_id"
        decision = "decision"
        score = "probability_bad"
        input = "raw"
        output = ["margin", "decision"]
        context = ["raw.age", "/contributions/status=A11", "leaves"]
        exclude = ["features", "observed_class"]
        [columns.explanation]
        base_value = "base_value"
        contributions = "contributions"
        principal_reasons = "principal_reasons"
        [constants]
        model = { name = "german-credit", version = "2026-11-23" }
        explanation.method = "treeshap"
        parameters = { deny = 0.5, refer = 0.4 }
        automation = "sole"
        "#,
    )
    .unwrap();
    let taken = import(&source, &mapping);
    assert_eq!((taken.summary.read, taken.summary.records), (200, 200));
    let unmapped: Vec<&String> = taken.import.unmapped().iter().collect();
    assert_eq!(
        unmapped,
        ["attribute_contributions", "features", "observed_class"]
    );
    let first = &taken.rows[0];
    assert_eq!(first.id, "GC-0664");
    for (pointer, value) in [
        ("/score", "0.3191959261894226"),
        ("/output/margin", "-0.7574694752693176"),
        ("/input/status", "\"A12\""),
        ("/input/age", "35"),
        ("/context/age", "35"),
        ("/context/status=A11", "-0.14120075106620789"),
        (
            "/explanation/contributions/housing=A153",
            "-1.1167285265401006e-05",
        ),
        ("/explanation/method", "\"treeshap\""),
        ("/parameters/refer", "0.4"),
        ("/decision", "\"approve\""),
    ] {
        assert_eq!(at(first, pointer), value, "{pointer}");
    }
}

const ADULT_NAMES: [&str; 15] = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
];
