//! PostgreSQL with a hash chain, behind a service over HTTP: `bench/peers/http-postgres`. Cluster, settings, table and
//! check are those of the comparison without HTTP.

use std::path::{Path, PathBuf};
use std::process::Command;

use causebook_load::{Failure, System};

use super::program::Program;
use super::{CONNECTIONS, Service};
use crate::systems::postgres::Postgres;
use crate::systems::postgres::server::Server;

pub(super) struct HttpPostgres {
    // First, so that its connections end before the database does.
    service: Program,
    server: Server,
    system: Postgres,
    folder: PathBuf,
}

impl HttpPostgres {
    pub(super) fn start(
        binaries: PathBuf,
        service: &Path,
        gather: bool,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let system = Postgres { binaries };
        let (folder, log) = (folder.join("cluster"), folder.join("service.log"));
        system.create(&folder)?;
        let server = system.start_checked(&folder)?;
        let sockets = server.sockets().display();
        let database = format!("host={sockets} user=postgres dbname=postgres");
        let service = Program::start(service, log, |command, address| {
            command.args(["-listen", &address.to_string(), "-database", &database]);
            command.args(["-connections", &CONNECTIONS.to_string()]);
            command.args(gather.then_some("-gather"));
        })?;
        Ok(Self {
            service,
            server,
            system,
            folder,
        })
    }
}

impl Service for HttpPostgres {
    fn url(&self) -> &str {
        &self.service.url
    }

    fn introduce(&self, driver: &mut Command) {
        driver.args(["--peer", "yes"]);
    }

    fn processor_seconds(&self) -> Result<f64, Failure> {
        Ok(self.service.processor_seconds()? + self.server.processor_seconds()?)
    }

    fn memory_bytes(&self) -> Result<u64, Failure> {
        Ok(self.service.memory_bytes()? + self.server.memory_bytes()?)
    }

    fn stop_and_check(self: Box<Self>) -> Result<u64, Failure> {
        let Self {
            service,
            server,
            system,
            folder,
        } = *self;
        service.stop()?;
        server.stop()?;
        let verified = system.read(&folder)?.verify()?;
        Ok(verified.ok_or("the chain was not checked")?)
    }
}
