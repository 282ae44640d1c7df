//! What lies between a login and its end.

use super::*;

#[tokio::test]
async fn a_session_ends_when_it_rests_and_when_it_is_old() {
    let place = Place::new().await;
    let session = place.log_in().await.unwrap();
    place.clock.forward(1799);
    assert!(place.who(&session).is_some());
    place.clock.forward(1800);
    assert!(place.who(&session).is_none());
    let session = place.log_in().await.unwrap();
    for _ in 0..24 {
        place.clock.forward(1790);
        assert!(place.who(&session).is_some());
    }
    place.clock.forward(1790);
    assert!(place.who(&session).is_none());
}

#[tokio::test]
async fn logging_out_ends_the_session_and_only_our_own_pages_can_do_it() {
    let place = Place::new().await;
    let session = place.log_in().await.unwrap();
    let cookie = format!("__Host-causebook={session}");
    let own = [
        ("cookie", cookie.as_str()),
        (CSRF_HEADER, "1"),
        ("sec-fetch-site", "same-origin"),
    ];
    let foreign = [
        ("cookie", cookie.as_str()),
        ("sec-fetch-site", "cross-site"),
    ];
    let refused = place.ask("POST", "/auth/logout", &foreign).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(place.who(&session).is_some());
    assert_eq!(
        place.ask("GET", "/auth/logout", &own).await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    let answer = place.ask("POST", "/auth/logout", &own).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    assert!(place.who(&session).is_none());
}

#[tokio::test]
async fn a_session_changes_something_only_for_our_own_pages() {
    let place = Place::new().await;
    let session = place.log_in().await.unwrap();
    let own = [(CSRF_HEADER, "1"), ("sec-fetch-site", "same-origin")];
    assert!(
        place
            .authenticate("POST", &session, &own)
            .unwrap()
            .is_some()
    );
    assert!(place.authenticate("POST", &session, &[]).is_err());
    assert!(place.authenticate("DELETE", &session, &[own[0]]).is_err());
    // Who is not logged in is nobody, wherever the request comes from.
    assert_eq!(place.authenticate("POST", "x", &[]), Ok(None));
}

#[tokio::test]
async fn logging_in_again_ends_the_session_before() {
    let place = Place::new().await;
    let before = place.log_in().await.unwrap();
    let (address, cookie) = place.begin("/").await;
    let cookies = format!("__Host-causebook={before}; __Host-causebook-login={cookie}");
    let path = format!("/auth/callback?{}", place.peer.log_in(&address));
    let answer = place.ask("GET", &path, &[("cookie", &cookies)]).await;
    let after = answer.cookie("__Host-causebook").unwrap();
    assert!(place.who(&before).is_none() && place.who(&after).is_some());
}
