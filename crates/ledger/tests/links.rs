//! What refers to another record finds it there, and a review the decision that it is about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use causebook_ledger::{Erasure, Ledger, LinkError, Links, may_link};
use causebook_record::Draft;
use common::Media;

fn draft(text: &str) -> Draft {
    Draft::parse(text.as_bytes()).unwrap()
}

fn decided(id: &str, word: &str) -> Draft {
    draft(&format!(
        r#"{{"id":"{id}","model":"m","output":1,"decision":"{word}"}}"#
    ))
}

fn review(id: &str, target: &str, said: &str) -> Draft {
    draft(&format!(
        r#"{{"id":"{id}","kind":"review","refers_to":"{target}","review":{{"who":"ann","role":"r","reason":"x",{said}}}}}"#
    ))
}

fn overrides(id: &str, before: &str, after: &str) -> Draft {
    let said = format!(r#""action":"override","before":"{before}","after":"{after}""#);
    review(id, "d", &said)
}

/// Records what may be recorded, as whoever lets records in does.
fn record(ledger: &Ledger, allow_missing: bool, draft: Draft) -> Result<(), LinkError> {
    Links::new(&ledger.reader(), allow_missing).check(&draft)?;
    ledger.append(draft, "tester", "test").unwrap();
    Ok(())
}

fn code(result: Result<(), LinkError>) -> (&'static str, &'static str) {
    let error = result.unwrap_err();
    (error.code(), error.pointer())
}

#[test]
fn a_review_names_the_decision_in_force_wherever_the_records_are() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    record(&ledger, false, decided("d", "deny")).unwrap();
    record(&ledger, false, overrides("r1", "deny", "approve")).unwrap();
    ledger.flush().unwrap();
    let stale = code(record(&ledger, false, overrides("r2", "deny", "refer")));
    assert_eq!(stale, ("invalid-review", "/review/before"));
    record(&ledger, false, overrides("r3", "approve", "refer")).unwrap();
    // One that is there already is not judged again.
    record(&ledger, false, overrides("r1", "deny", "approve")).unwrap();
    let confirmed = review("r4", "d", r#""action":"confirm""#);
    record(&ledger, false, confirmed).unwrap();
    record(&ledger, false, overrides("r5", "refer", "deny")).unwrap();
}

#[test]
fn a_review_that_changes_nothing_or_does_not_say_what_is_refused() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    record(&ledger, false, decided("d", "deny")).unwrap();
    let without = |said: &str| code(record(&ledger, false, review("r", "d", said)));
    assert_eq!(
        without(r#""action":"override","after":"approve""#),
        ("invalid-review", "/review/before")
    );
    assert_eq!(
        without(r#""action":"reverse","before":"deny""#),
        ("invalid-review", "/review/after")
    );
    assert_eq!(
        code(record(&ledger, false, overrides("r", "deny", "deny"))),
        ("invalid-review", "/review/after")
    );
}

#[test]
fn what_is_referred_to_is_there_unless_it_may_come_later() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let outcome =
        || draft(r#"{"id":"o","kind":"outcome","refers_to":"d","outcome":{"label":"repaid"}}"#);
    assert_eq!(
        code(record(&ledger, false, outcome())),
        ("unknown-target", "/refers_to")
    );
    record(&ledger, true, outcome()).unwrap();
    // A review of what is not there is not held against anything.
    record(&ledger, true, overrides("r1", "deny", "approve")).unwrap();
    record(&ledger, false, decided("d", "deny")).unwrap();
    record(&ledger, false, overrides("r2", "approve", "refer")).unwrap();
    ledger
        .erase("d", &Erasure::Payload, "asked for", "tester")
        .unwrap();
    record(&ledger, false, overrides("r3", "refer", "deny")).unwrap();
}

#[test]
fn records_that_come_together_are_known_to_one_another() {
    let media = Media::new();
    let ledger = media.open().unwrap();
    let reader = ledger.reader();
    let mut links = Links::new(&reader, false);
    links.check(&decided("d", "deny")).unwrap();
    links.check(&overrides("r1", "deny", "approve")).unwrap();
    assert!(links.check(&overrides("r2", "deny", "refer")).is_err());
    // The decision sent twice does not undo its review.
    links.check(&decided("d", "deny")).unwrap();
    links.check(&overrides("r3", "approve", "refer")).unwrap();
}

#[test]
fn whatever_refers_to_another_may_link() {
    for linked in [
        r#"{"refers_to":"d"}"#,
        r#"{"\u0072efers_to":"d"}"#,
        r#"{"refers\u005fto":"d"}"#,
    ] {
        assert!(may_link(linked.as_bytes()), "{linked}");
    }
    assert!(!may_link(br#"{"id":"a","model":"m","output":1}"#));
}
