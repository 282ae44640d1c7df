//! A filter means the same records in every command, in a folder and on a server.

use crate::harness::{LOANS, Place};
use crate::server::Server;

/// A third decision, whose words take quotes, and what became of the second.
const MORE: &str = concat!(
    r#"{"id":"loan-0003","time":"2024-06-03T12:00:00.123456789Z","model":{"name":"limits","version":"9"},"#,
    r#""input":{"age":17.5,"note":"Thin file, \"new\""},"decision":"deny, for now","score":0.4,"subject":"a \"b\" \\ c"}"#,
    "\n",
    r#"{"id":"out-0001","kind":"outcome","refers_to":"loan-0002","time":"2024-07-01T00:00:00Z","outcome":{"label":"repaid"}}"#,
    "\n"
);

/// Filters, and whom they mean, oldest first.
const CASES: [(&[&str], &[&str]); 16] = [
    (&[], &["loan-0001", "loan-0002", "loan-0003", "out-0001"]),
    (
        &["--filter", ""],
        &["loan-0001", "loan-0002", "loan-0003", "out-0001"],
    ),
    (&["--filter", "decision:deny"], &["loan-0002"]),
    (&["--filter", "decision:deny* -subject:s-1"], &["loan-0003"]),
    (
        &["--filter", "-decision:deny"],
        &["loan-0001", "loan-0003", "out-0001"],
    ),
    (&["--filter", "input.age:<18"], &["loan-0003"]),
    (
        &["--filter", "score:<0.4 or refers_to:loan-0002"],
        &["loan-0001", "out-0001"],
    ),
    (
        &["--filter", "model:credit@* score:0.2.."],
        &["loan-0001", "loan-0002"],
    ),
    (&["--filter", "\"thin file\""], &["loan-0003"]),
    (
        &["--filter", "since:2024-06-02 until:2024-06-03"],
        &["loan-0002"],
    ),
    (&["--filter", "time:2024-06-03"], &["loan-0003"]),
    (
        &["--filter", "subject:\"a \\\"b\\\" \\\\ c\""],
        &["loan-0003"],
    ),
    (&["--filter", "refers_to:loan-0002"], &["out-0001"]),
    (&["--filter", "trace:abc123"], &["loan-0002"]),
    (
        &["--filter", "id:loan-0001,loan-0003 index:1.."],
        &["loan-0003"],
    ),
    (&["--filter", "subject:nobody"], &[]),
];

#[test]
fn a_filter_means_the_same_in_a_folder_and_on_a_server() {
    let place = Place::with_loans();
    place.run_with(&["record"], MORE).succeeds();
    let server = Server::over(place, &["auditor", "compliance"]);
    let forms: [&[&str]; 6] = [
        &["ls", "--oldest"],
        &["ls", "--oldest", "--all", "--format", "table"],
        &["tail"],
        &["export"],
        &["export", "--format", "csv"],
        &["export", "--format", "line"],
    ];
    for (filter, expected) in CASES {
        for form in forms {
            let question = [form, filter].concat();
            let here = server.here(&question).succeeds();
            let there = server.there(&question).succeeds();
            assert_eq!(here.out, there.out, "{question:?}");
            assert_eq!(here.err, there.err, "{question:?}");
            if !form.contains(&"--format") {
                let ids: Vec<String> = here
                    .lines()
                    .iter()
                    .map(|line| line["id"].as_str().unwrap().to_owned())
                    .collect();
                assert_eq!(ids, expected, "{question:?}");
            }
            if form.contains(&"csv") {
                assert_eq!(here.out.lines().count(), expected.len() + 1, "{question:?}");
            }
        }
    }
}

#[test]
fn flags_and_a_filter_hold_together_in_a_folder_and_on_a_server() {
    let place = Place::with_loans();
    place.run_with(&["record"], MORE).succeeds();
    let server = Server::over(place, &["auditor", "compliance"]);
    let cases: [(&[&str], &[&str]); 9] = [
        (
            &["--filter", "decision:deny", "--model", "credit@2"],
            &["loan-0002"],
        ),
        (&["--filter", "decision:deny", "--model", "credit@1"], &[]),
        (
            &[
                "--filter",
                "trace:* or kind:outcome",
                "--since",
                "2024-06-15",
            ],
            &["out-0001"],
        ),
        (
            &["--filter", "score:>0.1", "--until", "2024-06-02T12:00:00Z"],
            &["loan-0001"],
        ),
        (&["--subject", "a \"b\" \\ c"], &["loan-0003"]),
        (&["--decision", "deny, for now"], &["loan-0003"]),
        (&["--decision", "deny*"], &[]),
        (&["--since", "12h"], &[]),
        (
            &["--since", "99999d", "--kind", "decision", "--model", "@2"],
            &["loan-0002"],
        ),
    ];
    for (flags, expected) in cases {
        for command in [&["ls"][..], &["tail"]] {
            let question = [command, flags].concat();
            let here = server.here(&question).succeeds();
            let there = server.there(&question).succeeds();
            assert_eq!(here.out, there.out, "{question:?}");
            let ids: Vec<String> = here
                .lines()
                .iter()
                .map(|line| line["id"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(ids, expected, "{question:?}");
        }
    }
}

#[test]
fn a_followed_filter_tells_only_what_it_means() {
    let server = Server::with_loans();
    let follow = ["tail", "--follow", "--filter", "decision:deny"];
    let here = server.place.spawn(&follow);
    let mut command = server.place.command(&follow);
    let there = command
        .env("CAUSEBOOK_URL", server.url())
        .env("CAUSEBOOK_TOKEN", &server.token)
        .spawn()
        .unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    let late = LOANS.replace("loan-", "late-");
    server.place.write("late.ndjson", late);
    server
        .there(&["record", "--file", "late.ndjson"])
        .succeeds();
    std::thread::sleep(std::time::Duration::from_secs(2));
    for mut child in [here, there] {
        child.kill().unwrap();
        let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let ids: Vec<serde_json::Value> = out
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].clone())
            .collect();
        assert_eq!(ids, ["loan-0002", "late-0002"]);
    }
}

#[test]
fn what_asks_for_nothing_is_refused_before_anybody_is_asked() {
    let place = Place::new();
    for arguments in [
        &["ls", "--filter", "desicion:deny"][..],
        &["tail", "--filter", "score:high"],
        &["export", "--filter", "(decision:deny"],
        &["ls", "--model", ""],
        &["tail", "--model", "@"],
    ] {
        // Neither a ledger nor a server is here to answer.
        place.run(arguments).ends_with(2);
        let remote = [&["--url", "http://localhost:1"], arguments].concat();
        place.run(&remote).ends_with(2);
    }
}
