//! One attempt to log in, from sending the browser away to its coming back: a pure state machine.
//!
//! The browser keeps its attempt in a cookie of ten minutes, the server nothing: strangers who begin attempts use up no
//! memory. The cookie is no secret from the person who logs in, and it is worth nothing without the provider's code;
//! what it must be is in the same browser at both ends. So `state` ties the answer to this browser, `nonce` ties the ID
//! token to this attempt, and the verifier (PKCE, S256) ties the code to it. A code is good once: the provider sees to
//! that, and the cookie is cleared with the first answer.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use url::{Url, form_urlencoded};

use super::error::LoginError;
use super::next;
use super::session::random_text;

/// Of a code, a state and an issuer together; providers stay far below.
const ANSWER_BYTES_MAX: usize = 8 << 10;
const CODE_NAME_BYTES_MAX: usize = 64;

/// What both ends of a login must agree on.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    /// Where the browser goes afterwards, on this server.
    pub(super) next: String,
}

impl Attempt {
    /// Begins an attempt that ends at `next`, if that is on this server.
    ///
    /// # Errors
    /// [`LoginError::Settings`] if the operating system gives no random bytes.
    pub(super) fn begin(next: Option<&str>, base_url: &Url) -> Result<Self, LoginError> {
        Ok(Self {
            state: random_text()?,
            nonce: random_text()?,
            verifier: random_text()?,
            next: next::local(next, base_url),
        })
    }

    /// The text of its cookie.
    pub(super) fn cookie(&self) -> String {
        let next = URL_SAFE_NO_PAD.encode(&self.next);
        format!("{}.{}.{}.{next}", self.state, self.nonce, self.verifier)
    }

    /// The attempt that a browser brings back. Where to go is checked again: cookies are the browser's to change.
    pub(super) fn from_cookie(text: &str, base_url: &Url) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let [state, nonce, verifier, encoded] = parts.as_slice() else {
            return None;
        };
        let is_random = |part: &str| URL_SAFE_NO_PAD.decode(part).is_ok_and(|it| it.len() == 32);
        if ![state, nonce, verifier]
            .into_iter()
            .all(|part| is_random(part))
        {
            return None;
        }
        let asked = String::from_utf8(URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?;
        Some(Self {
            state: (*state).to_owned(),
            nonce: (*nonce).to_owned(),
            verifier: (*verifier).to_owned(),
            next: next::local(Some(&asked), base_url),
        })
    }

    /// The code of an answer that belongs to this attempt. `query` is what the browser came back with.
    ///
    /// # Errors
    /// [`LoginError::NotBegunHere`], [`LoginError::RefusedByProvider`].
    pub(super) fn code(&self, query: &str, issuer: &str) -> Result<String, LoginError> {
        if query.len() > ANSWER_BYTES_MAX {
            return Err(LoginError::NotBegunHere("the answer is too long"));
        }
        let once = |name: &str| {
            let mut values = form_urlencoded::parse(query.as_bytes())
                .filter(|(found, _)| found == name)
                .map(|(_, value)| value.into_owned());
            let first = values.next();
            values.next().is_none().then_some(first).flatten()
        };
        let state = once("state").unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(self.state.as_bytes())) {
            return Err(LoginError::NotBegunHere("its state is another"));
        }
        // RFC 9207: an answer of one provider is not taken for another's.
        if once("iss").is_some_and(|iss| iss != issuer) {
            return Err(LoginError::NotBegunHere("its issuer is another"));
        }
        if let Some(code) = once("error") {
            return Err(LoginError::RefusedByProvider { code: plain(&code) });
        }
        once("code")
            .filter(|code| !code.is_empty())
            .ok_or(LoginError::NotBegunHere("it has no code"))
    }
}

/// Secrets of a login under way are not printed.
impl std::fmt::Debug for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// A stranger's text, before it is shown to anybody.
fn plain(code: &str) -> String {
    code.chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(CODE_NAME_BYTES_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.bank.example";

    fn base() -> Url {
        "https://causebook.bank.example".parse().unwrap()
    }

    fn attempt() -> Attempt {
        Attempt::begin(Some("/d/1?q=a"), &base()).unwrap()
    }

    #[test]
    fn an_attempt_comes_back_as_it_went() {
        let attempt = attempt();
        assert_eq!(
            Attempt::from_cookie(&attempt.cookie(), &base()),
            Some(attempt.clone())
        );
        assert!(attempt.cookie().len() < 2000);
        assert_ne!(attempt, super::tests::attempt());
        let printed = format!("{attempt:?}");
        assert!(!printed.contains(&attempt.state) && !printed.contains(&attempt.verifier));
    }

    #[test]
    fn a_cookie_that_was_changed_leads_nowhere_else() {
        let attempt = attempt();
        let evil = URL_SAFE_NO_PAD.encode("https://evil.example");
        let parts = format!("{}.{}.{}", attempt.state, attempt.nonce, attempt.verifier);
        let changed = Attempt::from_cookie(&format!("{parts}.{evil}"), &base()).unwrap();
        assert_eq!(changed.next, "/");
        let short = format!("{}.a.b.{evil}", attempt.state);
        let more = format!("{}.x", attempt.cookie());
        for text in ["", "...", "a.b.c.d", &parts, &short, &more] {
            assert_eq!(Attempt::from_cookie(text, &base()), None, "{text}");
        }
    }

    #[test]
    fn only_an_answer_to_this_attempt_gives_its_code() {
        let attempt = attempt();
        let state = &attempt.state;
        let code = |query: &str| attempt.code(query, ISSUER);
        assert_eq!(code(&format!("code=abc&state={state}")).unwrap(), "abc");
        let with_issuer = format!("code=abc&state={state}&iss=https%3A%2F%2Flogin.bank.example");
        assert_eq!(code(&with_issuer).unwrap(), "abc");
        let other = super::tests::attempt().state;
        for query in [
            String::new(),
            "code=abc".to_owned(),
            "code=abc&state=".to_owned(),
            format!("code=abc&state={other}"),
            format!("code=abc&state={state}&state={state}"),
            format!("code=abc&state={state}&iss=https%3A%2F%2Fevil.example"),
            format!("state={state}"),
            format!("code=&state={state}"),
            format!("code=a&code=b&state={state}"),
            format!("code={}&state={state}", "x".repeat(ANSWER_BYTES_MAX)),
        ] {
            let refused = code(&query).unwrap_err();
            assert!(
                matches!(refused, LoginError::NotBegunHere(_)),
                "{query}: {refused}"
            );
        }
    }

    #[test]
    fn a_refusal_of_the_provider_is_told_without_what_it_smuggles() {
        let attempt = attempt();
        let query = format!("error=access_denied%0A%3Cscript%3E&state={}", attempt.state);
        let refused = attempt.code(&query, ISSUER).unwrap_err().to_string();
        assert_eq!(
            refused,
            "the provider refused the login: access_deniedscript"
        );
        // Strangers cannot make a browser show a refusal of a login that it did not begin.
        let foreign = attempt
            .code("error=access_denied&state=x", ISSUER)
            .unwrap_err();
        assert!(matches!(foreign, LoginError::NotBegunHere(_)));
    }
}
