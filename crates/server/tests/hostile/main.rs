//! What no honest client sends, on bare sockets: slow, oversized, compressed beyond measure, deep, climbing out of folders,
//! smuggling. Each gets an answer that says what is wrong, or a closed connection where there is no request to answer, and
//! the server lives on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::format_push_string
)]
// Whether a connection is closed in time is measured on the real clock.
#![allow(clippy::disallowed_methods)]

mod places;
mod protocol;
mod sizes;
mod slow;
mod wire;

use wire::Answer;

pub(crate) const RECORD: &str = r#"{"model":"m","output":1}"#;
pub(crate) const RECORDS: &str = "/v1/ledgers/main/records";

/// An answer to what a client did wrong: 4xx, and a problem that says what.
pub(crate) fn assert_problem(answer: &Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{what}: {answer:?}"
    );
    let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    for member in ["type", "title", "status", "detail", "code", "request_id"] {
        assert!(
            problem.get(member).is_some(),
            "{what}: no {member} in {problem}"
        );
    }
    assert_eq!(problem["status"], answer.status, "{what}");
    assert_eq!(
        problem["request_id"].as_str(),
        answer.header("x-request-id"),
        "{what}"
    );
}

/// What is refused before there is a request: 4xx without more, or nothing and the connection closed.
pub(crate) fn assert_turned_away(answers: &[Answer], what: &str) {
    assert!(answers.len() <= 1, "{what}: {answers:?}");
    for answer in answers {
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    }
}
