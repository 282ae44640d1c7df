//! The demo: set up, shown, verified, tampered with and caught.

use crate::harness::Place;

#[test]
fn the_demo_goes_green_then_red() {
    let place = Place::new();
    let run = place.run(&["demo"]).succeeds();
    run.prints(&[
        "402 entries",
        "GC-0557",
        "Denied: the probability of default, 0.578, is above the limit of 0.5 for deny.",
        "1. Delinquent past or present credit obligations",
        "Credit history: delay in paying off in the past (A30)",
        "+0.770",
        "INTACT  402 records are as they were signed",
    ])
    .says(&["demo tamper", "verify"]);
    place
        .run(&["demo"])
        .succeeds()
        .prints(&["The demo is in causebook-demo already", "INTACT"]);

    let home = ["--home", "causebook-demo"];
    place
        .run(&["demo", "tamper"])
        .succeeds()
        .prints(&["GC-0557", "A30", "A34", ".parquet"]);
    let run = place.run(&[&["verify"], &home[..]].concat()).ends_with(20);
    run.prints(&[
        "TAMPERED  one thing is not as signed",
        "GC-0557",
        "changed-payload",
        "index",
    ]);
    let report = place
        .run(&[&["verify", "--format", "json"], &home[..]].concat())
        .ends_with(20)
        .json();
    assert_eq!(report["findings"][0]["id"], "GC-0557");
    assert_eq!(report["findings_total"], 1);

    // The altered file is still good enough for every other reader: that is the point.
    place
        .run(&[&["show", "GC-0557"], &home[..]].concat())
        .ends_with(20)
        .prints(&["A34", "TAMPERED"]);
    let query = "SELECT input->>'credit_history' AS history FROM decisions WHERE id = 'GC-0557'";
    let lines = place
        .run(&[&["sql", query], &home[..]].concat())
        .succeeds()
        .lines();
    assert_eq!(lines[0]["history"], "A34");
    place
        .run(&["demo", "tamper"])
        .succeeds()
        .prints(&["altered before"]);
    place.run(&["demo"]).ends_with(20).says(&["--fresh"]);
    place
        .run(&["demo", "--fresh"])
        .succeeds()
        .prints(&["INTACT"]);
}

#[test]
fn no_folder_but_a_demo_is_filled_removed_or_tampered_with() {
    let place = Place::with_loans();
    place
        .run(&["demo", "causebook"])
        .ends_with(1)
        .says(&["not a demo"]);
    place
        .run(&["demo", "causebook", "--fresh"])
        .ends_with(1)
        .says(&["not a demo"]);
    place
        .run(&["demo", "tamper", "causebook"])
        .ends_with(3)
        .says(&["no demo"]);
    place.run(&["verify"]).succeeds();
}

#[test]
fn the_demo_goes_where_it_is_told() {
    let place = Place::new();
    place.run(&["demo", "--home", "here", "-q"]).succeeds();
    place
        .run(&["ls", "--home", "here", "--decision", "deny", "--all"])
        .succeeds();
    let counts =
        "SELECT decision, count(*) AS n FROM decisions GROUP BY decision ORDER BY decision";
    let csv = place
        .run(&["sql", counts, "--home", "here", "--format", "csv"])
        .succeeds()
        .out;
    assert_eq!(csv, "decision,n\napprove,137\ndeny,45\nrefer,18\n");
}
