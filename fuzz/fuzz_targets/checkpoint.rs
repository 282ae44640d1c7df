//! Checkpoints: what is read is printed again byte for byte, extension lines included.
#![no_main]

use causebook_tlog::Checkpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let plain = Checkpoint::parse(text);
    match Checkpoint::parse_with_extensions(text) {
        Ok((head, extensions)) => {
            assert_eq!(head.text() + extensions, text);
            assert_eq!(plain.is_ok(), extensions.is_empty());
            assert_eq!(Checkpoint::parse(&head.text()).as_ref(), Ok(&head));
        }
        Err(_) => assert!(plain.is_err()),
    }
});
