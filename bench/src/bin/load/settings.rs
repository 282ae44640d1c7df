//! What is asked for on the command line.

use std::path::PathBuf;

use causebook_bench::Failure;
use causebook_bench::api::Client;
use causebook_bench::http::Server;

pub(crate) const HELP: &str = "\
load --url http://HOST:PORT [OPTION VALUE]...

  Sends records to a server and checks all that it answers. The token is taken from CAUSEBOOK_TOKEN.

  --ledger NAME       the ledger (main)
  --mode MODES        closed, batches, arrow, open; several with commas (closed,batches,open)
  --records N         records a mode (20000)
  --connections N     connections of closed and open (64)
  --batch N           records a request of batches and arrow (1000)
  --rate N            arrivals a second of open (2000)
  --prove-every N     take and check the evidence of every N-th record (50; 0 for none)
  --wait-proof yes    closed and open: have every append answered with its evidence
  --verify-after yes  read every record back, and have the server verify the ledger
  --peer yes          the server is no ledger: POST /records, and no proofs
  --seed N            of records and ids; the same again sends the same (the time)
  --report FILE       write the figures as JSON

  Ends with 1 if anything was lost, doubled, unproven, refused or not as it was sent; a busy server (503) is asked again.
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Single records, each connection waiting for its answer.
    Closed,
    /// NDJSON over one connection.
    Batches,
    /// Arrow IPC streams over one connection.
    Arrow,
    /// Single records on a fixed schedule.
    Open,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Batches => "batches",
            Self::Arrow => "arrow",
            Self::Open => "open",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Closed, Self::Batches, Self::Arrow, Self::Open]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) ledger: String,
    pub(crate) modes: Vec<Mode>,
    pub(crate) records: usize,
    pub(crate) connections: usize,
    pub(crate) batch: usize,
    pub(crate) rate: u32,
    pub(crate) prove_every: usize,
    pub(crate) wait_proof: bool,
    pub(crate) verify_after: bool,
    /// The server takes records at `/records` and answers as a ledger does, but proves nothing.
    pub(crate) peer: bool,
    pub(crate) seed: u64,
    pub(crate) report: Option<PathBuf>,
}

impl Settings {
    /// Reads options, each followed by its value.
    pub(crate) fn read(
        arguments: &[String],
        token: Option<String>,
        seed: u64,
    ) -> Result<Self, Failure> {
        let mut settings = Self {
            server: Server::parse("http://127.0.0.1:0", None)?,
            ledger: "main".to_owned(),
            modes: vec![Mode::Closed, Mode::Batches, Mode::Open],
            records: 20_000,
            connections: 64,
            batch: 1_000,
            rate: 2_000,
            prove_every: 50,
            wait_proof: false,
            verify_after: false,
            peer: false,
            seed,
            report: None,
        };
        let mut url = None;
        for pair in arguments.chunks(2) {
            let [name, value] = pair else {
                return Err(format!("{} needs a value", pair.concat()).into());
            };
            let wrong = |error: std::num::ParseIntError| format!("{name} {value}: {error}");
            match name.as_str() {
                "--url" => url = Some(value),
                "--ledger" => settings.ledger.clone_from(value),
                "--mode" => settings.modes = modes(value)?,
                "--records" => settings.records = value.parse().map_err(wrong)?,
                "--connections" => settings.connections = value.parse().map_err(wrong)?,
                "--batch" => settings.batch = value.parse().map_err(wrong)?,
                "--rate" => settings.rate = value.parse().map_err(wrong)?,
                "--prove-every" => settings.prove_every = value.parse().map_err(wrong)?,
                "--wait-proof" => settings.wait_proof = yes(name, value)?,
                "--verify-after" => settings.verify_after = yes(name, value)?,
                "--peer" => settings.peer = yes(name, value)?,
                "--seed" => settings.seed = value.parse().map_err(wrong)?,
                "--report" => settings.report = Some(PathBuf::from(value)),
                other => return Err(format!("{other}: no such option").into()),
            }
        }
        let url = url.ok_or("--url is missing")?;
        settings.server = Server::parse(url, token)?;
        let counts = [settings.records, settings.connections, settings.batch];
        if counts.contains(&0) || settings.rate == 0 {
            return Err("--records, --connections, --batch and --rate: at least 1".into());
        }
        if settings.peer {
            settings.without_proofs()?;
        }
        Ok(settings)
    }

    /// A peer is not asked for what it cannot give.
    fn without_proofs(&mut self) -> Result<(), Failure> {
        if self.wait_proof || self.verify_after || self.modes.contains(&Mode::Arrow) {
            return Err(
                "--peer proves nothing and takes JSON only: leave out --wait-proof, --verify-after \
                and arrow"
                    .into(),
            );
        }
        self.prove_every = 0;
        Ok(())
    }

    /// A connection to where the records go.
    pub(crate) fn connect(&self) -> std::io::Result<Client> {
        if self.peer {
            Client::connect_peer(&self.server)
        } else {
            Client::connect(&self.server, &self.ledger)
        }
    }
}

fn modes(names: &str) -> Result<Vec<Mode>, Failure> {
    let named = |name: &str| {
        let mode = Mode::named(name);
        mode.ok_or_else(|| format!("--mode {name}: expected closed, batches, arrow or open").into())
    };
    names.split(',').map(named).collect()
}

fn yes(name: &str, value: &str) -> Result<bool, Failure> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        other => Err(format!("{name} {other}: expected yes or no").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, Failure> {
        let arguments: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Settings::read(&arguments, None, 7)
    }

    #[test]
    fn options_are_read_and_what_is_none_is_refused() {
        let settings = read("--url http://a:1 --mode open,closed --records 5 --wait-proof yes");
        let settings = settings.unwrap();
        assert_eq!(settings.modes, [Mode::Open, Mode::Closed]);
        assert_eq!(
            (settings.records, settings.wait_proof, settings.seed),
            (5, true, 7)
        );
        for bad in [
            "",
            "--url",
            "--url a:1",
            "--url http://a:1 --mode closes",
            "--url http://a:1 --records 0",
            "--url http://a:1 --records x",
            "--url http://a:1 --wait-proof 1",
            "--url http://a:1 --record 5",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_peer_is_asked_for_no_proofs() {
        let settings = read("--url http://a:1 --prove-every 5 --peer yes").unwrap();
        assert!(settings.peer && settings.prove_every == 0);
        for asked in ["--wait-proof yes", "--verify-after yes", "--mode arrow"] {
            assert!(read(&format!("--url http://a:1 --peer yes {asked}")).is_err());
        }
    }
}
