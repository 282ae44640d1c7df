//! Running it.

use causebook_server::{Server, ServerError};

use crate::support::{Running, decision};

#[test]
fn health_readiness_metrics_and_descriptions_are_there() {
    let server = Running::new();
    let caller = server.anyone();
    assert_eq!(
        (caller.get("/healthz").status, caller.get("/readyz").status),
        (200, 200)
    );
    caller.record(&decision("a", "deny"));
    let metrics = caller.get("/metrics").body;
    for line in [
        "causebook_ingest_records_total{ledger=\"main\",result=\"recorded\"} 1",
        "causebook_tree_size{ledger=\"main\"} 1",
        "causebook_build_info{version=",
        "causebook_commit_seconds_bucket",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    assert!(
        caller.get("/openapi.json").json()["openapi"]
            .as_str()
            .unwrap()
            .starts_with("3.1")
    );
    let docs = caller.get("/docs");
    assert!(docs.body.contains("/v1/ledgers/{ledger}/records"));
    for outside in ["http://", "https://", "<script", "src="] {
        assert!(!docs.body.contains(outside), "the page loads {outside}");
    }
}

#[test]
fn every_problem_has_a_page() {
    let server = Running::new();
    let list = server.anyone().get("/problems").body;
    let names: Vec<&str> = list
        .split("href=\"/problems/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(names.len() > 20);
    for name in names {
        assert_eq!(
            server.anyone().get(&format!("/problems/{name}")).status,
            200,
            "{name}"
        );
    }
    assert_eq!(server.anyone().get("/problems/none").code(), "no-such-path");
}

#[test]
fn what_is_not_there_is_a_problem_too() {
    let server = Running::new();
    let caller = server.anyone();
    assert_eq!(caller.get("/v2/ledgers").code(), "no-such-path");
    let wrong = caller.send("PUT", "/v1/ledgers", &[], None);
    assert_eq!(
        (wrong.status, wrong.code().as_str()),
        (405, "method-not-allowed")
    );
    assert!(wrong.headers.contains_key("allow"));
    assert_eq!(caller.get("/v1/ledgers/none/records").code(), "no-ledger");
}

#[test]
fn the_description_that_is_checked_in_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let made = causebook_server::openapi();
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/openapi.json is not what the code says: UPDATE_OPENAPI=1 writes it anew"
    );
}

/// Whether a server with these settings starts in this home, and why not.
fn starts(home: &std::path::Path, settings: &[(&str, &str)]) -> Result<(), ServerError> {
    let config = crate::support::config(home, settings);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let started = runtime.block_on(Server::start(config));
    started.map(|server| runtime.block_on(server.stop()))
}

#[test]
fn a_server_that_others_reach_does_not_start_before_it_knows_anybody() {
    let home = tempfile::TempDir::new().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "[::ffff:127.0.0.1]:0"] {
        let refused = starts(home.path(), &[("listen", address)]);
        assert!(
            matches!(refused, Err(ServerError::Open { .. })),
            "{address}: {refused:?}"
        );
    }
    for url in [
        "https://causebook.bank.example",
        "http://10.0.0.7:7373",
        "https://localhost.bank.example",
        "https://127.0.0.1.bank.example",
        "https://127.0.0.1@bank.example",
        "https://",
    ] {
        let refused = starts(home.path(), &[("public_url", url)]);
        assert!(
            matches!(refused, Err(ServerError::Published { .. })),
            "{url}: {refused:?}"
        );
    }
    assert!(!home.path().join("ledgers").exists());
    for url in [
        "http://localhost:7373",
        "http://127.0.0.1:7373",
        "http://[::1]:7373",
    ] {
        let home = tempfile::TempDir::new().unwrap();
        starts(home.path(), &[("public_url", url)]).unwrap();
    }
    let known = [
        ("public_url", "https://causebook.bank.example"),
        ("oidc.issuer", "http://127.0.0.1:9"),
        ("oidc.client_id", "causebook"),
        ("oidc.roles", "auditors=auditor"),
    ];
    starts(home.path(), &known).unwrap();
    let server = Running::new();
    server.token("admin", None);
    let published = [("public_url", "https://causebook.bank.example")];
    server.restarted(&published);
}

#[test]
fn what_a_stream_did_not_send_is_told_and_recorded_once() {
    let server = Running::with(&[
        ("completeness.gap_after_s", "1"),
        ("completeness.look_s", "1"),
    ]);
    let caller = server.anyone();
    for seq in [1, 2, 5, 4, 9] {
        let mut record = decision(&format!("s{seq}"), "deny");
        record["source"] = serde_json::json!({"name": "scoring", "run": "r1", "seq": seq});
        assert_eq!(caller.record(&record).status, 201);
    }
    let found = caller
        .get("/v1/ledgers/main/completeness?source=scoring")
        .json();
    let stream = &found["streams"][0];
    assert_eq!(
        (stream["missing"].as_u64(), stream["late"].as_u64()),
        (Some(4), Some(1)),
        "{found}"
    );
    assert_eq!(
        (
            stream["gaps"][0]["from"].as_u64(),
            stream["gaps"][1]["to"].as_u64()
        ),
        (Some(3), Some(8))
    );
    let gaps = || {
        caller.get("/v1/ledgers/main/records?q=kind:gap").json()["records"]
            .as_array()
            .unwrap()
            .clone()
    };
    let recorded = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        gaps().len() == 2
    });
    assert!(recorded, "{:?}", gaps());
    assert_eq!(gaps()[0]["gap"]["source"], "scoring");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(gaps().len(), 2, "a gap is recorded once");
}
