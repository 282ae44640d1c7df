//! Who is asking.

use serde_json::json;

use crate::support::{Running, decision};

#[test]
fn the_first_token_closes_the_door_to_everybody_else() {
    let server = Running::new();
    assert_eq!(server.anyone().get("/v1/ledgers").status, 200);
    let token = server.token("engineer", None);
    let refused = server.anyone().get("/v1/ledgers");
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (401, "unauthenticated")
    );
    assert!(refused.headers.contains_key("www-authenticate"));
    assert_eq!(server.with_token(&token).get("/v1/ledgers").status, 200);
}

#[test]
fn a_token_that_is_wrong_is_refused_and_said_why() {
    let server = Running::new();
    let token = server.token("engineer", None);
    let mut typo = token.clone();
    let last = if typo.ends_with('a') { 'b' } else { 'a' };
    typo.pop();
    typo.push(last);
    for (token, says) in [
        (typo.as_str(), "checksum"),
        ("nonsense", "not a token"),
        ("", ""),
    ] {
        let refused = server.with_token(token).get("/v1/me");
        assert_eq!(refused.code(), "unauthenticated");
        assert!(refused.body.contains(says), "{}", refused.body);
        assert!(
            token.is_empty() || !refused.body.contains(token),
            "a secret in an answer"
        );
    }
}

#[test]
fn tokens_are_made_listed_and_revoked_at_once() {
    let server = Running::new();
    let admin = server.with_role("admin");
    let made = admin.post(
        "/v1/tokens",
        &json!({"name": "loans-api", "roles": ["ingest"], "ledgers": ["main"]}),
    );
    assert_eq!(made.status, 201, "{made:?}");
    let text = made.json()["token"].as_str().unwrap().to_owned();
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let ingest = server.with_token(&text);
    assert_eq!(ingest.record(&decision("1", "deny")).status, 201);
    let listed = admin.get("/v1/tokens");
    assert!(listed.body.contains("loans-api") && !listed.body.contains(&text));
    assert_eq!(
        admin
            .send("DELETE", &format!("/v1/tokens/{id}"), &[], None)
            .status,
        204
    );
    assert_eq!(
        ingest.record(&decision("2", "deny")).code(),
        "unauthenticated"
    );
    assert_eq!(
        admin.send("DELETE", "/v1/tokens/nobody", &[], None).code(),
        "no-token"
    );
    for body in [
        json!({"name": "x", "roles": ["root"]}),
        json!({"name": "x", "roles": []}),
        json!({"name": "x", "roles": ["ingest"], "ledgers": []}),
        json!({"name": "x", "roles": ["ingest"], "ledgers": ["no such name"]}),
        json!({"name": "x y", "roles": ["ingest"]}),
        json!({"name": "x", "roles": ["ingest"], "expires_days": 4000}),
        json!({"name": "x", "roles": ["ingest"], "admin": true}),
    ] {
        assert_eq!(
            admin.post("/v1/tokens", &body).code(),
            "invalid-body",
            "{body}"
        );
    }
    let trail = json!({"name": "x", "roles": ["ingest"], "ledgers": ["access"]});
    let refused = admin.post("/v1/tokens", &trail);
    assert_eq!(
        (refused.code(), refused.pointer()),
        ("unfit-body".to_owned(), "/ledgers".to_owned())
    );
}

#[test]
fn a_token_for_one_ledger_opens_no_other() {
    let server = Running::new();
    server
        .anyone()
        .post("/v1/ledgers", &json!({"name": "other"}));
    let token = server.token("engineer", Some("main"));
    let caller = server.with_token(&token);
    assert_eq!(caller.get("/v1/ledgers/main/records").status, 200);
    assert_eq!(caller.get("/v1/ledgers/other/records").code(), "forbidden");
    assert_eq!(caller.get("/v1/ledgers/other").code(), "no-ledger");
    assert_eq!(caller.get("/v1/ledgers/access/records").code(), "forbidden");
    let seen = caller.get("/v1/ledgers").json();
    assert_eq!(seen["ledgers"].as_array().unwrap().len(), 1);
}

#[test]
fn whoever_asks_too_often_is_told_when_to_come_back() {
    let server = Running::with(&[("limits.requests_per_s", "5")]);
    let caller = server.with_role("engineer");
    let answers: Vec<u16> = (0..20).map(|_| caller.get("/v1/me").status).collect();
    assert!(
        answers.contains(&200) && answers.contains(&429),
        "{answers:?}"
    );
    let refused = (0..20)
        .map(|_| caller.get("/v1/me"))
        .find(|answer| answer.status == 429)
        .unwrap();
    assert!(refused.headers["retry-after"].parse::<u64>().unwrap() >= 1);
    // Whether it lives is told to anybody at any time.
    assert_eq!(caller.get("/healthz").status, 200);
}
