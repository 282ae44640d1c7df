//! A batch: every line has one result, in order, whatever happens on the way.

use std::fmt::Write as _;
use std::io::Cursor;

use causebook_client::{ClientError, LineResult};

use crate::server::{Reply, Server, whole};

const NDJSON: &str = "application/x-ndjson";

fn receipts(lines: impl IntoIterator<Item = u64>) -> String {
    let mut body = String::new();
    for line in lines {
        let _ = writeln!(
            body,
            r#"{{"line":{line},"id":"r-{line}","index":{line},"digest":"00","repeated":false}}"#
        );
    }
    body
}

fn records(count: u64, id: bool) -> String {
    let record = |n| {
        if id {
            format!("{{\"id\":\"r-{n}\"}}\n")
        } else {
            "{}\n".to_owned()
        }
    };
    (1..=count).map(record).collect()
}

fn run(server: &Server, input: &str) -> Vec<Result<LineResult, ClientError>> {
    let ledger = server.ledger();
    let batch = ledger.append_batch(Cursor::new(input.as_bytes()));
    batch.collect()
}

#[test]
fn blank_lines_are_counted_and_not_answered() {
    let answer = "{\"line\":2,\"id\":\"a\",\"index\":0,\"digest\":\"00\"}\n\n{\"line\":4,\"error\":{\"code\":\"invalid-record\",\"status\":422,\"detail\":\"D\"}}\n";
    let server = Server::of(vec![whole(200, NDJSON, answer)]);
    let results = run(&server, "\n{\"id\":\"a\"}\n  \n{}");
    let lines: Vec<u64> = results.iter().map(|it| it.as_ref().unwrap().line).collect();
    assert_eq!(lines, [2, 4]);
    assert_eq!(
        results[0].as_ref().unwrap().outcome.as_ref().unwrap().id,
        "a"
    );
    assert_eq!(
        results[1]
            .as_ref()
            .unwrap()
            .outcome
            .as_ref()
            .unwrap_err()
            .code,
        "invalid-record"
    );
    assert_eq!(server.next().text(), "\n{\"id\":\"a\"}\n  \n{}\n");
}

#[test]
fn a_long_batch_goes_in_portions_with_lines_counted_through() {
    let server = Server::of(vec![
        whole(200, NDJSON, &receipts(1..=500)),
        whole(200, NDJSON, &receipts(1..=100)),
    ]);
    let results = run(&server, &records(600, true));
    let lines: Vec<u64> = results.iter().map(|it| it.as_ref().unwrap().line).collect();
    assert_eq!(lines, (1..=600).collect::<Vec<u64>>());
}

#[test]
fn a_portion_is_sent_again_if_all_of_it_is_known_again() {
    let cut = || {
        Reply::Bytes(
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: {NDJSON}\r\ncontent-length: 999\r\n\r\n{}",
                receipts([1])
            )
            .into_bytes(),
        )
    };
    let server = Server::of(vec![cut(), whole(200, NDJSON, &receipts([1, 2]))]);
    let results = run(&server, &records(2, true));
    assert_eq!(results.len(), 2);
    assert!(results.iter().all(Result::is_ok));

    let server = Server::of(vec![cut(), whole(200, NDJSON, &receipts([1, 2]))]);
    let results = run(&server, &records(2, false));
    assert!(results[0].is_ok(), "what was told stays told");
    assert!(
        matches!(results[1], Err(ClientError::Lost { .. })),
        "{results:?}"
    );
    server.next();
    assert_eq!(server.rest(), 0);
}

#[test]
fn an_answer_to_lines_that_were_not_sent_is_refused() {
    for answer in [
        receipts([3]),
        receipts([0]),
        receipts([1, 1]),
        receipts([2, 1]),
        "{\"line\":1}\n".to_owned(),
        "x\n".to_owned(),
    ] {
        let server = Server::of(vec![whole(200, NDJSON, &answer)]);
        let results = run(&server, &records(2, false));
        assert!(
            matches!(results.last(), Some(Err(ClientError::Foreign { .. }))),
            "{answer}: {results:?}"
        );
    }
}

#[test]
fn lines_that_were_not_answered_are_a_lost_connection() {
    let server = Server::of(vec![whole(200, NDJSON, &receipts([1]))]);
    let results = run(&server, &records(2, false));
    assert!(
        matches!(results.last(), Some(Err(ClientError::Lost { .. }))),
        "{results:?}"
    );
}

#[test]
fn a_line_too_long_is_refused_here_and_the_others_go_on() {
    let input = format!(
        "{}{}\n{}",
        records(1, true),
        "x".repeat(5 << 20),
        records(1, true)
    );
    let server = Server::of(vec![
        whole(200, NDJSON, &receipts([1])),
        whole(200, NDJSON, &receipts([1])),
    ]);
    let results: Vec<LineResult> = run(&server, &input)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let lines: Vec<u64> = results.iter().map(|it| it.line).collect();
    assert_eq!(lines, [1, 2, 3]);
    assert_eq!(results[1].outcome.as_ref().unwrap_err().code, "too-large");
}

#[test]
fn a_file_that_cannot_be_read_is_not_a_lost_connection() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("bad sector"))
        }
    }
    let server = Server::of(vec![Reply::Hang]);
    let error = server.ledger().attach(&mut Broken).unwrap_err();
    assert!(matches!(error, ClientError::Local { .. }), "{error:?}");
    let ledger = server.ledger();
    let mut batch = ledger.append_batch(std::io::BufReader::new(Broken));
    assert!(matches!(batch.next(), Some(Err(ClientError::Local { .. }))));
}
