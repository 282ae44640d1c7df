//! Records out: by id, in lists, with proof.

use serde_json::json;

use crate::support::{Running, decision};

#[test]
fn a_record_has_a_tag_that_spares_sending_it_again() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("a", "deny"));
    let shown = caller.get("/v1/ledgers/main/records/a");
    assert_eq!(
        (shown.status, shown.json()["index"].as_u64()),
        (200, Some(0))
    );
    let tag = shown.headers["etag"].as_str();
    let again = caller.send(
        "GET",
        "/v1/ledgers/main/records/a",
        &[("if-none-match", tag)],
        None,
    );
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    assert_eq!(caller.get("/v1/ledgers/main/records/b").code(), "no-record");
}

#[test]
fn pages_show_the_log_as_it_was_whatever_comes_meanwhile() {
    let server = Running::new();
    let caller = server.anyone();
    for number in 0..7 {
        caller.record(&decision(
            &number.to_string(),
            if number % 2 == 0 { "deny" } else { "approve" },
        ));
    }
    let ids = |page: &serde_json::Value| -> Vec<String> {
        page["records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let cases = [
        ("", vec!["6", "5", "4", "3", "2", "1", "0"]),
        ("&q=decision:deny", vec!["6", "4", "2", "0"]),
    ];
    for (number, (query, expected)) in cases.into_iter().enumerate() {
        // The second round looks at the log as it was before the first round wrote to it.
        let mut page = caller.get(&format!("/v1/ledgers/main/records?limit=2&as_of=7{query}"));
        let mut seen = Vec::new();
        loop {
            let body = page.json();
            assert_eq!(body["as_of"], 7);
            seen.extend(ids(&body));
            let late = format!("late-{number}-{}", seen.len());
            caller.record(&decision(&late, "deny"));
            if body["next"].is_null() {
                break;
            }
            let link = page.headers["link"].clone();
            let path = link.trim_start_matches('<').split('>').next().unwrap();
            page = caller.get(path);
        }
        assert_eq!(seen, expected);
    }
    let oldest = caller
        .get("/v1/ledgers/main/records?limit=3&order=oldest")
        .json();
    assert_eq!(ids(&oldest), ["0", "1", "2"]);
}

#[test]
fn a_filter_finds_what_it_says() {
    let server = Running::new();
    let caller = server.anyone();
    for number in 0..20 {
        caller.record(&decision(
            &number.to_string(),
            if number % 4 == 0 { "deny" } else { "approve" },
        ));
    }
    let count = |q: &str| {
        let q = q
            .replace(' ', "%20")
            .replace('<', "%3C")
            .replace('>', "%3E");
        let page = caller
            .get(&format!("/v1/ledgers/main/records?limit=1000&q={q}"))
            .json();
        page["records"].as_array().unwrap().len()
    };
    assert_eq!(count("decision:deny"), 5);
    assert_eq!(count("decision:deny input.age:>29"), 5);
    assert_eq!(count("input.age:<30"), 0);
    assert_eq!(count("id:7"), 1);
    let wrong = caller.get("/v1/ledgers/main/records?q=desicion:deny");
    assert_eq!(
        (wrong.status, wrong.code().as_str()),
        (422, "invalid-filter")
    );
}

#[test]
fn a_cursor_of_another_list_is_refused() {
    let server = Running::new();
    let caller = server.anyone();
    for number in 0..5 {
        caller.record(&decision(&number.to_string(), "deny"));
    }
    let next = caller.get("/v1/ledgers/main/records?limit=2").json()["next"]
        .as_str()
        .unwrap()
        .to_owned();
    for path in [
        format!("/v1/ledgers/main/records?cursor={next}&q=decision:deny"),
        format!("/v1/ledgers/main/records?cursor={next}&order=oldest"),
        format!("/v1/ledgers/main/records?cursor=x{next}"),
        "/v1/ledgers/main/records?cursor=".to_owned(),
    ] {
        assert_eq!(caller.get(&path).code(), "invalid-cursor", "{path}");
    }
    for path in [
        "limit=0",
        "limit=1001",
        "limit=-1",
        "order=random",
        "lmit=3",
    ] {
        assert_eq!(
            caller
                .get(&format!("/v1/ledgers/main/records?{path}"))
                .code(),
            "invalid-parameter",
            "{path}"
        );
    }
    for path in [
        "records?as_of=6",
        "facets?as_of=6",
        "facets?field=desicion",
        "histogram?by=nothing",
    ] {
        assert_eq!(
            caller.get(&format!("/v1/ledgers/main/{path}")).code(),
            "unfit-parameter",
            "{path}"
        );
    }
}

#[test]
fn evidence_shows_what_was_asked_for_and_no_more() {
    let server = Running::new();
    let caller = server.anyone();
    let headers = [("content-type", "application/json")];
    let body = decision("e", "deny").to_string();
    caller.send(
        "POST",
        "/v1/ledgers/main/records?wait=proof",
        &headers,
        Some(body.as_bytes()),
    );
    let file = caller.get("/v1/ledgers/main/records/e/evidence?show=/decision&show=/score");
    assert_eq!(file.status, 200, "{file:?}");
    assert!(file.body.contains("deny") && !file.body.contains("person-e"));
    let slip = caller.get("/v1/ledgers/main/records/e/evidence?show=/desicion");
    assert_eq!(slip.code(), "unfit-parameter");
}

#[test]
fn an_earlier_size_is_proven_to_be_a_beginning() {
    use base64::Engine as _;
    use causebook_tlog::{Hash, verify_consistency};
    let server = Running::new();
    let caller = server.anyone();
    let lines: String = (0..700)
        .map(|number| decision(&number.to_string(), "deny").to_string() + "\n")
        .collect();
    caller.batch(&lines);
    let headers = [("content-type", "application/json")];
    caller.send(
        "POST",
        "/v1/ledgers/main/records?wait=proof",
        &headers,
        Some(decision("last", "deny").to_string().as_bytes()),
    );
    let hash = |value: &serde_json::Value| {
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(value.as_str().unwrap())
            .unwrap();
        Hash(bytes.try_into().unwrap())
    };
    for (from, to) in [(1, 701), (256, 700), (257, 513), (701, 701)] {
        let proof = caller
            .get(&format!("/v1/ledgers/main/consistency?from={from}&to={to}"))
            .json();
        let hashes: Vec<Hash> = proof["proof"]
            .as_array()
            .unwrap()
            .iter()
            .map(hash)
            .collect();
        verify_consistency(
            from,
            to,
            &hash(&proof["from_root"]),
            &hash(&proof["to_root"]),
            &hashes,
        )
        .unwrap();
    }
    let newest = caller.get("/v1/ledgers/main").json();
    let whole = caller.get("/v1/ledgers/main/consistency?from=1").json();
    assert_eq!(whole["to_root"], newest["checkpoint"]["root"]);
    let reversed = caller.get("/v1/ledgers/main/consistency?from=6&to=5");
    assert_eq!(reversed.code(), "unfit-parameter");
    let ahead = caller.get("/v1/ledgers/main/consistency?from=1&to=9999");
    assert_eq!(
        (ahead.status, ahead.code().as_str()),
        (409, "not-covered-yet")
    );
    for query in ["from=0&to=5", "to=5"] {
        assert_eq!(
            caller
                .get(&format!("/v1/ledgers/main/consistency?{query}"))
                .code(),
            "invalid-parameter"
        );
    }
}

#[test]
fn tiles_are_served_as_they_are_and_nothing_else_of_the_folder() {
    let server = Running::new();
    let caller = server.anyone();
    let lines: String = (0..300)
        .map(|number| decision(&number.to_string(), "deny").to_string() + "\n")
        .collect();
    caller.batch(&lines);
    let headers = [("content-type", "application/json")];
    caller.send(
        "POST",
        "/v1/ledgers/main/records?wait=proof",
        &headers,
        Some(decision("last", "deny").to_string().as_bytes()),
    );
    let tile = caller.get("/v1/ledgers/main/log/tile/0/000");
    assert_eq!(tile.status, 200);
    assert!(tile.headers["cache-control"].contains("immutable"));
    assert_eq!(
        caller.get("/v1/ledgers/main/log/tile/0/001.p/45").status,
        200
    );
    assert!(
        caller
            .get("/v1/ledgers/main/log/checkpoint")
            .body
            .contains("\n301\n")
    );
    for path in [
        "0/../../../key",
        "0/%2e%2e/%2e%2e/key",
        "0/x001",
        "0/0",
        "0/00x",
        "..%2f..%2fkey",
        "entries/000.p/0",
    ] {
        let answer = caller.get(&format!("/v1/ledgers/main/log/tile/{path}"));
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[test]
fn erased_content_is_gone_and_the_record_still_proven() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("x", "deny"));
    let slip = caller.post(
        "/v1/ledgers/main/records/x/erasure",
        &json!({"facts": ["/input/agee"], "reason": "asked"}),
    );
    assert_eq!(
        (slip.status, slip.code().as_str()),
        (422, "unfit-body"),
        "{}",
        slip.body
    );
    let nothing = caller.post(
        "/v1/ledgers/main/records/x/erasure",
        &json!({"facts": [], "reason": "asked"}),
    );
    assert_eq!(
        (nothing.status, nothing.pointer().as_str()),
        (400, "/facts")
    );
    let done = caller.post(
        "/v1/ledgers/main/records/x/erasure",
        &json!({"facts": ["/subject"], "reason": "asked"}),
    );
    assert_eq!(done.status, 200, "{done:?}");
    let shown = caller.get("/v1/ledgers/main/records/x");
    assert!(!shown.body.contains("person-x"));
    assert_eq!(shown.json()["erased_facts"], 1);
    let report = caller.post("/v1/ledgers/main/verify", &json!({})).json();
    assert_eq!(
        (
            report["intact"].as_bool(),
            report["erased_in_part"].as_u64()
        ),
        (Some(true), Some(1))
    );
}

#[test]
fn counts_histograms_and_statements_answer_over_what_is_there() {
    let server = Running::new();
    let caller = server.anyone();
    for number in 0..12 {
        caller.record(&decision(
            &number.to_string(),
            if number % 3 == 0 { "deny" } else { "approve" },
        ));
    }
    let facets = caller
        .get("/v1/ledgers/main/facets?field=decision,model&q=score:%3C0.5")
        .json();
    assert_eq!(facets["matched"], 12);
    assert_eq!(
        facets["facets"][0]["values"][0],
        json!({"value": "approve", "count": 8})
    );
    assert_eq!(facets["facets"][1]["values"][0]["value"], "credit@1");
    let histogram = caller
        .get("/v1/ledgers/main/histogram?by=decision&buckets=10")
        .json();
    let total: u64 = histogram["series"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|series| series["counts"].as_array().unwrap())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(total, 12, "{histogram}");
    let sql = |statement: &str| {
        caller.post(
            "/v1/ledgers/main/sql",
            &json!({"sql": statement, "rows_max": 2}),
        )
    };
    let answer = sql("select id, decision from decisions order by index").json();
    assert_eq!(
        (
            answer["rows"].as_array().unwrap().len(),
            answer["truncated"].as_bool()
        ),
        (2, Some(true))
    );
    assert_eq!(answer["rows"][0], json!({"id": "0", "decision": "deny"}));
    for statement in [
        "drop table records",
        "insert into records values (1)",
        "selec",
        "select nothing from records",
        "copy records to '/x'",
        "",
    ] {
        assert_eq!(sql(statement).code(), "invalid-sql", "{statement}");
    }
    let headers = [("content-type", "application/json"), ("accept", "text/csv")];
    let body = json!({"sql": "select count(*) as n from records"}).to_string();
    let csv = caller.send(
        "POST",
        "/v1/ledgers/main/sql",
        &headers,
        Some(body.as_bytes()),
    );
    assert_eq!(csv.body, "n\n12\n");
    for path in [
        "facets?limit=0",
        "histogram?buckets=0",
        "histogram?from=yesterday",
    ] {
        assert_eq!(
            caller.get(&format!("/v1/ledgers/main/{path}")).code(),
            "invalid-parameter",
            "{path}"
        );
    }
}
