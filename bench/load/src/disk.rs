//! What a folder takes on disk, and a process in memory.

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
