//! What the machine can do at all, measured in the same run: nothing is faster than its syncs, its disk and its hashing.

use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use causebook_load::{Failure, Stopwatch, Workload};
use serde::Serialize;
use sha2::{Digest, Sha256};

const APPEND_BYTES: usize = 4096;
const SEQUENTIAL_BYTES: usize = 256 << 20;
const CHUNK_BYTES: usize = 1 << 20;
const MESSAGE_BYTES: usize = 1 << 10;
/// Records are compressed together, as many as a table's file may have; more bytes than this change the figure little.
const COMPRESSED_BYTES_MAX: usize = 64 << 20;
/// The level that Causebook's table uses, and zstd's default.
const LEVEL: i32 = 3;
const TIME: Duration = Duration::from_secs(1);

/// Limits of the machine, all a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Limits {
    /// Appends of 4 KB, each followed by fdatasync.
    pub(crate) syncs: f64,
    /// Sequential writing with one fdatasync at the end.
    pub(crate) written_bytes: f64,
    /// SHA-256 of messages of 1 KB on one core.
    pub(crate) hashed_bytes: f64,
}

pub(crate) fn measure(file: &Path) -> Result<Limits, Failure> {
    let limits = Limits {
        syncs: syncs(file)?,
        written_bytes: sequential(file)?,
        hashed_bytes: hashing(),
    };
    std::fs::remove_file(file)?;
    Ok(limits)
}

/// What zstd alone makes of a workload's JSON, as a part of its length: the bytes that are there at all to be stored.
pub(crate) fn compressed(workload: &Path) -> Result<f64, Failure> {
    let workload = Workload::read(workload)?;
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    let mut given = 0;
    for entry in workload.entries() {
        encoder.write_all(entry.json.as_bytes())?;
        given += entry.json.len();
        if given > COMPRESSED_BYTES_MAX {
            break;
        }
    }
    Ok(encoder.finish()?.len() as f64 / given.max(1) as f64)
}

/// Bytes that do not compress, in case a layer below would.
fn noise(length: usize) -> Vec<u8> {
    let mut random = causebook_load::Random::new(3);
    (0..length).map(|_| random.below(256) as u8).collect()
}

fn syncs(path: &Path) -> Result<f64, Failure> {
    let bytes = noise(APPEND_BYTES);
    let mut file = File::create(path)?;
    let mut count = 0;
    let watch = Stopwatch::start();
    while watch.elapsed() < TIME {
        file.write_all(&bytes)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / watch.elapsed().as_secs_f64())
}

fn sequential(path: &Path) -> Result<f64, Failure> {
    let chunk = noise(CHUNK_BYTES);
    let mut file = File::create(path)?;
    let watch = Stopwatch::start();
    for _ in 0..SEQUENTIAL_BYTES / CHUNK_BYTES {
        file.write_all(&chunk)?;
    }
    file.sync_data()?;
    Ok(SEQUENTIAL_BYTES as f64 / watch.elapsed().as_secs_f64())
}

fn hashing() -> f64 {
    let message = noise(MESSAGE_BYTES);
    let mut hashed = 0;
    let watch = Stopwatch::start();
    while watch.elapsed() < TIME {
        for _ in 0..1000 {
            black_box(Sha256::digest(black_box(&message)));
        }
        hashed += 1000 * MESSAGE_BYTES;
    }
    hashed as f64 / watch.elapsed().as_secs_f64()
}
