//! Where the server is, and the addresses of what it has.
//!
//! Names and ids become path segments, each escaped as a whole: no id reaches another resource.

use url::{Host, Url};

use crate::credentials::Credentials;
use crate::error::ClientError;

/// The root of a server's API: any path before `/v1` is a proxy's and is kept.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    root: Url,
}

impl Address {
    /// Takes an address, and refuses one to which these credentials must not be sent.
    pub(crate) fn new(
        url: &Url,
        credentials: &Credentials,
        allow_plain_http: bool,
    ) -> Result<Address, ClientError> {
        let refuse = |what: &str| {
            let mut shown = url.clone();
            // What stands before the @ may be a secret.
            let _ = (shown.set_username(""), shown.set_password(None));
            Err(ClientError::Address {
                given: shown.to_string(),
                what: what.to_owned(),
            })
        };
        if !matches!(url.scheme(), "http" | "https") {
            return refuse("it must begin with https:// or http://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("names and passwords do not belong into an address, use a token");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refuse("the address of a server has neither ? nor #");
        }
        let Some(host) = url.host() else {
            return refuse("it names no host");
        };
        let open = url.scheme() == "http" && !is_loopback_host(&host);
        if open && credentials.has_token() && !allow_plain_http {
            return Err(ClientError::PlainHttp {
                host: host.to_string(),
            });
        }
        Ok(Address { root: url.clone() })
    }

    /// Scheme, host and port: what a message names.
    pub(crate) fn server(&self) -> String {
        self.root.origin().ascii_serialization()
    }

    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.root)
    }

    /// The address itself, without a slash at its end.
    pub(crate) fn text(&self) -> String {
        self.root.as_str().trim_end_matches('/').to_owned()
    }

    /// The address of a resource.
    pub(crate) fn of(
        &self,
        segments: &[&str],
        query: &[(&str, String)],
    ) -> Result<Url, ClientError> {
        let mut url = self.root.clone();
        let refused = |given: &str, what: &str| ClientError::Address {
            given: given.to_owned(),
            what: what.to_owned(),
        };
        // A browser and every proxy would take these out of the path.
        if let Some(bad) = segments
            .iter()
            .find(|segment| matches!(**segment, "" | "." | ".."))
        {
            return Err(refused(bad, "it has no form as a part of a path"));
        }
        url.path_segments_mut()
            .map_err(|()| refused(self.root.as_str(), "it has no path"))?
            .pop_if_empty()
            .extend(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }
}

/// Whether traffic to this address stays on this machine, by its name alone: no resolver is asked.
pub fn is_loopback(url: &Url) -> bool {
    url.host().is_some_and(|host| is_loopback_host(&host))
}

fn is_loopback_host(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str, token: bool) -> Result<Address, ClientError> {
        let credentials = if token {
            Credentials::token("cbk_x").unwrap()
        } else {
            Credentials::default()
        };
        Address::new(&Url::parse(url).unwrap(), &credentials, false)
    }

    #[test]
    fn a_token_never_goes_unencrypted_to_another_machine() {
        for url in [
            "http://example.com",
            "http://10.0.0.1:8080",
            "http://[2001:db8::1]/",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
        ] {
            assert!(
                matches!(address(url, true), Err(ClientError::PlainHttp { .. })),
                "{url}"
            );
            assert!(address(url, false).is_ok(), "{url}");
        }
        for url in [
            "https://example.com",
            "http://localhost:8080",
            "http://127.1.2.3",
            "http://[::1]:1",
        ] {
            assert!(address(url, true).is_ok(), "{url}");
        }
    }

    #[test]
    fn an_address_with_a_password_is_refused_and_not_repeated() {
        let error = address("https://u:hunter2@example.com", false).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn an_id_is_one_segment_whatever_it_holds() {
        let address = address("https://example.com/causebook/", false).unwrap();
        let url = address
            .of(&["v1", "records", "a/../b?c#d%2f é"], &[])
            .unwrap();
        assert_eq!(
            url.as_str(),
            "https://example.com/causebook/v1/records/a%2F..%2Fb%3Fc%23d%252f%20%C3%A9"
        );
        for id in ["", ".", ".."] {
            assert!(address.of(&["v1", id], &[]).is_err(), "{id:?}");
        }
    }
}
