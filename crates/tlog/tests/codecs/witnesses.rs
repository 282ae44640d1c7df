//! Requests to a witness, and its answers.

use causebook_tlog::{
    AddCheckpoint, Checkpoint, Note, NoteSignature, Signer as _, Verdict, WitnessedLog, empty_root,
    hash_leaf, judge_add_checkpoint, parse_signature_lines,
};

use crate::log::{ORIGIN, TIME, head, line, log_signer, note_of, witness};
use crate::support::{leaf, leaves, naive_consistency};

#[test]
fn requests_to_a_witness_have_one_spelling() {
    let good = request(3, 7).to_string();
    assert_eq!(
        AddCheckpoint::parse(good.as_bytes()).unwrap().to_string(),
        good
    );
    let hash = good.lines().nth(1).unwrap();
    for bad in [
        String::new(),
        "old 0\n".to_owned(),
        "old 0\n\n".to_owned(),
        good.replace("old 3", "old 03"),
        good.replace("old 3", "old +3"),
        good.replace("old 3", "old  3"),
        good.replace("old 3", "old 3 "),
        good.replace("old 3", "Old 3"),
        good.replace("old 3", "old 18446744073709551616"),
        good.replace("old 3\n", ""),
        good.replace(hash, &hash[1..]),
        good.replace(hash, &format!("{hash}\r")),
        good.replace(hash, &vec![hash; 64].join("\n")),
        good.replacen("\n\n", "\n", 1),
        good.replacen("\n\n", "\n\n\n", 1),
        format!("{good}\n"),
    ] {
        assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{bad:.300}");
        assert_eq!(judge(bad.as_bytes(), 3).status(), 400);
    }
    assert_eq!(judge(b"old 0\n\n\xff", 3).status(), 400);
    assert_eq!(judge(&vec![b'a'; 3 << 20], 3).status(), 400);
    let answer = format!("{}\n{}\n", line(), line());
    assert_eq!(parse_signature_lines(&answer).unwrap().len(), 2);
    for bad in ["", "\n", answer.trim_end(), "text\n"] {
        assert!(parse_signature_lines(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_witness_answers_as_the_specification_says() {
    // (recorded size, request, expected status)
    let zero = |root| {
        let head = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: 0,
            root,
        };
        AddCheckpoint {
            old_size: 0,
            proof: Vec::new(),
            checkpoint: note_of(&head),
        }
    };
    let with = |old_size, proof, size| AddCheckpoint {
        old_size,
        proof,
        checkpoint: note_of(&head(size)),
    };
    let fork = Checkpoint {
        root: hash_leaf(b"fork"),
        ..head(7)
    };
    let cases = [
        (0, with(0, vec![], 7), 200),
        (3, request(3, 7), 200),
        (7, with(7, vec![], 7), 200),
        (0, zero(empty_root()), 200),
        (3, with(8, vec![], 7), 400),
        (3, request(4, 7), 409),
        (3, with(0, vec![], 7), 409),
        (0, request(3, 7), 409),
        (7, zero(empty_root()), 409),
        (0, zero(hash_leaf(b"x")), 422),
        (0, with(0, vec![leaf(0)], 7), 422),
        (3, with(3, vec![], 7), 422),
        (3, with(3, vec![leaf(0)], 7), 422),
        (7, with(7, vec![leaf(0)], 7), 422),
        (
            7,
            AddCheckpoint {
                old_size: 7,
                proof: vec![],
                checkpoint: note_of(&fork),
            },
            422,
        ),
    ];
    for (recorded, request, status) in &cases {
        let verdict = judge(request.to_string().as_bytes(), *recorded);
        assert_eq!(
            verdict.status(),
            *status,
            "{verdict:?} for {recorded} and\n{request}"
        );
        if let Verdict::Conflict { size } = verdict {
            assert_eq!(size, *recorded);
        }
    }
    // The order of the checks: an unknown log before a bad signature, before a bad size, before a conflict.
    let mut wrong = with(9, vec![leaf(0)], 7);
    let text = wrong.checkpoint.text().to_owned();
    let forged = NoteSignature::new(ORIGIN, log_signer().verifier().key_id(), vec![1; 64]).unwrap();
    wrong.checkpoint = Note::new(text.clone(), vec![forged]).unwrap();
    assert_eq!(
        judge_add_checkpoint(wrong.to_string().as_bytes(), |_| None).status(),
        404
    );
    assert_eq!(judge(wrong.to_string().as_bytes(), 3).status(), 403);
    wrong.checkpoint =
        Note::new(text, vec![witness(1).sign(&head(7).text(), TIME).unwrap()]).unwrap();
    assert_eq!(judge(wrong.to_string().as_bytes(), 3).status(), 403);
    println!("witness: {} requests decided", cases.len());
}

/// An honest request to advance a witness.
fn request(old_size: u64, size: u64) -> AddCheckpoint {
    let proof = naive_consistency(0, old_size as usize, &leaves(size as usize), true);
    AddCheckpoint {
        old_size,
        proof,
        checkpoint: note_of(&head(size)),
    }
}

/// The verdict of a witness that cosigned the log at `recorded` leaves.
fn judge(body: &[u8], recorded: u64) -> Verdict {
    judge_add_checkpoint(body, |origin| {
        (origin == ORIGIN).then(|| WitnessedLog {
            verifiers: vec![log_signer().verifier()],
            size: recorded,
            root: head(recorded).root,
        })
    })
}
