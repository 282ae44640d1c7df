//! One request and its answer: headers, limits, retries, and what each failure means.
//!
//! Everything read from the server is bounded: headers, a buffered body, a line of a streamed one. Redirects are not
//! followed: an API has none, and a token must not travel to where a proxy points.

use std::io::{Read, Write};
use std::time::Duration;

use serde::de::DeserializeOwned;
use ureq::http::{HeaderMap, Request};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, SendBody};
use url::Url;

use crate::address::Address;
use crate::credentials::Credentials;
use crate::error::{ClientError, Problem};
use crate::lines::Lines;
use crate::retry::Retry;
use crate::{Options, faults};

/// Most bytes of an answer that is held in memory as a whole.
pub(crate) const BODY_BYTES_MAX: u64 = 64 << 20;
/// Most bytes of headers in an answer.
const HEADER_BYTES_MAX: usize = 64 << 10;
/// Most bytes of a problem.
const PROBLEM_BYTES_MAX: u64 = 256 << 10;
/// Twice as long as a server's word to go ahead with an upload is waited for; one that gives none is sent it then.
const GO_AHEAD_MAX: Duration = Duration::from_secs(1);
/// Bytes of an answer that is not this API's which are quoted in a message.
const QUOTED_BYTES_MAX: u64 = 120;

pub(crate) const JSON: &str = "application/json";
pub(crate) const NDJSON: &str = "application/x-ndjson";
pub(crate) const ARROW: &str = "application/vnd.apache.arrow.stream";
pub(crate) const BYTES: &str = "application/octet-stream";
const PROBLEM: &str = "application/problem+json";

/// What is sent.
pub(crate) enum Payload<'a> {
    None,
    /// Bytes that can be sent again, and how they are to be read: media type and, if any, coding.
    Bytes(&'a [u8], &'static str, Option<&'static str>),
    /// A stream, which cannot.
    Stream(&'a mut dyn Read, &'static str),
}

/// A request.
pub(crate) struct Call<'a> {
    pub(crate) method: &'static str,
    pub(crate) url: Url,
    pub(crate) accept: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) payload: Payload<'a>,
    /// Whether carrying it out twice comes to the same as once.
    pub(crate) repeatable: bool,
    /// How long the answer may take to begin, if not as long as usual.
    pub(crate) patience: Option<Duration>,
}

impl<'a> Call<'a> {
    pub(crate) fn get(url: Url) -> Call<'a> {
        Call {
            method: "GET",
            url,
            accept: JSON,
            headers: Vec::new(),
            payload: Payload::None,
            repeatable: true,
            patience: None,
        }
    }

    pub(crate) fn post(url: Url, json: &'a [u8]) -> Call<'a> {
        Call {
            method: "POST",
            payload: Payload::Bytes(json, JSON, None),
            repeatable: false,
            ..Call::get(url)
        }
    }

    pub(crate) fn repeatable(self, repeatable: bool) -> Call<'a> {
        Call { repeatable, ..self }
    }

    pub(crate) fn accept(self, accept: &'static str) -> Call<'a> {
        Call { accept, ..self }
    }
}

/// Sends requests to one server.
#[derive(Debug)]
pub(crate) struct Transport {
    agent: Agent,
    pub(crate) address: Address,
    server: String,
    authorization: Option<String>,
    options: Options,
}

impl Transport {
    pub(crate) fn new(address: Address, credentials: &Credentials, options: Options) -> Transport {
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(HEADER_BYTES_MAX)
            .timeout_connect(Some(options.connect_timeout))
            .timeout_per_read(Some(options.read_timeout))
            .timeout_per_write(Some(options.read_timeout))
            .timeout_await_100(Some(options.read_timeout.min(GO_AHEAD_MAX) / 2))
            .user_agent(concat!("causebook-client/", env!("CARGO_PKG_VERSION")))
            .build();
        Transport {
            agent: config.into(),
            server: address.server(),
            authorization: credentials.header(),
            address,
            options,
        }
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Makes a request and takes its answer; both again while it may and may help. What cannot be sent twice is not.
    pub(crate) fn run<T>(
        &self,
        mut call: Call<'_>,
        mut take: impl FnMut(Answer) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let retry = Retry {
            again_max: self.options.retries_max,
            first_wait: self.options.retry_wait,
        };
        let mut failed = 0;
        loop {
            let error = match self.send(&mut call).and_then(&mut take) {
                Ok(taken) => return Ok(taken),
                Err(error) => error,
            };
            failed += 1;
            let again = !matches!(call.payload, Payload::Stream(..));
            let wait = retry.wait(failed, &error, call.repeatable);
            match wait.filter(|_| again) {
                Some(wait) => std::thread::sleep(wait),
                None => return Err(error),
            }
        }
    }

    /// One attempt. An answer that is not a success is an error.
    pub(crate) fn send(&self, call: &mut Call<'_>) -> Result<Answer, ClientError> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(call.url.as_str())
            .header("accept", call.accept);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(purpose) = &self.options.purpose {
            request = request.header("causebook-purpose", purpose);
        }
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let sent = match &mut call.payload {
            Payload::None => self.run_request(request.body(()), call.patience),
            Payload::Bytes(bytes, media_type, coding) => {
                request = request.header("content-type", *media_type);
                if let Some(coding) = coding {
                    request = request.header("content-encoding", *coding);
                }
                self.run_request(request.body(*bytes), call.patience)
            }
            Payload::Stream(reader, media_type) => {
                let mut watched = Watched {
                    reader: *reader,
                    failure: None,
                };
                // What cannot be sent twice is not sent before it is known to be wanted.
                let request = request
                    .header("content-type", *media_type)
                    .header("expect", "100-continue");
                let body = SendBody::from_reader(&mut watched);
                let sent = self.run_request(request.body(body), call.patience);
                if let Some(source) = watched.failure {
                    return Err(ClientError::Local {
                        doing: "reading what was to be sent",
                        source,
                    });
                }
                sent
            }
        };
        let (parts, body) = sent?.into_parts();
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
            server: self.server.clone(),
        };
        if (200..300).contains(&answer.status) || answer.status == 304 {
            Ok(answer)
        } else {
            Err(answer.refusal())
        }
    }

    fn run_request(
        &self,
        request: ureq::http::Result<Request<impl ureq::AsSendBody>>,
        patience: Option<Duration>,
    ) -> Result<ureq::http::Response<Body>, ClientError> {
        let request = request.map_err(|error| ClientError::Address {
            given: self.server.clone(),
            what: error.to_string(),
        })?;
        let outcome = match patience {
            None => self.agent.run(request),
            Some(patience) => {
                let request = self
                    .agent
                    .configure_request(request)
                    .timeout_per_read(Some(patience))
                    .build();
                self.agent.run(request)
            }
        };
        outcome.map_err(|error| faults::of_transport(error, &self.server))
    }
}

/// Remembers why reading what was to be sent failed: the transport would call it a lost connection.
struct Watched<'a> {
    reader: &'a mut dyn Read,
    failure: Option<std::io::Error>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(buffer).map_err(|error| {
            let kind = error.kind();
            self.failure = Some(error);
            kind.into()
        })
    }
}

/// An answer whose status says that it was done.
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
    body: Body,
    server: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn media_type(&self) -> &str {
        let full = self.header("content-type").unwrap_or_default();
        full.split(';').next().unwrap_or_default().trim()
    }

    /// A body of this media type and nothing else: a proxy's login page is not an empty list.
    pub(crate) fn of_type(self, media_type: &str) -> Result<Answer, ClientError> {
        if self.media_type().eq_ignore_ascii_case(media_type) {
            return Ok(self);
        }
        let found = match self.media_type() {
            "" => "something without a media type".to_owned(),
            other => other.chars().take(80).collect(),
        };
        let (server, status) = (self.server.clone(), self.status);
        Err(ClientError::Foreign {
            server,
            status: None,
            what: format!("{found} where {media_type} belongs (status {status})"),
        })
    }

    /// The body as a value.
    pub(crate) fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let answer = self.of_type(JSON)?;
        let server = answer.server.clone();
        let bytes = answer.bytes(BODY_BYTES_MAX)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| faults::foreign(&server, format!("JSON of another shape: {error}")))
    }

    /// The body as text.
    pub(crate) fn text(self, limit: u64) -> Result<String, ClientError> {
        let server = self.server.clone();
        String::from_utf8(self.bytes(limit)?)
            .map_err(|_| faults::foreign(&server, "text that is not UTF-8".to_owned()))
    }

    fn bytes(self, limit: u64) -> Result<Vec<u8>, ClientError> {
        let server = self.server;
        let mut bytes = Vec::new();
        self.body
            .into_reader()
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| faults::of_reading(error, &server))?;
        if bytes.len() as u64 > limit {
            let what = format!("more than {limit} bytes at once");
            return Err(faults::foreign(&server, what));
        }
        Ok(bytes)
    }

    /// The body, line by line.
    pub(crate) fn lines(self) -> Lines {
        Lines::new(Box::new(self.body.into_reader()), self.server)
    }

    /// The body, as it comes.
    pub(crate) fn reader(self) -> (Box<dyn Read>, String) {
        (Box::new(self.body.into_reader()), self.server)
    }

    /// Copies the body.
    pub(crate) fn copy_to(self, out: &mut dyn Write) -> Result<(), ClientError> {
        let server = self.server;
        let mut reader = self.body.into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = reader
                .read(&mut buffer)
                .map_err(|error| faults::of_reading(error, &server))?;
            let Some(bytes) = buffer.get(..count).filter(|bytes| !bytes.is_empty()) else {
                return Ok(());
            };
            out.write_all(bytes).map_err(|source| ClientError::Local {
                doing: "writing the answer",
                source,
            })?;
        }
    }

    /// What a status that is no success means.
    fn refusal(self) -> ClientError {
        let status = self.status;
        let server = self.server.clone();
        let retry_after = self
            .header("retry-after")
            .and_then(|seconds| seconds.trim().parse().ok())
            .map(Duration::from_secs);
        let request_id = self.header("x-request-id").map(str::to_owned);
        let location = self.header("location").map(str::to_owned);
        let is_problem = self.media_type().eq_ignore_ascii_case(PROBLEM);
        if let Some(location) = location.filter(|_| (300..400).contains(&status)) {
            let to: String = location.chars().take(200).collect();
            return ClientError::Foreign {
                server,
                status: Some(status),
                what: format!("a redirection to {to}"),
            };
        }
        let bytes = match self.bytes_up_to(PROBLEM_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) => return error,
        };
        let parsed = serde_json::from_slice::<Problem>(&bytes);
        match parsed.ok().filter(|_| is_problem) {
            Some(problem) => ClientError::Refused(Box::new(Problem {
                status,
                retry_after,
                request_id: problem.request_id.or(request_id),
                ..problem
            })),
            None => ClientError::Foreign {
                server,
                status: Some(status),
                what: format!(
                    "status {status} with {}",
                    faults::quoted(&bytes, QUOTED_BYTES_MAX)
                ),
            },
        }
    }

    fn bytes_up_to(self, limit: u64) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        let server = self.server;
        self.body
            .into_reader()
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| faults::of_reading(error, &server))?;
        Ok(bytes)
    }
}
