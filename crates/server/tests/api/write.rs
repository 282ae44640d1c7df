//! Records in.

use serde_json::json;

use crate::support::{Running, decision};

#[test]
fn a_record_is_answered_with_its_receipt_and_again_with_the_same() {
    let server = Running::new();
    let caller = server.anyone();
    let first = caller.record(&decision("a/1", "deny"));
    assert_eq!(first.status, 201, "{first:?}");
    assert_eq!(first.headers["location"], "/v1/ledgers/main/records/a%2F1");
    let receipt = first.json();
    assert_eq!(
        (receipt["index"].as_u64(), receipt["repeated"].as_bool()),
        (Some(0), Some(false))
    );
    let again = caller.record(&decision("a/1", "deny"));
    assert_eq!(
        (again.status, again.json()["repeated"].as_bool()),
        (200, Some(true))
    );
    assert_eq!(again.json()["digest"], receipt["digest"]);
    let other = caller.record(&decision("a/1", "approve"));
    assert_eq!((other.status, other.code().as_str()), (409, "conflict"));
    let shown = caller.get("/v1/ledgers/main/records/a%2F1");
    assert_eq!(shown.json()["recorded"]["by"], "local:anonymous");
    assert_eq!(shown.json()["recorded"]["via"], "http");
}

#[test]
fn what_is_wrong_is_named_by_its_place() {
    let server = Running::new();
    let refused = server
        .anyone()
        .record(&json!({"model": "m", "output": 1, "inputs": {}}));
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (422, "invalid-record")
    );
    let problem = refused.json();
    assert_eq!(problem["errors"][0]["pointer"], "/inputs");
    assert!(problem["hint"].as_str().unwrap().contains("input"));
    let page = server.anyone().get(problem["type"].as_str().unwrap());
    assert_eq!(page.status, 200);
    for (body, form, status, code) in [
        ("{", "application/json", 422, "invalid-record"),
        ("", "application/json", 422, "invalid-record"),
        ("{}", "text/plain", 415, "unsupported-media-type"),
    ] {
        let headers = [("content-type", form)];
        let answer = server.anyone().send(
            "POST",
            "/v1/ledgers/main/records",
            &headers,
            Some(body.as_bytes()),
        );
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (status, code),
            "{body:?}"
        );
    }
    let unknown = server.anyone().send(
        "POST",
        "/v1/ledgers/main/records?wiat=proof",
        &[("content-type", "application/json")],
        Some(b"{}"),
    );
    assert_eq!(unknown.code(), "invalid-parameter");
}

#[test]
fn a_batch_is_answered_line_by_line() {
    let server = Running::new();
    let lines = [
        decision("1", "deny").to_string(),
        String::new(),
        "{\"model\":".to_owned(),
        decision("2", "approve").to_string(),
        decision("1", "deny").to_string(),
        decision("1", "refer").to_string(),
    ];
    let answer = server.anyone().batch(&lines.join("\n"));
    assert_eq!(answer.status, 200);
    let results = answer.lines();
    let line = |number: usize| {
        results
            .iter()
            .find(|result| result["line"] == number)
            .unwrap()
    };
    assert_eq!(results.len(), 5);
    assert_eq!(
        (line(1)["index"].as_u64(), line(4)["index"].as_u64()),
        (Some(0), Some(1))
    );
    assert_eq!(line(3)["error"]["code"], "invalid-record");
    assert_eq!(line(5)["repeated"], true);
    assert_eq!(line(6)["error"]["code"], "conflict");
}

#[test]
fn a_batch_of_many_chunks_keeps_its_order_and_finds_what_it_refers_to() {
    let server = Running::new();
    let mut lines = String::new();
    for number in 0..5000 {
        lines += &format!("{}\n", decision(&format!("d{number}"), "deny"));
        if number % 1000 == 999 {
            let outcome = json!({"kind": "outcome", "refers_to": format!("d{}", number - 990), "outcome": {"label": "repaid"}});
            lines += &format!("{outcome}\n");
        }
    }
    let results = server.anyone().batch(&lines).lines();
    assert_eq!(results.len(), 5005);
    for (number, result) in results.iter().enumerate() {
        assert_eq!(result["line"], number + 1);
        assert_eq!(result["index"], number, "{result}");
    }
}

#[test]
fn a_compressed_batch_is_read() {
    let server = Running::new();
    let lines: String = (0..200)
        .map(|number| decision(&number.to_string(), "deny").to_string() + "\n")
        .collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, lines.as_bytes()).unwrap();
    let headers = [
        ("content-type", "application/x-ndjson"),
        ("content-encoding", "gzip"),
    ];
    let packed = packed.finish().unwrap();
    let answer = server
        .anyone()
        .send("POST", "/v1/ledgers/main/records", &headers, Some(&packed));
    assert_eq!(answer.lines().len(), 200);
}

#[test]
fn waiting_for_the_proof_gives_evidence_that_checks() {
    let server = Running::new();
    let body = decision("p", "deny").to_string();
    let answer = server.anyone().send(
        "POST",
        "/v1/ledgers/main/records?wait=proof",
        &[("content-type", "application/json")],
        Some(body.as_bytes()),
    );
    assert_eq!(answer.status, 201, "{answer:?}");
    let evidence = causebook_evidence::Evidence::parse(answer.body.as_bytes()).unwrap();
    let keys = server.anyone().get("/v1/ledgers/main").json()["keys"].clone();
    let keys: Vec<String> = serde_json::from_value(keys).unwrap();
    let report =
        causebook_evidence::check(&evidence, &causebook_evidence::Trust::Keys(keys)).unwrap();
    assert!(report.records[0].text().unwrap().contains("\"deny\""));
}

#[test]
fn an_idempotency_key_is_the_id_of_a_record_without_one() {
    let server = Running::new();
    let send = |body: &str| {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", "\"k-1\""),
        ];
        server.anyone().send(
            "POST",
            "/v1/ledgers/main/records",
            &headers,
            Some(body.as_bytes()),
        )
    };
    let body = r#"{"model":"m","output":1}"#;
    assert_eq!((send(body).status, send(body).status), (201, 200));
    assert_eq!(send(body).json()["id"], "k-1");
    assert_eq!(send(r#"{"model":"m","output":2}"#).code(), "conflict");
}

#[test]
fn a_review_fits_the_decision_it_is_about() {
    let server = Running::new();
    let caller = server.anyone();
    caller.record(&decision("d", "deny"));
    let review = |action: &str, before: &str, after: &str| {
        json!({"kind": "review", "refers_to": "d", "review": {
            "action": action, "who": "ann", "role": "underwriter", "reason": "payslip", "before": before, "after": after}})
    };
    let absent = json!({"kind": "review", "refers_to": "nobody", "review": {
        "action": "confirm", "who": "ann", "role": "underwriter", "reason": "r"}});
    assert_eq!(caller.record(&absent).code(), "unknown-target");
    let stale = caller.record(&review("override", "approve", "refer"));
    assert_eq!(stale.code(), "invalid-review");
    assert_eq!(stale.json()["errors"][0]["pointer"], "/review/before");
    assert_eq!(
        caller.record(&review("override", "deny", "deny")).code(),
        "invalid-review"
    );
    assert_eq!(
        caller.record(&review("override", "deny", "approve")).status,
        201
    );
    // What is in force is what the override said.
    assert_eq!(
        caller.record(&review("override", "deny", "approve")).code(),
        "invalid-review"
    );
    assert_eq!(
        caller.record(&review("reverse", "approve", "deny")).status,
        201
    );
    // A name written with an escape is the same name.
    let escaped = absent.to_string().replace("refers_to", "refers\\u005fto");
    let results = caller.batch(&escaped).lines();
    assert!(
        results[0]["error"]["type"]
            .as_str()
            .unwrap()
            .ends_with("unknown-target"),
        "{results:?}"
    );
    let nameless = json!({"kind": "review", "refers_to": "d", "review": {"action": "confirm", "who": "", "role": "r", "reason": "r"}});
    assert_eq!(caller.record(&nameless).code(), "invalid-record");
    let history = caller.get("/v1/ledgers/main/records/d/history").json();
    let kinds: Vec<&str> = history["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["decision", "review", "review"]);
}

#[test]
fn an_outcome_may_come_before_its_decision_where_that_is_said() {
    let server = Running::new();
    let outcome = json!({"kind": "outcome", "refers_to": "later", "outcome": {"label": "repaid"}})
        .to_string();
    let headers = [("content-type", "application/json")];
    let send = |path| {
        server
            .anyone()
            .send("POST", path, &headers, Some(outcome.as_bytes()))
    };
    assert_eq!(send("/v1/ledgers/main/records").code(), "unknown-target");
    assert_eq!(
        send("/v1/ledgers/main/records?allow_missing_target=true").status,
        201
    );
}

#[test]
fn an_attachment_is_stored_by_what_it_holds() {
    let server = Running::new();
    let headers = [("content-type", "application/octet-stream")];
    let content = vec![7; 3 << 20];
    let stored = server.anyone().send(
        "POST",
        "/v1/ledgers/main/attachments",
        &headers,
        Some(&content),
    );
    assert_eq!(
        (stored.status, stored.json()["size"].as_u64()),
        (201, Some(3 << 20))
    );
    let fetched = server.anyone().get(&stored.headers["location"]);
    assert_eq!((fetched.status, fetched.body.len()), (200, 3 << 20));
    let absent = server.anyone().get(&format!(
        "/v1/ledgers/main/attachments/sha256:{}",
        "0".repeat(64)
    ));
    assert_eq!(absent.code(), "no-attachment");
}

#[test]
fn what_was_recorded_is_there_after_a_restart() {
    let server = Running::new();
    let receipt = server.anyone().record(&decision("kept", "deny")).json();
    let server = server.restarted(&[]);
    let again = server.anyone().record(&decision("kept", "deny")).json();
    assert_eq!(
        (&again["digest"], again["repeated"].as_bool()),
        (&receipt["digest"], Some(true))
    );
}

#[test]
fn a_whole_batch_is_recorded_or_nothing_of_it() {
    let server = Running::new();
    let send = |lines: &[String]| {
        let headers = [("content-type", "application/x-ndjson")];
        let body = lines.join("\n");
        server.anyone().send(
            "POST",
            "/v1/ledgers/main/records?whole=true",
            &headers,
            Some(body.as_bytes()),
        )
    };
    let good = |id: &str| decision(id, "deny").to_string();
    let refused = send(&[good("1"), "{}".to_owned(), good("2"), "[]".to_owned()]);
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (422, "invalid-record")
    );
    let pointers: Vec<String> = refused.json()["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["pointer"].to_string())
        .collect();
    assert!(
        pointers[0].starts_with("\"/2") && pointers[1].starts_with("\"/4"),
        "{pointers:?}"
    );
    assert_eq!(server.anyone().get("/v1/ledgers/main").json()["size"], 0);
    assert_eq!(send(&[good("1"), good("2")]).lines().len(), 2);
    let conflict = send(&[good("3"), decision("1", "approve").to_string()]);
    assert_eq!(
        (conflict.status, conflict.code().as_str()),
        (409, "conflict")
    );
    assert_eq!(server.anyone().get("/v1/ledgers/main").json()["size"], 2);
}

/// Three rows in Arrow, of which two have the same id.
fn arrow_batch() -> Vec<u8> {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use std::sync::Arc;
    let columns: [(&str, ArrayRef); 4] = [
        ("id", Arc::new(StringArray::from(vec!["a", "b", "b"]))),
        ("model", Arc::new(StringArray::from(vec!["m", "m", "m"]))),
        ("/input/age", Arc::new(Int64Array::from(vec![30, 40, 50]))),
        (
            "decision",
            Arc::new(StringArray::from(vec!["deny", "approve", "deny"])),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut stream = Vec::new();
    let mut writer =
        arrow::ipc::writer::StreamWriter::try_new(&mut stream, &batch.schema()).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    stream
}

#[test]
fn an_erased_record_that_is_sent_again_is_refused_as_such_in_every_form() {
    let server = Running::new();
    let caller = server.anyone();
    let whole = json!({"reason": "asked"});
    let part = json!({"facts": ["/subject"], "reason": "asked"});
    for (id, erasure) in [("a", &whole), ("b", &part)] {
        caller.record(&decision(id, "deny"));
        let path = format!("/v1/ledgers/main/records/{id}/erasure");
        assert_eq!(caller.post(&path, erasure).status, 200);
    }
    for sent in [
        decision("a", "deny"),
        decision("a", "approve"),
        decision("b", "deny"),
    ] {
        let answer = caller.record(&sent);
        assert_eq!(
            (
                answer.status,
                answer.code().as_str(),
                answer.pointer().as_str()
            ),
            (409, "record-erased", "/id")
        );
        assert!(!answer.body.contains("person"), "{}", answer.body);
    }
    let lines = [decision("a", "deny"), decision("c", "deny")];
    let lines = lines.map(|line| line.to_string()).join("\n");
    let told = caller.batch(&lines).lines();
    assert_eq!(told[0]["error"]["code"], "record-erased", "{told:?}");
    assert_eq!(told[1]["id"], "c", "{told:?}");
    let headers = [("content-type", "application/x-ndjson")];
    let path = "/v1/ledgers/main/records?whole=true";
    let none = caller.send("POST", path, &headers, Some(lines.as_bytes()));
    assert_eq!(
        (none.code().as_str(), none.pointer().as_str()),
        ("record-erased", "/1/id")
    );
    let headers = [("content-type", "application/vnd.apache.arrow.stream")];
    let path = "/v1/ledgers/main/records";
    let rows = caller
        .send("POST", path, &headers, Some(&arrow_batch()))
        .lines();
    for row in &rows {
        assert_eq!(row["error"]["code"], "record-erased", "{rows:?}");
    }
    let metrics = caller.get("/metrics").body;
    assert!(metrics.contains("result=\"erased\""), "{metrics}");
}

#[test]
fn an_arrow_batch_is_recorded_row_by_row() {
    let server = Running::new();
    let stream = arrow_batch();
    let headers = [("content-type", "application/vnd.apache.arrow.stream")];
    let answer = server
        .anyone()
        .send("POST", "/v1/ledgers/main/records", &headers, Some(&stream));
    let rows = answer.lines();
    assert_eq!(
        (rows[0]["index"].as_u64(), rows[1]["index"].as_u64()),
        (Some(0), Some(1)),
        "{rows:?}"
    );
    assert_eq!(rows[2]["error"]["code"], "conflict");
    let shown = server.anyone().get("/v1/ledgers/main/records/b").json();
    assert_eq!(shown["input"]["age"], 40);
    let broken = server.anyone().send(
        "POST",
        "/v1/ledgers/main/records",
        &headers,
        Some(b"not arrow"),
    );
    assert_eq!(
        (broken.status, broken.code().as_str()),
        (400, "invalid-body")
    );
}
