//! Canonical text and facts against a reference that builds a tree: the same documents are refused, the same bytes come
//! out, and canonical text is its own.
#![no_main]

use causebook_fuzz::reference::json;
use causebook_record::{FACTS_MAX, PATH_BYTES_MAX, canonicalize, facts};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let (ours, right) = (canonicalize(data), json::read(data));
    let (ours, right) = match (ours, right) {
        (Ok(ours), Some(right)) => (ours, right),
        (Err(_), None) => return,
        (Ok(ours), None) => panic!("accepted what must be refused: {ours}"),
        (Err(error), Some(right)) => panic!("refused {}: {error}", right.print()),
    };
    assert_eq!(ours, right.print());
    assert_eq!(canonicalize(ours.as_bytes()).as_ref(), Ok(&ours));
    if matches!(right, json::Value::Object(_)) {
        let right = right.facts();
        let fits =
            right.len() <= FACTS_MAX && right.iter().all(|(path, _)| path.len() <= PATH_BYTES_MAX);
        let taken = facts(&ours);
        assert_eq!(taken.is_ok(), fits, "{taken:?}");
        if let Ok(taken) = taken {
            let taken: Vec<(String, String)> = taken
                .iter()
                .map(|fact| (fact.path.to_string(), fact.text.to_owned()))
                .collect();
            assert_eq!(taken, right);
        }
    }
});
