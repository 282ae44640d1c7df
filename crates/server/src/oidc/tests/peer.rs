//! Logging in against a provider that is not ours, through its own pages, as a browser does. `cargo xtask oidc` starts these
//! with the folder of the provider in `CAUSEBOOK_OIDC_PEER`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use reqwest::StatusCode;
use reqwest::redirect::Policy;

use super::*;

/// The provider's process. It ends with its standard input.
struct Provider {
    process: Child,
    /// Kept open: it says more later, and would end if nobody could hear it.
    _out: BufReader<ChildStdout>,
    issuer: String,
}

impl Provider {
    fn start(redirect: &str) -> Self {
        let folder = std::env::var("CAUSEBOOK_OIDC_PEER").expect("run by `cargo xtask oidc`");
        let mut process = Command::new("node")
            .args(["provider.mjs", redirect])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut issuer = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut issuer).unwrap();
        let issuer = issuer.trim().to_owned();
        assert!(
            issuer.starts_with("http://127.0.0.1:"),
            "the provider did not start"
        );
        Self {
            process,
            _out: out,
            issuer,
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// Our server on plain http, with a page that says who is logged in.
struct Server {
    base: String,
    _provider: Provider,
    _kept: Kept,
}

impl Server {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let provider = Provider::start(&format!("{base}/auth/callback"));
        let settings = OidcSettings {
            issuer: provider.issuer.clone(),
            client_secret: Some(ClientSecret(SECRET.to_owned())),
            scopes: ["openid", "email", "groups", "profile"]
                .map(str::to_owned)
                .to_vec(),
            base_url: base.parse().unwrap(),
            rules: vec![ClaimRule {
                value: "risk-officers".to_owned(),
                grant: causebook_access::Grant::on_all([Role::Compliance]),
            }],
            ..settings::tests::settings()
        };
        let clock = Arc::new(causebook_ledger::SystemClock::new());
        let login = Arc::new(Login::new(settings, clock).unwrap());
        let kept = Kept::new().await;
        let router = kept
            .routes(&login)
            .merge(Router::new().route("/me", get(me)).with_state(login));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            base,
            _provider: provider,
            _kept: kept,
        }
    }
}

async fn me(State(login): State<Arc<Login>>, method: Method, headers: HeaderMap) -> String {
    let who = login.authenticate(&method, &headers).unwrap();
    who.map_or_else(
        || "nobody".to_owned(),
        |who| format!("{} {:?}", who.name(), who.roles("main")),
    )
}

/// A browser: it follows redirects and keeps cookies, by host and not by port.
struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    /// Every address that it was at.
    visited: Vec<String>,
}

struct Page {
    status: StatusCode,
    text: String,
}

impl Browser {
    fn new() -> Self {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            cookies: BTreeMap::new(),
            visited: Vec::new(),
        }
    }

    async fn get(&mut self, address: &str) -> Page {
        let request = self.http.get(address);
        self.follow(request, address.parse().unwrap()).await
    }

    async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let action = between(&page.text, "action=\"", "\"").expect("a form");
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .http
            .post(action)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        self.follow(request, action.parse().unwrap()).await
    }

    async fn follow(&mut self, first: reqwest::RequestBuilder, first_address: Url) -> Page {
        let (mut request, mut address) = (first, first_address);
        for _ in 0..20 {
            self.visited.push(address.to_string());
            let pairs = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            let cookies = pairs.collect::<Vec<_>>().join("; ");
            let answer = request.header("cookie", cookies).send().await.unwrap();
            self.keep(&answer);
            let location = answer.headers().get("location");
            if let (true, Some(location)) = (answer.status().is_redirection(), location) {
                address = address.join(location.to_str().unwrap()).unwrap();
                request = self.http.get(address.clone());
                continue;
            }
            return Page {
                status: answer.status(),
                text: answer.text().await.unwrap(),
            };
        }
        panic!("too many redirects: {:?}", self.visited);
    }

    fn keep(&mut self, answer: &reqwest::Response) {
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            if value.is_empty() || cookie.contains("Max-Age=0") || cookie.contains("01 Jan 1970") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// From our server through the provider's pages and back.
    async fn log_in(&mut self, server: &Server, who: &str) -> Page {
        let form = self
            .get(&format!("{}/auth/login?next=/me", server.base))
            .await;
        assert!(
            form.text.contains("name=\"password\""),
            "no login form:\n{}",
            form.text
        );
        let fields = [("prompt", "login"), ("login", who), ("password", "any")];
        let consent = self.submit(&form, &fields).await;
        assert!(
            consent.text.contains("value=\"consent\""),
            "no consent:\n{}",
            consent.text
        );
        self.submit(&consent, &[("prompt", "consent")]).await
    }

    fn address_of_answer(&self) -> String {
        let found = self
            .visited
            .iter()
            .find(|address| address.contains("/auth/callback?"));
        found.unwrap().clone()
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

#[tokio::test]
#[ignore = "needs a provider that is not ours: cargo xtask oidc"]
async fn a_person_logs_in_through_the_providers_pages_and_out_again() {
    let server = Server::start().await;
    let mut browser = Browser::new();
    assert_eq!(
        browser.get(&format!("{}/me", server.base)).await.text,
        "nobody"
    );
    let page = browser.log_in(&server, "ann").await;
    assert_eq!(page.text, "user:ann@bank.example {Compliance}");
    assert_eq!(
        browser.visited.last().unwrap(),
        &format!("{}/me", server.base)
    );
    assert!(!browser.cookies.keys().any(|name| name.ends_with("-login")));
    let out = browser
        .http
        .post(format!("{}/auth/logout", server.base))
        .header("sec-fetch-site", "same-origin")
        .header(CSRF_HEADER, "1");
    let address = format!("{}/auth/logout", server.base).parse().unwrap();
    assert_eq!(
        browser.follow(out, address).await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        browser.get(&format!("{}/me", server.base)).await.text,
        "nobody"
    );
}

#[tokio::test]
#[ignore = "needs a provider that is not ours: cargo xtask oidc"]
async fn a_person_without_a_role_is_known_to_the_provider_and_not_let_in() {
    let server = Server::start().await;
    let mut browser = Browser::new();
    assert_eq!(
        browser.log_in(&server, "bob").await.status,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        browser.get(&format!("{}/me", server.base)).await.text,
        "nobody"
    );
}

#[tokio::test]
#[ignore = "needs a provider that is not ours: cargo xtask oidc"]
async fn nobody_takes_anothers_name_by_an_address_that_was_not_checked() {
    let server = Server::start().await;
    let page = Browser::new().log_in(&server, "eve").await;
    assert_eq!(page.text, "user:eve {Compliance}");
}

#[tokio::test]
#[ignore = "needs a provider that is not ours: cargo xtask oidc"]
async fn who_cancels_at_the_provider_is_told_and_not_logged_in() {
    let server = Server::start().await;
    let mut browser = Browser::new();
    let form = browser
        .get(&format!("{}/auth/login?next=/me", server.base))
        .await;
    let cancel = between(&form.text, "<a href=\"", "\"").unwrap().to_owned();
    assert_eq!(browser.get(&cancel).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        browser.get(&format!("{}/me", server.base)).await.text,
        "nobody"
    );
}

#[tokio::test]
#[ignore = "needs a provider that is not ours: cargo xtask oidc"]
async fn the_provider_takes_a_code_once_and_from_the_browser_that_asked() {
    let server = Server::start().await;
    let mut browser = Browser::new();
    let form = browser
        .get(&format!("{}/auth/login?next=/me", server.base))
        .await;
    let attempt = browser.cookies.clone();
    let fields = [("prompt", "login"), ("login", "ann"), ("password", "any")];
    let consent = browser.submit(&form, &fields).await;
    let page = browser.submit(&consent, &[("prompt", "consent")]).await;
    assert!(page.text.starts_with("user:ann@"), "{}", page.text);
    let answer = browser.address_of_answer();

    let mut replaying = Browser::new();
    replaying.cookies = attempt;
    assert_eq!(replaying.get(&answer).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        Browser::new().get(&answer).await.status,
        StatusCode::BAD_REQUEST
    );
}
