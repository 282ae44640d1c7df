//! A throwaway PostgreSQL cluster: made in a folder, started without a network, stopped when it is dropped.

use std::fs::{File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use causebook_load::{Failure, Stopwatch, processor_seconds};
use postgres::{Client, Config, NoTls};
use rustix::process::{Pid, Signal, kill_process};

use crate::served::memory_bytes;

const START_WAIT_MAX: Duration = Duration::from_secs(60);
const STOP_WAIT_MAX: Duration = Duration::from_secs(120);
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// A quarter of the machine's memory is what the documentation advises; more than this it would not use here.
const SHARED_BUFFERS_MAX: u64 = 2 << 30;

/// What is set, and why: see `bench/README.md`.
fn settings() -> Result<Vec<String>, Failure> {
    let buffers_mb = (machine_memory()? / 4).min(SHARED_BUFFERS_MAX) >> 20;
    Ok(vec![
        "fsync=on".to_owned(),
        "synchronous_commit=on".to_owned(),
        "full_page_writes=on".to_owned(),
        "wal_sync_method=fdatasync".to_owned(),
        format!("shared_buffers={buffers_mb}MB"),
        "max_wal_size=4GB".to_owned(),
        "checkpoint_completion_target=0.9".to_owned(),
        "wal_level=minimal".to_owned(),
        "max_wal_senders=0".to_owned(),
        "max_connections=80".to_owned(),
        "listen_addresses=".to_owned(),
    ])
}

fn machine_memory() -> Result<u64, Failure> {
    let text = std::fs::read_to_string("/proc/meminfo")?;
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kilobytes.ok_or("/proc/meminfo names no MemTotal")? * 1024)
}

/// The user that the server runs as: `initdb` and `postgres` refuse to run as root.
#[derive(Clone, Copy, Debug)]
struct Account {
    user: u32,
    group: u32,
}

fn account() -> Result<Option<Account>, Failure> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let of = |name: &str| {
        users.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [found, _, user, group, ..] = fields.as_slice() else {
                return None;
            };
            (*found == name).then_some(())?;
            Some(Account {
                user: user.parse().ok()?,
                group: group.parse().ok()?,
            })
        })
    };
    let account = of("postgres").or_else(|| of("nobody"));
    Ok(Some(account.ok_or(
        "there is no user postgres or nobody to run the server as",
    )?))
}

fn command(program: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
    command
        .stdin(Stdio::null())
        .env("LC_ALL", "C")
        .current_dir("/");
    command
}

/// Makes a cluster in `folder`, owned by the user that will run it.
pub(super) fn create_cluster(binaries: &Path, folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    let account = account()?;
    if let Some(account) = account {
        chown(folder, Some(account.user), Some(account.group))?;
    }
    if let Some(closed) = closed_on_the_way(folder, account)? {
        return Err(format!(
            "the user that PostgreSQL runs as cannot enter {}: set CAUSEBOOK_BENCH_FOLDER to a folder on the disk to be \
            measured that every user can reach, such as one below /var/tmp",
            closed.display()
        )
        .into());
    }
    let output = command(&binaries.join("initdb"), account)
        .args([
            "--auth=trust",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--pgdata",
        ])
        .arg(folder.join("data"))
        .output()?;
    if !output.status.success() {
        return Err(format!("initdb: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(())
}

/// The first folder on the way to one, and it itself, that the user may not enter.
fn closed_on_the_way(folder: &Path, account: Option<Account>) -> Result<Option<PathBuf>, Failure> {
    let folder = folder.canonicalize()?;
    let way: Vec<&Path> = folder.ancestors().collect();
    for place in way.into_iter().rev() {
        // Asked as the user, because rights may come from anywhere.
        let mut test = command(Path::new("test"), account);
        if !test.arg("-x").arg(place).status()?.success() {
            return Ok(Some(place.to_owned()));
        }
    }
    Ok(None)
}

/// What is measured must be what was asked for.
pub(super) fn check_durability(client: &mut Client) -> Result<(), Failure> {
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value: String = client
            .query_one(&format!("SHOW {setting}"), &[])?
            .try_get(0)?;
        if value != "on" {
            return Err(format!("PostgreSQL runs with {setting}={value}").into());
        }
    }
    Ok(())
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Short, because a socket's path may have 107 characters only.
    sockets: tempfile::TempDir,
    stopped: bool,
}

impl Server {
    pub(super) fn start(binaries: &Path, folder: &Path) -> Result<Self, Failure> {
        let account = account()?;
        let sockets = tempfile::tempdir()?;
        std::fs::set_permissions(sockets.path(), Permissions::from_mode(0o755))?;
        if let Some(account) = account {
            chown(sockets.path(), Some(account.user), Some(account.group))?;
        }
        let log_path: PathBuf = folder.join("log");
        let log = File::options().create(true).append(true).open(&log_path)?;
        let mut command = command(&binaries.join("postgres"), account);
        command
            .arg("-D")
            .arg(folder.join("data"))
            .arg("-k")
            .arg(sockets.path());
        for setting in settings()? {
            command.args(["-c", &setting]);
        }
        let child = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut server = Self {
            child,
            sockets,
            stopped: false,
        };
        let watch = Stopwatch::start();
        loop {
            match server.connect() {
                Ok(_) => return Ok(server),
                Err(error) => {
                    let ended = server.child.try_wait()?.is_some();
                    if ended || watch.elapsed() > START_WAIT_MAX {
                        let said = std::fs::read_to_string(&log_path)?;
                        return Err(format!("PostgreSQL did not start: {error}\n{said}").into());
                    }
                }
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Where its socket is.
    pub(crate) fn sockets(&self) -> &Path {
        self.sockets.path()
    }

    pub(super) fn connect(&self) -> Result<Client, Failure> {
        let mut config = Config::new();
        config
            .host_path(self.sockets.path())
            .user("postgres")
            .dbname("postgres");
        Ok(config.connect(NoTls)?)
    }

    /// Processor time of the server: its first process and all that it started and that still run.
    pub(crate) fn processor_seconds(&self) -> Result<f64, Failure> {
        let mut seconds = processor_seconds(&self.child.id().to_string())?;
        for child in self.children()? {
            // A helper that has just ended took little.
            seconds += processor_seconds(&child.to_string()).unwrap_or_default();
        }
        Ok(seconds)
    }

    /// Memory of the server: its first process and all that it started, what they share counted once.
    pub(crate) fn memory_bytes(&self) -> Result<u64, Failure> {
        let mut bytes = memory_bytes(self.child.id())?;
        for child in self.children()? {
            // A helper that has just ended has none.
            bytes += memory_bytes(child).unwrap_or_default();
        }
        Ok(bytes)
    }

    fn children(&self) -> Result<Vec<u32>, Failure> {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let ids = children.split_whitespace().map(str::parse);
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Stops it in order: what it was given is in the table's files then.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        self.end(Signal::INT)
    }

    fn end(&mut self, signal: Signal) -> Result<(), Failure> {
        self.stopped = true;
        kill_process(Pid::from_child(&self.child), signal)?;
        let watch = Stopwatch::start();
        while self.child.try_wait()?.is_none() {
            if watch.elapsed() > STOP_WAIT_MAX {
                self.child.kill()?;
                return Err("PostgreSQL did not stop and was killed".into());
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.stopped {
            // An orderly end; if that fails the folder is thrown away with whatever is left.
            let _ = self.end(Signal::INT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_the_user_may_not_enter_is_named() {
        let account = account().unwrap();
        let parent = tempfile::tempdir().unwrap();
        let open = Permissions::from_mode(0o755);
        std::fs::set_permissions(parent.path(), open.clone()).unwrap();
        let folder = parent.path().join("closed/below");
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(closed_on_the_way(&folder, account).unwrap(), None);
        let closed = parent.path().join("closed");
        let whole = closed.canonicalize().unwrap();
        std::fs::set_permissions(&closed, Permissions::from_mode(0o000)).unwrap();
        let found = closed_on_the_way(&closed, account);
        std::fs::set_permissions(&closed, open).unwrap();
        assert_eq!(found.unwrap(), Some(whole));
    }
}
