//! A server of canned answers on a loopback port: what the client sends, and what it makes of whatever comes back.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use causebook_client::{Client, Credentials, Options, RemoteLedger};

/// What the server does with a connection.
pub(crate) enum Reply {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, then silence.
    Stall(Vec<u8>),
    /// Nothing: the connection is closed without an answer.
    Hang,
    /// Head, then the chunk as often as it is taken.
    Endless(Vec<u8>, Vec<u8>),
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Answers one connection after another, in order.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Receiver<Seen>,
}

impl Server {
    pub(crate) fn of(replies: Vec<Reply>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, seen) = channel();
        std::thread::spawn(move || {
            for reply in replies {
                let (stream, _) = listener.accept().unwrap();
                if let Some(request) = read(&stream) {
                    let _ = sender.send(request);
                }
                answer(stream, reply);
            }
        });
        Server { url, seen }
    }

    pub(crate) fn ledger(&self) -> RemoteLedger {
        self.client().ledger("main")
    }

    pub(crate) fn client(&self) -> Client {
        let mut options = Options::default();
        options.read_timeout = Duration::from_millis(400);
        options.retries_max = 2;
        options.retry_wait = Duration::from_millis(5);
        let credentials = Credentials::token("cbk_test").unwrap();
        Client::connect_with(&self.url.parse().unwrap(), &credentials, options).unwrap()
    }

    /// The next request that arrived.
    pub(crate) fn next(&self) -> Seen {
        self.seen.recv_timeout(Duration::from_secs(5)).unwrap()
    }

    /// How many more arrived.
    pub(crate) fn rest(&self) -> usize {
        self.seen.try_iter().count()
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|count| *count > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else {
            break;
        };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut seen = Seen {
        line: line.trim_end().to_owned(),
        headers,
        body: Vec::new(),
    };
    if let Some(length) = seen.header("content-length") {
        seen.body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut seen.body).ok()?;
    } else if seen.header("transfer-encoding") == Some("chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            chunk.truncate(size);
            seen.body.extend(&chunk);
            if size == 0 {
                break;
            }
        }
    }
    Some(seen)
}

fn answer(mut stream: TcpStream, reply: Reply) {
    match reply {
        Reply::Bytes(bytes) => drop(stream.write_all(&bytes)),
        Reply::Stall(bytes) => {
            let _ = stream.write_all(&bytes);
            std::thread::sleep(Duration::from_secs(2));
        }
        Reply::Hang => {}
        Reply::Endless(head, chunk) => {
            let _ = stream.write_all(&head);
            while stream.write_all(&chunk).is_ok() {}
        }
    }
}

/// A whole answer.
pub(crate) fn whole(status: u16, media_type: &str, body: &str) -> Reply {
    with(status, media_type, "", body)
}

pub(crate) fn ok(json: &str) -> Reply {
    whole(200, "application/json", json)
}

/// A whole answer with more headers.
pub(crate) fn with(status: u16, media_type: &str, headers: &str, body: &str) -> Reply {
    Reply::Bytes(
        format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

pub(crate) fn problem(status: u16, code: &str, headers: &str) -> Reply {
    let body = format!(
        r#"{{"type":"/problems/{code}","title":"T","status":{status},"detail":"D","code":"{code}","request_id":"r-1","hint":"H","errors":[{{"pointer":"/input/x","detail":"E"}}]}}"#
    );
    with(status, "application/problem+json", headers, &body)
}

/// The beginning of an answer that has no end of its own.
pub(crate) fn open(media_type: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\nconnection: close\r\n\r\n")
        .into_bytes()
}
