//! Every read is itself a record.

use serde_json::{Value, json};

use crate::support::{Running, decision};

fn accesses(server: &Running) -> Vec<Value> {
    let auditor = server.with_role("auditor");
    let list = auditor.get("/v1/ledgers/access/records?order=oldest&limit=1000");
    list.json()["records"].as_array().unwrap().clone()
}

#[test]
fn reads_searches_failures_and_reveals_are_on_record_with_who_and_why() {
    let server = Running::new();
    server.anyone().record(&decision("a", "deny"));
    let engineer = server.with_role("engineer");
    let compliance = server.with_role("compliance");
    engineer.send(
        "GET",
        "/v1/ledgers/main/records/a",
        &[("causebook-purpose", "ticket 12")],
        None,
    );
    engineer.get("/v1/ledgers/main/records?q=decision:deny");
    engineer.get("/v1/ledgers/main/records/nobody");
    assert_eq!(
        engineer
            .post(
                "/v1/ledgers/main/records/a/reveal",
                &json!({"reason": "curious"})
            )
            .code(),
        "forbidden"
    );
    let revealed = compliance.post(
        "/v1/ledgers/main/records/a/reveal",
        &json!({"reason": "complaint 7"}),
    );
    assert_eq!(revealed.json()["subject"], "person-a");
    let seen = accesses(&server);
    let find = |action: &str, result: &str| {
        seen.iter()
            .find(|it| it["access"]["action"] == action && it["access"]["result"] == result)
            .unwrap_or_else(|| panic!("no {action} that ended {result} in {seen:#?}"))
    };
    let read = find("read", "ok");
    assert_eq!(
        (&read["access"]["object"], &read["access"]["purpose"]),
        (&json!("a"), &json!("ticket 12"))
    );
    assert_eq!(
        (&read["access"]["ledger"], &read["access"]["from"]),
        (&json!("main"), &json!("127.0.0.1"))
    );
    assert!(
        read["actor"]
            .as_str()
            .unwrap()
            .starts_with("token:engineer")
    );
    assert_eq!(find("list", "ok")["access"]["object"], "decision:deny");
    assert_eq!(find("list", "ok")["access"]["records"], 1);
    assert_eq!(find("read", "no-record")["access"]["object"], "nobody");
    find("reveal", "forbidden");
    assert_eq!(find("reveal", "ok")["access"]["reason"], "complaint 7");
}

#[test]
fn the_trail_is_proven_like_the_rest_and_written_by_the_server_alone() {
    let server = Running::new();
    server.anyone().record(&decision("a", "deny"));
    server.anyone().get("/v1/ledgers/main/records/a");
    let forged = json!({"kind": "access", "access": {"action": "read"}});
    let answer = server.anyone().post("/v1/ledgers/access/records", &forged);
    assert_eq!(answer.code(), "forbidden");
    let auditor = server.with_role("auditor");
    let signed = (0..50).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        auditor.get("/v1/ledgers/access/log/checkpoint").status == 200
    });
    assert!(signed);
    let report = auditor.post("/v1/ledgers/access/verify", &json!({})).json();
    assert_eq!(report["intact"], true);
}

#[test]
fn masked_members_are_covered_in_every_view() {
    let server = Running::new();
    let server = {
        server.anyone().record(&decision("a", "deny"));
        server
    };
    let engineer = server.with_role("engineer");
    for path in [
        "/v1/ledgers/main/records/a",
        "/v1/ledgers/main/records",
        "/v1/ledgers/main/records/a/history",
        "/v1/ledgers/main/records?q=subject:person-a",
        "/v1/ledgers/main/records?q=person-a",
    ] {
        let answer = engineer.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains("person-a"), "{path}: {}", answer.body);
    }
    let found = engineer
        .get("/v1/ledgers/main/records?q=subject:person-a")
        .json();
    assert!(
        found["records"].as_array().unwrap().is_empty(),
        "a filter tells what a mask covers"
    );
    assert_eq!(
        engineer.get("/v1/ledgers/main/records/a").json()["masked"],
        json!(["/subject"])
    );
    assert_eq!(
        engineer.get("/v1/ledgers/main/records/a/evidence").code(),
        "forbidden"
    );
    let whole = server
        .with_role("compliance")
        .get("/v1/ledgers/main/records/a");
    assert!(whole.body.contains("person-a"));
    assert_ne!(
        whole.headers["etag"],
        engineer.get("/v1/ledgers/main/records/a").headers["etag"]
    );
}

#[test]
fn a_login_that_fails_is_on_record_as_a_read_is() {
    let server = Running::new();
    let provider = [
        // Nobody listens at port 9 of this machine.
        ("oidc.issuer", "http://127.0.0.1:9"),
        ("oidc.client_id", "causebook"),
        ("oidc.roles", "auditors=auditor"),
    ];
    let server = server.restarted(&provider);
    let refused = server.anyone().get("/auth/login");
    assert_eq!(refused.code(), "provider-unavailable");
    let failed = server.anyone().get("/auth/callback?code=a&state=b");
    assert_eq!(failed.code(), "login-failed");
    let seen = accesses(&server);
    for (result, answer) in [
        ("provider-unavailable", &refused),
        ("not-begun-here", &failed),
    ] {
        let access = seen
            .iter()
            .find(|it| it["access"]["result"] == result)
            .unwrap();
        assert_eq!(access["actor"], "nobody");
        assert_eq!(access["access"]["from"], "127.0.0.1");
        assert_eq!(access["access"]["action"], "login");
        let request_id = answer.headers["x-request-id"].as_str();
        assert_eq!(access["context"]["request_id"], request_id);
    }
}

#[test]
fn tokens_that_do_not_hold_are_counted_and_are_no_records() {
    let server = Running::new();
    let admin = server.with_role("admin");
    let before = accesses(&server).len();
    let revoked = server.token("auditor", None);
    let listed = admin.get("/v1/tokens").json();
    let tokens = listed["tokens"].as_array().unwrap();
    let id = tokens.last().unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/tokens/{id}");
    assert_eq!(admin.send("DELETE", &path, &[], None).status, 204);
    for _ in 0..30 {
        for token in [&revoked, "cbk_1ThisIsAnExampleAndOpensNoDoor00wDark", "x"] {
            let refused = server.with_token(token);
            let answer = refused.get("/v1/ledgers/main/records");
            assert_eq!(answer.code(), "unauthenticated");
        }
    }
    // What is new: a list of access records, a list of tokens, a revocation.
    assert_eq!(accesses(&server).len(), before + 3);
    let metrics = admin.get("/metrics").body;
    for reason in ["token-revoked", "token-unknown", "token-malformed"] {
        let line = format!("causebook_authentication_failures_total{{reason=\"{reason}\"}} 30");
        assert!(metrics.contains(&line), "{metrics}");
    }
}
