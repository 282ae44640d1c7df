//! ID tokens that do not hold.

use super::provider::BySystem as _;
use super::*;

#[tokio::test]
async fn an_id_token_that_does_not_hold_logs_nobody_in() {
    let with = |name: &'static str, value: Value| -> Forge {
        Arc::new(move |mut claims| {
            claims[name] = value.clone();
            honest(&claims)
        })
    };
    let now = Timestamp::now_by_system();
    let eddsa = json!({"alg": "EdDSA", "kid": "1"});
    let forgeries: Vec<(&str, Forge)> = vec![
        (
            "of another issuer",
            with("iss", json!("https://evil.example")),
        ),
        ("for somebody else", with("aud", json!("other"))),
        ("for others too", with("aud", json!([CLIENT, "other"]))),
        ("of another attempt", with("nonce", json!("x"))),
        ("of no attempt", with("nonce", Value::Null)),
        ("expired", with("exp", json!(now - 1))),
        ("of the future", with("iat", json!(now + 3600))),
        ("without an expiry", with("exp", Value::Null)),
        (
            "changed after signing",
            Arc::new(|claims| {
                let token = honest(&claims);
                let mut changed = claims;
                changed["groups"] = json!(["auditors", "everything"]);
                let parts: Vec<&str> = token.split('.').collect();
                format!("{}.{}.{}", parts[0], encoded(&changed), parts[2])
            }),
        ),
        ("signed by another key", {
            let header = eddsa.clone();
            Arc::new(move |claims| signed(&header, &claims, &key(2)))
        }),
        (
            "signed by nobody",
            Arc::new(|claims| {
                format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&claims))
            }),
        ),
        ("without its signature", {
            let header = eddsa.clone();
            Arc::new(move |claims| format!("{}.{}.", encoded(&header), encoded(&claims)))
        }),
        (
            "signed with a shared secret",
            Arc::new(|claims| {
                let header = json!({"alg": "HS256"});
                let input = format!("{}.{}", encoded(&header), encoded(&claims));
                format!(
                    "{input}.{}",
                    URL_SAFE_NO_PAD.encode(hmac(SECRET.as_bytes(), input.as_bytes()))
                )
            }),
        ),
        ("no token at all", Arc::new(|_| "x".to_owned())),
    ];
    let place = Place::new().await;
    for (what, forge) in forgeries {
        place.peer.forges(move |claims| forge(claims));
        let refused = place.log_in().await;
        assert!(
            matches!(
                refused,
                Err(StatusCode::BAD_REQUEST | StatusCode::SERVICE_UNAVAILABLE)
            ),
            "{what}: {refused:?}"
        );
    }
    place.peer.forges(|claims| honest(&claims));
    assert!(place.log_in().await.is_ok());
}

/// RFC 2104, to forge with: the algorithm is refused before anybody computes it.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let pad = |with: u8| -> Vec<u8> {
        let filled = key.iter().copied().chain(std::iter::repeat(0));
        filled.take(64).map(|byte| byte ^ with).collect()
    };
    let inner = Sha256::digest([pad(0x36), text.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).into()
}
