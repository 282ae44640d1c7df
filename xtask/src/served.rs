//! A server of the binary that was built, on a ledger made for it, for as long as a task needs one.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::run::{Failure, say};

/// A running server. It is killed when this is dropped.
pub(crate) struct Served {
    child: Child,
    /// `http://127.0.0.1:PORT`
    pub(crate) url: String,
}

impl Served {
    /// Serves a home, on a port that was free, with more arguments of `causebook serve`.
    pub(crate) fn start(binary: &str, home: &str, arguments: &[&str]) -> Result<Self, Failure> {
        let address = free_port()?;
        let listen = address.to_string();
        say(&format!(
            "$ causebook serve --listen {listen} {}",
            arguments.join(" ")
        ));
        let child = Command::new(binary)
            .args(["serve", "--home", home, "--listen", &listen])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(
                Path::new(home).with_extension("log"),
            )?)
            .spawn()?;
        let mut served = Self {
            child,
            url: format!("http://{address}"),
        };
        for _ in 0..STARTS_AFTER {
            if TcpStream::connect(address).is_ok() {
                return Ok(served);
            }
            if let Some(status) = served.child.try_wait()? {
                let log = std::fs::read_to_string(Path::new(home).with_extension("log"))?;
                return Err(format!("causebook serve: {status}\n{log}").into());
            }
            sleep(PAUSE);
        }
        Err("causebook serve does not answer".into())
    }

    /// Whether it is still running.
    pub(crate) fn lives(&mut self) -> Result<bool, Failure> {
        Ok(self.child.try_wait()?.is_none())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?)
}

const PAUSE: Duration = Duration::from_millis(50);
/// Pauses until a server must answer: 30 seconds.
const STARTS_AFTER: u32 = 600;
