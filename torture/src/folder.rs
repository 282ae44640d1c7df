//! Folders of files: copied, listed, and compared before and after.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

/// A folder of our own that goes with the value: in memory where the system has a place for that, since no campaign
/// here cuts the power and syncs to a device would only cost time.
///
/// # Errors
/// If none can be made.
pub fn scratch() -> io::Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

/// Copies a folder with everything below it. `to` must not exist.
///
/// # Errors
/// Whatever the file system reports.
pub fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Relative paths of all files below a folder, sorted.
///
/// # Errors
/// Whatever the file system reports.
pub fn files_below(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![String::new()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(folder.join(&directory))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if directory.is_empty() {
                name
            } else {
                format!("{directory}/{name}")
            };
            if entry.file_type()?.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A hash of every file below a folder that `counts`, by path.
///
/// # Errors
/// Whatever the file system reports.
pub fn fingerprints(
    folder: &Path,
    counts: impl Fn(&str) -> bool,
) -> io::Result<BTreeMap<String, [u8; 32]>> {
    let mut prints = BTreeMap::new();
    for path in files_below(folder)?.into_iter().filter(|path| counts(path)) {
        let hash = Sha256::digest(fs::read(folder.join(&path))?).into();
        prints.insert(path, hash);
    }
    Ok(prints)
}
