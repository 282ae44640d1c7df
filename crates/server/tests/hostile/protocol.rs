//! Framing, versions and methods that no honest client uses, and a browser that is led astray.

use crate::wire::Running;
use crate::{RECORD, RECORDS, assert_problem, assert_turned_away};

#[test]
fn nothing_is_smuggled_behind_a_request() {
    let server = Running::start();
    let host = server.host();
    let post =
        format!("POST {RECORDS} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n");
    let behind = format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\n\r\n");
    let cut = RECORD.len() / 2;
    for (what, request) in [
        (
            "two lengths",
            format!(
                "{post}content-length: {cut}\r\ncontent-length: {}\r\n\r\n{RECORD}",
                RECORD.len()
            ),
        ),
        (
            "a list of lengths",
            format!(
                "{post}content-length: {cut}, {}\r\n\r\n{RECORD}",
                RECORD.len()
            ),
        ),
        (
            "a signed length",
            format!("{post}content-length: +{}\r\n\r\n{RECORD}", RECORD.len()),
        ),
        (
            "a negative length",
            format!("{post}content-length: -1\r\n\r\n{RECORD}"),
        ),
        (
            "a length beyond numbers",
            format!("{post}content-length: 99999999999999999999\r\n\r\n{RECORD}"),
        ),
        (
            "an unknown coding",
            format!("{post}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n{behind}"),
        ),
        (
            "chunked that is not last",
            format!("{post}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n{behind}"),
        ),
        (
            "a chunk beyond numbers",
            format!("{post}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{behind}"),
        ),
        (
            "a negative chunk",
            format!("{post}transfer-encoding: chunked\r\n\r\n-1\r\n{behind}"),
        ),
        (
            "a chunk without its end",
            format!("{post}transfer-encoding: chunked\r\n\r\n1\r\n{{X\r\n0\r\n\r\n{behind}"),
        ),
        (
            "a blank before the colon",
            format!(
                "{post}content-length : {}\r\n\r\n{RECORD}{behind}",
                RECORD.len()
            ),
        ),
        (
            "a folded header",
            format!("{post}x-a: 1\r\n content-length: 3\r\n\r\n{RECORD}{behind}"),
        ),
        (
            "a nul in a header",
            format!("{post}x-a: \0\r\ncontent-length: 0\r\n\r\n"),
        ),
    ] {
        let mut socket = server.connect();
        socket.send(request.as_bytes());
        let answers = socket.answers();
        assert_turned_away(&answers, what);
        server.lives();
    }
    // Length and coding together: who stands before the server may have gone by the other. One answer, and no more from
    // this connection.
    let both =
        format!("{post}content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{behind}");
    let mut socket = server.connect();
    socket.send(both.as_bytes());
    assert_turned_away(&socket.answers(), "a length and a coding");
    server.lives();
}

#[test]
fn other_versions_methods_and_protocols_are_answered_or_turned_away() {
    let server = Running::start();
    let host = server.host();
    for method in [
        "FOO", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "PROPFIND",
    ] {
        let answer = server
            .send(&server.request(method, RECORDS, &[], b""))
            .pop()
            .unwrap();
        assert_problem(&answer, method);
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.header("allow").is_some(), "{method}: {answer:?}");
    }
    let head = server.send_head(&server.request("HEAD", "/healthz", &[], b""));
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "HEAD has no body: {head}");
    for (what, bytes) in [
        ("HTTP/1.0", "GET /healthz HTTP/1.0\r\n\r\n".to_owned()),
        ("HTTP/0.9", "GET /healthz\r\n\r\n".to_owned()),
        (
            "HTTP/3.7",
            format!("GET /healthz HTTP/3.7\r\nhost: {host}\r\n\r\n"),
        ),
        ("no host", "GET /healthz HTTP/1.1\r\n\r\n".to_owned()),
        (
            "two hosts",
            format!("GET /healthz HTTP/1.1\r\nhost: {host}\r\nhost: evil.example\r\n\r\n"),
        ),
        (
            "a proxy's form",
            "GET http://evil.example/healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n".to_owned(),
        ),
        (
            "CONNECT",
            "CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example\r\n\r\n".to_owned(),
        ),
        (
            "an asterisk",
            format!("OPTIONS * HTTP/1.1\r\nhost: {host}\r\n\r\n"),
        ),
        ("noise", "\u{1}\u{2}\u{3}\u{4}\r\n\r\n\r\n".to_owned()),
        (
            "half a preface of HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n".to_owned(),
        ),
    ] {
        let mut socket = server.connect();
        socket.send(bytes.as_bytes());
        for answer in socket.answers() {
            assert!(answer.status < 500, "{what}: {answer:?}");
        }
        server.lives();
    }
    // A TLS handshake at a port that speaks none.
    let mut socket = server.connect();
    socket.send(&[0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x00]);
    drop(socket.answers());
    server.lives();
}

#[test]
fn a_page_of_another_site_cannot_use_a_server_that_is_open_to_its_machine() {
    let server = Running::start();
    server.post(
        RECORDS,
        &[("content-type", "application/json")],
        RECORD.as_bytes(),
    );
    // A name that an attacker's resolver lets point to this machine: the browser then sends that name.
    let rebound =
        format!("GET {RECORDS} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    let answer = server.send(rebound.as_bytes()).pop().unwrap();
    assert_problem(&answer, "another host");
    // A form that a browser sends without asking first.
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let headers = [
            ("content-type", kind),
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert_problem(&server.post(RECORDS, &headers, RECORD.as_bytes()), kind);
    }
    server.lives();
}

#[test]
fn a_method_that_a_caller_makes_up_is_no_label_of_its_own() {
    let server = Running::start();
    server.send(&server.request("MADEUP", "/healthz", &[], b""));
    let metrics = server.send(&server.request("GET", "/metrics", &[], b""));
    let text = String::from_utf8_lossy(&metrics[0].body).into_owned();
    assert!(text.contains("method=\"other\""), "{text}");
    assert!(!text.contains("MADEUP"), "{text}");
}
