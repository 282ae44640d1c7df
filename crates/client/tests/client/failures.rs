//! Each way to fail is told as what it is, and none of them as tampering.

use std::io::{Read, Write};

use causebook_client::{Client, ClientError, Credentials};

use crate::server::{Reply, Server, ok, open, problem, whole, with};

const RECEIPT: &str = r#"{"id":"a","index":3,"digest":"00","repeated":false}"#;
const KNOWN: &[u8] = br#"{"id":"a"}"#;
const NAMELESS: &[u8] = br#"{"input":1}"#;

#[test]
fn a_problem_keeps_all_that_the_server_said() {
    let server = Server::of(vec![problem(
        422,
        "invalid-record",
        "x-request-id: r-2\r\n",
    )]);
    let error = server.ledger().append(KNOWN).unwrap_err();
    let problem = error.problem().unwrap();
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (422, "invalid-record")
    );
    assert_eq!(problem.hint.as_deref(), Some("H"));
    assert_eq!(problem.request_id.as_deref(), Some("r-1"));
    assert_eq!(problem.errors[0].pointer, "/input/x");
    assert!(!error.leaves_outcome_open());
}

#[test]
fn what_is_not_this_api_is_told_as_that() {
    let pages = [
        whole(200, "text/html", "<html>Sign in</html>"),
        whole(403, "text/html", "<html>Forbidden</html>"),
        whole(200, "application/json", "[]"),
        whole(200, "application/json", "{\"id\":"),
        whole(
            200,
            "application/json",
            "{\"id\":\"a\",\"index\":-1,\"digest\":\"\"}",
        ),
        whole(404, "application/json", "{\"error\":\"nope\"}"),
        with(
            302,
            "text/html",
            "location: https://sso.example.com/\r\n",
            "",
        ),
        Reply::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
    ];
    for page in pages {
        let server = Server::of(vec![page]);
        let error = server.ledger().append(NAMELESS).unwrap_err();
        assert!(matches!(error, ClientError::Foreign { .. }), "{error:?}");
    }
}

#[test]
fn a_redirection_is_not_followed_with_the_token() {
    let trap = Server::of(vec![ok(RECEIPT)]);
    let location = format!("location: {}/v1\r\n", trap.url);
    let server = Server::of(vec![with(307, "text/plain", &location, "")]);
    assert!(server.ledger().append(NAMELESS).is_err());
    assert_eq!(trap.rest(), 0);
}

#[test]
fn nobody_there_is_told_as_that() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::connect(&url.parse().unwrap(), &Credentials::default()).unwrap();
    let error = client.ledger("main").get("a").unwrap_err();
    assert!(
        matches!(error, ClientError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(!error.leaves_outcome_open());
}

#[test]
fn a_server_without_tls_is_told_as_that() {
    let server = Server::of(vec![
        Reply::Hang,
        Reply::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
    ]);
    let url = server.url.replace("http:", "https:");
    let connect = || Client::connect(&url.parse().unwrap(), &Credentials::default()).unwrap();
    let _ = connect().ledger("main").append(NAMELESS).unwrap_err();
    let error = connect().ledger("main").append(NAMELESS).unwrap_err();
    assert!(matches!(error, ClientError::Tls { .. }), "{error:?}");
}

#[test]
fn silence_is_a_timeout_that_leaves_the_outcome_open() {
    let server = Server::of(vec![Reply::Stall(Vec::new())]);
    let error = server.ledger().append(NAMELESS).unwrap_err();
    assert!(matches!(error, ClientError::Timeout { .. }), "{error:?}");
    assert!(error.leaves_outcome_open());
}

#[test]
fn an_answer_that_is_cut_short_is_a_lost_connection() {
    let cut = || {
        Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"id\"".to_vec())
    };
    let server = Server::of(vec![cut()]);
    let error = server.ledger().append(NAMELESS).unwrap_err();
    assert!(matches!(error, ClientError::Lost { .. }), "{error:?}");
    assert!(error.leaves_outcome_open());
}

#[test]
fn a_record_with_an_id_is_sent_again_and_one_without_is_not() {
    let server = Server::of(vec![Reply::Hang, ok(RECEIPT)]);
    assert_eq!(server.ledger().append(KNOWN).unwrap().index, 3);
    assert_eq!(server.next().body, server.next().body);

    let server = Server::of(vec![Reply::Hang, ok(RECEIPT)]);
    let error = server.ledger().append(NAMELESS).unwrap_err();
    assert!(matches!(error, ClientError::Lost { .. }), "{error:?}");
    server.next();
    assert_eq!(server.rest(), 0);
}

#[test]
fn a_busy_server_is_asked_again_after_the_time_it_names() {
    let server = Server::of(vec![
        problem(503, "busy", "retry-after: 0\r\n"),
        ok(RECEIPT),
    ]);
    assert_eq!(server.ledger().append(KNOWN).unwrap().id, "a");
    let server = Server::of(vec![problem(503, "ledger-stopped", ""), ok(RECEIPT)]);
    assert!(
        server
            .ledger()
            .append(KNOWN)
            .unwrap_err()
            .is_refused_as("ledger-stopped")
    );
}

#[test]
fn it_is_not_asked_for_ever() {
    let server = Server::of((0..9).map(|_| problem(503, "busy", "")).collect());
    assert!(
        server
            .ledger()
            .append(KNOWN)
            .unwrap_err()
            .is_refused_as("busy")
    );
    server.next();
    assert_eq!(server.rest(), 2);
}

#[test]
fn a_body_without_end_does_not_fill_the_memory() {
    let head = open("application/json");
    let server = Server::of(vec![Reply::Endless(head, vec![b' '; 1 << 20])]);
    let error = server.ledger().append(NAMELESS).unwrap_err();
    assert!(matches!(error, ClientError::Foreign { .. }), "{error:?}");
    let head = b"HTTP/1.1 200 OK\r\n".to_vec();
    let server = Server::of(vec![Reply::Endless(
        head,
        b"x-filler: xxxxxxxxxxxxxxxx\r\n".to_vec(),
    )]);
    let error = server.ledger().append(NAMELESS).unwrap_err();
    assert!(!matches!(error, ClientError::Refused(_)), "{error:?}");
}

#[test]
fn token_and_purpose_travel_as_headers_and_nowhere_else() {
    let server = Server::of(vec![ok(RECEIPT)]);
    server.ledger().append(NAMELESS).unwrap();
    let seen = server.next();
    assert_eq!(seen.line, "POST /v1/ledgers/main/records HTTP/1.1");
    assert_eq!(seen.header("authorization"), Some("Bearer cbk_test"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
}

#[test]
fn an_upload_that_is_refused_is_not_sent() {
    struct Upload(bool);
    impl Read for Upload {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 = true;
            Ok(buffer.len())
        }
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        if let Reply::Bytes(refusal) = problem(403, "forbidden", "") {
            stream.write_all(&refusal).unwrap();
        }
    });
    let client = Client::connect(&url.parse().unwrap(), &Credentials::default()).unwrap();
    let mut upload = Upload(false);
    let error = client.ledger("main").attach(&mut upload).unwrap_err();
    assert!(error.is_refused_as("forbidden"), "{error:?}");
    assert!(!upload.0, "nothing of it was read");
}
