//! The server that is killed: the real binary, on a home of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use causebook_bench::Stopwatch;
use causebook_bench::http::{Request, Server};
use causebook_torture::{Failure, beside};

/// Longest wait for a server to be ready.
const READY_MAX: Duration = Duration::from_secs(20);
const LOOK_INTERVAL: Duration = Duration::from_millis(3);

/// A home with a ledger.
pub(crate) struct Home {
    binary: PathBuf,
    folder: PathBuf,
    address: String,
    server: Server,
}

impl Home {
    /// Makes one below a folder.
    pub(crate) fn create(folder: &Path) -> Result<Self, Failure> {
        let binary = beside("causebook")?;
        let folder = folder.join("home");
        let made = Command::new(&binary)
            .arg("init")
            .arg("--home")
            .arg(&folder)
            .output()?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(format!("causebook init: {said}").into());
        }
        // A port that nobody has at this moment, and that stays the same for all servers of the campaign.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        // Before a first token is made a server answers its own machine without one.
        let server = Server::parse(&format!("http://{address}"), None)?;
        Ok(Self {
            binary,
            folder,
            address,
            server,
        })
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.folder.join("ledgers/main")
    }

    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Starts a server.
    pub(crate) fn serve(&self) -> Result<Serving<'_>, Failure> {
        let child = Command::new(&self.binary)
            .args(["serve", "--listen", &self.address, "--home"])
            .arg(&self.folder)
            // All clients here are one principal.
            .args(["--limits-requests-per-s", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Serving { home: self, child })
    }
}

/// A server at work. It does not outlive this.
pub(crate) struct Serving<'a> {
    home: &'a Home,
    child: Child,
}

impl Serving<'_> {
    pub(crate) fn wait_ready(&mut self) -> Result<(), Failure> {
        let watch = Stopwatch::start();
        while watch.elapsed() < READY_MAX {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended with {status}").into());
            }
            let ready = self.home.server.connect().and_then(|mut connection| {
                let answer = connection.ask(&Request::get("/readyz"))?;
                Ok(answer.status == 200)
            });
            if matches!(ready, Ok(true)) {
                return Ok(());
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
        Err(format!("the server is not ready after {READY_MAX:?}").into())
    }

    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        // Gone already, as a rule.
        let _ = self.kill();
    }
}
