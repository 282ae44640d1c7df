//! Who logged in and out is on record, and how it ended, without anything secret.

use super::*;

/// Actor, action and result of each access record from this one on.
fn told(place: &Place, first: u64) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let records = place.kept.accesses(first).into_iter();
    records
        .map(|it| {
            assert_eq!(it["kind"], "access");
            assert_eq!(
                (&it["access"]["ledger"], &it["access"]["from"]),
                (&json!("*"), &json!("10.0.0.7"))
            );
            let access = &it["access"];
            [&it["actor"], &access["action"], &access["result"]].map(text)
        })
        .collect()
}

const ANN: &str = "user:ann@bank.example";

/// Logs out from our own pages.
async fn log_out(place: &Place, session: &str) -> StatusCode {
    let cookie = format!("__Host-causebook={session}");
    let headers = [
        ("cookie", cookie.as_str()),
        (CSRF_HEADER, "1"),
        ("sec-fetch-site", "same-origin"),
    ];
    place.ask("POST", "/auth/logout", &headers).await.status()
}

#[tokio::test]
async fn a_login_and_a_logout_are_on_record_with_who_and_from_where() {
    let place = Place::new().await;
    let session = place.log_in().await.unwrap();
    assert_eq!(told(&place, 0), [[ANN, "login", "ok"]]);
    assert_eq!(log_out(&place, &session).await, StatusCode::NO_CONTENT);
    assert_eq!(told(&place, 1), [[ANN, "logout", "ok"]]);
    // Nobody is logged out who was not in.
    assert_eq!(log_out(&place, &session).await, StatusCode::NO_CONTENT);
    assert!(told(&place, 2).is_empty());
}

#[tokio::test]
async fn a_login_that_fails_is_on_record_with_how() {
    let place = Place::new().await;
    let (address, cookie) = place.begin("/").await;
    let query = place.peer.log_in(&address);
    let state = query.split('&').nth(1).unwrap().to_owned();
    place.come_back("code=x&state=y", &cookie).await;
    place.come_back(&query, "").await;
    place
        .come_back(&format!("error=access_denied&{state}"), &cookie)
        .await;
    place.come_back(&format!("code=x&{state}"), &cookie).await;
    place
        .peer
        .forges(|claims| signed(&json!({"alg": "EdDSA", "kid": "1"}), &claims, &key(2)));
    place.log_in().await.unwrap_err();
    place.peer.forges(|mut claims| {
        claims["groups"] = json!(["golf"]);
        honest(&claims)
    });
    place.log_in().await.unwrap_err();
    let expected = [
        ["nobody", "login", "not-begun-here"],
        ["nobody", "login", "not-begun-here"],
        ["nobody", "login", "refused-by-provider"],
        ["nobody", "login", "code-refused"],
        ["nobody", "login", "token-invalid"],
        [ANN, "login", "no-role"],
    ];
    assert_eq!(told(&place, 0), expected);
}

#[tokio::test]
async fn no_code_state_token_or_session_is_on_record() {
    let place = Place::new().await;
    let (address, cookie) = place.begin("/").await;
    let query = place.peer.log_in(&address);
    place
        .come_back(&query.replace("state=", "state=x"), &cookie)
        .await;
    let answer = place.come_back(&query, &cookie).await;
    let session = answer.cookie("__Host-causebook").unwrap();
    place.come_back(&query, &cookie).await;
    log_out(&place, &session).await;
    let seen = json!(place.kept.accesses(0)).to_string();
    assert_eq!(place.kept.accesses(0).len(), 4);
    let of_query = form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned());
    // Its last part is where to go.
    let of_cookie = cookie.split('.').take(3).map(str::to_owned);
    for secret in of_query.chain(of_cookie).chain([session]) {
        assert!(secret.len() > 4 && !seen.contains(&secret), "{seen}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_recorded_nobody_logs_in_and_everybody_logs_out() {
    let place = Place::new().await;
    let session = place.log_in().await.unwrap();
    place.kept.stop().await;
    assert_eq!(place.log_in().await, Err(StatusCode::SERVICE_UNAVAILABLE));
    let (_, cookie) = place.begin("/").await;
    let failed = place.come_back("code=x&state=y", &cookie).await;
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(place.who(&session).is_some());
    assert_eq!(
        log_out(&place, &session).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert!(place.who(&session).is_none());
}

#[tokio::test]
async fn strangers_who_try_without_end_do_not_write_without_end() {
    let place = Place::new().await;
    for _ in 0..150 {
        let answer = place.come_back("code=x&state=y", "").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(told(&place, 0).len(), 100);
    place.clock.forward(20);
    for _ in 0..5 {
        place.come_back("code=x&state=y", "").await;
    }
    assert_eq!(told(&place, 100).len(), 2);
    // Who can be named is on record all the same.
    place.log_in().await.unwrap();
    place.peer.forges(|mut claims| {
        claims["groups"] = json!([]);
        honest(&claims)
    });
    place.log_in().await.unwrap_err();
    assert_eq!(
        told(&place, 102),
        [[ANN, "login", "ok"], [ANN, "login", "no-role"]]
    );
}
