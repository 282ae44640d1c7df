//! Causebook: `causebook serve`, asked with a token as in earnest, on a ledger made for it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use causebook_load::Failure;
use serde::Deserialize;

use super::Service;
use super::program::Program;

pub(super) struct Causebook {
    binary: PathBuf,
    home: PathBuf,
    token: String,
    server: Program,
}

impl Causebook {
    pub(super) fn start(binary: PathBuf, folder: &Path) -> Result<Self, Failure> {
        let home = folder.join("home");
        told(&binary, &home, &["init"])?;
        let token = ["token", "create", "--name", "load"];
        let roles = ["--role", "ingest", "--role", "auditor"];
        let token = told(&binary, &home, &[&token[..], &roles].concat())?;
        let server = Program::start(&binary, folder.join("serve.log"), |command, address| {
            alone(command, &home);
            command.args(["serve", "--listen", &address.to_string()]);
            // All connections are one principal.
            command.args(["--limits-requests-per-s", "0"]);
        })?;
        Ok(Self {
            binary,
            home,
            token: token.trim().to_owned(),
            server,
        })
    }
}

impl Service for Causebook {
    fn url(&self) -> &str {
        &self.server.url
    }

    fn introduce(&self, driver: &mut Command) {
        driver.env("CAUSEBOOK_TOKEN", &self.token);
    }

    fn processor_seconds(&self) -> Result<f64, Failure> {
        self.server.processor_seconds()
    }

    fn memory_bytes(&self) -> Result<u64, Failure> {
        self.server.memory_bytes()
    }

    fn stop_and_check(self: Box<Self>) -> Result<u64, Failure> {
        #[derive(Deserialize)]
        struct Verified {
            intact: bool,
            records_checked: u64,
        }
        let Self {
            binary,
            home,
            server,
            ..
        } = *self;
        server.stop()?;
        let report = told(&binary, &home, &["verify", "--format", "json"])?;
        let verified: Verified = serde_json::from_str(&report)?;
        if !verified.intact {
            return Err(format!("the ledger is not intact: {report}").into());
        }
        Ok(verified.records_checked)
    }
}

/// What a command on the home prints.
fn told(binary: &Path, home: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let mut command = Command::new(binary);
    alone(&mut command, home);
    let output = command.args(arguments).stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("causebook {}: {said}", arguments.join(" ")).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Neither the settings of who measures nor the heads that they have seen: those of the home only.
fn alone(command: &mut Command, home: &Path) {
    command
        .env_clear()
        .env("HOME", home)
        .env("CAUSEBOOK_HOME", home);
}
