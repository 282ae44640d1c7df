//! More of something than is taken: in the head, in the body, once it is unpacked, in depth.

use crate::wire::{Running, deflate_bomb, zstd_bomb};
use crate::{RECORD, RECORDS, assert_problem, assert_turned_away};

#[test]
fn heads_have_a_size() {
    let server = Running::start();
    let long = "a".repeat(200 << 10);
    let many: String = (0..2000).fold(String::new(), |head, nth| head + &format!("x-{nth}: 1\r\n"));
    for (what, head) in [
        (
            "a long path",
            format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"),
        ),
        (
            "a long query",
            format!("GET {RECORDS}?q={long} HTTP/1.1\r\nhost: x\r\n\r\n"),
        ),
        (
            "a long header",
            format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-a: {long}\r\n\r\n"),
        ),
        (
            "many headers",
            format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{many}\r\n"),
        ),
        (
            "a long method",
            format!("{long} / HTTP/1.1\r\nhost: x\r\n\r\n"),
        ),
    ] {
        assert_turned_away(&server.send(head.as_bytes()), what);
        server.lives();
    }
}

#[test]
fn bodies_and_lines_have_a_size() {
    let server = Running::start();
    let long = format!(r#"{{"model":"m","output":"{}"}}"#, "x".repeat(5 << 20));
    let answer = server.post(
        RECORDS,
        &[("content-type", "application/json")],
        long.as_bytes(),
    );
    assert_problem(&answer, "a long record");
    assert_eq!(answer.status, 413);

    let batch = format!("{RECORD}\n{long}\n{RECORD}\n");
    let answer = server.post(
        RECORDS,
        &[("content-type", "application/x-ndjson")],
        batch.as_bytes(),
    );
    let lines = answer.lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(lines[1]["error"]["code"], "too-large");
    assert!(
        lines[0].get("index").is_some() && lines[2].get("index").is_some(),
        "{lines:?}"
    );

    // More than limits.body_mb, announced and not.
    let blank = vec![b'\n'; 9 << 20];
    for kind in [
        "application/x-ndjson",
        "application/vnd.apache.arrow.stream",
        "application/json",
    ] {
        let answers =
            server.send(&server.request("POST", RECORDS, &[("content-type", kind)], &blank));
        let answer = answers.first().expect(kind);
        let said = String::from_utf8_lossy(&answer.body);
        let refused = (400..500).contains(&answer.status) || said.contains("\"error\"");
        assert!(refused, "{kind}: {answer:?}");
        server.lives();
    }
    let bytes = [("content-type", "application/octet-stream")];
    let attach = server.request("POST", "/v1/ledgers/main/attachments", &bytes, &blank);
    let attached = server.send(&attach);
    assert_eq!(attached[0].status, 413, "{attached:?}");
    server.lives();
}

#[test]
fn compressed_bodies_have_their_size_when_unpacked() {
    let server = Running::start();
    for (encoding, bomb) in [
        ("gzip", deflate_bomb(64 << 20)),
        ("zstd", zstd_bomb(1 << 30)),
    ] {
        assert!(bomb.len() < 1 << 20);
        for kind in [
            "application/json",
            "application/x-ndjson",
            "application/vnd.apache.arrow.stream",
        ] {
            let headers = [("content-type", kind), ("content-encoding", encoding)];
            let answer = server.post(RECORDS, &headers, &bomb);
            let said = String::from_utf8_lossy(&answer.body);
            assert!(
                (400..500).contains(&answer.status) || said.contains("\"error\""),
                "{encoding} {kind}: {answer:?}"
            );
            server.lives();
        }
        let headers = [
            ("content-type", "application/json"),
            ("content-encoding", encoding),
        ];
        let broken = server.post(RECORDS, &headers, b"this is not compressed");
        assert_problem(&broken, encoding);
    }
    let twice = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip, gzip, gzip, br"),
    ];
    assert_problem(
        &server.post(RECORDS, &twice, RECORD.as_bytes()),
        "many encodings",
    );
    server.lives();
}

#[test]
fn deep_documents_are_refused() {
    let server = Running::start();
    for open in ["[", r#"{"a":"#] {
        let deep = format!(r#"{{"model":"m","input":{}"#, open.repeat(100_000));
        let answer = server.post(
            RECORDS,
            &[("content-type", "application/json")],
            deep.as_bytes(),
        );
        assert_problem(&answer, open);
    }
    let sql = format!(
        r#"{{"sql":"select {}1{}"}}"#,
        "(".repeat(20_000),
        ")".repeat(20_000)
    );
    let answer = server.post(
        "/v1/ledgers/main/sql",
        &[("content-type", "application/json")],
        sql.as_bytes(),
    );
    assert_problem(&answer, "deep SQL");
    let filter = "%28".repeat(5_000);
    let answer = server.get(&format!("{RECORDS}?q={filter}"));
    assert_problem(&answer, "a deep filter");
    server.lives();
}
