//! Signed notes and verifier keys: what is read is printed again byte for byte, and a signed checkpoint that was changed
//! is refused or says what it said.
#![no_main]

use causebook_fuzz::book::{BOOK, VERIFIERS};
use causebook_fuzz::choices::Choices;
use causebook_tlog::{Note, NoteSignature, Verifier, open_checkpoint, parse_signature_lines};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    match choices.byte() % 4 {
        0 => read(choices.rest()),
        1 => key(choices.rest()),
        2 => changed(&BOOK.note, choices),
        _ => changed(&BOOK.cosigned, choices),
    }
});

fn read(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(note) = Note::parse(text) {
        assert_eq!(note.to_string(), text);
        let again = Note::new(note.text().to_owned(), note.signatures().to_vec());
        assert_eq!(again.as_ref(), Ok(&note));
        assert!(note.verify(VERIFIERS.as_slice()).is_err() || note.text() == BOOK.head.text());
    }
    if let Ok(signatures) = parse_signature_lines(text) {
        let printed: String = signatures
            .iter()
            .map(|signature| format!("{signature}\n"))
            .collect();
        assert_eq!(printed, text);
    }
    if let Ok(signature) = NoteSignature::parse(text) {
        assert_eq!(signature.to_string(), text);
    }
}

fn key(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(verifier) = Verifier::parse(text) {
        assert_eq!(verifier.vkey(), text);
    }
}

fn changed(note: &str, mut choices: Choices<'_>) {
    let Some(text) = choices.mutate_text(note) else {
        return;
    };
    if let Ok((head, signatures)) = open_checkpoint(&text, VERIFIERS.as_slice()) {
        assert_eq!(head, BOOK.head);
        assert!(!signatures.is_empty());
    }
}
