//! A server that people log in to, with the trail of who did.

use tempfile::TempDir;

use super::provider::Peer;
use super::*;
use crate::asking::Asking;
use crate::books::{ACCESS, Books};
use crate::config::Sql;
use crate::trail::Trail;

/// A clock that is moved by hand.
#[derive(Debug)]
pub(super) struct Hand(pub(super) Mutex<Timestamp>);

impl Hand {
    pub(super) fn forward(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += jiff::SignedDuration::from_secs(seconds);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        let since = self.now().duration_since(Timestamp::UNIX_EPOCH);
        Duration::try_from(since).unwrap()
    }
}

/// A home with nothing in it but the ledger of access records.
pub(super) struct Kept {
    books: Arc<Books>,
    _home: TempDir,
}

impl Kept {
    pub(super) async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().to_owned();
        let sql = Sql {
            time: Duration::from_secs(1),
            memory_bytes: 1 << 20,
            concurrent: 1,
        };
        let books = tokio::task::spawn_blocking(move || Books::open(&path, &sql));
        Self {
            books: Arc::new(books.await.unwrap().unwrap()),
            _home: home,
        }
    }

    /// The paths of login, as asked for from one address by nobody who is known.
    pub(super) fn routes(&self, login: &Arc<Login>) -> Router {
        let trail = Arc::new(Trail::new(self.books.get(ACCESS).unwrap()));
        let asking = Asking {
            principal: None,
            request_id: "r-1".to_owned(),
            trace_id: None,
            purpose: None,
            from: Some("10.0.0.7".to_owned()),
        };
        routes(Arc::clone(login), trail).layer(Extension(asking))
    }

    /// The access records, from this one on.
    pub(super) fn accesses(&self, first: u64) -> Vec<Value> {
        let reader = &self.books.get(ACCESS).unwrap().reader;
        let rows = (first..reader.size()).map(|index| reader.get(index).unwrap().unwrap());
        rows.map(|row| serde_json::from_str(row.record.text().unwrap()).unwrap())
            .collect()
    }

    /// From now on nothing can be recorded.
    pub(super) async fn stop(&self) {
        let books = Arc::clone(&self.books);
        let closed = tokio::task::spawn_blocking(move || books.close());
        closed.await.unwrap();
    }
}

/// A server that people log in to.
pub(super) struct Place {
    pub(super) peer: Peer,
    pub(super) clock: Arc<Hand>,
    pub(super) login: Arc<Login>,
    pub(super) kept: Kept,
    router: Router,
}

impl Place {
    pub(super) async fn new() -> Self {
        let peer = Peer::start().await;
        let settings = OidcSettings {
            issuer: peer.issuer(),
            client_secret: Some(ClientSecret(SECRET.to_owned())),
            ..settings::tests::settings()
        };
        let now = causebook_ledger::SystemClock::new().now();
        let clock = Arc::new(Hand(Mutex::new(now)));
        let login = Arc::new(Login::new(settings, Arc::<Hand>::clone(&clock)).unwrap());
        let kept = Kept::new().await;
        Self {
            peer,
            clock,
            router: kept.routes(&login),
            login,
            kept,
        }
    }

    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        Answer(self.router.clone().oneshot(request).await.unwrap())
    }

    pub(super) async fn begin(&self, next: &str) -> (Url, String) {
        let answer = self
            .ask("GET", &format!("/auth/login?next={next}"), &[])
            .await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        let cookie = answer.cookie("__Host-causebook-login").unwrap();
        (answer.location().parse().unwrap(), cookie)
    }

    pub(super) async fn come_back(&self, query: &str, cookie: &str) -> Answer {
        let cookie = format!("__Host-causebook-login={cookie}");
        let path = format!("/auth/callback?{query}");
        self.ask("GET", &path, &[("cookie", &cookie)]).await
    }

    /// The whole way, to the session's cookie.
    pub(super) async fn log_in(&self) -> Result<String, StatusCode> {
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

    pub(super) fn who(&self, session: &str) -> Option<Arc<Principal>> {
        self.authenticate("GET", session, &[]).unwrap()
    }

    pub(super) fn authenticate(
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

pub(super) struct Answer(pub(super) Response);

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.0.status()
    }

    pub(super) fn location(&self) -> String {
        let location = self.0.headers().get(header::LOCATION).unwrap();
        location.to_str().unwrap().to_owned()
    }

    pub(super) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.0.headers().get_all(header::SET_COOKIE).iter();
        cookies
            .filter_map(|cookie| cookie.to_str().unwrap().split(';').next()?.split_once('='))
            .find(|(found, value)| *found == name && !value.is_empty())
            .map(|(_, value)| value.to_owned())
    }
}
