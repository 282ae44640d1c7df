//! The provider: found by its issuer, asked for a code, and asked what a code is worth.
//!
//! Its addresses and keys are read when they are first needed, and again after an hour or when an ID token is signed by a
//! key that is not known yet, at most once a minute, and not for five seconds after it could not be reached. Redirects
//! are not followed, and every answer is waited for ten seconds at most.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreIdToken, CoreJwsSigningAlgorithm as Algorithm,
    CoreProviderMetadata,
};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, PkceCodeChallenge,
    PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    TokenResponse as _,
};
use tokio::sync::Mutex;
use url::Url;

use super::attempt::Attempt;
use super::claims::Claims;
use super::error::LoginError;
use super::settings::OidcSettings;

const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
const FRESH: SignedDuration = SignedDuration::from_hours(1);
const NEW_KEYS_PAUSE: SignedDuration = SignedDuration::from_secs(60);
/// Who waits in line for a provider that does not answer would wait for everybody before.
const FAILURE_PAUSE: SignedDuration = SignedDuration::from_secs(5);
/// Clocks of provider and server may differ by this much.
const CLOCK_SKEW_S: i64 = 300;

/// What an ID token may be signed with. Not with a secret that the client shares, and not with nothing.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider of `OpenID` Connect.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    scopes: Vec<Scope>,
    http: reqwest::Client,
    /// Held while asking, so that many who log in at once ask once.
    asked: Mutex<Asked>,
}

/// What came of asking the provider about itself.
#[derive(Debug, Default)]
struct Asked {
    answer: Option<(Arc<CoreProviderMetadata>, Timestamp)>,
    /// When it last gave none.
    failed: Option<Timestamp>,
}

impl Provider {
    /// # Errors
    /// [`LoginError::Settings`].
    pub(super) fn new(settings: &OidcSettings) -> Result<Self, LoginError> {
        let refused = |what: &'static str| {
            move |error: &dyn std::error::Error| LoginError::Settings {
                what,
                problem: error.to_string(),
            }
        };
        let redirect = settings.base_url.join("/auth/callback");
        let redirect = redirect.map_err(|error| refused("public_url")(&error))?;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_TIME_MAX)
            .build()
            .map_err(|error| refused("issuer")(&error))?;
        let scopes = settings.scopes.iter().filter(|scope| *scope != "openid");
        Ok(Self {
            issuer: IssuerUrl::new(settings.issuer.clone())
                .map_err(|error| refused("issuer")(&error))?,
            client_id: ClientId::new(settings.client_id.clone()),
            client_secret: settings
                .client_secret
                .as_ref()
                .map(|secret| ClientSecret::new(secret.0.clone())),
            redirect: RedirectUrl::from_url(redirect),
            scopes: scopes.map(|scope| Scope::new(scope.clone())).collect(),
            http,
            asked: Mutex::new(Asked::default()),
        })
    }

    /// Where the browser goes to log in.
    ///
    /// # Errors
    /// [`LoginError::Provider`] if the provider cannot be found.
    pub(super) async fn address(
        &self,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<Url, LoginError> {
        let client = self.client(&*self.metadata(FRESH, now).await?);
        let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
        let (state, nonce) = (attempt.state.clone(), attempt.nonce.clone());
        let request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            || CsrfToken::new(state),
            || Nonce::new(nonce),
        );
        let (address, _, _) = request
            .add_scopes(self.scopes.iter().cloned())
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(address)
    }

    /// The claims about whoever got this code, verified.
    ///
    /// # Errors
    /// [`LoginError::Code`], [`LoginError::Token`], [`LoginError::Provider`].
    pub(super) async fn claims(
        &self,
        code: String,
        attempt: &Attempt,
        now: Timestamp,
    ) -> Result<Claims, LoginError> {
        let client = self.client(&*self.metadata(FRESH, now).await?);
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| LoginError::Provider(error.to_string()))?;
        let answer = request
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(refusal) => {
                    LoginError::Code(refusal.error().to_string())
                }
                other => LoginError::Provider(chain(&other)),
            })?;
        let token = answer
            .id_token()
            .ok_or_else(|| LoginError::Token("there is none".to_owned()))?;
        let nonce = Nonce::new(attempt.nonce.clone());
        match verify(&client, token, &nonce, now) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let client = self.client(&*self.metadata(NEW_KEYS_PAUSE, now).await?);
                verify(&client, token, &nonce, now)
            }
            outcome => outcome,
        }
        .map_err(|error| LoginError::Token(chain(&error)))?;
        payload(token)
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> Client {
        CoreClient::from_provider_metadata(
            metadata.clone(),
            self.client_id.clone(),
            self.client_secret.clone(),
        )
        .set_redirect_uri(self.redirect.clone())
    }

    /// What the provider says of itself, not older than this.
    async fn metadata(
        &self,
        age_max: SignedDuration,
        now: Timestamp,
    ) -> Result<Arc<CoreProviderMetadata>, LoginError> {
        let mut asked = self.asked.lock().await;
        let within = |at: Timestamp, age: SignedDuration| now.duration_since(at).abs() < age;
        if let Some((metadata, at)) = &asked.answer
            && within(*at, age_max)
        {
            return Ok(Arc::clone(metadata));
        }
        if asked.failed.is_some_and(|at| within(at, FAILURE_PAUSE)) {
            return Err(LoginError::Provider("not asked again so soon".to_owned()));
        }
        match CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                asked.answer = Some((Arc::clone(&metadata), now));
                Ok(metadata)
            }
            Err(error) => {
                asked.failed = Some(now);
                Err(LoginError::Provider(chain(&error)))
            }
        }
    }
}

/// Signature, issuer, audience, nonce, expiry (by the system's clock), and that it was not issued in the future.
fn verify(
    client: &Client,
    token: &CoreIdToken,
    nonce: &Nonce,
    now: Timestamp,
) -> Result<(), ClaimsVerificationError> {
    let latest = now.as_second().saturating_add(CLOCK_SKEW_S);
    let verifier = client
        .id_token_verifier()
        .set_allowed_algs(ALGORITHMS)
        .set_issue_time_verifier_fn(move |issued| {
            if issued.timestamp() > latest {
                return Err("issued in the future".to_owned());
            }
            Ok(())
        });
    token.claims(&verifier, nonce).map(|_| ())
}

/// All claims of a token that was verified: of the very bytes that were signed.
fn payload(token: &CoreIdToken) -> Result<Claims, LoginError> {
    let text = token.to_string();
    let payload = text.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    serde_json::from_slice(&bytes).map_err(|error| LoginError::Token(error.to_string()))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
