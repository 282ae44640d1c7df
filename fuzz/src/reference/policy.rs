//! tlog-policy for a policy that is known to be well-formed: does a checkpoint with these signatures satisfy it?

use std::collections::HashMap;

/// `signers` are the verifier keys of the signatures, `origin` the checkpoint's.
pub fn accepts(policy: &[u8], origin: &str, signers: &[String]) -> bool {
    let signed = |vkey: &[u8]| signers.iter().any(|signer| signer.as_bytes() == vkey);
    let mut holds: HashMap<Vec<u8>, bool> = HashMap::new();
    let mut log = false;
    let mut quorum = false;
    for line in policy.split(|byte| *byte == b'\n') {
        let words: Vec<&[u8]> = line
            .split(|byte| *byte == b' ' || *byte == b'\t')
            .filter(|word| !word.is_empty())
            .collect();
        match words.first().copied() {
            Some(b"log") => {
                log |= signed(words[1]) && words[1].starts_with(format!("{origin}+").as_bytes());
            }
            Some(b"witness") => {
                holds.insert(words[1].to_vec(), signed(words[2]));
            }
            Some(b"group") => {
                let members = &words[3..];
                let wanted = match words[2] {
                    b"any" => 1,
                    b"all" => members.len(),
                    number => std::str::from_utf8(number).unwrap().parse().unwrap(),
                };
                let reached = members.iter().filter(|member| holds[**member]).count() >= wanted;
                holds.insert(words[1].to_vec(), reached);
            }
            Some(b"quorum") => quorum = words[1] == b"none" || holds[words[1]],
            _ => {}
        }
    }
    log && quorum
}
