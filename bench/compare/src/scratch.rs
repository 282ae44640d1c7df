//! The folder that everything happens in, and its end: it is removed, and what runs is stopped, however the comparison
//! ends, by a signal too.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causebook_load::Failure;
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

const INTERRUPTED: i32 = 130;
/// Time for a stopped system to end before its folder is removed.
const END_WAIT: Duration = Duration::from_secs(3);

/// Folders of one comparison.
pub(crate) struct Scratch {
    files: TempDir,
    /// For sockets, whose paths must be short.
    sockets: TempDir,
    running: Running,
}

/// The process group that runs now, if one does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running(Arc<Mutex<Option<Pid>>>);

impl Running {
    pub(crate) fn set(&self, group: Option<Pid>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = group;
    }

    /// Stops the group and all in it.
    pub(crate) fn stop(&self) {
        let group = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(group) = group {
            // Errors mean that it has ended already.
            let _ = kill_process_group(group, Signal::TERM);
            std::thread::sleep(END_WAIT);
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Scratch {
    pub(crate) fn new(parent: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(parent)?;
        let files = tempfile::Builder::new()
            .prefix("compare-")
            .tempdir_in(parent)?;
        let sockets = tempfile::tempdir()?;
        for folder in [&files, &sockets] {
            // A database server runs as another user if this program is root's.
            std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777))?;
        }
        let running = Running::default();
        clean_up_when_told(
            running.clone(),
            [files.path().to_owned(), sockets.path().to_owned()],
        )?;
        Ok(Self {
            files,
            sockets,
            running,
        })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    pub(crate) fn sockets(&self) -> &Path {
        self.sockets.path()
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Removes what a system left.
    pub(crate) fn clear(&self, name: &str) -> Result<(), Failure> {
        let path = self.path(name);
        if path.exists() {
            std::fs::remove_dir_all(path)?;
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.running.stop();
    }
}

fn clean_up_when_told(running: Running, folders: [PathBuf; 2]) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            running.stop();
            for folder in folders {
                // Whoever interrupts wants an end above all.
                let _ = std::fs::remove_dir_all(folder);
            }
            std::process::exit(INTERRUPTED);
        }
    });
    Ok(())
}
