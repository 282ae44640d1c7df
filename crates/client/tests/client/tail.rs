//! A tail goes on where it was cut, and tells what was passed over.

use causebook_client::{ClientError, TailEvent};

use crate::server::{Reply, Server, open, problem};

fn stream(events: &str) -> Reply {
    let mut bytes = open("text/event-stream");
    bytes.extend(events.as_bytes());
    Reply::Bytes(bytes)
}

fn record(index: u64) -> String {
    format!("id: {index}\nevent: record\ndata: {{\"index\":{index},\"id\":\"r-{index}\"}}\n\n")
}

#[test]
fn a_cut_stream_is_opened_again_after_the_last_record() {
    let server = Server::of(vec![
        stream(&format!(
            ": hello\n\n{}{}id: 6\nevent: rec",
            record(4),
            record(5)
        )),
        stream(&format!("{}{}", record(5), record(6))),
    ]);
    let ledger = server.ledger();
    let mut tail = ledger.tail("decision:deny", None);
    let mut indexes = Vec::new();
    let mut reconnected = 0;
    while indexes.len() < 3 {
        match tail.next().unwrap().unwrap() {
            TailEvent::Record(item) => indexes.push(item.index),
            TailEvent::Reconnecting { .. } => reconnected += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((indexes, reconnected), (vec![4, 5, 6], 1));
    assert_eq!(server.next().header("last-event-id"), None);
    let again = server.next();
    assert_eq!(again.header("last-event-id"), Some("5"));
    assert_eq!(
        again.line,
        "GET /v1/ledgers/main/tail?q=decision%3Adeny&after=5 HTTP/1.1"
    );
}

#[test]
fn what_was_passed_over_is_told() {
    let skipped = "id: 9\nevent: skipped\ndata: {\"from\":5,\"to\":9,\"count\":5,\"message\":\"all are stored\"}\n\n";
    let server = Server::of(vec![stream(&format!(
        "{}{skipped}{}",
        record(4),
        record(10)
    ))]);
    let ledger = server.ledger();
    let told: Vec<TailEvent> = ledger.tail("", None).take(3).map(Result::unwrap).collect();
    assert!(
        matches!(&told[1], TailEvent::Skipped(skipped) if skipped.count == 5),
        "{told:?}"
    );
    assert!(
        matches!(&told[2], TailEvent::Record(item) if item.index == 10),
        "{told:?}"
    );
}

#[test]
fn a_refusal_ends_the_tail() {
    let server = Server::of(vec![problem(403, "forbidden", "")]);
    let ledger = server.ledger();
    let told: Vec<_> = ledger.tail("", None).collect();
    assert!(
        matches!(told.as_slice(), [Err(ClientError::Refused(_))]),
        "{told:?}"
    );
}

#[test]
fn an_event_that_is_none_ends_the_tail() {
    let server = Server::of(vec![stream("event: record\ndata: <html>\n\n")]);
    let ledger = server.ledger();
    let told: Vec<_> = ledger.tail("", Some(3)).collect();
    assert!(
        matches!(told.as_slice(), [Err(ClientError::Foreign { .. })]),
        "{told:?}"
    );
}
