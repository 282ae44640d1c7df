//! Names that would be paths or headers.

use crate::wire::Running;
use crate::{RECORD, RECORDS, assert_problem};

#[test]
fn paths_do_not_climb_out_of_their_folder() {
    let server = Running::start();
    server.post(
        RECORDS,
        &[("content-type", "application/json")],
        RECORD.as_bytes(),
    );
    let secret = server.key_text();
    let ups = [
        "..",
        "../..",
        "%2e%2e",
        "%2e%2e%2f",
        "..%2f",
        "..%2F..%2F",
        "%252e%252e%252f",
        "..\\",
        "..%5c",
        "....//",
        "%c0%ae%c0%ae/",
        "..%00/",
        ".",
        "",
        "/",
        "%00",
    ];
    let roots = [
        "/v1/ledgers/main/log/tile/",
        "/v1/ledgers/main/log/tile/0/",
        "/v1/ledgers/main/log/tile/entries/",
        "/v1/ledgers/main/log/",
        "/v1/ledgers/main/attachments/",
        "/v1/ledgers/main/attachments/sha256:",
        "/v1/ledgers/main/records/",
        "/v1/ledgers/",
        "/problems/",
        "/",
    ];
    for root in roots {
        for up in ups {
            for file in [
                "key",
                "/key",
                "ledger.json",
                "ledgers/main/key",
                "etc/passwd",
            ] {
                let path = format!("{root}{up}{file}");
                let Some(answer) = server.send(&server.request("GET", &path, &[], b"")).pop()
                else {
                    continue;
                };
                assert!(answer.status < 500, "{path}: {answer:?}");
                let text = String::from_utf8_lossy(&answer.body);
                assert!(
                    !text.contains(&secret) && !text.contains("root:x"),
                    "{path}: {answer:?}"
                );
                if answer.status >= 400 {
                    assert_problem(&answer, &path);
                }
            }
        }
    }
    for name in [
        "..",
        "%2e%2e",
        "a%2f..%2fb",
        "A",
        "",
        "x%00",
        "-",
        &"a".repeat(64),
    ] {
        let body = format!(
            r#"{{"name":"{}"}}"#,
            name.replace("%2e", ".").replace("%2f", "/")
        );
        let answer = server.post(
            "/v1/ledgers",
            &[("content-type", "application/json")],
            body.as_bytes(),
        );
        assert_problem(&answer, name);
    }
    server.lives();
}

#[test]
fn headers_of_a_request_do_not_become_headers_of_an_answer() {
    let server = Running::start();
    let forged = [
        "a\r\nset-cookie: forged=1",
        "a%0d%0aset-cookie:forged=1",
        "a\u{85}set-cookie: forged=1",
        "é",
        "a b",
        "",
    ];
    for value in forged {
        for header in [
            "x-request-id",
            "causebook-purpose",
            "traceparent",
            "if-none-match",
            "accept",
            "last-event-id",
        ] {
            let answers = server.send(&server.request("GET", RECORDS, &[(header, value)], b""));
            for answer in &answers {
                assert_eq!(answer.header("set-cookie"), None, "{header}: {answer:?}");
                assert!(answer.status < 500, "{header} {value:?}: {answer:?}");
                let id = answer.header("x-request-id").unwrap_or("0");
                assert!(
                    id.bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)),
                    "{answer:?}"
                );
            }
        }
    }
    for next in [
        "//evil.example",
        "https://evil.example",
        "%0d%0aset-cookie:forged=1",
        "/\\evil.example",
        "javascript:x",
    ] {
        for path in ["/auth/login", "/auth/callback"] {
            let answer = server.get(&format!("{path}?next={next}"));
            assert!(answer.status < 500, "{path} {next}: {answer:?}");
            assert!(
                answer
                    .header("set-cookie")
                    .is_none_or(|cookie| !cookie.contains("forged")),
                "{answer:?}"
            );
            assert!(
                answer
                    .header("location")
                    .is_none_or(|place| !place.contains("evil")),
                "{answer:?}"
            );
        }
    }
    server.lives();
}
