//! Files that are on stable storage before anyone can see them under their name.
//!
//! A new file is written beside its place, synced, published by rename or link, and its directory is synced; a new
//! directory is synced into its parent; a removal is synced too, because erased data must not come back after a power
//! cut. Every step is announced to a [`Watch`] first, which tests use to record the order and to stop at any point.

use std::fmt;
use std::fs;
use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One step towards durability, announced before it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A directory is created.
    CreateDirectory(PathBuf),
    /// The bytes of a file are written under a temporary name in the directory of this path.
    Write(PathBuf),
    /// The bytes written for this path are synced.
    SyncFile(PathBuf),
    /// The file appears under its name.
    Publish(PathBuf),
    /// The entries of a directory are synced.
    SyncDirectory(PathBuf),
    /// A file is removed.
    Remove(PathBuf),
}

/// Sees every [`Step`] before it is taken; an error stops the operation there, as a crash would.
#[derive(Clone)]
pub struct Watch(Arc<See>);

type See = dyn Fn(&Step) -> io::Result<()> + Send + Sync;

impl Watch {
    /// A watch that calls `see`.
    pub fn new(see: impl Fn(&Step) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self(Arc::new(see))
    }

    /// A watch that lets everything pass.
    pub fn none() -> Self {
        Self::new(|_| Ok(()))
    }

    fn see(&self, step: Step) -> io::Result<()> {
        (self.0)(&step)
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Watch")
    }
}

/// What happens when a file of that name is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It is replaced atomically.
    Replace,
    /// The write fails with [`io::ErrorKind::AlreadyExists`].
    Refuse,
}

/// Writes a file so that it is durable under its name when this returns.
pub(crate) fn write<'a>(
    watch: &Watch,
    path: &Path,
    chunks: impl Iterator<Item = &'a [u8]>,
    existing: Existing,
) -> io::Result<()> {
    let directory = parent(path)?;
    create_directories(watch, directory)?;
    let staged = staged_path(path);
    let outcome = write_staged(watch, path, &staged, chunks)
        .and_then(|()| publish(watch, path, &staged, existing));
    if outcome.is_err() {
        // The error that matters is already in hand; what stays behind is swept by the next writer.
        let _ = fs::remove_file(&staged);
        return outcome;
    }
    sync_directory(watch, directory)
}

/// Syncs a file, if it is there, and the directory that holds it.
pub(crate) fn sync(watch: &Watch, path: &Path) -> io::Result<()> {
    watch.see(Step::SyncFile(path.to_owned()))?;
    match fs::File::open(path) {
        Ok(file) => file.sync_all()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    sync_directory(watch, parent(path)?)
}

/// Removes files and syncs the directories that held them. Files that are not there are fine.
pub(crate) fn remove(watch: &Watch, paths: &[PathBuf]) -> io::Result<()> {
    let mut directories: Vec<&Path> = Vec::new();
    for path in paths {
        watch.see(Step::Remove(path.clone()))?;
        match fs::remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        }
        let directory = parent(path)?;
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    for directory in directories {
        sync_directory(watch, directory)?;
    }
    Ok(())
}

/// Creates a directory and those above it, each synced into its parent.
pub(crate) fn create_directories(watch: &Watch, directory: &Path) -> io::Result<()> {
    let mut missing = Vec::new();
    let mut ancestor = directory;
    while !ancestor.as_os_str().is_empty() && !ancestor.try_exists()? {
        missing.push(ancestor);
        ancestor = match ancestor.parent() {
            Some(above) => above,
            None => break,
        };
    }
    for created in missing.into_iter().rev() {
        watch.see(Step::CreateDirectory(created.to_owned()))?;
        match fs::create_dir(created) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        sync_directory(watch, parent(created)?)?;
    }
    Ok(())
}

/// Whether a file name is one that an unfinished [`write`] leaves behind.
pub(crate) fn is_staged(name: &str) -> bool {
    name.rsplit_once('#').is_some_and(|(_, suffix)| {
        !suffix.is_empty() && suffix.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn write_staged<'a>(
    watch: &Watch,
    path: &Path,
    staged: &Path,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> io::Result<()> {
    watch.see(Step::Write(path.to_owned()))?;
    let mut file = fs::File::create(staged)?;
    for chunk in chunks {
        file.write_all(chunk)?;
    }
    watch.see(Step::SyncFile(path.to_owned()))?;
    file.sync_all()
}

fn publish(watch: &Watch, path: &Path, staged: &Path, existing: Existing) -> io::Result<()> {
    watch.see(Step::Publish(path.to_owned()))?;
    match existing {
        Existing::Replace => fs::rename(staged, path),
        Existing::Refuse => {
            fs::hard_link(staged, path)?;
            // Published already: a second name that stays is swept by the next writer.
            let _ = fs::remove_file(staged);
            Ok(())
        }
    }
}

fn sync_directory(watch: &Watch, directory: &Path) -> io::Result<()> {
    watch.see(Step::SyncDirectory(directory.to_owned()))?;
    fs::File::open(directory)?.sync_all()
}

/// `name#7` is a name that `object_store` never lists, so nobody takes an unfinished file for a finished one.
fn staged_path(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut staged = path.as_os_str().to_owned();
    staged.push(format!(
        "#{}{:06}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed) % 1_000_000
    ));
    PathBuf::from(staged)
}

fn parent(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(above) if above.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(above) => Ok(above),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} has no directory", path.display()),
        )),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    fn recorder() -> (Watch, Arc<Mutex<Vec<Step>>>) {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&steps);
        let watch = Watch::new(move |step| {
            seen.lock().unwrap().push(step.clone());
            Ok(())
        });
        (watch, steps)
    }

    #[test]
    fn a_file_is_synced_before_it_has_its_name_and_its_directory_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/file");
        let (watch, steps) = recorder();
        write(
            &watch,
            &path,
            [&b"abc"[..], b"def"].into_iter(),
            Existing::Refuse,
        )
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abcdef");
        let directory = folder.path().join("new");
        assert_eq!(
            *steps.lock().unwrap(),
            [
                Step::CreateDirectory(directory.clone()),
                Step::SyncDirectory(folder.path().to_owned()),
                Step::Write(path.clone()),
                Step::SyncFile(path.clone()),
                Step::Publish(path.clone()),
                Step::SyncDirectory(directory.clone()),
            ]
        );
        assert_eq!(
            fs::read_dir(&directory).unwrap().count(),
            1,
            "no staged file stays"
        );
    }

    #[test]
    fn a_write_that_stops_before_publishing_leaves_the_old_file_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(
            &Watch::none(),
            &path,
            [&b"old"[..]].into_iter(),
            Existing::Replace,
        )
        .unwrap();
        let stopping = Watch::new(|step| match step {
            Step::Publish(_) => Err(io::Error::other("stopped")),
            _ => Ok(()),
        });
        write(
            &stopping,
            &path,
            [&b"new"[..]].into_iter(),
            Existing::Replace,
        )
        .unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn an_existing_file_can_be_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(
            &Watch::none(),
            &path,
            [&b"old"[..]].into_iter(),
            Existing::Refuse,
        )
        .unwrap();
        let error = write(
            &Watch::none(),
            &path,
            [&b"new"[..]].into_iter(),
            Existing::Refuse,
        )
        .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }

    #[test]
    fn a_removal_is_synced_once_per_directory() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        fs::write(&a, b"a").unwrap();
        fs::write(&b, b"b").unwrap();
        let (watch, steps) = recorder();
        remove(&watch, &[a.clone(), b.clone(), folder.path().join("never")]).unwrap();
        assert!(!a.exists() && !b.exists());
        let syncs = steps
            .lock()
            .unwrap()
            .iter()
            .filter(|s| matches!(s, Step::SyncDirectory(_)))
            .count();
        assert_eq!(syncs, 1);
    }

    #[test]
    fn staged_names_are_told_from_finished_ones() {
        let staged = staged_path(Path::new("/t/part-1.parquet"));
        assert!(is_staged(staged.file_name().unwrap().to_str().unwrap()));
        assert!(!is_staged("part-1.parquet"));
        assert!(!is_staged("odd#name"));
        assert!(!is_staged("odd#"));
    }
}
