//! Evidence files: whatever is done to a good one, what still holds under the log's key says only what was sealed.
#![no_main]

use std::sync::LazyLock;

use causebook_evidence::{Content, Evidence, EvidenceRecord, Link, Standing, Trust, check};
use causebook_fuzz::book::{BOOK, ORIGIN, VERIFIERS};
use causebook_fuzz::choices::Choices;
use causebook_fuzz::reference::{json, tree};
use causebook_record::{OpenFact, Pointer, Selection};
use causebook_tlog::Hash;
use libfuzzer_sys::fuzz_target;

static GOOD: LazyLock<Evidence> = LazyLock::new(|| {
    let shown = |index: usize, pointers: &[&str]| {
        let pointers: Vec<Pointer> = pointers
            .iter()
            .map(|pointer| pointer.parse().unwrap())
            .collect();
        let disclosure = BOOK
            .stored(index)
            .disclosure(&Selection::Only(pointers))
            .unwrap();
        EvidenceRecord::disclosed(
            index as u64,
            disclosure,
            tree::inclusion(index, &BOOK.leaves),
        )
    };
    let erased = EvidenceRecord::erased(4, BOOK.sealed[4].digest, tree::inclusion(4, &BOOK.leaves));
    let records = vec![
        shown(1, &["/decision", "/input", "/model"]),
        shown(3, &[""]),
        erased,
    ];
    Evidence::build(vec![VERIFIERS[0].vkey()], BOOK.note.clone(), records).unwrap()
});

static FILE: LazyLock<String> = LazyLock::new(|| GOOD.to_json());

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    match choices.byte() % 3 {
        0 => parse(choices.rest()),
        1 => {
            let mut bytes = FILE.as_bytes().to_vec();
            choices.mutate(&mut bytes);
            parse(&bytes);
        }
        _ => {
            let mut evidence = GOOD.clone();
            for _ in 0..1 + choices.byte() % 4 {
                change(&mut evidence, &mut choices);
            }
            judge(&evidence);
            parse(evidence.to_json().as_bytes());
        }
    }
});

fn parse(file: &[u8]) {
    let Ok(evidence) = Evidence::parse(file) else {
        return;
    };
    assert_eq!(
        Evidence::parse(evidence.to_json().as_bytes()).as_ref(),
        Ok(&evidence)
    );
    judge(&evidence);
}

fn judge(evidence: &Evidence) {
    let Ok(report) = check(evidence, &Trust::Keys(vec![VERIFIERS[0].vkey()])) else {
        return;
    };
    assert_eq!(
        (report.origin.as_str(), report.size, report.root),
        (ORIGIN, BOOK.head.size, BOOK.head.root)
    );
    assert!(!report.self_asserted);
    assert_eq!(
        report.records.first().map(|record| record.link),
        Some(Link::Asked)
    );
    for record in &report.records {
        let sealed = &BOOK.sealed[record.index as usize];
        assert_eq!(record.digest, sealed.digest);
        let Standing::Disclosed {
            text,
            shown,
            hidden,
        } = &record.standing
        else {
            continue;
        };
        let facts = json::read(sealed.text.as_bytes()).unwrap().facts();
        let said = json::read(text.as_bytes()).unwrap().facts();
        assert_eq!((said.len(), shown + hidden), (*shown, facts.len()));
        assert!(
            said.iter().all(|fact| facts.contains(fact)),
            "{text} is not of {}",
            sealed.text
        );
    }
    let linked = |place: usize| report.records[place].link;
    for place in 1..report.records.len() {
        let pair = (report.records[0].index, report.records[place].index);
        match linked(place) {
            Link::Refers => assert_eq!(pair, (1, 3)),
            Link::Referred => assert_eq!(pair, (3, 1)),
            Link::Unproven => {}
            Link::Asked => panic!("a second record that was asked for"),
        }
    }
}

/// One change of the structure. Most of them must make the file false; hiding more and reordering need not.
fn change(evidence: &mut Evidence, choices: &mut Choices<'_>) {
    let place = choices.below(evidence.records.len().max(1));
    match choices.byte() % 8 {
        0 => {
            evidence.checkpoint = choices
                .mutate_text(&evidence.checkpoint.clone())
                .unwrap_or_default()
        }
        1 => evidence
            .keys
            .push(VERIFIERS[usize::from(choices.byte() % 3)].vkey()),
        2 => {
            evidence.origin = choices
                .mutate_text(&evidence.origin.clone())
                .unwrap_or_default()
        }
        3 if !evidence.records.is_empty() => {
            let other = choices.below(evidence.records.len());
            evidence.records.swap(place, other);
        }
        4 if evidence.records.len() > 1 => {
            evidence.records.remove(place);
        }
        _ => {
            if let Some(record) = evidence.records.get_mut(place) {
                change_record(record, choices);
            }
        }
    }
}

fn change_record(record: &mut EvidenceRecord, choices: &mut Choices<'_>) {
    match choices.byte() % 4 {
        0 => record.index = u64::from(choices.byte() % 7),
        1 => record.inclusion.push(Hash(choices.array())),
        2 => {
            let at = choices.below(record.inclusion.len().max(1));
            if let Some(hash) = record.inclusion.get_mut(at) {
                hash.0[usize::from(choices.byte() % 32)] ^= choices.byte();
            }
        }
        _ => match &mut record.content {
            Content::Erased(digest) => digest.0[usize::from(choices.byte() % 32)] ^= choices.byte(),
            Content::Disclosed(disclosure) => {
                let at = choices.below(disclosure.facts.len().max(1));
                let other = choices.below(disclosure.facts.len().max(1));
                match choices.byte() % 6 {
                    0 if at < disclosure.facts.len() => {
                        let fact = disclosure.facts.remove(at);
                        let commitment =
                            causebook_record::commit(fact.salt, &fact.path, &fact.text);
                        disclosure.hidden.insert(fact.i, commitment);
                    }
                    1 => {
                        disclosure.count = disclosure
                            .count
                            .wrapping_add_signed(i32::from(choices.byte() as i8))
                    }
                    2 => {
                        disclosure.hidden.pop_last();
                    }
                    3 if !disclosure.facts.is_empty() => disclosure.facts.swap(at, other),
                    _ => {
                        if let Some(fact) = disclosure.facts.get_mut(at) {
                            change_fact(fact, choices);
                        }
                    }
                }
            }
        },
    }
}

/// Moves a boundary between path and text, or changes either: what length prefixes and canonical text must prevent.
fn change_fact(fact: &mut OpenFact, choices: &mut Choices<'_>) {
    match choices.byte() % 5 {
        0 => fact.i = u32::from(choices.byte()),
        1 => fact.path = choices.mutate_text(&fact.path.clone()).unwrap_or_default(),
        2 => fact.text = choices.mutate_text(&fact.text.clone()).unwrap_or_default(),
        3 => fact.salt.0[usize::from(choices.byte() % 16)] ^= choices.byte(),
        _ => {
            let joined = format!("{}{}", fact.path, fact.text);
            let at = choices.below(joined.len() + 1);
            if let Some((path, text)) = joined.split_at_checked(at) {
                (fact.path, fact.text) = (path.to_owned(), text.to_owned());
            }
        }
    }
}
