//! Arbitrary bytes at the door. What is accepted is canonical and within its limits, stays itself when it is given again,
//! and its digest survives every disclosure and every erasure.
#![no_main]

use causebook_fuzz::book::recorded;
use causebook_fuzz::reference::json;
use causebook_record::{
    DESCENT_MAX, Draft, FACTS_MAX, OpeningKey, PATH_BYTES_MAX, Pointer, RECORD_BYTES_MAX, Record,
    Redaction, Sealed, Selection, Stored, canonicalize, commit, digest, join_members, members,
    salt,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(draft) = Draft::parse(data) else {
        return;
    };
    check_draft(&draft);
    let content = draft.content().to_owned();
    let had_id = draft.id().is_some();
    let Ok(record) = draft.complete("generated", &recorded()) else {
        return;
    };
    assert_eq!(
        canonicalize(record.text().as_bytes()).as_deref(),
        Ok(record.text())
    );
    assert_eq!(
        Record::from_text(record.text().to_owned()).as_ref(),
        Ok(&record)
    );
    if had_id {
        assert_eq!(record.content(), content);
    }
    let facts = json::read(record.text().as_bytes())
        .expect("canonical text is JSON")
        .facts();
    assert!(record.text().len() <= RECORD_BYTES_MAX && facts.len() <= FACTS_MAX);
    for (path, _) in &facts {
        assert!(path.len() <= PATH_BYTES_MAX && path.matches('/').count() <= DESCENT_MAX);
    }
    let sealed = record.seal(OpeningKey([9; 16]));
    check_seal(&sealed, &facts, data);
});

/// A draft given again is itself: what the door added (`time_assumed`) is the only thing a caller may not give.
fn check_draft(draft: &Draft) {
    assert_eq!(
        canonicalize(draft.text().as_bytes()).as_deref(),
        Ok(draft.text())
    );
    let kept: Vec<_> = members(draft.text())
        .unwrap()
        .into_iter()
        .filter(|(key, _)| key != "time_assumed")
        .collect();
    let again = join_members(kept.iter().map(|(key, value)| (key.as_ref(), *value))).unwrap();
    let parsed = Draft::parse(again.as_bytes()).unwrap_or_else(|error| panic!("{error}: {again}"));
    assert_eq!(parsed.text(), again);
    assert_eq!((parsed.id(), parsed.kind()), (draft.id(), draft.kind()));
}

fn check_seal(sealed: &Sealed, facts: &[(String, String)], data: &[u8]) {
    let commitments: Vec<_> = facts
        .iter()
        .zip(0..)
        .map(|((path, text), i)| commit(salt(&sealed.key, i), path, text))
        .collect();
    assert_eq!(digest(&commitments), sealed.digest);
    let stored = Stored::Whole {
        text: sealed.text.clone(),
        key: sealed.key,
    };
    assert_eq!(stored.digest().unwrap(), Some(sealed.digest));

    // Which facts are taken depends on the input, so that the fuzzer varies it.
    let taken = |place: usize| data[place % data.len()] & 1 == 1;
    let chosen: Vec<&(String, String)> = facts
        .iter()
        .enumerate()
        .filter(|(place, _)| taken(*place))
        .map(|(_, fact)| fact)
        .collect();
    let pointers: Vec<Pointer> = chosen
        .iter()
        .map(|(path, _)| path.parse().unwrap())
        .collect();
    let shown = stored
        .disclosure(&Selection::Only(pointers.clone()))
        .unwrap();
    assert_eq!(shown.digest().unwrap(), sealed.digest);
    let text = shown.text().unwrap();
    assert_eq!(canonicalize(text.as_bytes()).as_ref(), Ok(&text));
    for fact in &shown.facts {
        assert_eq!(
            facts[fact.i as usize],
            (fact.path.clone(), fact.text.clone())
        );
    }

    let protected = |path: &str| path == "/id" || path == "/kind" || path.starts_with("/recorded/");
    let erasable: Vec<Pointer> = pointers
        .into_iter()
        .filter(|pointer| !protected(pointer.as_str()))
        .collect();
    if erasable.is_empty() {
        return;
    }
    let count = erasable.len();
    let Stored::Redacted { text, redaction } = stored.erase_facts(&erasable).unwrap() else {
        panic!("erasing left the record whole");
    };
    assert_eq!(redaction.hidden.len(), count);
    let redaction = Redaction::from_json(&redaction.to_json()).unwrap();
    let redacted = Stored::Redacted { text, redaction };
    assert_eq!(redacted.digest().unwrap(), Some(sealed.digest));
    for pointer in &erasable {
        let shown = redacted.disclosure(&Selection::All).unwrap();
        assert!(shown.facts.iter().all(|fact| fact.path != pointer.as_str()));
    }
}
