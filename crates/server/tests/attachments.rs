//! Attachments that are larger than what a server holds of them: in pieces either way, and never whole if they changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::format_push_string
)]
// Whether something ends in time is measured on the real clock.
#![allow(clippy::disallowed_methods)]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

#[path = "hostile/wire.rs"]
mod wire;

use wire::{Running, Socket};

const MIB: usize = 1 << 20;
const ATTACHMENTS: &str = "/v1/ledgers/main/attachments";

/// Memory and open files are those of the process: one test at a time looks at them.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start() -> Running {
    Running::with(&[("limits.body_mb", "128")])
}

/// Piece `nth` of a content that no two places of are alike.
fn piece(nth: usize) -> Vec<u8> {
    let seed = Sha256::digest(nth.to_le_bytes());
    seed.iter().copied().cycle().take(64 << 10).collect()
}

/// Attaches so many bytes without ever holding them, and gives their digest.
fn attach(server: &Running, size: usize) -> String {
    let mut socket = server.connect();
    socket.send(
        format!(
            "POST {ATTACHMENTS} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             content-type: application/octet-stream\r\ncontent-length: {size}\r\n\r\n",
            server.host()
        )
        .as_bytes(),
    );
    let mut hash = Sha256::new();
    let mut left = size;
    for nth in 0.. {
        let mut piece = piece(nth);
        piece.truncate(left);
        if piece.is_empty() {
            break;
        }
        left -= piece.len();
        hash.update(&piece);
        socket.send(&piece);
    }
    let answer = socket.answers().pop().expect("an answer");
    assert_eq!(answer.status, 201, "{answer:?}");
    let digest = format!("sha256:{}", hex(&hash.finalize()));
    assert!(String::from_utf8_lossy(&answer.body).contains(&digest));
    digest
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The file that an attachment lies in.
fn file(server: &Running, digest: &str) -> PathBuf {
    let hash = digest.strip_prefix("sha256:").unwrap();
    server.file(&format!("blobs/sha256/{}/{}", &hash[..2], &hash[2..]))
}

/// Changes the last byte of an attachment.
fn tamper(server: &Running, digest: &str) {
    let path = file(server, digest);
    let file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let last = file.metadata().unwrap().len() - 1;
    let mut byte = [0];
    file.read_exact_at(&mut byte, last).unwrap();
    file.write_all_at(&[byte[0] ^ 1], last).unwrap();
}

/// An attachment that is being fetched: its head is here.
struct Fetching {
    socket: Socket,
    head: String,
    /// What came of the body.
    hash: Sha256,
    count: usize,
}

impl Fetching {
    fn begin(server: &Running, digest: &str, headers: &[(&str, &str)]) -> Self {
        let mut socket = server.connect();
        let path = format!("{ATTACHMENTS}/{digest}");
        socket.send(&server.request("GET", &path, headers, b""));
        let mut bytes = Vec::new();
        let end = loop {
            let more = socket.some(1024);
            assert!(
                !more.is_empty(),
                "it closed: {}",
                String::from_utf8_lossy(&bytes)
            );
            bytes.extend(more);
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let body = bytes.split_off(end);
        Self {
            socket,
            head: String::from_utf8(bytes).unwrap(),
            hash: Sha256::new_with_prefix(&body),
            count: body.len(),
        }
    }

    /// Takes what comes next; false at the end.
    fn go_on(&mut self) -> bool {
        let more = self.socket.some(64 << 10);
        self.hash.update(&more);
        self.count += more.len();
        !more.is_empty()
    }

    /// Takes the rest: how much there was, and its digest.
    fn finish(mut self) -> (usize, String) {
        while self.go_on() {}
        (self.count, format!("sha256:{}", hex(&self.hash.finalize())))
    }
}

/// A line of the process's own status, in bytes.
fn status(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kib = line.split_whitespace().nth(1).unwrap();
    kib.parse::<usize>().unwrap() << 10
}

/// How far memory grew, at its peak, while `act` ran.
fn growth(act: impl FnOnce()) -> usize {
    // Forgets the peak until now.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS:");
    act();
    status("VmHWM:").saturating_sub(before)
}

/// Attachments that this process has open.
fn open_attachments() -> usize {
    let links = fs::read_dir("/proc/self/fd").unwrap();
    let links = links.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
    links
        .filter(|target| target.to_string_lossy().contains("/blobs/sha256/"))
        .count()
}

#[test]
fn memory_does_not_grow_with_an_attachment() {
    let _alone = alone();
    let server = start();
    // What is made once by the first request does not count.
    let small = attach(&server, MIB);
    assert_eq!(Fetching::begin(&server, &small, &[]).finish(), (MIB, small));

    let seen = growth(|| drop(std::hint::black_box(vec![1_u8; 64 * MIB])));
    assert!(seen > 60 * MIB, "64 MiB are seen as {seen} bytes");
    let mut digest = String::new();
    let grown = growth(|| digest = attach(&server, 64 * MIB));
    assert!(grown < 16 * MIB, "storing took {grown} bytes");
    let grown = growth(|| {
        let fetching = Fetching::begin(&server, &digest, &[]);
        assert!(
            fetching
                .head
                .contains(&format!("content-length: {}\r\n", 64 * MIB))
        );
        assert_eq!(fetching.finish(), (64 * MIB, digest.clone()));
    });
    assert!(grown < 16 * MIB, "fetching took {grown} bytes");
}

#[test]
fn readers_that_are_slow_hold_little_and_get_everything() {
    let _alone = alone();
    let server = start();
    let digest = attach(&server, 16 * MIB);
    let threads = status_count("Threads:");
    let mut slow = Vec::new();
    let grown = growth(|| {
        slow = (0..32)
            .map(|_| Fetching::begin(&server, &digest, &[]))
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        server.lives();
    });
    assert!(grown < 64 * MIB, "32 readers took {grown} bytes");
    // Threads that read are kept for a while, but nobody who is slow holds one: more readers than there are such threads.
    assert!(status_count("Threads:") < threads + 32);
    slow.truncate(2);
    let mut last = slow.pop().unwrap();
    for _ in 0..20 {
        std::thread::sleep(Duration::from_millis(20));
        assert!(last.go_on());
        server.lives();
    }
    assert_eq!(last.finish(), (16 * MIB, digest));
}

fn status_count(name: &str) -> usize {
    status(name) >> 10
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let _alone = alone();
    let server = start();
    let digest = attach(&server, 64 * MIB);
    for _ in 0..4 {
        let mut fetching = Fetching::begin(&server, &digest, &[]);
        while fetching.count < MIB {
            assert!(fetching.go_on());
        }
        assert!(open_attachments() > 0, "it is being read");
    }
    let start = Instant::now();
    while open_attachments() > 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "still open");
        std::thread::sleep(Duration::from_millis(20));
    }
    server.lives();
}

#[test]
fn a_changed_attachment_is_refused_if_it_is_small_and_never_ends_if_it_is_large() {
    let _alone = alone();
    let server = start();
    let (small, large) = (attach(&server, 8 * MIB), attach(&server, 8 * MIB + 1));
    for digest in [&small, &large] {
        tamper(&server, digest);
    }
    let refused = server.get(&format!("{ATTACHMENTS}/{small}"));
    let problem: serde_json::Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(
        (refused.status, &problem["code"]),
        (500, &"attachment-changed".into())
    );
    // As it comes, and to a client that would take it packed.
    for headers in [&[][..], &[("accept-encoding", "gzip, zstd")]] {
        let fetching = Fetching::begin(&server, &large, headers);
        assert!(fetching.head.starts_with("HTTP/1.1 200"));
        let length = format!("content-length: {}\r\n", 8 * MIB + 1);
        assert!(fetching.head.contains(&length), "{}", fetching.head);
        let (count, _) = fetching.finish();
        assert!(count < 8 * MIB + 1, "{count} bytes came");
    }
    let address = format!("http://{}{ATTACHMENTS}/{large}", server.host());
    let mut answer = ureq::get(&address).call().unwrap();
    let taken = answer.body_mut().with_config().limit(1 << 30).read_to_vec();
    assert!(taken.is_err(), "a client takes it for the whole");

    let metrics = String::from_utf8(server.get("/metrics").body).unwrap();
    let counted = "causebook_attachment_failures_total{ledger=\"main\"} 4";
    assert!(metrics.contains(counted), "{metrics}");
    let seen = server.get("/v1/ledgers/access/records?q=access.action:attachment");
    let seen = String::from_utf8(seen.body).unwrap();
    assert!(seen.contains("\"result\":\"attachment-changed\""), "{seen}");
    server.lives();
}

#[test]
fn its_length_is_told_without_it_and_a_part_is_not_given() {
    let _alone = alone();
    let server = start();
    let digest = attach(&server, 9 * MIB);
    let path = format!("{ATTACHMENTS}/{digest}");
    let head = server.send_head(&server.request("HEAD", &path, &[], b""));
    assert!(
        head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert!(
        head.contains(&format!("content-length: {}\r\n", 9 * MIB)),
        "{head}"
    );
    assert!(head.contains("accept-ranges: none\r\n"), "{head}");
    let fetching = Fetching::begin(&server, &digest, &[("range", "bytes=0-9")]);
    assert!(fetching.head.starts_with("HTTP/1.1 200"));
    assert_eq!(fetching.finish(), (9 * MIB, digest));
}
