//! Reviews: what is in force follows from the ledger alone, whatever else a request says, and nobody learns of it unseen.

use serde_json::{Value, json};

use crate::support::{Running, decision};

fn review(id: &str, target: &str, before: &str, after: &str) -> Value {
    json!({"id": id, "kind": "review", "refers_to": target, "review": {
        "action": "override", "who": "ann", "role": "underwriter", "reason": "payslip", "before": before, "after": after}})
}

fn lines(records: &[Value]) -> String {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    lines.join("\n")
}

#[test]
fn an_override_that_is_sent_again_is_the_same_record() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("d", "deny"));
    let first = review("r1", "d", "deny", "approve");
    let second = review("r2", "d", "approve", "refer");
    assert_eq!(caller.record(&first).status, 201);
    assert_eq!(caller.record(&second).status, 201);
    assert_eq!(caller.record(&first).status, 200);
    let again = caller.batch(&lines(&[first, second])).lines();
    assert!(
        again.iter().all(|line| line["repeated"] == true),
        "{again:?}"
    );
}

#[test]
fn a_decision_that_is_sent_again_does_not_undo_its_reviews() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("d", "deny"));
    caller.record(&review("r1", "d", "deny", "approve"));
    let stale = review("r2", "d", "deny", "refer");
    let again = lines(&[decision("d", "deny"), stale.clone()]);
    let results = caller.batch(&again).lines();
    assert_eq!(results[0]["repeated"], true, "{results:?}");
    assert_eq!(results[1]["error"]["code"], "invalid-review", "{results:?}");
    let headers = [("content-type", "application/x-ndjson")];
    let path = "/v1/ledgers/main/records?whole=true";
    let whole = caller.send("POST", path, &headers, Some(again.as_bytes()));
    assert_eq!(whole.code(), "invalid-review");
    // Another record under the same id is refused, and says nothing about the one that is there.
    let other =
        json!({"id": "d", "kind": "gap", "gap": {"source": "s", "run": "r", "from": 1, "to": 2}});
    let results = caller.batch(&lines(&[other, stale])).lines();
    assert_eq!(results[1]["error"]["code"], "invalid-review", "{results:?}");
}

#[test]
fn of_two_overrides_at_the_same_moment_one_is_recorded() {
    let server = Running::new();
    for number in 0..20 {
        let target = format!("d{number}");
        server.anyone().record(&decision(&target, "deny"));
        let recorded: usize = std::thread::scope(|scope| {
            let at_once: Vec<_> = ["approve", "refer"]
                .map(|after| {
                    let review = review(&format!("{target}-{after}"), &target, "deny", after);
                    let server = &server;
                    scope.spawn(move || server.anyone().record(&review).status)
                })
                .into_iter()
                .collect();
            let answers = at_once.into_iter().map(|it| it.join().unwrap());
            answers.filter(|status| *status == 201).count()
        });
        assert_eq!(recorded, 1, "{target}");
    }
}

#[test]
fn whoever_tries_what_is_in_force_is_not_told_it_and_is_on_record() {
    let server = Running::new();
    let ingest = server.with_role("ingest");
    assert_eq!(ingest.record(&decision("d", "deny")).status, 201);
    let tried = ingest.record(&review("r1", "d", "refer", "approve"));
    assert_eq!(tried.code(), "invalid-review");
    assert!(!tried.body.contains("deny"), "{}", tried.body);
    // Nor is what is not a review at all a way to try it.
    let nothing = ingest.record(&review("r2", "d", "refer", "refer"));
    assert_eq!(nothing.json()["errors"][0]["pointer"], "/review/after");
    let auditor = server.with_role("auditor");
    let seen = auditor.get("/v1/ledgers/access/records?limit=1000").json();
    let tries: Vec<&Value> = seen["records"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|record| record["access"]["action"] == "review")
        .collect();
    assert_eq!(tries.len(), 1, "{seen:#}");
    assert_eq!(tries[0]["access"]["object"], "d");
    assert_eq!(tries[0]["access"]["result"], "invalid-review");
}
