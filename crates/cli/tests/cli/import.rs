//! Importing: what a file holds is shown first, nothing is coerced or lost, and the counts add up.

use crate::harness::Place;

const TABLE: &str = "loan_id,applied_on,age,income,decision\n\
                     L-1,2024-05-01,30,52000,approved\n\
                     L-2,2024-05-02,NA,31000,denied\n\
                     L-3,2024-05-03,41,65000,approved,extra\n\
                     L-4,2024-05-04,25-34,20000,denied\n";

#[test]
fn a_guess_is_shown_and_nothing_recorded_until_it_is_accepted() {
    let place = Place::with_ledger();
    place.write("loans.csv", TABLE);
    let run = place
        .run(&["import", "loans.csv", "--model", "credit@1"])
        .ends_with(2);
    run.says(&["decision = \"decision\"", "--yes"]);
    assert_eq!(place.run(&["ls"]).out, "");
    let dry = place
        .run(&["import", "loans.csv", "--model", "credit@1", "--dry-run"])
        .succeeds();
    dry.prints(&["4 rows read: 3 would be recorded, 1 rejected"]);
    assert_eq!(place.run(&["ls"]).out, "");
}

#[test]
fn counts_add_up_and_a_second_run_records_nothing_twice() {
    let place = Place::with_ledger();
    place.write("loans.csv", TABLE);
    let import = [
        "import",
        "loans.csv",
        "--model",
        "credit@1",
        "--yes",
        "--rejects",
        "bad.csv",
    ];
    place
        .run(&import)
        .succeeds()
        .prints(&["4 rows read = 3 recorded + 0 repeated + 1 rejected"]);
    place
        .run(&import)
        .succeeds()
        .prints(&["4 rows read = 0 recorded + 3 repeated + 1 rejected"]);
    let rejects = place.read("bad.csv");
    assert!(
        rejects.contains("L-3") && rejects.contains("6 fields, the header has 5"),
        "{rejects}"
    );
    // A column of numbers, words and bands stays what it is.
    let query = "SELECT input->>'age' AS age FROM decisions ORDER BY \"index\"";
    let csv = place.run(&["sql", query, "--format", "csv"]).succeeds().out;
    assert_eq!(csv, "age\n30\nNA\n25-34\n");
    place.run(&["verify"]).succeeds();
}

#[test]
fn rejected_rows_that_no_file_takes_are_a_failure() {
    let place = Place::with_ledger();
    place.write("loans.csv", TABLE);
    let run = place
        .run(&["import", "loans.csv", "--model", "credit@1", "--yes"])
        .ends_with(1);
    run.says(&["line 4", "6 fields"]).prints(&["3 recorded"]);
}

#[test]
fn a_saved_mapping_needs_no_asking() {
    let place = Place::with_ledger();
    place.write("loans.csv", TABLE);
    let save = [
        "import",
        "loans.csv",
        "--model",
        "credit@1",
        "--dry-run",
        "--save-mapping",
        "loans.toml",
    ];
    place.run(&save).succeeds();
    let run = place.run(&[
        "import",
        "loans.csv",
        "--mapping",
        "loans.toml",
        "--rejects",
        "bad.ndjson",
        "--format",
        "json",
    ]);
    let counts = run.succeeds().json();
    assert_eq!(
        (
            counts["read"].as_u64(),
            counts["recorded"].as_u64(),
            counts["rejected"].as_u64()
        ),
        (Some(4), Some(3), Some(1))
    );
    assert!(place.read("bad.ndjson").starts_with("{\"row\":3,"));
}

#[test]
fn text_lines_come_in_and_go_out_as_they_were() {
    let place = Place::with_ledger();
    let lines = "2024-06-01 12:00:00 - Input: {'age': 30, 'name': \"O'Hara\", 'tags': [None, True]}, Output: approved\n\
                 2024-06-01 12:00:01 - Input: {'age': 31}, Output: denied\n";
    place.write("app.log", lines);
    place
        .run(&["import", "app.log", "--model", "m@1", "--yes"])
        .succeeds()
        .prints(&["2 recorded"]);
    assert_eq!(
        place
            .run(&["ls", "--oldest", "--format", "line"])
            .succeeds()
            .out,
        lines
    );
}

#[test]
fn a_hand_written_line_that_names_no_model_is_taken_as_it_is() {
    let place = Place::with_ledger();
    let line = "2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved\n";
    place.write("decisions.log", line);
    place
        .run(&["import", "decisions.log", "--yes"])
        .succeeds()
        .says(&["unspecified", "--model"]);
    let listed = place.run(&["ls", "--format", "line"]).succeeds();
    assert_eq!(listed.out, line);
}

#[test]
fn standard_input_is_imported_when_the_mapping_is_settled() {
    let place = Place::with_ledger();
    let run = place.run_with(
        &["import", "-", "--model", "m@1", "--yes"],
        "age,decision\n30,ok\n31,no\n",
    );
    run.succeeds().prints(&["2 rows read = 2 recorded"]);
}

#[test]
fn what_cannot_be_imported_is_told_why() {
    let place = Place::with_ledger();
    place.write("loans.csv", TABLE);
    place
        .run(&["import", "loans.csv", "--yes"])
        .ends_with(2)
        .says(&["no model", "--model"]);
    place
        .run(&["import", "absent.csv", "--yes"])
        .ends_with(1)
        .says(&["absent.csv", "No such file"]);
    place
        .run(&[
            "import",
            "loans.csv",
            "--model",
            "m",
            "--decision",
            "decison",
            "--yes",
        ])
        .ends_with(2)
        .says(&["decision"]);
    place
        .run(&["import", "loans.csv", "--set", "columns.inptu=x", "--yes"])
        .ends_with(2)
        .says(&["inptu"]);
    place
        .run(&["import", "loans.csv", "--set", "nonsense", "--yes"])
        .ends_with(2)
        .says(&["KEY=VALUE"]);
    place.write("bin.dat", [0_u8, 159, 146, 150]);
    place
        .run(&["import", "bin.dat", "--model", "m", "--yes"])
        .ends_with(1)
        .says(&["bin.dat"]);
    assert_eq!(place.run(&["ls"]).out, "");
}
