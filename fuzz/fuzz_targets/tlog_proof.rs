//! Proof files: what is read is printed again byte for byte; a good file that was changed is refused or proves the same.
#![no_main]

use std::sync::LazyLock;

use causebook_fuzz::book::{BOOK, VERIFIERS};
use causebook_fuzz::choices::Choices;
use causebook_fuzz::reference::tree;
use causebook_tlog::{Note, Policy, TlogProof};
use libfuzzer_sys::fuzz_target;

const INDEX: usize = 1;

static GOOD: LazyLock<TlogProof> = LazyLock::new(|| TlogProof {
    extra: Some(b"opaque".to_vec()),
    index: INDEX as u64,
    proof: tree::inclusion(INDEX, &BOOK.leaves),
    checkpoint: Note::parse(&BOOK.note).unwrap(),
});

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    if choices.byte().is_multiple_of(2) {
        if let Ok(text) = std::str::from_utf8(choices.rest()) {
            judge(text);
        }
    } else if let Some(text) = choices.mutate_text(&GOOD.to_string()) {
        judge(&text);
    }
});

fn judge(text: &str) {
    let Ok(file) = TlogProof::parse(text) else {
        return;
    };
    assert_eq!(file.to_string(), text);
    let policy = Policy::of_log(VERIFIERS[0].clone());
    if let Ok(verified) = file.verify(&BOOK.leaves[INDEX], &policy) {
        assert_eq!(verified.checkpoint, BOOK.head);
        assert_eq!((file.index, &file.proof), (GOOD.index, &GOOD.proof));
    }
}
