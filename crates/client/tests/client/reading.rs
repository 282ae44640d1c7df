//! Records come out as they are on the server, page by page or in one stream.

use causebook_client::{ClientError, ListRequest, SqlFormat};

use crate::server::{Reply, Server, ok, open, problem, whole, with};

#[test]
fn digits_are_kept() {
    let server = Server::of(vec![ok(
        r#"{"index":7,"amount":10.50,"id":"a","n":18446744073709551617}"#,
    )]);
    let item = server.ledger().get("a").unwrap();
    assert_eq!(item.index, 7);
    assert_eq!(
        item.text.unwrap(),
        r#"{"amount":10.50,"id":"a","n":18446744073709551617}"#
    );
}

#[test]
fn an_id_with_slashes_is_asked_for_whole() {
    let server = Server::of(vec![problem(404, "no-record", "")]);
    assert_eq!(server.ledger().find("../tokens?x").unwrap(), None);
    assert_eq!(
        server.next().line,
        "GET /v1/ledgers/main/records/..%2Ftokens%3Fx HTTP/1.1"
    );
}

#[test]
fn an_attachment_is_bytes_and_a_page_of_a_proxy_is_none() {
    let server = Server::of(vec![
        whole(200, "application/octet-stream", "letter"),
        whole(200, "text/html", "<html>log in</html>"),
        problem(404, "no-attachment", ""),
    ]);
    let ledger = server.ledger();
    let mut bytes = Vec::new();
    ledger.attachment("sha256:00ff", &mut bytes).unwrap();
    assert_eq!(bytes, b"letter");
    let seen = server.next();
    assert_eq!(
        seen.line,
        "GET /v1/ledgers/main/attachments/sha256:00ff HTTP/1.1"
    );
    assert_eq!(seen.header("accept"), Some("application/octet-stream"));
    let foreign = ledger.attachment("sha256:00ff", &mut bytes).unwrap_err();
    assert!(matches!(foreign, ClientError::Foreign { .. }), "{foreign}");
    let absent = ledger.attachment("sha256:00ff", &mut bytes).unwrap_err();
    assert!(absent.is_refused_as("no-attachment"));
    assert_eq!(bytes, b"letter");
}

#[test]
fn pages_follow_their_cursor_to_the_end() {
    let server = Server::of(vec![
        ok(r#"{"as_of":9,"records":[{"index":1,"id":"a"}],"next":"c 1&"}"#),
        ok(r#"{"as_of":9,"records":[{"index":0,"id":"b"}],"next":null}"#),
    ]);
    let request = ListRequest {
        q: "decision:deny \"thin file\"".to_owned(),
        limit: Some(1),
        ..ListRequest::default()
    };
    let pages: Vec<_> = server.ledger().pages(request).map(Result::unwrap).collect();
    let indexes: Vec<u64> = pages
        .iter()
        .flat_map(|page| &page.records)
        .map(|item| item.index)
        .collect();
    assert_eq!(indexes, [1, 0]);
    assert_eq!(
        server.next().line,
        "GET /v1/ledgers/main/records?q=decision%3Adeny+%22thin+file%22&limit=1 HTTP/1.1"
    );
    assert!(server.next().line.contains("cursor=c+1%26"));
}

#[test]
fn a_server_whose_pages_never_end_is_left() {
    let page = || ok(r#"{"as_of":9,"records":[],"next":"same"}"#);
    let server = Server::of(vec![page(), page(), page()]);
    let last = server
        .ledger()
        .pages(ListRequest::default())
        .last()
        .unwrap();
    assert!(matches!(last, Err(ClientError::Foreign { .. })), "{last:?}");
}

#[test]
fn a_stream_that_breaks_off_says_so_after_what_came() {
    let mut bytes = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    bytes.extend(b"17\r\n{\"index\":0,\"id\":\"abc\"}\n\r\n");
    let server = Server::of(vec![Reply::Bytes(bytes)]);
    let records: Vec<_> = server
        .ledger()
        .stream(&ListRequest::default())
        .unwrap()
        .collect();
    assert_eq!(records[0].as_ref().unwrap().id().as_deref(), Some("abc"));
    assert!(
        matches!(records[1], Err(ClientError::Lost { .. })),
        "{records:?}"
    );
    assert_eq!(records.len(), 2);
}

#[test]
fn a_line_without_end_does_not_fill_the_memory() {
    let server = Server::of(vec![Reply::Endless(
        open("application/x-ndjson"),
        vec![b'x'; 1 << 20],
    )]);
    let records: Vec<_> = server
        .ledger()
        .stream(&ListRequest::default())
        .unwrap()
        .collect();
    assert!(
        matches!(records.as_slice(), [Err(ClientError::Foreign { .. })]),
        "{records:?}"
    );
}

#[test]
fn answers_in_sql_go_where_they_are_wanted() {
    let cut = "causebook-truncated: true\r\n";
    let server = Server::of(vec![with(200, "text/csv", cut, "a\r\n1\r\n")]);
    let mut out = Vec::new();
    let ledger = server.ledger();
    let truncated = ledger.sql("select \"a\"", Some(5), SqlFormat::Csv, &mut out);
    assert!(truncated.unwrap());
    assert_eq!(out, b"a\r\n1\r\n");
    let seen = server.next();
    assert_eq!(seen.text(), r#"{"sql":"select \"a\"","rows_max":5}"#);
    assert_eq!(seen.header("accept"), Some("text/csv"));
}

#[test]
fn evidence_is_handed_on_byte_by_byte() {
    let file = "{\n \"format\": \"x\",  \"n\": 1.0 }\n";
    let server = Server::of(vec![ok(file)]);
    let show = ["/input/age".to_owned(), "/output".to_owned()];
    assert_eq!(server.ledger().evidence("a", &show, true).unwrap(), file);
    assert!(
        server
            .next()
            .line
            .contains("?show=%2Finput%2Fage&show=%2Foutput&linked=true")
    );
}
