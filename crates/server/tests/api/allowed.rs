//! What each role can and cannot do, asked of the server itself and written down as a table.

use std::fmt::Write as _;

use serde_json::json;

use crate::support::{Caller, Running, decision};

type Act = (&'static str, fn(&Caller<'_>) -> u16);

fn acts() -> Vec<Act> {
    const L: &str = "/v1/ledgers/main";
    vec![
        ("record a decision", |it| {
            it.record(&decision("new", "deny")).status
        }),
        ("record a review", |it| {
            let review = json!({"kind": "review", "refers_to": "a", "review": {
                "action": "confirm", "who": "ann", "role": "underwriter", "reason": "looked at it"}});
            it.record(&review).status
        }),
        ("store an attachment", |it| {
            let headers = [("content-type", "application/octet-stream")];
            it.send("POST", &format!("{L}/attachments"), &headers, Some(b"x"))
                .status
        }),
        ("read a record", |it| {
            it.get(&format!("{L}/records/a")).status
        }),
        ("see whom it concerns", |it| {
            let shown = it.get(&format!("{L}/records/a"));
            if shown.body.contains("person-a") {
                200
            } else {
                403
            }
        }),
        ("reveal it for a reason", |it| {
            it.post(&format!("{L}/records/a/reveal"), &json!({"reason": "r"}))
                .status
        }),
        ("list and filter", |it| {
            it.get(&format!("{L}/records?q=decision:deny")).status
        }),
        ("export everything", |it| {
            it.send(
                "GET",
                &format!("{L}/records"),
                &[("accept", "application/x-ndjson")],
                None,
            )
            .status
        }),
        ("ask in SQL", |it| {
            it.post(&format!("{L}/sql"), &json!({"sql": "select 1"}))
                .status
        }),
        ("count by field", |it| it.get(&format!("{L}/facets")).status),
        ("get evidence", |it| {
            it.get(&format!("{L}/records/a/evidence")).status
        }),
        ("ask why", |it| it.get(&format!("{L}/records/a/why")).status),
        ("run decisions again", |it| {
            it.post(&format!("{L}/replays"), &json!({"q": "id:a"}))
                .status
        }),
        ("read the log", |it| {
            it.get(&format!("{L}/log/checkpoint")).status
        }),
        ("have it verified", |it| {
            it.post(&format!("{L}/verify"), &json!({"depth": "quick"}))
                .status
        }),
        ("see what is missing", |it| {
            it.get(&format!("{L}/completeness")).status
        }),
        ("erase", |it| {
            it.post(
                &format!("{L}/records/b/erasure"),
                &json!({"reason": "asked"}),
            )
            .status
        }),
        ("read who read what", |it| {
            it.get("/v1/ledgers/access/records").status
        }),
        ("make a ledger", |it| {
            it.post("/v1/ledgers", &json!({"name": "more"})).status
        }),
        ("make a token", |it| {
            it.post("/v1/tokens", &json!({"name": "t", "roles": ["ingest"]}))
                .status
        }),
        ("read the metrics", |it| it.get("/metrics").status),
    ]
}

#[test]
fn each_role_can_do_what_its_table_says_and_nothing_else() {
    let roles = ["ingest", "engineer", "compliance", "auditor", "admin"];
    let mut table = String::from(
        "| | ingest | engineer | compliance | auditor | admin | no token |\n|---|---|---|---|---|---|---|\n",
    );
    let mut rows: Vec<(String, Vec<bool>)> = acts()
        .iter()
        .map(|(name, _)| ((*name).to_owned(), Vec::new()))
        .collect();
    for role in roles.iter().copied().map(Some).chain([None]) {
        let server = Running::new();
        for id in ["a", "b"] {
            server.anyone().record(&decision(id, "deny"));
        }
        let headers = [("content-type", "application/json")];
        let body = decision("covered", "deny").to_string();
        server.anyone().send(
            "POST",
            "/v1/ledgers/main/records?wait=proof",
            &headers,
            Some(body.as_bytes()),
        );
        let admin = server.token("admin", None);
        assert_eq!(server.with_token(&admin).get("/v1/me").status, 200);
        let caller = role.map_or_else(|| server.anyone(), |role| server.with_role(role));
        for ((name, act), (_, row)) in acts().iter().zip(&mut rows) {
            let status = act(&caller);
            let refused = if role.is_some() { 403 } else { 401 };
            assert!(
                status < 300 || [refused, 403].contains(&status),
                "{role:?}: {name} gave {status}"
            );
            row.push(status < 300);
        }
    }
    for (name, row) in &rows {
        let cells: Vec<&str> = row
            .iter()
            .map(|can| if *can { "yes" } else { "–" })
            .collect();
        let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
    }
    assert!(
        rows.iter().all(|(_, row)| row.last() == Some(&false)),
        "something is open to all:\n{table}"
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/allowed.md");
    let page = format!(
        "# What each role can do\n\nAsked of a running server by its own test (`UPDATE_ALLOWED=1` writes this page anew).\n\n{table}"
    );
    if std::env::var_os("UPDATE_ALLOWED").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == page,
        "docs/allowed.md is not what the server does:\n{table}"
    );
}
