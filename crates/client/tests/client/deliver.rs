//! What comes of a spool's parcels, whatever the server says.

use causebook_client::RemoteDestination;
use causebook_spool::{Delivery, Destination as _, Outcome, Parcel, ParcelKind};

use crate::server::{Reply, Server, whole};

const NDJSON: &str = "application/x-ndjson";

fn parcel(kind: ParcelKind, seq: u64, rows: u32, body: &str) -> Parcel<'_> {
    Parcel {
        kind,
        seq,
        rows,
        body: body.as_bytes(),
    }
}

fn record(seq: u64) -> Parcel<'static> {
    parcel(ParcelKind::Record, seq, 1, r#"{"id":"r"}"#)
}

fn deliver(server: &Server, parcels: &[Parcel<'_>]) -> Delivery {
    RemoteDestination::new(server.ledger()).deliver(parcels)
}

fn told(delivery: &Delivery) -> Vec<String> {
    let outcome = |outcome: &Outcome| match outcome {
        Outcome::Stored(receipt) => format!("stored {}", receipt.index),
        Outcome::Refused(refusal) => format!("refused {}: {}", refusal.code, refusal.what),
    };
    delivery.outcomes.iter().map(outcome).collect()
}

fn lines(lines: &[&str]) -> Reply {
    whole(200, NDJSON, &lines.join("\n"))
}

#[test]
fn a_bad_record_is_refused_and_the_others_go_on() {
    let server = Server::of(vec![lines(&[
        r#"{"line":1,"id":"a","index":7,"digest":"00"}"#,
        r#"{"line":2,"error":{"code":"invalid-record","status":422,"detail":"D","errors":[{"pointer":"/time","detail":"no date"}]}}"#,
        r#"{"line":3,"id":"c","index":8,"digest":"00"}"#,
    ])]);
    let delivery = deliver(&server, &[record(1), record(2), record(3)]);
    assert_eq!(
        told(&delivery),
        [
            "stored 7",
            "refused invalid-record: D (/time: no date)",
            "stored 8"
        ]
    );
    assert_eq!((delivery.parcels, delivery.failure), (3, None));
    assert_eq!(server.next().text(), "{\"id\":\"r\"}\n".repeat(3));
}

#[test]
fn what_the_server_could_not_do_now_is_tried_again() {
    let server = Server::of(vec![lines(&[
        r#"{"line":1,"id":"a","index":7,"digest":"00"}"#,
        r#"{"line":2,"error":{"code":"busy","status":503,"detail":"later"}}"#,
        r#"{"line":3,"id":"c","index":8,"digest":"00"}"#,
    ])]);
    let delivery = deliver(&server, &[record(1), record(2), record(3)]);
    assert_eq!(
        (delivery.parcels, told(&delivery)),
        (1, vec!["stored 7".to_owned()])
    );
    assert_eq!(delivery.failure.unwrap().what, "later");
}

#[test]
fn a_token_that_is_not_known_costs_no_record() {
    let problem = r#"{"code":"unauthenticated","status":401,"detail":"no such token"}"#;
    let server = Server::of(vec![whole(401, "application/problem+json", problem)]);
    let attachment = parcel(ParcelKind::Attachment, 1, 0, "bytes");
    let delivery = deliver(&server, &[attachment, record(1)]);
    assert_eq!((delivery.parcels, told(&delivery).len()), (0, 0));
    assert_eq!(delivery.failure.unwrap().what, "no such token");
}

#[test]
fn attachments_records_and_batches_go_in_their_order() {
    let server = Server::of(vec![
        whole(
            201,
            "application/json",
            r#"{"digest":"sha256:00","size":5}"#,
        ),
        lines(&[r#"{"line":1,"id":"a","index":0,"digest":"00"}"#]),
        lines(&[
            r#"{"row":1,"id":"b","index":1,"digest":"00"}"#,
            r#"{"row":2,"error":{"code":"invalid-record","status":422,"detail":"D"}}"#,
        ]),
    ]);
    let delivery = deliver(
        &server,
        &[
            parcel(ParcelKind::Attachment, 1, 0, "bytes"),
            record(1),
            parcel(ParcelKind::Batch, 2, 2, "arrow"),
        ],
    );
    assert_eq!((delivery.parcels, delivery.failure.clone()), (3, None));
    assert_eq!(
        told(&delivery),
        ["stored 0", "stored 1", "refused invalid-record: D"]
    );
    let paths: Vec<String> = (0..3).map(|_| server.next().line).collect();
    assert!(paths[0].contains("/attachments"), "{paths:?}");
    assert!(paths[1].contains("/records"), "{paths:?}");
    assert!(paths[2].contains("/records"), "{paths:?}");
}

#[test]
fn records_and_rows_that_have_been_erased_are_refused_as_such() {
    let erased = r#"{"code":"record-erased","status":409,"detail":"the record of the id \"a\", at index 7, has been erased"}"#;
    let server = Server::of(vec![
        lines(&[&format!(r#"{{"line":1,"error":{erased}}}"#)]),
        lines(&[&format!(r#"{{"row":1,"error":{erased}}}"#)]),
    ]);
    let delivery = deliver(&server, &[record(1), parcel(ParcelKind::Batch, 2, 1, "x")]);
    assert_eq!((delivery.parcels, delivery.failure), (2, None));
    for outcome in delivery.outcomes {
        let Outcome::Refused(refusal) = outcome else {
            panic!("{outcome:?}");
        };
        assert!(refusal.is_erased());
        // It is known by its id.
        assert!(refusal.what.contains("\"a\""), "{}", refusal.what);
    }
}

#[test]
fn bytes_that_are_no_batch_do_not_hold_up_what_follows() {
    let problem = r#"{"code":"invalid-body","status":400,"detail":"not Arrow"}"#;
    let server = Server::of(vec![
        whole(400, "application/problem+json", problem),
        lines(&[r#"{"line":1,"id":"a","index":0,"digest":"00"}"#]),
    ]);
    let delivery = deliver(&server, &[parcel(ParcelKind::Batch, 1, 2, "x"), record(3)]);
    assert_eq!(
        told(&delivery),
        [
            "refused invalid-body: not Arrow",
            "refused invalid-body: not Arrow",
            "stored 0"
        ]
    );
}

#[test]
fn a_connection_that_breaks_off_leaves_a_batch_whole() {
    let cut = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {NDJSON}\r\ncontent-length: 999\r\n\r\n{{\"row\":1,\"id\":\"b\",\"index\":1,\"digest\":\"00\"}}\n"
    );
    let replies = (0..3)
        .map(|_| Reply::Bytes(cut.clone().into_bytes()))
        .collect();
    let server = Server::of(replies);
    let delivery = deliver(&server, &[parcel(ParcelKind::Batch, 1, 2, "x")]);
    assert_eq!((delivery.parcels, told(&delivery).len()), (0, 0));
    assert!(delivery.failure.is_some());
}
