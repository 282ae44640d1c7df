//! Verifier and signing keys: one spelling, fit names, and secrets that stay secret.

use causebook_tlog::{
    Algorithm, Ed25519Cosigner, Ed25519Signer, MlDsaCosigner, Signer as _, TlogError, Verifier,
};

use crate::log::{ORIGIN, log_signer, mldsa, witness};

#[test]
fn verifier_keys_have_one_spelling() {
    let keys = [
        log_signer().verifier(),
        witness(1).verifier(),
        mldsa().verifier(),
    ];
    for key in &keys {
        assert_eq!(Verifier::parse(&key.vkey()).unwrap(), *key);
    }
    let kinds = [
        Algorithm::Ed25519,
        Algorithm::Ed25519Cosignature,
        Algorithm::MlDsa44Cosignature,
    ];
    assert_eq!(keys.each_ref().map(Verifier::algorithm), kinds);

    let vkey = keys[0].vkey();
    let (name, rest) = vkey.split_once('+').unwrap();
    let (id, key) = rest.split_once('+').unwrap();
    let other_id = if id.starts_with('0') {
        id.replacen('0', "1", 1)
    } else {
        id.replacen(&id[..1], "0", 1)
    };
    for bad in [
        String::new(),
        name.to_owned(),
        format!("{name}+{id}"),
        format!("+{id}+{key}"),
        format!("{name} +{id}+{key}"),
        format!("{name}2+{id}+{key}"),
        format!("{name}+{other_id}+{key}"),
        format!("{name}+{}+{key}", id.to_uppercase() + "A"),
        format!("{name}+{}+{key}", &id[1..]),
        format!("{name}+{id}+"),
        format!("{name}+{id}+{}", &key[..key.len() - 4]),
        format!("{name}+{id}+{key}AAAA"),
        format!("{name}+{id}+{key}\n"),
        format!("{name}+{id}+{}", "A".repeat(1 << 20)),
    ] {
        assert!(Verifier::parse(&bad).is_err(), "{bad:.100}");
    }
}

#[test]
fn a_weak_ed25519_key_is_refused() {
    // The neutral element: one signature under it fits every message.
    let neutral = [&[1_u8, 1], [0; 31].as_slice()].concat();
    assert_eq!(
        Verifier::parse(&vkey_text("example.com/weak", &neutral)),
        Err(TlogError::VerifierKey {
            problem: "the public key is weak"
        })
    );
}

#[test]
fn keys_with_unfit_names_are_refused() {
    for name in [
        "",
        "a b",
        "a+b",
        "a\nb",
        "a\tb",
        "a\u{a0}b",
        "a\u{2003}b",
        "a\u{7}b",
    ] {
        assert!(
            Ed25519Signer::from_seed(name, &[1; 32]).is_err(),
            "{name:?}"
        );
        assert!(
            MlDsaCosigner::from_seed(name, &[1; 32]).is_err(),
            "{name:?}"
        );
    }
    assert!(Ed25519Signer::from_seed(&"n".repeat(300), &[1; 32]).is_ok());
    assert!(MlDsaCosigner::from_seed(&"n".repeat(255), &[1; 32]).is_ok());
    assert!(MlDsaCosigner::from_seed(&"n".repeat(256), &[1; 32]).is_err());
}

#[test]
fn secret_keys_do_not_print() {
    let seed = [0xab; 32];
    let shown = [
        format!("{:?}", Ed25519Signer::from_seed(ORIGIN, &seed).unwrap()),
        format!("{:?}", Ed25519Cosigner::from_seed(ORIGIN, &seed).unwrap()),
        format!("{:?}", MlDsaCosigner::from_seed(ORIGIN, &seed).unwrap()),
    ];
    for text in shown {
        assert!(
            !text.to_lowercase().contains("abab") && !text.contains("171, 171"),
            "{text}"
        );
        assert!(text.contains(ORIGIN));
    }
}

/// A vkey made by its definition.
fn vkey_text(name: &str, material: &[u8]) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let id = sha2::Sha256::digest([name.as_bytes(), b"\n", material].concat());
    let id = format!("{:08x}", u32::from_be_bytes(*id.first_chunk().unwrap()));
    format!(
        "{name}+{id}+{}",
        base64::engine::general_purpose::STANDARD.encode(material)
    )
}
