//! What strangers control is bounded.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::{Running, decision};

fn raw(server: &Running, text: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.base().trim_start_matches("http://")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(text).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_body_that_is_too_large_is_refused_also_when_it_was_small_before_decoding() {
    let server = Running::with(&[("limits.body_mb", "1")]);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![b' '; 64 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    for form in ["application/json", "application/x-ndjson"] {
        let headers = [("content-type", form), ("content-encoding", "gzip")];
        let answer =
            server
                .anyone()
                .send("POST", "/v1/ledgers/main/records", &headers, Some(&packed));
        assert!(answer.body.contains("too-large"), "{form}: {answer:?}");
    }
    assert_eq!(
        server.anyone().record(&decision("after", "deny")).status,
        201
    );
}

#[test]
fn a_batch_has_a_last_record() {
    let server = Running::with(&[("limits.records", "3")]);
    let lines: String = (0..10)
        .map(|number| decision(&number.to_string(), "deny").to_string() + "\n")
        .collect();
    let results = server.anyone().batch(&lines).lines();
    assert_eq!(results.len(), 4, "{results:?}");
    assert_eq!(results[3]["error"]["code"], "too-large");
    assert_eq!(server.anyone().get("/v1/ledgers/main").json()["size"], 3);
}

#[test]
fn whoever_sends_slowly_is_given_up_on() {
    let server = Running::with(&[("limits.header_s", "1"), ("limits.body_idle_s", "1")]);
    let answer = raw(
        &server,
        b"POST /v1/ledgers/main/records HTTP/1.1\r\nhost: localhost\r\nx-slow",
    );
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408"),
        "{answer}"
    );
    let head = "POST /v1/ledgers/main/records HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let answer = raw(&server, head.as_bytes());
    assert!(
        answer.starts_with("HTTP/1.1 408") && answer.contains("request-timeout"),
        "{answer}"
    );
}

#[test]
fn deep_nesting_is_refused() {
    let server = Running::new();
    let deep = format!(
        "{{\"model\":\"m\",\"input\":{}1{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let headers = [("content-type", "application/json")];
    let answer = server.anyone().send(
        "POST",
        "/v1/ledgers/main/records",
        &headers,
        Some(deep.as_bytes()),
    );
    assert_eq!(answer.code(), "invalid-record");
}

#[test]
fn a_head_that_is_too_large_or_not_http_ends_the_connection_and_nothing_else() {
    let server = Running::new();
    let long = format!(
        "GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "x".repeat(1 << 20)
    );
    for text in [
        long.as_bytes(),
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let answer = raw(&server, text);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(server.anyone().get("/healthz").status, 200);
}

#[test]
fn there_is_a_limit_on_batches_and_it_is_given_back() {
    let server = Running::with(&[("limits.batches", "1"), ("limits.body_idle_s", "2")]);
    // A batch that is begun and goes on slowly holds the one place there is.
    let mut slow = TcpStream::connect(server.base().trim_start_matches("http://")).unwrap();
    let head = "POST /v1/ledgers/main/records HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: 100\r\n\r\n{";
    slow.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let line = decision("b", "deny").to_string();
    assert_eq!(server.anyone().batch(&line).code(), "busy");
    assert_eq!(server.anyone().record(&decision("a", "deny")).status, 201);
    // Given up on, it gives the place back.
    let again = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        server.anyone().batch(&line).status == 200
    });
    assert!(again);
}
