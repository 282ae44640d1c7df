//! A ledger on a server, as far as it can be told without one: which place is meant, what is never sent, and that nothing
//! the network does looks like tampering.

use std::io::{Read, Write};
use std::net::TcpListener;

use crate::harness::{Place, Run};

/// Runs the program with variables set.
fn run(place: &Place, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = place.command(arguments);
    command.envs(variables.iter().copied());
    Run::of(arguments, command.output().unwrap())
}

/// An address where nobody answers.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// An address where every request gets these bytes.
fn somebody(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer);
        }
    });
    url
}

#[test]
fn a_home_and_a_server_exclude_each_other() {
    let place = Place::with_ledger();
    let both = ["--home", "causebook", "--url", "http://localhost:1", "ls"];
    place.run(&both).ends_with(2);
    let variables = [
        ("CAUSEBOOK_HOME", "causebook"),
        ("CAUSEBOOK_URL", "http://localhost:1"),
    ];
    run(&place, &variables, &["ls"])
        .ends_with(2)
        .says(&["a home and a server are named"]);
}

#[test]
fn the_stronger_of_home_and_server_is_meant() {
    let place = Place::with_ledger();
    let url = nobody();
    run(
        &place,
        &[("CAUSEBOOK_URL", &url)],
        &["--home", "causebook", "ls"],
    )
    .succeeds();
    let home = [("CAUSEBOOK_HOME", "causebook")];
    run(&place, &home, &["--url", &url, "ls"])
        .ends_with(1)
        .says(&["no connection"]);
    place.write("causebook.toml", "url = \"http://localhost:1\"\n");
    run(&place, &home, &["ls"]).succeeds();
}

#[test]
fn config_show_tells_the_address_and_never_the_token() {
    let place = Place::new();
    let variables = [
        ("CAUSEBOOK_URL", "https://causebook.example.com"),
        ("CAUSEBOOK_TOKEN", "cbk_secret"),
    ];
    for arguments in [
        &["config", "show", "--origin"][..],
        &["config", "show", "--format", "json"],
        &["-v", "config", "show"],
    ] {
        let shown = run(&place, &variables, arguments)
            .succeeds()
            .prints(&["https://causebook.example.com", "CAUSEBOOK_TOKEN"]);
        assert!(!(shown.out + &shown.err).contains("secret"));
    }
}

#[test]
fn a_token_is_not_sent_where_it_could_be_read_or_a_folder_says() {
    let place = Place::new();
    let token = ("CAUSEBOOK_TOKEN", "cbk_secret");
    let plain = [("CAUSEBOOK_URL", "http://causebook.invalid"), token];
    let refused = run(&place, &plain, &["ls", "--format", "json"]).ends_with(2);
    assert_eq!(refused.problem()["code"], "plain-http");

    place.write("causebook.toml", "url = \"https://causebook.invalid\"\n");
    let refused = run(&place, &[token], &["ls", "--format", "json"]).ends_with(2);
    assert_eq!(refused.problem()["code"], "untrusted-url");
    assert!(
        refused.problem()["at"]
            .as_str()
            .unwrap()
            .contains("causebook.toml")
    );
    assert!(!refused.err.contains("secret"));
}

#[test]
fn a_token_among_the_settings_is_refused_with_a_better_place() {
    let place = Place::new();
    place.write("causebook.toml", "token = \"cbk_secret\"\n");
    let refused = place
        .run(&["config", "show"])
        .ends_with(2)
        .says(&["token_file"]);
    assert!(!refused.err.contains("secret"));
}

#[test]
fn nothing_that_the_network_does_is_called_tampering() {
    let pages = [
        nobody(),
        somebody(b""),
        somebody(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>Sign in"),
        somebody(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        somebody(b"HTTP/1.1 302 Found\r\nlocation: https://sso.invalid/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"),
        somebody(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{\"name\""),
        somebody(b"SSH-2.0-OpenSSH_9.6\r\n"),
    ];
    let ask = |url: &str| {
        let place = Place::new();
        for (arguments, expected) in [
            (&["verify"][..], 21),
            (&["verify", "--quick"], 21),
            (&["ls"], 1),
            (&["show", "loan-0001"], 1),
            (&["prove", "loan-0001"], 1),
            (&["sql", "select 1"], 1),
            (&["doctor"], 1),
        ] {
            let ran = run(&place, &[("CAUSEBOOK_URL", url)], arguments);
            assert_eq!(
                ran.code, expected,
                "{arguments:?} at {url}: {}{}",
                ran.out, ran.err
            );
        }
    };
    // Each page on a thread of its own: a client tries again before it gives up.
    std::thread::scope(|scope| {
        for url in &pages {
            scope.spawn(|| ask(url));
        }
    });
}

#[test]
fn whoever_may_not_is_told_by_an_exit_code_of_its_own() {
    let url = somebody(
        b"HTTP/1.1 403 Forbidden\r\ncontent-type: application/problem+json\r\nconnection: close\r\n\r\n\
          {\"title\":\"T\",\"status\":403,\"detail\":\"the role ingest may not read\",\"code\":\"forbidden\"}",
    );
    let place = Place::new();
    for arguments in [
        &["ls"][..],
        &["verify"],
        &["sql", "select 1"],
        &["attach", "file"],
    ] {
        place.write("file", "x");
        run(&place, &[("CAUSEBOOK_URL", &url)], arguments)
            .ends_with(4)
            .says(&["the role ingest may not read"]);
    }
}
