//! Logging in against a small provider of our own, which can be made to lie. `cargo xtask oidc` does the same against one
//! that is not ours.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use causebook_access::{Permission, Role};
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;
use url::form_urlencoded;

use super::*;

mod peer;

const BASE: &str = "https://causebook.bank.example";
const CLIENT: &str = "causebook";
const SECRET: &str = "a secret / with+signs";

/// A clock that is moved by hand.
#[derive(Debug)]
struct Hand(Mutex<Timestamp>);

impl Hand {
    fn forward(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += jiff::SignedDuration::from_secs(seconds);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// What makes a token out of claims: honest providers sign them.
type Forge = Arc<dyn Fn(Value) -> String + Send + Sync>;

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn signed(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let input = format!("{}.{}", encoded(header), encoded(claims));
    let signature = key.sign(input.as_bytes()).to_bytes();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn honest(claims: &Value) -> String {
    signed(
        &json!({"alg": "EdDSA", "kid": "1", "typ": "JWT"}),
        claims,
        &key(1),
    )
}

/// What the provider remembers.
struct Memory {
    issuer: String,
    /// Ids and seeds of the keys that it publishes.
    keys: Vec<(&'static str, u8)>,
    /// Challenge and nonce, by code. Each is good once.
    codes: HashMap<String, (String, String)>,
    forge: Forge,
}

#[derive(Clone)]
struct Peer(Arc<Mutex<Memory>>);

impl Peer {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let peer = Self(Arc::new(Mutex::new(Memory {
            issuer,
            keys: vec![("1", 1)],
            codes: HashMap::new(),
            forge: Arc::new(|claims| honest(&claims)),
        })));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(configuration))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(peer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        peer
    }

    fn issuer(&self) -> String {
        self.0.lock().unwrap().issuer.clone()
    }

    fn forges(&self, forge: impl Fn(Value) -> String + Send + Sync + 'static) {
        self.0.lock().unwrap().forge = Arc::new(forge);
    }

    /// What happens at the provider's own pages: somebody logs in, and the browser is sent back.
    fn log_in(&self, address: &Url) -> String {
        let query: HashMap<String, String> = address.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT);
        assert_eq!(query["redirect_uri"], format!("{BASE}/auth/callback"));
        assert_eq!(query["code_challenge_method"], "S256");
        assert_eq!(query["scope"], "openid email groups");
        let code = format!("code-{}", query["nonce"]);
        let kept = (query["code_challenge"].clone(), query["nonce"].clone());
        self.0.lock().unwrap().codes.insert(code.clone(), kept);
        form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &query["state"])
            .finish()
    }
}

async fn configuration(State(peer): State<Peer>) -> Json<Value> {
    let issuer = peer.issuer();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
    }))
}

async fn keys(State(peer): State<Peer>) -> Json<Value> {
    let keys = peer.0.lock().unwrap().keys.clone();
    let keys: Vec<Value> = keys
        .into_iter()
        .map(|(id, seed)| {
            let point = URL_SAFE_NO_PAD.encode(key(seed).verifying_key().to_bytes());
            json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": id, "x": point})
        })
        .collect();
    Json(json!({ "keys": keys }))
}

async fn token(
    State(peer): State<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let secret: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{secret}")));
    let refused = |code| (StatusCode::BAD_REQUEST, Json(json!({ "error": code })));
    if headers.get(header::AUTHORIZATION).unwrap() != basic.as_str() {
        return refused("invalid_client");
    }
    let mut memory = peer.0.lock().unwrap();
    let Some((challenge, nonce)) = memory.codes.remove(&form["code"]) else {
        return refused("invalid_grant");
    };
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if hash != challenge {
        return refused("invalid_grant");
    }
    let now = Timestamp::now_by_system();
    let claims = json!({
        "iss": memory.issuer, "aud": CLIENT, "sub": "17", "nonce": nonce, "iat": now, "exp": now + 300,
        "email": "ann@bank.example", "email_verified": true, "groups": ["auditors", "golf"],
        // Numbers that the verifier does not know by name must not stop it.
        "updated_at": 1_700_000_000, "level": 7, "ratio": 1.5,
    });
    let token = (memory.forge)(claims);
    let answer =
        json!({"access_token": "x", "token_type": "Bearer", "expires_in": 300, "id_token": token});
    (StatusCode::OK, Json(answer))
}

/// The provider's time is the system's, as is that by which ID tokens expire.
trait BySystem {
    fn now_by_system() -> i64;
}

impl BySystem for Timestamp {
    fn now_by_system() -> i64 {
        causebook_ledger::SystemClock::new().now().as_second()
    }
}

/// A server that people log in to.
struct Place {
    peer: Peer,
    clock: Arc<Hand>,
    login: Arc<Login>,
}

impl Place {
    async fn new() -> Self {
        let peer = Peer::start().await;
        let settings = OidcSettings {
            issuer: peer.issuer(),
            client_secret: Some(ClientSecret(SECRET.to_owned())),
            ..settings::tests::settings()
        };
        let now = causebook_ledger::SystemClock::new().now();
        let clock = Arc::new(Hand(Mutex::new(now)));
        let login = Login::new(settings, Arc::<Hand>::clone(&clock)).unwrap();
        Self {
            peer,
            clock,
            login: Arc::new(login),
        }
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let router = routes(Arc::clone(&self.login));
        Answer(router.oneshot(request).await.unwrap())
    }

    async fn begin(&self, next: &str) -> (Url, String) {
        let answer = self
            .ask("GET", &format!("/auth/login?next={next}"), &[])
            .await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = answer.cookie("__Host-causebook-login").unwrap();
        (answer.location().parse().unwrap(), cookie)
    }

    async fn come_back(&self, query: &str, cookie: &str) -> Answer {
        let cookie = format!("__Host-causebook-login={cookie}");
        let path = format!("/auth/callback?{query}");
        self.ask("GET", &path, &[("cookie", &cookie)]).await
    }

    /// The whole way, to the session's cookie.
    async fn log_in(&self) -> Result<String, StatusCode> {
        let (address, cookie) = self.begin("/").await;
        let answer = self.come_back(&self.peer.log_in(&address), &cookie).await;
        match answer.status() {
            StatusCode::SEE_OTHER => Ok(answer.cookie("__Host-causebook").unwrap()),
            status => {
                assert_eq!(answer.cookie("__Host-causebook"), None);
                Err(status)
            }
        }
    }

    fn who(&self, session: &str) -> Option<Arc<Principal>> {
        self.authenticate("GET", session, &[]).unwrap()
    }

    fn authenticate(
        &self,
        method: &str,
        session: &str,
        more: &[(&'static str, &'static str)],
    ) -> Result<Option<Arc<Principal>>, CrossSite> {
        let mut headers = HeaderMap::new();
        let cookie = format!("__Host-causebook={session}");
        headers.insert(header::COOKIE, HeaderValue::from_str(&cookie).unwrap());
        for (name, value) in more {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        self.login.authenticate(&method.parse().unwrap(), &headers)
    }
}

struct Answer(Response);

impl Answer {
    fn status(&self) -> StatusCode {
        self.0.status()
    }

    fn location(&self) -> String {
        let location = self.0.headers().get(header::LOCATION).unwrap();
        location.to_str().unwrap().to_owned()
    }

    fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.0.headers().get_all(header::SET_COOKIE).iter();
        cookies
            .filter_map(|cookie| cookie.to_str().unwrap().split(';').next()?.split_once('='))
            .find(|(found, value)| *found == name && !value.is_empty())
            .map(|(_, value)| value.to_owned())
    }
}

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
    let clock = Arc::new(Hand(Mutex::new(Timestamp::UNIX_EPOCH)));
    let login = Arc::new(Login::new(settings, clock).unwrap());
    let request = Request::get("/auth/login").body(Body::empty()).unwrap();
    let answer = routes(login).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

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
