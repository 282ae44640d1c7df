//! The identity of a ledger and its key file: what is read stays the same when it is written, its keys are keys, and no
//! other key file fits it.
#![no_main]

use std::sync::LazyLock;

use causebook_fuzz::book::{ORIGIN, VERIFIERS};
use causebook_fuzz::choices::Choices;
use causebook_ledger::fuzzing::key_fits;
use causebook_ledger::sim::SimDisk;
use causebook_ledger::{Disk, FORMAT, Identity, LedgerError};
use libfuzzer_sys::fuzz_target;

/// The key file of the log whose keys these are.
const KEY: &str = "causebook-key/v1\n\
    ed25519 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n\
    ml-dsa-44 AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n";

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| Identity {
    format: FORMAT,
    name: "main".to_owned(),
    origin: ORIGIN.to_owned(),
    created: "2026-01-02T03:04:05Z".parse().unwrap(),
    keys: vec![VERIFIERS[0].vkey(), VERIFIERS[1].vkey()],
});

fuzz_target!(|data: &[u8]| {
    let mut choices = Choices::new(data);
    match choices.byte() % 3 {
        0 => {
            if let Ok(identity) = load(choices.rest()) {
                stays(&identity);
            }
        }
        1 => {
            let mut json = serde_json::to_vec_pretty(&*IDENTITY).unwrap();
            choices.mutate(&mut json);
            if let Ok(identity) = load(&json) {
                stays(&identity);
            }
        }
        _ => {
            let mut key = KEY.as_bytes().to_vec();
            choices.mutate(&mut key);
            // Another seed is another key: all three lines count, and nothing else.
            let lines = |text: &str| text.lines().take(3).map(str::to_owned).collect::<Vec<_>>();
            let right = std::str::from_utf8(&key).is_ok_and(|key| lines(key) == lines(KEY));
            assert_eq!(key_fits(&key, &IDENTITY), right);
        }
    }
});

fn load(json: &[u8]) -> Result<Identity, LedgerError> {
    let disk = SimDisk::new();
    disk.write("ledger.json", json).unwrap();
    Identity::load(&disk)
}

fn stays(identity: &Identity) {
    assert_eq!(identity.format, FORMAT);
    assert_eq!(identity.verifiers().unwrap().len(), identity.keys.len());
    let written = serde_json::to_vec(identity).unwrap();
    assert_eq!(load(&written).as_ref().ok(), Some(identity));
}
