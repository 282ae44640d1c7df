//! HTTP/1.1 as a driver of load wants it: a connection that is kept, one write for a request, one read for most answers.
//! A library would take processor time that the server, on the same cores, is measured by. Answers are read strictly: what
//! the protocol does not allow is a failure of the server.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// No answer is waited for longer than this.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// What the head of a request takes, about.
const HEAD_BYTES: usize = 512;
const HEAD_BYTES_MAX: u64 = 64 << 10;
const BODY_BYTES_MAX: u64 = 1 << 30;

/// Where a server is, and as whom it is spoken to.
#[derive(Clone, Debug)]
pub struct Server {
    /// `host:port`.
    authority: String,
    token: Option<String>,
}

impl Server {
    /// Reads `http://host:port`.
    ///
    /// # Errors
    /// If it is anything else: there is no TLS here.
    pub fn parse(url: &str, token: Option<String>) -> std::result::Result<Self, String> {
        let authority = url
            .strip_prefix("http://")
            .map(|rest| rest.trim_end_matches('/'))
            .filter(|rest| rest.contains(':') && !rest.contains('/'))
            .ok_or_else(|| format!("{url}: expected http://HOST:PORT"))?;
        Ok(Self {
            authority: authority.to_owned(),
            token,
        })
    }

    /// Connects.
    ///
    /// # Errors
    /// The operating system's.
    pub fn connect(&self) -> Result<Connection> {
        let stream = TcpStream::connect(&self.authority)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        stream.set_write_timeout(Some(ANSWER_MAX))?;
        let mut fields = format!("host: {}\r\n", self.authority);
        if let Some(token) = &self.token {
            fields.push_str("authorization: Bearer ");
            fields.push_str(token);
            fields.push_str("\r\n");
        }
        Ok(Connection {
            answers: Answers(BufReader::with_capacity(16 << 10, stream.try_clone()?)),
            requests: Requests { stream, fields },
        })
    }
}

/// A request. Its body is of the type that `content_type` names.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Type of the body; empty if there is none.
    pub content_type: &'a str,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// A request without a body.
    pub fn get(path: &'a str) -> Self {
        Self {
            method: "GET",
            path,
            content_type: "",
            body: &[],
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Names, in small letters, and values.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let (_, value) = fields.find(|(field, _)| field == name)?;
        Some(value)
    }
}

/// A connection: requests out, answers in.
#[derive(Debug)]
pub struct Connection {
    /// The way out.
    pub requests: Requests,
    /// The way in. Answers come in the order of the requests.
    pub answers: Answers,
}

impl Connection {
    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The operating system's, or [`ErrorKind::InvalidData`] for an answer that is not HTTP/1.1.
    pub fn ask(&mut self, request: &Request<'_>) -> Result<Response> {
        self.requests.send(request)?;
        self.answers.receive()
    }
}

/// The way out.
#[derive(Debug)]
pub struct Requests {
    stream: TcpStream,
    /// What every request says.
    fields: String,
}

impl Requests {
    /// Sends a request.
    ///
    /// # Errors
    /// The operating system's.
    pub fn send(&mut self, request: &Request<'_>) -> Result<()> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + request.body.len());
        let Request { method, path, .. } = request;
        write!(bytes, "{method} {path} HTTP/1.1\r\n{}", self.fields)?;
        if !request.content_type.is_empty() {
            let (kind, length) = (request.content_type, request.body.len());
            write!(
                bytes,
                "content-type: {kind}\r\ncontent-length: {length}\r\n"
            )?;
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(request.body);
        self.stream.write_all(&bytes)
    }
}

/// The way in.
#[derive(Debug)]
pub struct Answers(BufReader<TcpStream>);

impl Answers {
    /// Reads the next answer.
    ///
    /// # Errors
    /// The operating system's, or [`ErrorKind::InvalidData`] for what is not HTTP/1.1.
    pub fn receive(&mut self) -> Result<Response> {
        read_response(&mut self.0)
    }
}

fn read_response(input: &mut impl BufRead) -> Result<Response> {
    let mut head = input.by_ref().take(HEAD_BYTES_MAX);
    let start = read_line(&mut head)?;
    let status = start
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .and_then(|code| code.parse().ok())
        .filter(|code| (200..600).contains(code))
        .ok_or_else(|| wrong(format!("{start:?} is no status line")))?;
    let mut fields = Vec::new();
    loop {
        let line = read_line(&mut head)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line
            .split_once(':')
            .filter(|(name, _)| !name.is_empty() && !name.contains([' ', '\t']))
            .ok_or_else(|| wrong(format!("{line:?} is no header field")))?;
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let body = read_body(input, status, &fields)?;
    Ok(Response {
        status,
        fields,
        body,
    })
}

fn read_body(
    input: &mut impl BufRead,
    status: u16,
    fields: &[(String, String)],
) -> Result<Vec<u8>> {
    let all = |name: &str| -> Vec<&str> {
        let named = fields.iter().filter(|(field, _)| field == name);
        named.map(|(_, value)| value.as_str()).collect()
    };
    let mut body = Vec::new();
    match (
        all("content-length").as_slice(),
        all("transfer-encoding").as_slice(),
    ) {
        ([], ["chunked"]) => read_chunks(input, &mut body)?,
        ([length], []) => {
            let length = length.parse().ok();
            let length = length.filter(|length| *length <= BODY_BYTES_MAX);
            let length =
                length.ok_or_else(|| wrong("the length is none, or too large".to_owned()))?;
            read_exactly(input, length, &mut body)?;
        }
        ([], []) if matches!(status, 204 | 304) => {}
        (lengths, encodings) => {
            return Err(wrong(format!(
                "the body's length is not clear: content-length {lengths:?}, transfer-encoding {encodings:?}"
            )));
        }
    }
    Ok(body)
}

fn read_chunks(input: &mut impl BufRead, body: &mut Vec<u8>) -> Result<()> {
    loop {
        let line = read_line(&mut input.by_ref().take(HEAD_BYTES_MAX))?;
        let size = line.split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size.trim(), 16)
            .ok()
            .filter(|size| body.len() as u64 + size <= BODY_BYTES_MAX)
            .ok_or_else(|| wrong(format!("{line:?} is no size of a chunk")))?;
        if size == 0 {
            // Fields may follow; an empty line ends them.
            while !read_line(&mut input.by_ref().take(HEAD_BYTES_MAX))?.is_empty() {}
            return Ok(());
        }
        read_exactly(input, size, body)?;
        if !read_line(&mut input.by_ref().take(HEAD_BYTES_MAX))?.is_empty() {
            return Err(wrong("a chunk is longer than it says".to_owned()));
        }
    }
}

fn read_exactly(input: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> Result<()> {
    if input.by_ref().take(length).read_to_end(body)? as u64 == length {
        Ok(())
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

/// A line without its end, which is a carriage return and a line feed.
fn read_line(input: &mut impl BufRead) -> Result<String> {
    let mut line = Vec::new();
    input.read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    let line = String::from_utf8(line).map_err(|error| wrong(error.to_string()))?;
    let line = line.strip_suffix("\r\n");
    line.map(str::to_owned)
        .ok_or_else(|| wrong("a line of the head does not end as it has to".to_owned()))
}

fn wrong(problem: String) -> Error {
    Error::new(ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(mut bytes: &[u8]) -> Result<Response> {
        read_response(&mut bytes)
    }

    #[test]
    fn bodies_of_a_length_and_in_chunks_are_read_whole() {
        let long = read(b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhellonext")
            .unwrap();
        assert_eq!(
            (long.status, long.body.as_slice()),
            (201, b"hello".as_slice())
        );
        assert_eq!(long.field("x-a"), Some("b"));
        let chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\n\r\n";
        assert_eq!(read(chunks).unwrap().body, b"hello");
        assert_eq!(read(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().body, b"");
    }

    #[test]
    fn what_is_not_plain_is_a_failure() {
        for bad in [
            "",
            "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\ncontent-length: 0\n\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
            "HTTP/1.1 200 OK\r\nbad field: 1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        ] {
            assert!(read(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_answer_that_is_cut_off_anywhere_is_told_from_a_wrong_one() {
        let whole = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n0\r\n\r\n";
        for length in 0..whole.len() {
            let error = read(&whole[..length]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{length}: {error}");
        }
    }

    #[test]
    fn a_server_is_a_host_and_a_port() {
        assert!(Server::parse("http://127.0.0.1:8080/", None).is_ok());
        for bad in ["127.0.0.1:8080", "https://a:1", "http://a", "http://a:1/v1"] {
            assert!(Server::parse(bad, None).is_err(), "{bad}");
        }
    }
}
