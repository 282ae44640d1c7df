//! A server in a folder of its own, and a caller.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use causebook_server::{Config, Server};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A running server, stopped when dropped.
pub(crate) struct Running {
    pub(crate) home: TempDir,
    runtime: Runtime,
    server: Option<Server>,
    base: String,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self.body.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The code of the problem, which is also in its page's address; the status agrees with the body's.
    /// The place of the first fault.
    pub(crate) fn pointer(&self) -> String {
        let problem = self.json();
        problem["errors"][0]["pointer"].as_str().unwrap().to_owned()
    }

    pub(crate) fn code(&self) -> String {
        let problem = self.json();
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["status"], self.status);
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["type"], format!("/problems/{code}"));
        assert_eq!(problem["request_id"], self.headers["x-request-id"]);
        code
    }
}

/// Whoever asks: with a token, or without one.
pub(crate) struct Caller<'a> {
    running: &'a Running,
    token: Option<String>,
}

impl Running {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With settings other than the defaults.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::at(TempDir::new().unwrap(), settings)
    }

    fn at(home: TempDir, settings: &[(&str, &str)]) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let config = config(home.path(), settings);
        let server = runtime.block_on(Server::start(config)).unwrap();
        let base = format!("http://{}", server.address());
        let running = Self {
            home,
            runtime,
            server: Some(server),
            base,
        };
        if !running.has("main") {
            let made = running
                .anyone()
                .post("/v1/ledgers", &json!({"name": "main"}));
            assert_eq!(made.status, 201, "{made:?}");
        }
        running
    }

    fn has(&self, ledger: &str) -> bool {
        self.home.path().join("ledgers").join(ledger).exists()
    }

    /// Stops it and starts another in the same home.
    pub(crate) fn restarted(mut self, settings: &[(&str, &str)]) -> Self {
        self.stop();
        let home = std::mem::replace(&mut self.home, TempDir::new().unwrap());
        drop(self);
        Self::at(home, settings)
    }

    fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Without a token.
    pub(crate) fn anyone(&self) -> Caller<'_> {
        Caller {
            running: self,
            token: None,
        }
    }

    /// With a new token of this role on all ledgers.
    pub(crate) fn with_role(&self, role: &str) -> Caller<'_> {
        self.with_token(&self.token(role, None))
    }

    pub(crate) fn with_token(&self, token: &str) -> Caller<'_> {
        Caller {
            running: self,
            token: Some(token.to_owned()),
        }
    }

    /// Makes a token as the command line does, in the home.
    pub(crate) fn token(&self, role: &str, ledger: Option<&str>) -> String {
        use causebook_access::{Grant, Ledgers, NewToken, TokenStore};
        let store = TokenStore::open(self.home.path()).unwrap();
        let ledgers = ledger.map_or(Ledgers::All, |ledger| {
            Ledgers::Named([ledger.to_owned()].into())
        });
        let wanted = NewToken {
            name: format!("{role}-{}", store.list().unwrap().len()),
            grant: Grant::new(ledgers, [role.parse().unwrap()]).unwrap(),
            days: 1,
            long_lived: false,
        };
        let now = causebook_ledger::Clock::now(&causebook_ledger::SystemClock::new());
        let created = store.create(&wanted, "test", now).unwrap();
        created.text.expose().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Caller<'_> {
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            Some(body.as_bytes()),
        )
    }

    pub(crate) fn record(&self, record: &Value) -> Answer {
        self.post("/v1/ledgers/main/records", record)
    }

    pub(crate) fn batch(&self, ndjson: &str) -> Answer {
        self.send(
            "POST",
            "/v1/ledgers/main/records",
            &[("content-type", "application/x-ndjson")],
            Some(ndjson.as_bytes()),
        )
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Answer {
        let mut response = self.open(method, path, headers, body);
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.to_string(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let mut bytes = Vec::new();
        response
            .body_mut()
            .as_reader()
            .read_to_end(&mut bytes)
            .unwrap();
        Answer {
            status: response.status().as_u16(),
            headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> ureq::http::Response<ureq::Body> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        let url = format!("{}{path}", self.running.base);
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        match body {
            Some(body) => agent.run(request.body(body.to_vec()).unwrap()).unwrap(),
            None => agent.run(request.body(()).unwrap()).unwrap(),
        }
    }

    /// Server-sent events, as they come: the lines of each, without comments.
    pub(crate) fn events(&self, path: &str, headers: &[(&str, &str)]) -> Events {
        let response = self.open("GET", path, headers, None);
        assert_eq!(response.status(), 200);
        let reader: Box<dyn std::io::Read> = Box::new(response.into_body().into_reader());
        Events(BufReader::new(reader))
    }
}

pub(crate) struct Events(BufReader<Box<dyn std::io::Read>>);

impl Events {
    /// The name, id and data of the next event.
    pub(crate) fn next(&mut self) -> (String, String, Value) {
        let (mut name, mut id, mut data) = (String::new(), String::new(), Value::Null);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the tail ended");
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut name);
            } else if let Some(text) = line.strip_prefix("id: ") {
                text.clone_into(&mut id);
            } else if let Some(text) = line.strip_prefix("data: ") {
                data = serde_json::from_str(text).unwrap();
            } else if line.is_empty() && !name.is_empty() {
                return (name, id, data);
            }
        }
    }
}

pub(crate) fn config(home: &Path, settings: &[(&str, &str)]) -> Config {
    let mut values = BTreeMap::from([("listen".to_owned(), "127.0.0.1:0".to_owned())]);
    values.extend(
        settings
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
    );
    Config::new(home.to_owned(), &values).unwrap()
}

/// A decision with this id.
pub(crate) fn decision(id: &str, word: &str) -> Value {
    json!({
        "id": id, "model": {"name": "credit", "version": "1"}, "subject": format!("person-{id}"),
        "input": {"age": 30, "income": 52000}, "decision": word, "score": 0.4,
    })
}
