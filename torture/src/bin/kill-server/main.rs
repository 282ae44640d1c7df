//! Kills a server, again and again, under load, and looks each time whether anything acknowledged was lost or doubled.
//!
//! `kill-server [ROUNDS]` starts `causebook serve` on a home of its own and sends records over HTTP, one by one and in
//! batches. The server is killed with SIGKILL after a random while, sometimes while it starts. What was not acknowledged
//! is sent again under its id, as clients are told to do, and so is some of what was. Between kills the ledger is read and
//! verified from its files against the head of the round before. Ends with 1 if a record was lost, doubled or moved, an
//! answer was not what the API promises, or verification found something.

mod clients;
mod server;

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use causebook_bench::{Random, Stopwatch};
use causebook_ledger::RememberedHead;
use causebook_torture::{Failure, head_of, open_reader, say, scratch, verify};

use crate::clients::Clients;
use crate::server::Home;

const ROUNDS: u64 = 50;
/// A server lives so long, from its first answer on.
const LIFE_MILLIS_MAX: u64 = 600;
/// A server needs about this long to recover and listen.
const START_MILLIS_MAX: u64 = 150;
/// Of so many kills one is while the server starts.
const START_EVERY: u64 = 5;

fn main() -> ExitCode {
    let rounds = std::env::args().nth(1);
    let rounds = rounds.and_then(|rounds| rounds.parse().ok());
    match campaign(rounds.unwrap_or(ROUNDS)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("kill-server: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What was found in the ledger's files.
#[derive(Debug, Default)]
struct Found {
    stored: u64,
    lost: usize,
    doubled: usize,
    alarms: usize,
}

fn campaign(rounds: u64) -> Result<bool, Failure> {
    let watch = Stopwatch::start();
    let folder = scratch()?;
    let home = Home::create(folder.path())?;
    let mut random = Random::from_time();
    let clients = Clients::new(Random::from_time().below(u64::MAX));
    let mut head = None;
    let mut found = Found::default();
    let mut starting = 0;
    for round in 0..rounds {
        let mut server = home.serve()?;
        if round % START_EVERY == START_EVERY - 1 {
            std::thread::sleep(Duration::from_millis(random.below(START_MILLIS_MAX)));
            starting += 1;
            server.kill()?;
        } else {
            server.wait_ready()?;
            let life = Duration::from_millis(random.below(LIFE_MILLIS_MAX));
            clients.load(&home, || {
                std::thread::sleep(life);
                server.kill()
            })?;
        }
        look(&home.ledger(), &clients, &mut head, &mut found)?;
    }
    // What is still open is sent until it is acknowledged.
    let mut server = home.serve()?;
    server.wait_ready()?;
    clients.settle(&home)?;
    server.kill()?;
    look(&home.ledger(), &clients, &mut head, &mut found)?;
    let Found {
        stored,
        lost,
        doubled,
        alarms,
    } = found;
    let faults = clients.faults();
    for fault in &faults {
        say(fault);
    }
    say(&format!(
        "{rounds} kills of the server ({starting} of them while it started): {} records acknowledged over HTTP, {} sent again, \
         of which {} had been recorded; {lost} lost, {doubled} doubled, {} wrong answers; {stored} records stored and verified, \
         {alarms} false alarms; {:.0} s",
        clients.acknowledged().len(),
        clients.sent_again(),
        clients.repeated(),
        faults.len(),
        watch.elapsed().as_secs_f64()
    ));
    let broken = lost + doubled + alarms + faults.len();
    Ok(broken == 0 && !clients.acknowledged().is_empty())
}

/// Holds the files against all that was acknowledged.
fn look(
    ledger: &Path,
    clients: &Clients,
    head: &mut Option<RememberedHead>,
    found: &mut Found,
) -> Result<(), Failure> {
    let reader = open_reader(ledger)?;
    let mut places: HashMap<String, u64> = HashMap::new();
    reader.scan(0..u64::MAX, &mut |row| {
        let id = row.record.fields().id.unwrap_or_default();
        if places.insert(id, row.index).is_some() {
            found.doubled += 1;
        }
        ControlFlow::Continue(())
    })?;
    found.stored = places.len() as u64;
    for (id, index) in clients.acknowledged() {
        if places.get(&id) != Some(&index) {
            found.lost += 1;
            say(&format!(
                "{id} was acknowledged at {index}, and is at {:?}",
                places.get(&id)
            ));
        }
    }
    let report = verify(&reader, head.as_ref())?;
    for finding in report.findings.iter().take(1) {
        found.alarms += 1;
        say(&format!("false alarm: {finding}"));
    }
    *head = head_of(&reader);
    Ok(())
}
