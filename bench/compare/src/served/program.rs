//! A program that answers over HTTP: started on a free port, looked at, stopped in order.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use causebook_load::{Failure, Stopwatch, processor_seconds};
use rustix::process::{Pid, Signal, kill_process};

const START_WAIT_MAX: Duration = Duration::from_secs(60);
/// What is in memory has to be written.
const STOP_WAIT_MAX: Duration = Duration::from_secs(120);
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// A running program. It is killed if it is dropped.
pub(super) struct Program {
    child: Child,
    log: PathBuf,
    pub(super) url: String,
}

impl Program {
    /// Starts a program that listens where `arguments` tell it to, and waits until it answers.
    pub(super) fn start(
        program: &Path,
        log: PathBuf,
        arguments: impl FnOnce(&mut Command, SocketAddr),
    ) -> Result<Self, Failure> {
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new(program);
        arguments(&mut command, address);
        let output = File::create(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut started = Self {
            child,
            log,
            url: format!("http://{address}"),
        };
        let watch = Stopwatch::start();
        while TcpStream::connect(address).is_err() {
            if started.child.try_wait()?.is_some() || watch.elapsed() > START_WAIT_MAX {
                return Err(started.failed("it did not start"));
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        Ok(started)
    }

    pub(super) fn processor_seconds(&self) -> Result<f64, Failure> {
        processor_seconds(&self.child.id().to_string())
    }

    pub(super) fn memory_bytes(&self) -> Result<u64, Failure> {
        memory_bytes(self.child.id())
    }

    /// Tells it to stop and waits until it has, in order.
    pub(super) fn stop(mut self) -> Result<(), Failure> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let watch = Stopwatch::start();
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failed(&status.to_string())),
                None if watch.elapsed() > STOP_WAIT_MAX => {
                    return Err(self.failed("it did not stop"));
                }
                None => std::thread::sleep(LOOK_INTERVAL),
            }
        }
    }

    fn failed(&self, how: &str) -> Failure {
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        format!("{how}\n{said}").into()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Errors mean that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of a process, of what it shares with others its part only: so those of many can be added.
pub(crate) fn memory_bytes(process: u32) -> Result<u64, Failure> {
    let file = format!("/proc/{process}/smaps_rollup");
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{file}: {error}"))?;
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    Ok(kilobytes.ok_or_else(|| format!("{file} names no Pss"))? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_and_its_part_of_what_it_shares() {
        let held = std::hint::black_box(vec![1_u8; 32 << 20]);
        let bytes = memory_bytes(std::process::id()).unwrap();
        assert!(bytes > held.len() as u64, "{bytes}");
    }

    #[test]
    fn a_program_that_ends_at_once_is_a_failure_that_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let started = Program::start(Path::new("/bin/sh"), log, |command, _| {
            command.args(["-c", "echo no such ledger >&2; exit 3"]);
        });
        let error = started.err().unwrap().to_string();
        assert!(error.contains("no such ledger"), "{error}");
    }
}
