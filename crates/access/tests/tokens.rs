//! What the token store promises: secrets are shown once, a change is kept and seen at once by every process on the
//! home, and a file that cannot be understood is never taken for an empty one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;

use causebook_access::{
    AccessError, Created, Grant, Ledgers, NewToken, Permission, Role, TOKEN_PATTERN, TOKENS_MAX,
    TokenRefusal, TokenState, TokenStore,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn store(home: &TempDir) -> TokenStore {
    TokenStore::open(home.path()).unwrap()
}

fn file(home: &TempDir) -> PathBuf {
    home.path().join("tokens.json")
}

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

fn wanted(name: &str) -> NewToken {
    NewToken {
        name: name.to_owned(),
        grant: Grant::new(Ledgers::named(["loans"]), [Role::Ingest]).unwrap(),
        days: 90,
        long_lived: false,
    }
}

fn make(store: &TokenStore, name: &str) -> Created {
    store.create(&wanted(name), "local:ann", noon()).unwrap()
}

#[test]
fn a_token_lets_its_holder_in_with_what_it_was_granted() {
    let home = home();
    let store = store(&home);
    assert!(store.is_empty());
    let made = make(&store, "loans-api");
    assert!(!store.is_empty());
    let principal = store.authenticate(made.text.expose(), noon()).unwrap();
    assert_eq!(principal.name(), "token:loans-api");
    assert!(principal.allows(Permission::Append, "loans"));
    assert!(!principal.allows(Permission::Append, "cards"));
    assert!(!principal.allows(Permission::Read, "loans"));
    assert_eq!(made.token.expires, later(90 * 86_400));
    assert_eq!(made.token.created_by, "local:ann");
}

#[test]
fn a_token_is_refused_for_the_reason_that_holds() {
    let home = home();
    let store = store(&home);
    let other = TokenStore::open(home.path()).unwrap();
    let made = make(&store, "a");
    let text = made.text.expose();
    let refused = |text: &str, now| store.authenticate(text, now).unwrap_err().code();
    assert_eq!(refused("", noon()), "token-malformed");
    assert_eq!(refused(&text.to_lowercase(), noon()), "token-malformed");
    let elsewhere = tempfile::tempdir().unwrap();
    let stranger = make(&TokenStore::open(elsewhere.path()).unwrap(), "a");
    assert_eq!(refused(stranger.text.expose(), noon()), "token-unknown");
    let expires = made.token.expires;
    assert!(
        store
            .authenticate(text, expires - SignedDuration::from_nanos(1))
            .is_ok()
    );
    assert_eq!(refused(text, expires), "token-expired");
    other.revoke(&made.token.id, later(5)).unwrap();
    assert_eq!(refused(text, later(5)), "token-revoked");
}

#[test]
fn what_another_process_revokes_is_refused_at_once() {
    let home = home();
    let (server, command_line) = (store(&home), store(&home));
    for _ in 0..25 {
        let made = make(&server, "a");
        assert!(server.authenticate(made.text.expose(), noon()).is_ok());
        command_line.revoke(&made.token.id, noon()).unwrap();
        assert_eq!(
            server
                .authenticate(made.text.expose(), noon())
                .unwrap_err()
                .code(),
            "token-revoked"
        );
        let new = make(&command_line, "b");
        assert!(server.authenticate(new.text.expose(), noon()).is_ok());
    }
}

#[test]
fn the_secret_is_nowhere_but_in_the_hands_of_who_asked() {
    let home = home();
    let store = store(&home);
    let made = make(&store, "a");
    let secret = made.text.expose().to_owned();
    store.authenticate(&secret, noon()).unwrap();
    let random = &secret[5..35];
    let printed = format!("{made:?} {store:?} {:?}", store.list().unwrap());
    assert!(!printed.contains(random), "{printed}");
    for entry in fs::read_dir(home.path()).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains(random));
    }
    let mut wrong = secret.clone();
    wrong.replace_range(40..41, if secret.ends_with('0') { "1" } else { "0" });
    let refusal = store.authenticate(&wrong, noon()).unwrap_err();
    assert!(!format!("{refusal} {refusal:?}").contains(random));
}

#[test]
fn the_file_is_its_owners_alone_and_keeps_a_hash() {
    let home = home();
    let store = store(&home);
    let made = make(&store, "loans-api");
    let mode = fs::metadata(file(&home)).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
    let written: Value = serde_json::from_slice(&fs::read(file(&home)).unwrap()).unwrap();
    let hash = written["tokens"][0]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(hash.len(), 64);
    assert_eq!(
        written,
        json!({"format": 1, "tokens": [{"sha256": hash, "token": {
            "id": made.token.id, "name": "loans-api",
            "grant": {"ledgers": ["loans"], "roles": ["ingest"]},
            "created": "2026-11-23T12:00:00Z", "created_by": "local:ann",
            "expires": "2027-02-21T12:00:00Z", "revoked": null, "last_used": null,
        }}]})
    );
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let home = home();
    let path = home.path();
    let made: Vec<Vec<Created>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..6)
            .map(|worker| {
                scope.spawn(move || {
                    let store = TokenStore::open(path).unwrap();
                    let made: Vec<Created> = (0..8)
                        .map(|nth| make(&store, &format!("w{worker}-{nth}")))
                        .collect();
                    for odd in made.iter().skip(1).step_by(2) {
                        store.revoke(&odd.token.id, noon()).unwrap();
                        store.authenticate(made[0].text.expose(), noon()).unwrap();
                        store.save_uses(noon()).unwrap();
                    }
                    made
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .collect()
    });
    let store = store(&home);
    let listed = store.list().unwrap();
    assert_eq!(listed.len(), 48);
    let ids: BTreeSet<&str> = listed.iter().map(|token| token.id.as_str()).collect();
    assert_eq!(ids.len(), 48);
    for batch in &made {
        for (nth, one) in batch.iter().enumerate() {
            let expected = if nth % 2 == 0 {
                None
            } else {
                Some("token-revoked")
            };
            let outcome = store.authenticate(one.text.expose(), noon());
            assert_eq!(outcome.err().map(|refusal| refusal.code()), expected);
        }
    }
}

#[test]
fn a_file_that_cannot_be_understood_lets_nobody_in_and_is_not_written_over() {
    let home = home();
    let store = store(&home);
    let made = make(&store, "a");
    let good = fs::read_to_string(file(&home)).unwrap();
    let bad = [
        String::new(),
        "{}".to_owned(),
        good[..good.len() / 2].to_owned(),
        good.replace("\"format\": 1", "\"format\": 2"),
        good.replace("\"revoked\": null", "\"revoked\": null, \"note\": 1"),
        good.replace("\"sha256\": \"", "\"sha256\": \"x"),
        good.replace("\"ingest\"", "\"root\""),
        good.replace("\"name\": \"a\"", "\"name\": \"a\\nb\""),
        good.replace("2027", "later"),
    ];
    for text in bad {
        assert_ne!(text, good);
        fs::write(file(&home), &text).unwrap();
        let opened = TokenStore::open(home.path()).unwrap_err();
        assert!(opened.to_string().contains("tokens.json"), "{opened}");
        assert!(opened.hint().is_some(), "{opened}");
        let refusal = store.authenticate(made.text.expose(), noon()).unwrap_err();
        assert_eq!(refusal.code(), "tokens-unavailable", "{text}");
        assert!(store.create(&wanted("b"), "local:ann", noon()).is_err());
        assert!(store.list().is_err());
        assert!(!store.is_empty());
        assert_eq!(fs::read_to_string(file(&home)).unwrap(), text);
    }
    // Once it is mended, tokens work again.
    fs::write(file(&home), &good).unwrap();
    assert!(store.authenticate(made.text.expose(), noon()).is_ok());
}

#[test]
fn a_file_that_others_may_write_is_not_trusted() {
    let home = home();
    let store = store(&home);
    let made = make(&store, "a");
    fs::set_permissions(file(&home), fs::Permissions::from_mode(0o620)).unwrap();
    let error = TokenStore::open(home.path()).unwrap_err();
    assert!(
        matches!(error, AccessError::Exposed { mode: 0o620, .. }),
        "{error}"
    );
    assert!(matches!(
        store.authenticate(made.text.expose(), noon()),
        Err(TokenRefusal::Store(_))
    ));
}

#[test]
fn a_file_that_is_gone_takes_its_tokens_with_it() {
    let home = home();
    let store = store(&home);
    let made = make(&store, "a");
    fs::remove_file(file(&home)).unwrap();
    let refusal = store.authenticate(made.text.expose(), noon()).unwrap_err();
    assert_eq!(refusal.code(), "token-unknown");
}

#[test]
fn what_an_interrupted_write_left_behind_is_in_nobodys_way() {
    let home = home();
    let store = store(&home);
    fs::write(home.path().join("tokens.json.tmp"), "{\"format\"").unwrap();
    fs::write(home.path().join("tokens.lock"), "process 1").unwrap();
    let made = make(&store, "a");
    assert!(store.authenticate(made.text.expose(), noon()).is_ok());
}

#[test]
fn uses_are_written_once_a_minute_and_at_the_end() {
    let home = home();
    let store = store(&home);
    let made = make(&store, "a");
    let last_used = |home: &Path| TokenStore::open(home).unwrap().list().unwrap()[0].last_used;
    assert!(!store.save_uses(noon()).unwrap(), "nothing was used");
    store.authenticate(made.text.expose(), later(1)).unwrap();
    assert_eq!(store.list().unwrap()[0].last_used, Some(later(1)));
    assert_eq!(last_used(home.path()), None);
    assert!(store.save_uses(later(2)).unwrap());
    assert_eq!(last_used(home.path()), Some(later(1)));
    store.authenticate(made.text.expose(), later(30)).unwrap();
    assert!(!store.save_uses(later(61)).unwrap());
    assert!(store.save_uses(later(62)).unwrap());
    assert_eq!(last_used(home.path()), Some(later(30)));
    store.authenticate(made.text.expose(), later(70)).unwrap();
    store.close().unwrap();
    assert_eq!(last_used(home.path()), Some(later(70)));
}

#[test]
fn a_full_store_forgets_what_ended_longest_ago_and_never_what_is_in_use() {
    let home = home();
    let token = |nth: usize, expires: &str| {
        json!({"sha256": format!("{nth:064x}"), "token": {
            "id": format!("t{nth}"), "name": "n", "grant": {"ledgers": "*", "roles": ["ingest"]},
            "created": "2026-01-01T00:00:00Z", "created_by": "local:ann", "expires": expires,
            "revoked": null, "last_used": null,
        }})
    };
    let mut tokens: Vec<Value> = (0..TOKENS_MAX - 2)
        .map(|nth| token(nth, "2027-01-01T00:00:00Z"))
        .collect();
    tokens.push(token(TOKENS_MAX, "2026-03-01T00:00:00Z"));
    tokens.push(token(TOKENS_MAX + 1, "2026-02-01T00:00:00Z"));
    let text = json!({"format": 1, "tokens": tokens}).to_string();
    fs::write(file(&home), text).unwrap();
    fs::set_permissions(file(&home), fs::Permissions::from_mode(0o600)).unwrap();
    let store = store(&home);
    make(&store, "a");
    let kept = |id: &str| store.list().unwrap().iter().any(|token| token.id == id);
    assert!(!kept(&format!("t{}", TOKENS_MAX + 1)));
    assert!(kept(&format!("t{TOKENS_MAX}")));
    make(&store, "b");
    let error = store.create(&wanted("c"), "local:ann", noon()).unwrap_err();
    assert!(matches!(error, AccessError::TooManyTokens));
    assert_eq!(store.list().unwrap().len(), TOKENS_MAX);
    assert!(kept("t0"));
}

#[test]
fn revoking_is_final_and_says_when_it_was_first_done() {
    let home = home();
    let store = store(&home);
    let made = make(&store, "a");
    assert_eq!(
        store.revoke(&made.token.id, later(1)).unwrap().revoked,
        Some(later(1))
    );
    let again = store.revoke(&made.token.id, later(9)).unwrap();
    assert_eq!(again.revoked, Some(later(1)));
    assert_eq!(again.state(noon()), TokenState::Revoked);
    assert_eq!(
        store.revoke("nosuch", noon()).unwrap_err().code(),
        "no-token"
    );
}

#[test]
fn a_home_that_is_not_there_is_said_to_be_missing() {
    let home = home();
    let error = TokenStore::open(&home.path().join("none")).unwrap_err();
    assert_eq!(error.code(), "no-home");
    assert!(!home.path().join("none").exists());
}

#[test]
fn the_documented_pattern_is_the_form_of_tokens() {
    assert_eq!(TOKEN_PATTERN, r"\bcbk_1[0-9A-Za-z]{36}\b");
    let home = home();
    let made = make(&store(&home), "a");
    let rest = made.text.expose().strip_prefix("cbk_1").unwrap();
    assert_eq!(rest.len(), 36);
    assert!(rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}
