//! Requests that a browser sends with a session's cookie because another site made it do so.
//!
//! Reading is safe from that: other sites cannot see the answers. Whatever changes something needs all of this:
//! - the header [`CSRF_HEADER`], which other sites cannot add without asking this server first, and it answers no such
//!   question;
//! - `Sec-Fetch-Site: same-origin`, which every browser of today sends and no page can forge;
//! - where a browser does not send that, an `Origin` that is this server's. One of the two there must be, and whichever
//!   is there must be right.

use axum::http::{HeaderMap, Method, header};
use url::Url;

/// The header that pages send along with everything that changes something, with any value.
pub const CSRF_HEADER: &str = "causebook-csrf";

const FETCH_SITE: &str = "sec-fetch-site";

/// A request that another site may have caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a request with a session cookie that changes something did not come from this server's own pages: {0}"
)]
pub struct CrossSite(&'static str);

/// # Errors
/// [`CrossSite`].
pub(super) fn check(method: &Method, headers: &HeaderMap, base_url: &Url) -> Result<(), CrossSite> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    if !headers.contains_key(CSRF_HEADER) {
        return Err(CrossSite("the header causebook-csrf is missing"));
    }
    let site = headers.get(FETCH_SITE);
    if site.is_some_and(|site| site != "same-origin") {
        return Err(CrossSite("Sec-Fetch-Site is not same-origin"));
    }
    let origin = headers.get(header::ORIGIN);
    let own = base_url.origin().ascii_serialization();
    if origin.is_some_and(|origin| origin.as_bytes() != own.as_bytes()) {
        return Err(CrossSite("Origin is not this server"));
    }
    if site.is_none() && origin.is_none() {
        return Err(CrossSite("neither Sec-Fetch-Site nor Origin is there"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn outcome(method: &Method, pairs: &[(&'static str, &'static str)]) -> Result<(), CrossSite> {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        check(
            method,
            &headers,
            &"https://causebook.bank.example".parse().unwrap(),
        )
    }

    const HEADER: (&str, &str) = (CSRF_HEADER, "1");
    const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");
    const OWN: (&str, &str) = ("origin", "https://causebook.bank.example");

    #[test]
    fn what_changes_nothing_needs_no_proof() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(outcome(&method, &[("sec-fetch-site", "cross-site")]).is_ok());
        }
    }

    #[test]
    fn what_changes_something_comes_from_our_own_pages() {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(outcome(&method, &[HEADER, SAME]).is_ok());
            assert!(outcome(&method, &[HEADER, OWN]).is_ok());
            assert!(outcome(&method, &[HEADER, SAME, OWN]).is_ok());
            for refused in [
                &[][..],
                &[SAME, OWN],
                &[HEADER],
                &[HEADER, ("sec-fetch-site", "cross-site")],
                &[HEADER, ("sec-fetch-site", "same-site")],
                &[HEADER, ("sec-fetch-site", "none")],
                &[HEADER, ("sec-fetch-site", "cross-site"), OWN],
                &[HEADER, SAME, ("origin", "https://evil.example")],
                &[HEADER, ("origin", "null")],
                &[HEADER, ("origin", "http://causebook.bank.example")],
                &[HEADER, ("origin", "https://causebook.bank.example:8443")],
                &[
                    HEADER,
                    ("origin", "https://causebook.bank.example.evil.example"),
                ],
            ] {
                assert!(outcome(&method, refused).is_err(), "{method} {refused:?}");
            }
        }
    }
}
