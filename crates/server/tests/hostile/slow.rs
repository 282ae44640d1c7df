//! Clients that take their time.

use std::time::{Duration, Instant};

use crate::wire::Running;
use crate::{RECORDS, assert_problem};

#[test]
fn a_head_that_does_not_arrive_is_not_waited_for() {
    let server = Running::start();
    // The last two may be the beginning of HTTP/2, and go no further.
    for (head, more) in [
        ("", "a"),
        ("GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ", "a"),
        ("P", ""),
        ("PRI * HTTP/2.0\r\n", ""),
    ] {
        let mut socket = server.connect();
        socket.send(head.as_bytes());
        let start = Instant::now();
        let closed = socket.trickle(
            more.as_bytes(),
            Duration::from_millis(200),
            Duration::from_secs(15),
        );
        assert!(closed, "still open after {:?}: {head:?}", start.elapsed());
    }
    server.lives();
}

#[test]
fn a_body_that_does_not_arrive_is_not_waited_for() {
    let server = Running::start();
    for kind in ["application/json", "application/x-ndjson"] {
        let mut socket = server.connect();
        socket.send(
            format!(
                "POST {RECORDS} HTTP/1.1\r\nhost: {}\r\ncontent-type: {kind}\r\ncontent-length: 1000\r\n\r\n{{",
                server.host()
            )
            .as_bytes(),
        );
        let start = Instant::now();
        let answers = socket.answers();
        assert!(start.elapsed() < Duration::from_secs(15), "{kind}");
        if kind == "application/json" {
            let answer = answers.first().expect("an answer");
            assert_problem(answer, kind);
        } else {
            // The answer to a batch begins before its body ends: the line says what is wrong.
            assert!(
                String::from_utf8_lossy(&answers[0].body).contains("\"error\""),
                "{answers:?}"
            );
        }
    }
    server.lives();
}

#[test]
fn many_connections_that_do_nothing_do_not_keep_others_out() {
    let server = Running::start();
    let idle: Vec<_> = (0..64).map(|_| server.connect()).collect();
    // There is room for 64: the next is closed at once, or served as soon as the idle ones are timed out.
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answers = server.send(&server.request("GET", "/healthz", &[], b""));
        if answers.first().is_some_and(|answer| answer.status == 200) {
            break;
        }
        assert!(Instant::now() < deadline, "kept out");
        std::thread::sleep(Duration::from_millis(100));
    }
    drop(idle);
    server.lives();
}

#[test]
fn an_answer_that_nobody_takes_does_not_hold_a_connection() {
    let server = Running::start();
    let mut greedy = server.connect();
    let ask = format!(
        "GET /openapi.json HTTP/1.1\r\nhost: {}\r\n\r\n",
        server.host()
    );
    greedy.send(ask.repeat(200).as_bytes());
    std::thread::sleep(Duration::from_secs(1));
    let open = || {
        let answers = server.send(&server.request("GET", "/metrics", &[], b""));
        let text = String::from_utf8_lossy(&answers[0].body).into_owned();
        let line = text
            .lines()
            .find(|line| line.starts_with("causebook_connections "));
        line.unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(open(), "2");
    let deadline = Instant::now() + Duration::from_secs(15);
    while open() != "1" {
        assert!(Instant::now() < deadline, "still held");
        std::thread::sleep(Duration::from_millis(200));
    }
    drop(greedy);
    server.lives();
}
