//! A server with small limits, and bare sockets to it: what is sent is sent byte for byte.

#![allow(dead_code, unreachable_pub, reason = "each group uses a part")]

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use causebook_server::{Config, Server};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens, with a ledger called `main`. No token was made, so whoever is on this machine may do everything.
pub struct Running {
    runtime: tokio::runtime::Runtime,
    server: Option<Server>,
    address: SocketAddr,
    home: tempfile::TempDir,
}

impl Running {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With settings other than these.
    pub fn with(other: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut settings: BTreeMap<String, String> = [
            ("listen", "127.0.0.1:0"),
            ("limits.body_mb", "8"),
            ("limits.connections", "64"),
            ("limits.header_s", "2"),
            ("limits.body_idle_s", "2"),
            ("limits.requests_per_s", "0"),
            ("limits.shutdown_s", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let other = other.iter().copied();
        settings.extend(other.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let config = Config::new(home.path().to_owned(), &settings).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let server = runtime.block_on(Server::start(config)).unwrap();
        let running = Self {
            runtime,
            address: server.address(),
            server: Some(server),
            home,
        };
        let made = running.post(
            "/v1/ledgers",
            &[("content-type", "application/json")],
            br#"{"name":"main"}"#,
        );
        assert_eq!(made.status, 201, "{made:?}");
        running
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    pub fn connect(&self) -> Socket {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Socket(stream)
    }

    /// The bytes of a request after which the server closes the connection.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Vec<u8> {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n",
            self.host()
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        [head.as_bytes(), b"\r\n", body].concat()
    }

    pub fn send(&self, bytes: &[u8]) -> Vec<Answer> {
        let mut socket = self.connect();
        socket.send(bytes);
        socket.answers()
    }

    /// The bytes of an answer, as they come.
    pub fn send_head(&self, bytes: &[u8]) -> String {
        let mut socket = self.connect();
        socket.send(bytes);
        String::from_utf8_lossy(&socket.all()).into_owned()
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(&self.request("GET", path, &[], b""))
            .pop()
            .expect(path)
    }

    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send(&self.request("POST", path, headers, body))
            .pop()
            .expect(path)
    }

    /// A file of the ledger.
    pub fn file(&self, path: &str) -> PathBuf {
        self.home.path().join("ledgers/main").join(path)
    }

    /// What the file with the ledger's signing key says.
    pub fn key_text(&self) -> String {
        let file = self.file("key");
        let text = std::fs::read_to_string(file).unwrap();
        text.lines().last().unwrap().to_owned()
    }

    pub fn lives(&self) {
        let answer = self.get("/healthz");
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.runtime.block_on(server.stop());
        }
    }
}

/// A connection.
pub struct Socket(TcpStream);

impl Socket {
    /// Sends as much as the server takes; it may close before it has read everything.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// Sends a little now and then; whether the server closes in time.
    pub fn trickle(&mut self, bytes: &[u8], pause: Duration, patience: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < patience {
            if self.0.write_all(bytes).is_err() || self.is_closed() {
                return true;
            }
            std::thread::sleep(pause);
        }
        false
    }

    fn is_closed(&mut self) -> bool {
        let mut buffer = [0; 1024];
        match self.0.read(&mut buffer) {
            Ok(0) => true,
            Ok(_) => self.is_closed(),
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        }
    }

    /// What comes next, at most so much; nothing once the server has closed.
    pub fn some(&mut self, most: usize) -> Vec<u8> {
        let mut buffer = vec![0; most];
        let start = Instant::now();
        loop {
            match self.0.read(&mut buffer) {
                Ok(count) => {
                    buffer.truncate(count);
                    return buffer;
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    assert!(start.elapsed() < PATIENCE, "nothing comes");
                }
                Err(_) => return Vec::new(),
            }
        }
    }

    /// Everything that comes until the server closes, or for two seconds says nothing after it has said something.
    pub fn all(&mut self) -> Vec<u8> {
        let (start, mut last) = (Instant::now(), Instant::now());
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.0.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    bytes.extend_from_slice(&buffer[..count]);
                    last = Instant::now();
                }
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    let is_silent = !bytes.is_empty() && last.elapsed() > Duration::from_secs(2);
                    if is_silent || start.elapsed() > PATIENCE {
                        break;
                    }
                }
                Err(_) => break,
            }
        }
        let _ = self.0.shutdown(Shutdown::Both);
        bytes
    }

    /// Every answer that comes.
    pub fn answers(&mut self) -> Vec<Answer> {
        let bytes = self.all();
        let mut rest = bytes.as_slice();
        let mut answers = Vec::new();
        while let Some((answer, behind)) = Answer::parse(rest) {
            answers.push(answer);
            rest = behind;
        }
        answers
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The lines of an answer in NDJSON.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8_lossy(&self.body);
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let rest = &bytes[end + 4..];
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_lowercase(), value.trim().to_owned()))
        });
        let mut answer = Self {
            status,
            headers: headers.collect(),
            body: Vec::new(),
        };
        if answer.header("transfer-encoding").is_some() {
            let (body, rest) = unchunk(rest);
            answer.body = body;
            return Some((answer, rest));
        }
        let length = answer
            .header("content-length")
            .and_then(|length| length.parse().ok());
        let length = length.unwrap_or(rest.len()).min(rest.len());
        answer.body = rest[..length].to_vec();
        Some((answer, &rest[length..]))
    }
}

fn unchunk(mut bytes: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else {
            return (body, &[]);
        };
        let size = std::str::from_utf8(&bytes[..end]).ok();
        let size = size
            .and_then(|size| usize::from_str_radix(size, 16).ok())
            .unwrap_or(0);
        let rest = &bytes[end + 2..];
        if size == 0 || rest.len() < size + 2 {
            return (body, rest.get(2..).unwrap_or_default());
        }
        body.extend_from_slice(&rest[..size]);
        bytes = &rest[size + 2..];
    }
}

/// Gzip of many blanks, written bit by bit: one literal, then copies of 258 bytes from one byte before.
pub fn deflate_bomb(bytes: usize) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let mut bits = Bits::default();
    bits.number(0b1, 1); // the last block,
    bits.number(0b01, 2); // of fixed codes
    bits.code(0x30 + u16::from(b' '), 8);
    for _ in 0..bytes / 258 {
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    bits.code(0, 7);
    out.extend(bits.bytes);
    // The checksum is wrong; nobody should get that far.
    out.extend([bits.open, 0, 0, 0, 0, 0, 0, 0, 0]);
    out
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    open: u8,
    count: u8,
}

impl Bits {
    fn bit(&mut self, bit: bool) {
        self.open |= u8::from(bit) << self.count;
        self.count += 1;
        if self.count == 8 {
            self.bytes.push(self.open);
            (self.open, self.count) = (0, 0);
        }
    }

    /// A number, its lowest bit first.
    fn number(&mut self, number: u16, width: u16) {
        (0..width).for_each(|place| self.bit(number >> place & 1 == 1));
    }

    /// A code, its highest bit first.
    fn code(&mut self, code: u16, width: u16) {
        (0..width)
            .rev()
            .for_each(|place| self.bit(code >> place & 1 == 1));
    }
}

/// A zstd frame of blocks that each say one blank 131,072 times.
pub fn zstd_bomb(bytes: usize) -> Vec<u8> {
    const BLOCK: usize = 128 << 10;
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
    let blocks = bytes / BLOCK;
    for nth in 0..blocks {
        let header = u32::try_from(BLOCK << 3).unwrap() | 0b010 | u32::from(nth + 1 == blocks);
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.push(b' ');
    }
    out
}
