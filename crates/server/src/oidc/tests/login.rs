//! Who is let in, and who is not.

use super::*;

#[tokio::test]
async fn whoever_logs_in_has_the_roles_of_the_groups_and_goes_on_where_it_was() {
    let place = Place::new().await;
    let (address, cookie) = place.begin("%2Fd%2F1%3Fq%3Da").await;
    let answer = place.come_back(&place.peer.log_in(&address), &cookie).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/d/1?q=a");
    let session = answer.cookie("__Host-causebook").unwrap();
    let ann = place.who(&session).unwrap();
    assert_eq!(ann.name(), "user:ann@bank.example");
    assert!(ann.allows(Permission::Export, "main") && !ann.allows(Permission::Append, "main"));
    assert_eq!(
        ann.roles("main").into_iter().collect::<Vec<_>>(),
        [Role::Auditor]
    );
    assert!(place.who("").is_none() && place.who("x").is_none());
}

#[tokio::test]
async fn an_answer_that_this_browser_did_not_ask_for_logs_nobody_in() {
    let place = Place::new().await;
    let (address, cookie) = place.begin("/").await;
    let (_, other_cookie) = place.begin("/").await;
    let query = place.peer.log_in(&address);
    for (query, cookie) in [
        (query.as_str(), other_cookie.as_str()),
        (query.as_str(), ""),
        (query.as_str(), "a.b.c.d"),
        ("code=x&state=y", cookie.as_str()),
        ("code=x", cookie.as_str()),
        ("", cookie.as_str()),
        ("error=access_denied", cookie.as_str()),
    ] {
        let answer = place.come_back(query, cookie).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query} {cookie}");
        assert_eq!(answer.cookie("__Host-causebook"), None);
    }
    assert_eq!(
        place.come_back(&query, &cookie).await.status(),
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_code_is_good_once_and_for_who_asked_for_it() {
    let place = Place::new().await;
    let (address, cookie) = place.begin("/").await;
    let query = place.peer.log_in(&address);
    assert_eq!(
        place.come_back(&query, &cookie).await.status(),
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        place.come_back(&query, &cookie).await.status(),
        StatusCode::BAD_REQUEST
    );
    // A stolen code, put into an attempt of the thief's own: the challenge does not fit.
    let (address, _) = place.begin("/").await;
    let stolen = place.peer.log_in(&address);
    let code = stolen.split('&').next().unwrap();
    let (own_address, own_cookie) = place.begin("/").await;
    let own = place.peer.log_in(&own_address);
    let state = own.split('&').nth(1).unwrap();
    let answer = place
        .come_back(&format!("{code}&{state}"), &own_cookie)
        .await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_new_key_of_the_provider_is_found_when_it_is_first_used() {
    let place = Place::new().await;
    place.log_in().await.unwrap();
    place.peer.0.lock().unwrap().keys.push(("2", 2));
    let header = json!({"alg": "EdDSA", "kid": "2"});
    place
        .peer
        .forges(move |claims| signed(&header, &claims, &key(2)));
    assert_eq!(
        place.log_in().await,
        Err(StatusCode::BAD_REQUEST),
        "keys were read just now"
    );
    place.clock.forward(61);
    assert!(place.log_in().await.is_ok());
}

#[tokio::test]
async fn who_has_no_role_is_told_so_and_not_let_in() {
    let place = Place::new().await;
    place.peer.forges(|mut claims| {
        claims["groups"] = json!(["golf"]);
        honest(&claims)
    });
    assert_eq!(place.log_in().await, Err(StatusCode::FORBIDDEN));
}

#[tokio::test]
async fn a_refusal_at_the_provider_is_told() {
    let place = Place::new().await;
    let (address, cookie) = place.begin("/").await;
    let query = place.peer.log_in(&address);
    let state = query.split('&').nth(1).unwrap();
    let answer = place
        .come_back(&format!("error=access_denied&{state}"), &cookie)
        .await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn without_the_provider_nobody_logs_in_and_the_server_says_when_to_come_back() {
    let settings = OidcSettings {
        // Nobody listens at port 9 of this machine.
        issuer: "http://127.0.0.1:9".to_owned(),
        ..settings::tests::settings()
    };
    let clock = Arc::new(place::Hand(Mutex::new(Timestamp::UNIX_EPOCH)));
    let login = Arc::new(Login::new(settings, clock).unwrap());
    let request = Request::get("/auth/login").body(Body::empty()).unwrap();
    let kept = Kept::new().await;
    let answer = kept.routes(&login).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        kept.accesses(0)[0]["access"],
        json!({"action": "login", "ledger": "*", "result": "provider-unavailable", "from": "10.0.0.7"})
    );
}

#[tokio::test]
async fn no_link_makes_a_login_end_on_another_server() {
    let place = Place::new().await;
    for next in [
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "%2F%09%2Fevil.example",
    ] {
        let (address, cookie) = place.begin(next).await;
        let answer = place.come_back(&place.peer.log_in(&address), &cookie).await;
        assert_eq!(answer.location(), "/", "{next}");
    }
}
