//! Every command on a ledger in a folder and on the same ledger behind a server: what they print is the same.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::harness::{LOANS, Place, Run};

/// A server over the home of a place, and a token for it.
pub(crate) struct Server {
    pub(crate) place: Place,
    child: Child,
    listen: String,
    pub(crate) token: String,
}

impl Server {
    /// A server whose ledger holds two loans, asked with every role.
    pub(crate) fn with_loans() -> Server {
        Server::over(Place::with_loans(), &["auditor", "compliance", "ingest"])
    }

    pub(crate) fn over(place: Place, roles: &[&str]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = listener.local_addr().unwrap().to_string();
        drop(listener);
        Server::at(place, &listen, roles)
    }

    fn at(place: Place, listen: &str, roles: &[&str]) -> Server {
        let token = token(&place, roles);
        let mut command = place.command(&["serve", "--listen", listen]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = child.spawn().unwrap();
        for _ in 0..400 {
            if TcpStream::connect(listen).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Server {
            place,
            child,
            listen: listen.to_owned(),
            token,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Asks the server.
    pub(crate) fn there(&self, arguments: &[&str]) -> Run {
        self.asked(&self.token, arguments)
    }

    fn asked(&self, token: &str, arguments: &[&str]) -> Run {
        let mut command = self.place.command(arguments);
        command
            .env("CAUSEBOOK_URL", self.url())
            .env("CAUSEBOOK_TOKEN", token);
        Run::of(arguments, command.output().unwrap())
    }

    /// Asks the folder, beside the server.
    pub(crate) fn here(&self, arguments: &[&str]) -> Run {
        self.place.run(arguments)
    }

    /// Waits until a head covers everything.
    fn settled() {
        std::thread::sleep(Duration::from_millis(600));
    }
}

impl Server {
    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Roles that together may do everything.
const ALL: &[&str] = &["auditor", "compliance", "ingest", "admin"];

fn token(place: &Place, roles: &[&str]) -> String {
    let mut arguments = vec!["token", "create", "--name", "test"];
    for role in roles {
        arguments.extend(["--role", role]);
    }
    place.run(&arguments).succeeds().out.trim().to_owned()
}

#[test]
fn what_is_asked_prints_the_same_here_and_there() {
    let server = Server::with_loans();
    server.place.write("review.ndjson", REVIEW);
    server
        .there(&["record", "--file", "review.ndjson"])
        .succeeds();
    Server::settled();
    let questions: &[&[&str]] = &[
        &["ls"],
        &["ls", "--format", "table"],
        &["ls", "--format", "json"],
        &["ls", "--format", "csv"],
        &["ls", "--format", "markdown"],
        &["ls", "--format", "line"],
        &["ls", "--oldest", "-n", "1"],
        &["ls", "--decision", "deny", "--model", "credit@2"],
        &["ls", "--model", "credit"],
        &["ls", "--subject", "s-1", "--since", "2024-06-02"],
        &["ls", "--until", "2024-06-02", "--kind", "decision"],
        &["ls", "--refers-to", "loan-0002"],
        &["ls", "--trace", "abc123"],
        &["ls", "--decision", "no \"such\" \\ word"],
        &["show", "loan-0002"],
        &["show", "loan-0001", "--raw"],
        &["show", "loan-0001", "--format", "json"],
        &["show", "loan-0002", "--format", "line"],
        &["show", "loan-000"],
        &["show", "loa"],
        &["show", "nowhere"],
        &["diff", "loan-0001", "loan-0002"],
        &[
            "diff",
            "loan-0001",
            "loan-0002",
            "--all",
            "--format",
            "json",
        ],
        &["tail", "-n", "2"],
        &["tail", "-n", "2", "--format", "table"],
        &[
            "sql",
            "SELECT decision, count(*) FROM decisions GROUP BY decision ORDER BY decision",
        ],
        &[
            "sql",
            "SELECT * FROM records ORDER BY \"index\"",
            "--format",
            "table",
        ],
        &[
            "sql",
            "SELECT * FROM records ORDER BY \"index\"",
            "--format",
            "json",
        ],
        &[
            "sql",
            "SELECT * FROM records ORDER BY \"index\"",
            "--format",
            "csv",
        ],
        &["sql", "SELECT * FROM records ORDER BY \"index\"", "-n", "1"],
        &["sql", "SELECT id FROM decisions WHERE false"],
        &["export"],
        &["export", "--format", "csv"],
        &["export", "--format", "line"],
        &["prove", "loan-0002", "--show", "/input/age,/decision"],
        &["prove", "loan-0002", "--show", "/inptu"],
        &["prove", "loan-0002", "--linked"],
    ];
    for question in questions {
        let (here, there) = (server.here(question), server.there(question));
        assert_eq!(
            here.out, there.out,
            "{question:?}\n{}\n{}",
            here.err, there.err
        );
        assert_eq!(here.err, there.err, "{question:?}");
        assert_eq!(here.code, there.code, "{question:?}");
    }
}

/// What came of a decision that is not there yet.
const LATE: &str = concat!(
    r#"{"id":"out-9","kind":"outcome","refers_to":"loan-0009","time":"2024-07-01T00:00:00Z","outcome":{"label":"repaid"}}"#,
    "\n"
);

/// A person overturns the denial.
const REVIEW: &str = concat!(
    r#"{"id":"review-1","kind":"review","refers_to":"loan-0002","time":"2024-06-03T12:00:00Z","review":{"#,
    r#""action":"override","who":"p-7","role":"underwriter","reason":"income confirmed","before":"deny","after":"approve"}}"#,
    "\n"
);

#[test]
fn what_is_recorded_is_acknowledged_alike() {
    let server = Server::over(Place::with_ledger(), &["auditor", "compliance", "ingest"]);
    server.place.write("loans.ndjson", LOANS);
    let elsewhere = Place::with_ledger();
    elsewhere.write("loans.ndjson", LOANS);
    for place in [&server.place, &elsewhere] {
        place.write("late.ndjson", LATE);
        place.write("review.ndjson", REVIEW);
        place.write("stale.ndjson", REVIEW.replace("review-1", "review-2"));
        place.write("unsaid.ndjson", REVIEW.replace(r#""before":"deny","#, ""));
    }
    let inputs: &[&[&str]] = &[
        &["record", "--file", "loans.ndjson"],
        &["record", "--file", "loans.ndjson", "--format", "table"],
        &[
            "record",
            "--id",
            "loan-0001",
            "--model",
            "other",
            "--output",
            "x",
        ],
        &["record", "--model", "m"],
        &[
            "record", "--id", "flag-1", "--model", "m@1", "--input", "age=30", "--output", "yes",
            "--format", "table",
        ],
        &["import", "loans.ndjson", "--yes"],
        &[
            "erase",
            "loan-0001",
            "--fields",
            "/input/age",
            "--reason",
            "request",
        ],
        &["record", "--file", "late.ndjson"],
        &["record", "--file", "late.ndjson", "--keep-going"],
        &["record", "--file", "late.ndjson", "--allow-missing-target"],
        &["record", "--file", "unsaid.ndjson"],
        &["record", "--file", "review.ndjson"],
        &["record", "--file", "stale.ndjson"],
        &["record", "--file", "stale.ndjson", "--keep-going"],
        &["record", "--file", "review.ndjson"],
    ];
    for input in inputs {
        let (here, there) = (elsewhere.run(input), server.there(input));
        let plain = |text: &str| {
            let parts: Vec<&str> = text.split("\"digest\":\"").collect();
            parts
                .iter()
                .enumerate()
                .map(|(n, part)| if n == 0 { part } else { &part[64..] })
                .collect::<String>()
        };
        assert_eq!(
            plain(&here.out),
            plain(&there.out),
            "{input:?}\n{}\n{}",
            here.err,
            there.err
        );
        assert_eq!(
            here.code, there.code,
            "{input:?}\n{}\n{}",
            here.err, there.err
        );
        assert_eq!(here.err, there.err, "{input:?}");
    }
}

#[test]
fn what_was_erased_is_refused_alike() {
    let server = Server::over(Place::with_loans(), &["compliance", "ingest"]);
    let elsewhere = Place::with_loans();
    let erase = ["erase", "loan-0001", "--reason", "request", "--yes"];
    elsewhere.run(&erase).succeeds();
    server.there(&erase).succeeds();
    for place in [&server.place, &elsewhere] {
        place.write("loan.ndjson", LOANS.lines().next().unwrap());
    }
    for keep_going in [&[][..], &["--keep-going"]] {
        let input = [&["record", "--file", "loan.ndjson"], keep_going].concat();
        let (here, there) = (elsewhere.run(&input), server.there(&input));
        assert_eq!(
            (here.code, &here.out, &here.err),
            (1, &there.out, &there.err)
        );
        assert_eq!(there.code, 1);
        assert!(here.err.contains("has been erased"), "{}", here.err);
    }
}

#[test]
fn a_record_without_an_id_gets_one_on_the_way() {
    let server = Server::with_loans();
    let receipt = server
        .there(&["record", "--model", "m", "--output", "yes"])
        .succeeds()
        .json();
    let id = receipt["id"].as_str().unwrap();
    server.here(&["show", id]).succeeds();
}

#[test]
fn attachments_and_erasures_reach_the_ledger() {
    let server = Server::with_loans();
    server.place.write("letter.txt", "Dear applicant");
    let there = server.there(&["attach", "letter.txt"]).succeeds();
    assert!(there.out.starts_with("sha256:"));
    server
        .there(&[
            "erase",
            "loan-0001",
            "--fields",
            "/input/age",
            "--reason",
            "request",
            "--yes",
        ])
        .succeeds()
        .prints(&["Erased /input/age of loan-0001: 1 facts."]);
    Server::settled();
    let shown = server.there(&["show", "loan-0001"]).succeeds();
    assert_eq!(
        shown.out,
        server.here(&["show", "loan-0001"]).succeeds().out
    );
    server.here(&["verify", "--forgetful"]).succeeds();
}

#[test]
fn evidence_from_a_server_holds_against_the_key_of_the_ledger() {
    let server = Server::with_loans();
    Server::settled();
    server
        .there(&[
            "prove",
            "loan-0002",
            "--show",
            "/decision",
            "-o",
            "evidence.json",
        ])
        .succeeds();
    server
        .here(&["check", "evidence.json"])
        .succeeds()
        .prints(&["HOLDS"]);
}

#[test]
fn verification_tells_what_was_checked_here_from_what_the_server_says() {
    let server = Server::with_loans();
    Server::settled();
    server.there(&["verify"]).succeeds().prints(&[
        "INTACT  2 records are as they were signed",
        "seen for the first time and kept",
        "evidence of 2 records",
        "the server says so of itself",
    ]);
    server
        .there(&["record", "--id", "more", "--model", "m", "--output", "x"])
        .succeeds();
    Server::settled();
    server.there(&["verify", "--quick"]).succeeds().prints(&[
        "the log continues the 2 records you last saw",
        "known from before",
    ]);
    let one = server
        .there(&["verify", "--id", "more", "--format", "json"])
        .succeeds();
    assert_eq!(one.json()["checked_here"]["evidence"], 1);
    assert_eq!(one.json()["checked_here"]["server_asked"], false);
}

#[test]
fn a_server_with_another_ledger_at_the_same_address_is_found_out() {
    let mut server = Server::with_loans();
    Server::settled();
    server.there(&["verify"]).succeeds();
    server.stop();
    std::fs::remove_dir_all(server.place.path("causebook")).unwrap();
    let place = std::mem::replace(&mut server.place, Place::new());
    place
        .run(&["init", "--origin", "example.com/other"])
        .succeeds();
    place.run_with(&["record"], LOANS).succeeds();
    // What this user saw before is known to the new place, too.
    let again = Server::at(place, &server.listen, ALL);
    Server::settled();
    again
        .there(&["verify"])
        .ends_with(20)
        .prints(&["TAMPERED", "wrong-key"]);
    again.there(&["show", "loan-0001"]).ends_with(20);
}

#[test]
fn who_may_not_ends_with_4() {
    let server = Server::with_loans();
    let ingest = token(&server.place, &["ingest"]);
    server.asked(&ingest, &["ls"]).ends_with(4);
    server.asked(&ingest, &["verify"]).ends_with(4);
    server
        .asked("cbk_nonsense", &["record", "--model", "m", "--output", "x"])
        .ends_with(4);
    server
        .asked(&ingest, &["record", "--model", "m", "--output", "x"])
        .succeeds();
}

#[test]
fn a_ledger_is_made_on_the_server() {
    let server = Server::over(Place::with_ledger(), &["admin", "auditor"]);
    let made = server
        .there(&[
            "--ledger",
            "second",
            "init",
            "--origin",
            "example.com/second",
            "--format",
            "json",
        ])
        .succeeds()
        .json();
    assert_eq!(made["origin"], "example.com/second");
    server
        .here(&["--ledger", "second", "verify", "--forgetful"])
        .succeeds();
    server
        .there(&["--ledger", "second", "init"])
        .ends_with(1)
        .says(&["second"]);
}

#[test]
fn the_doctor_finds_a_server_well() {
    let server = Server::with_loans();
    let checks = server
        .there(&["doctor", "--format", "json"])
        .succeeds()
        .json();
    for check in checks.as_array().unwrap() {
        // What decided these loans is registered nowhere.
        let expected = if check["check"] == "models" {
            "warning"
        } else {
            "ok"
        };
        assert_eq!(check["state"], expected, "{check}");
    }
}

#[test]
fn a_tail_tells_what_is_recorded_while_it_runs() {
    let server = Server::with_loans();
    let mut command = server.place.command(&["tail", "--follow", "-n", "1"]);
    command
        .env("CAUSEBOOK_URL", server.url())
        .env("CAUSEBOOK_TOKEN", &server.token);
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    server
        .there(&["record", "--id", "late", "--model", "m", "--output", "x"])
        .succeeds();
    std::thread::sleep(Duration::from_secs(1));
    child.kill().unwrap();
    let out = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let ids: Vec<String> = out
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(ids, ["loan-0002", "late"]);
}
