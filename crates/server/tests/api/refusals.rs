//! What is refused is named, and nothing is passed over.

use serde_json::json;

use crate::support::{Running, decision};

#[test]
fn what_is_meant_for_another_form_of_body_is_refused_by_its_name() {
    let server = Running::new();
    let line = decision("a", "deny").to_string();
    let (json, ndjson) = ("application/json", "application/x-ndjson");
    for (form, query, key, name) in [
        (ndjson, "?wait=proof", None, "wait"),
        (json, "?whole=true", None, "whole"),
        (ndjson, "", Some("k"), "idempotency-key"),
    ] {
        let mut headers = vec![("content-type", form)];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        let path = format!("/v1/ledgers/main/records{query}");
        let refused = server
            .anyone()
            .send("POST", &path, &headers, Some(line.as_bytes()));
        assert_eq!(
            (refused.status, refused.code(), refused.pointer()),
            (422, "unfit-parameter".to_owned(), name.to_owned())
        );
    }
    assert_eq!(server.anyone().get("/v1/ledgers/main").json()["size"], 0);
}

#[test]
fn a_parameter_is_refused_where_there_are_none() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("x", "deny"));
    for path in ["/v1/me", "/v1/ledgers", "/v1/ledgers/main/records/x"] {
        assert_eq!(caller.get(path).status, 200, "{path}");
        let refused = caller.get(&format!("{path}?unmasked=true"));
        assert_eq!(
            (refused.status, refused.code(), refused.pointer()),
            (400, "invalid-parameter".to_owned(), "unmasked".to_owned()),
            "{path}"
        );
    }
}

#[test]
fn a_reason_has_words_and_is_counted_in_characters() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("x", "deny"));
    for (reason, status) in [
        ("é".repeat(1000), 200),
        ("é".repeat(1001), 400),
        (String::new(), 400),
        (" \n".to_owned(), 422),
    ] {
        let path = "/v1/ledgers/main/records/x/reveal";
        let answer = caller.post(path, &json!({ "reason": reason }));
        assert_eq!(answer.status, status, "{}", answer.body);
        if status != 200 {
            assert_eq!(answer.pointer(), "/reason");
        }
    }
}

#[test]
fn what_a_proxy_sent_on_is_not_this_machine() {
    let server = Running::new();
    for name in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
    ] {
        let sent_on = [(name, "203.0.113.7")];
        let answer = server
            .anyone()
            .send("GET", "/v1/ledgers/main/records", &sent_on, None);
        assert_eq!(answer.code(), "cross-site", "{name}");
    }
}

#[test]
fn null_for_a_list_stands_for_nothing() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("a", "deny"));
    let erasure = json!({"facts": null, "reason": "asked"});
    let answer = caller.post("/v1/ledgers/main/records/a/erasure", &erasure);
    assert_eq!(answer.status, 400, "{}", answer.body);
    let record = caller.get("/v1/ledgers/main/records/a").json();
    assert_eq!(record["decision"], "deny");
}
