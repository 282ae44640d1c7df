//! What a system takes: a folder on disk, a process in memory and of the processors' time.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::Failure;

/// `st_blocks` counts these, whatever the file system's block size.
const BLOCK_BYTES: u64 = 512;

/// Bytes that a folder takes on disk. Allocated blocks, so that neither holes nor tails are told as data.
///
/// # Errors
/// If it cannot be read.
pub fn size_of(folder: &Path) -> Result<u64, Failure> {
    let metadata = match std::fs::symlink_metadata(folder) {
        Ok(metadata) => metadata,
        // A system may drop a file while it is counted.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    if !metadata.is_dir() {
        return Ok(metadata.blocks() * BLOCK_BYTES);
    }
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += size_of(&entry?.path())?;
    }
    Ok(bytes)
}

/// Linux tells processor time in these to every program, whatever the kernel's own clock.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time that a process and its ended children have taken, in seconds; `process` is a number or `self`.
///
/// # Errors
/// If the kernel does not tell.
pub fn processor_seconds(process: &str) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold spaces; user and system time are fields 14 and 15,
    // those of children that have ended 16 and 17.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let times = fields.split_whitespace().skip(11).take(4);
    let ticks = times
        .map(str::parse::<u64>)
        .sum::<Result<u64, _>>()
        .map_err(|error| format!("/proc/{process}/stat: {error}"))?;
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Resident memory of this process.
///
/// # Errors
/// If the kernel does not tell.
pub fn memory_bytes() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let kilobytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kilobytes.ok_or("/proc/self/status names no VmRSS")? * 1024)
}
