//! The two cookies: of a session, and of a login that has begun.
//!
//! Over https their names begin with `__Host-`: browsers then take them from this host alone, for all of its paths, and
//! send them by https alone, so that no other host of the domain can plant one. On plain http, which is for development on
//! one machine, browsers refuse such names; there the names have no prefix, and the cookies no `Secure`.

use axum::http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::settings::is_secure;

const LOGIN_SECONDS_MAX: u32 = 600;

/// Names and properties of the cookies.
#[derive(Debug)]
pub(super) struct Cookies {
    session: String,
    login: String,
    secure: bool,
}

impl Cookies {
    pub(super) fn for_address(base_url: &Url, name: &str) -> Self {
        let secure = is_secure(base_url);
        let prefix = if secure { "__Host-" } else { "" };
        Self {
            session: format!("{prefix}{name}"),
            login: format!("{prefix}{name}-login"),
            secure,
        }
    }

    /// The session's id, as the browser sent it.
    pub(super) fn session<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        named(&self.session, headers)
    }

    /// The login that this browser has begun.
    pub(super) fn login<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        named(&self.login, headers)
    }

    /// Kept until the browser ends: the server decides when a session does.
    pub(super) fn set_session(&self, id: &str) -> Option<HeaderValue> {
        self.set(&self.session, id, "")
    }

    pub(super) fn set_login(&self, value: &str) -> Option<HeaderValue> {
        self.set(
            &self.login,
            value,
            &format!("; Max-Age={LOGIN_SECONDS_MAX}"),
        )
    }

    pub(super) fn clear_session(&self) -> Option<HeaderValue> {
        self.set(&self.session, "", "; Max-Age=0")
    }

    pub(super) fn clear_login(&self) -> Option<HeaderValue> {
        self.set(&self.login, "", "; Max-Age=0")
    }

    /// `Lax`: the browser comes back from the provider, another site, and must bring the cookie of the login along.
    fn set(&self, name: &str, value: &str, age: &str) -> Option<HeaderValue> {
        let secure = if self.secure { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
        HeaderValue::from_str(&text).ok()
    }
}

/// The value of a cookie. One that comes twice, as when somebody planted another, is not taken.
fn named<'a>(name: &str, headers: &'a HeaderMap) -> Option<&'a str> {
    let mut values = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(found, value)| *found == name && !value.is_empty())
        .map(|(_, value)| value);
    let first = values.next()?;
    values.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        let pair = |text: &&str| (header::COOKIE, HeaderValue::from_str(text).unwrap());
        let mut headers = HeaderMap::new();
        for (name, value) in cookies.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn over_https_a_cookie_is_of_this_host_alone() {
        let cookies = Cookies::for_address(&"https://a.example".parse().unwrap(), "causebook");
        assert_eq!(
            cookies.set_session("x").unwrap(),
            "__Host-causebook=x; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            cookies.set_login("y").unwrap(),
            "__Host-causebook-login=y; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"
        );
        assert!(
            cookies
                .clear_session()
                .unwrap()
                .to_str()
                .unwrap()
                .ends_with("Max-Age=0")
        );
        let plain = Cookies::for_address(&"http://127.0.0.1:1".parse().unwrap(), "causebook-1");
        assert_eq!(
            plain.set_session("x").unwrap(),
            "causebook-1=x; Path=/; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_and_only_if_it_comes_once() {
        let cookies = Cookies::for_address(&"https://a.example".parse().unwrap(), "causebook");
        let found = |texts: &[&str]| cookies.session(&headers(texts)).map(str::to_owned);
        assert_eq!(
            found(&["a=1; __Host-causebook=x; b=2"]).as_deref(),
            Some("x")
        );
        assert_eq!(
            found(&["a=1", "__Host-causebook=x=y"]).as_deref(),
            Some("x=y")
        );
        for texts in [
            &["causebook=x"][..],
            &["__Host-causebook-login=x"],
            &["__Host-causebook="],
            &["__Host-causebook=x; __Host-causebook=y"],
            &["__Host-causebook=x", "__Host-causebook=x"],
            &[""],
            &[";;=;"],
        ] {
            assert_eq!(found(texts), None, "{texts:?}");
        }
    }
}
