//! Why, models and replays over the API.

use serde_json::json;

use crate::support::{Running, decision};

#[test]
fn why_tells_what_is_on_record_and_says_what_is_missing() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("a", "deny"));
    caller.record(&decision("b", "approve"));
    let why = caller.get("/v1/ledgers/main/records/a/why").json();
    assert_eq!(why["format"], "causebook.why/1");
    assert_eq!(why["outcome"]["basis"], "recorded");
    assert_eq!(why["replay"]["content"]["verdict"], "NOT_REPLAYABLE");
    assert_eq!(why["contrast"]["basis"], "inferred_from_history");
    assert_eq!(why["contrast"]["content"]["opposite"][0]["id"], "b");
    assert!(why["counterfactuals"]["absent"].is_string());
    let subject = caller
        .get("/v1/ledgers/main/records/a/why?audience=subject")
        .json();
    assert!(subject["contrast"]["content"]["opposite"][0]["id"].is_null());
    assert!(!subject["withheld"].as_array().unwrap().is_empty());
    assert_eq!(
        caller.get("/v1/ledgers/main/records/c/why").code(),
        "no-record"
    );
    assert_eq!(
        caller
            .get("/v1/ledgers/main/records/a/why?audience=all")
            .status,
        400
    );
    caller.record(
        &json!({"kind": "outcome", "id": "o", "refers_to": "a", "outcome": {"paid": true}}),
    );
    assert_eq!(caller.get("/v1/ledgers/main/records/o/why").code(), "unfit");
}

#[test]
fn a_page_of_why_runs_nothing_and_shows_markup_as_text() {
    let server = Running::new();
    let caller = server.anyone();
    let mut hostile = decision("a", "deny");
    hostile["input"] = json!({"note": "<script>alert(1)</script>", "age": 30});
    caller.record(&hostile);
    let page = caller.send(
        "GET",
        "/v1/ledgers/main/records/a/why",
        &[("accept", "text/html")],
        None,
    );
    assert_eq!(page.status, 200);
    assert!(
        page.headers["content-security-policy"]
            .as_str()
            .contains("default-src 'none'")
    );
    assert!(!page.body.contains("<script"), "{}", page.body);
}

#[test]
fn models_that_decide_without_being_registered_are_listed() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("a", "deny"));
    let models = caller.get("/v1/ledgers/main/models").json();
    assert_eq!(models["models"][0]["seen"]["decisions"], 1);
    assert_eq!(models["models"][0]["warnings"], json!(["not registered"]));
}

#[test]
fn replays_count_verdicts_and_have_limits() {
    let server = Running::new();
    let caller = server.anyone();
    for id in ["a", "b", "c"] {
        caller.record(&decision(id, "deny"));
    }
    let path = "/v1/ledgers/main/replays";
    let replayed = caller.post(path, &json!({"q": "id:a,b"})).json();
    assert_eq!(replayed["decisions"], 2);
    assert_eq!(replayed["verdicts"], json!({"NOT_REPLAYABLE": 2}));
    assert_eq!(
        caller.post(path, &json!({"q": "", "limit": 1})).json()["decisions"],
        1
    );
    assert_eq!(caller.post(path, &json!({"limit": 0})).code(), "unfit-body");
    assert_eq!(
        caller.post(path, &json!({"limit": 10_001})).code(),
        "unfit-body"
    );
    assert_eq!(
        caller.post(path, &json!({"q": "("})).code(),
        "invalid-filter"
    );
    assert_eq!(
        caller.post(path, &json!({"what": 1})).code(),
        "invalid-body"
    );
}

#[test]
fn who_sees_inputs_masked_gets_no_answer_and_who_only_does_not_see_whom_does() {
    let server = Running::new();
    let caller = server.with_role("ingest");
    caller.record(&decision("a", "deny"));
    let path = "/v1/ledgers/main/records/a/why";
    let engineer = server.with_role("engineer").get(path);
    assert_eq!(engineer.status, 200, "{}", engineer.body);
    assert!(!engineer.body.contains("person-a"), "{}", engineer.body);
    assert_eq!(server.with_role("ingest").get(path).code(), "forbidden");
}
