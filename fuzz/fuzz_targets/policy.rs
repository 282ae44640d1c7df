//! Policies: one that is read accepts a cosigned checkpoint exactly if a plain reading of its lines says so.
#![no_main]

use causebook_fuzz::book::{BOOK, ORIGIN, VERIFIERS};
use causebook_fuzz::reference::policy::accepts;
use causebook_tlog::{Note, POLICY_NAMES_MAX, Policy};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // Long keys would be out of the fuzzer's reach: $0, $1 and $2 stand for those of log, cosigner and witness.
    let mut policy = Vec::new();
    let mut rest = data.iter();
    while let Some(byte) = rest.next() {
        match (byte, rest.as_slice().first()) {
            (b'$', Some(digit @ b'0'..=b'2')) => {
                policy.extend_from_slice(VERIFIERS[usize::from(digit - b'0')].vkey().as_bytes());
                rest.next();
            }
            _ => policy.push(*byte),
        }
    }
    let Ok(read) = Policy::parse(&policy) else {
        return;
    };
    assert!(read.logs().len() <= POLICY_NAMES_MAX && read.witnesses().count() <= POLICY_NAMES_MAX);
    let [log, cosigner, witness] = VERIFIERS.each_ref().map(|verifier| verifier.vkey());
    let cosigned = accepts(&policy, ORIGIN, &[log.clone(), cosigner, witness]);
    assert_eq!(
        read.check(&Note::parse(&BOOK.cosigned).unwrap()).is_ok(),
        cosigned
    );
    let alone = accepts(&policy, ORIGIN, &[log]);
    assert_eq!(read.check(&Note::parse(&BOOK.note).unwrap()).is_ok(), alone);
});
