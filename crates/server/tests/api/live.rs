//! Live tails.

use crate::support::{Running, decision};

#[test]
fn new_records_come_as_events_and_a_tail_goes_on_where_it_ended() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("0", "deny"));
    let mut tail = caller.events("/v1/ledgers/main/tail", &[]);
    caller.record(&decision("1", "deny"));
    let (name, id, data) = tail.next();
    assert_eq!(
        (name.as_str(), id.as_str(), data["id"].as_str()),
        ("record", "1", Some("1"))
    );
    drop(tail);
    caller.record(&decision("2", "approve"));
    caller.record(&decision("3", "deny"));
    let mut tail = caller.events(
        "/v1/ledgers/main/tail?q=decision:deny",
        &[("last-event-id", "1")],
    );
    let (_, id, _) = tail.next();
    assert_eq!(id, "3");
    let refused = caller.send(
        "GET",
        "/v1/ledgers/main/tail",
        &[("last-event-id", "x")],
        None,
    );
    assert_eq!(refused.code(), "invalid-header");
}

#[test]
fn a_tail_that_is_far_behind_is_told_what_it_skips() {
    let server = Running::new();
    let caller = server.anyone();
    for chunk in 0..3 {
        let lines: String = (0..8000)
            .map(|number| decision(&format!("{chunk}-{number}"), "deny").to_string() + "\n")
            .collect();
        caller.batch(&lines);
    }
    let mut tail = caller.events("/v1/ledgers/main/tail?after=0", &[]);
    let (name, _, data) = tail.next();
    assert_eq!((name.as_str(), data["from"].as_u64()), ("skipped", Some(1)));
    let (name, id, _) = tail.next();
    assert_eq!(
        (name.as_str(), id.parse::<u64>().ok()),
        ("record", data["to"].as_u64().map(|to| to + 1))
    );
}

#[test]
fn there_is_a_limit_on_tails() {
    let server = Running::with(&[("limits.tails", "1")]);
    let caller = server.anyone();
    let first = caller.events("/v1/ledgers/main/tail", &[]);
    let second = caller.get("/v1/ledgers/main/tail");
    assert_eq!((second.status, second.code().as_str()), (503, "busy"));
    drop(first);
}
