//! A provider that does as it is told, the tokens included.

use super::*;

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

/// What makes a token out of claims: honest providers sign them.
pub(super) type Forge = Arc<dyn Fn(Value) -> String + Send + Sync>;

pub(super) fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

pub(super) fn signed(header: &Value, claims: &Value, key: &SigningKey) -> String {
    let input = format!("{}.{}", encoded(header), encoded(claims));
    let signature = key.sign(input.as_bytes()).to_bytes();
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(super) fn honest(claims: &Value) -> String {
    signed(
        &json!({"alg": "EdDSA", "kid": "1", "typ": "JWT"}),
        claims,
        &key(1),
    )
}

/// What the provider remembers.
pub(super) struct Memory {
    pub(super) issuer: String,
    /// Ids and seeds of the keys that it publishes.
    pub(super) keys: Vec<(&'static str, u8)>,
    /// Challenge and nonce, by code. Each is good once.
    pub(super) codes: HashMap<String, (String, String)>,
    pub(super) forge: Forge,
}

#[derive(Clone)]
pub(super) struct Peer(pub(super) Arc<Mutex<Memory>>);

impl Peer {
    pub(super) async fn start() -> Self {
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

    pub(super) fn issuer(&self) -> String {
        self.0.lock().unwrap().issuer.clone()
    }

    pub(super) fn forges(&self, forge: impl Fn(Value) -> String + Send + Sync + 'static) {
        self.0.lock().unwrap().forge = Arc::new(forge);
    }

    /// What happens at the provider's own pages: somebody logs in, and the browser is sent back.
    pub(super) fn log_in(&self, address: &Url) -> String {
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

pub(super) async fn configuration(State(peer): State<Peer>) -> Json<Value> {
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

pub(super) async fn keys(State(peer): State<Peer>) -> Json<Value> {
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

pub(super) async fn token(
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
pub(super) trait BySystem {
    fn now_by_system() -> i64;
}

impl BySystem for Timestamp {
    fn now_by_system() -> i64 {
        causebook_ledger::SystemClock::new().now().as_second()
    }
}
