//! Requests to a witness: what is read is printed again byte for byte, and nothing is cosigned but what continues the
//! head that the witness knows, whatever the client says.
#![no_main]

use std::sync::LazyLock;

use causebook_fuzz::book::{BOOK, ORIGIN, TIME, VERIFIERS, log_signer};
use causebook_fuzz::choices::Choices;
use causebook_fuzz::reference::tree;
use causebook_tlog::{
    AddCheckpoint, Checkpoint, Hash, Note, Verdict, WitnessedLog, hash_leaf, judge_add_checkpoint,
    sign_checkpoint,
};
use libfuzzer_sys::fuzz_target;

/// Heads that the log has signed: the honest one and that of a fork of the same size.
static FORK: LazyLock<(Checkpoint, Vec<Hash>, String)> = LazyLock::new(|| {
    let mut leaves = BOOK.leaves.clone();
    leaves[0] = hash_leaf(b"another");
    let head = Checkpoint {
        root: tree::root(&leaves),
        ..BOOK.head.clone()
    };
    let note = sign_checkpoint(&head, &[&log_signer()], TIME).unwrap();
    (head, leaves, note)
});

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    let mode = choices.byte();
    let known = choices.below(BOOK.leaves.len() + 1);
    let log = || WitnessedLog {
        verifiers: vec![VERIFIERS[0].clone()],
        size: known as u64,
        root: tree::root(&BOOK.leaves[..known]),
    };
    let body = if mode.is_multiple_of(3) {
        choices.rest().to_vec()
    } else {
        let (leaves, note) = if mode % 3 == 1 {
            (&BOOK.leaves, &BOOK.note)
        } else {
            (&FORK.1, &FORK.2)
        };
        let proof = if known == 0 {
            Vec::new()
        } else {
            tree::consistency(known, leaves)
        };
        let checkpoint = Note::parse(note).unwrap();
        let mut body = AddCheckpoint {
            old_size: known as u64,
            proof,
            checkpoint,
        }
        .to_string()
        .into_bytes();
        choices.mutate(&mut body);
        body
    };
    if let Ok(request) = AddCheckpoint::parse(&body) {
        assert_eq!(request.to_string().as_bytes(), body);
    }
    let verdict = judge_add_checkpoint(&body, |origin| (origin == ORIGIN).then(log));
    if let Verdict::Cosign(head) = &verdict {
        // What a client cannot bring about is a head that the log has not signed, or that forks from what is known.
        assert!(
            *head == BOOK.head || (*head == FORK.0 && known == 0),
            "{head:?}"
        );
    }
    assert!([200, 400, 403, 404, 409, 422].contains(&verdict.status()));
});
