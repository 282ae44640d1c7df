//! Causebook beside other systems: same records, same disk, same durability, in one run.
//!
//! `causebook-compare run` puts every system through the same plans, round after round, and prints one table;
//! `causebook-compare growth` grows some of them to millions of records; `causebook-compare load` puts the same load on servers
//! over HTTP. `cargo xtask bench` and `cargo xtask load` build what they need and call them. `causebook-compare subject NAME
//! plan FILE` and `causebook-compare served SERVICE load FILE` are how this program runs one of them in a process of its own.

mod children;
mod failures;
mod growth;
mod limits;
mod load;
mod measures;
mod results;
mod run;
mod scratch;
mod served;
mod settings;
mod systems;
mod table;

use std::io::Write;
use std::process::ExitCode;

use causebook_load::{Failure, System, run_task, task};

use crate::settings::Settings;
use crate::systems::postgres::Postgres;
use crate::systems::sqlite::Sqlite;
use crate::systems::textfile::TextFile;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody listening is no reason to stop.
            let _ = writeln!(std::io::stderr(), "failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [what, settings @ ..] if what == "run" => run::run(&Settings::read(settings)?),
        [what, settings @ ..] if what == "growth" => growth::run(&Settings::read(settings)?),
        [what, settings @ ..] if what == "load" => load::run(&Settings::read(settings)?),
        [what, name, rest @ ..] if what == "subject" => {
            run_task(subject(name)?.as_ref(), &task(rest)?)
        }
        [what, name, task, file] if what == "served" && task == "load" => {
            let plan = serde_json::from_slice(&std::fs::read(file)?)?;
            served::run(serde_json::from_str(name)?, &plan)
        }
        _ => Err(
            "expected: run, growth, load, subject NAME or served SERVICE, and their settings"
                .into(),
        ),
    }
}

fn subject(name: &str) -> Result<Box<dyn System>, Failure> {
    match name.split_once('=').unwrap_or((name, "")) {
        ("sqlite", _) => Ok(Box::new(Sqlite)),
        ("textfile", _) => Ok(Box::new(TextFile)),
        ("postgres", binaries) => Ok(Box::new(Postgres {
            binaries: binaries.into(),
        })),
        (other, _) => Err(format!("there is no system {other} here").into()),
    }
}

/// Says a line to who watches; the tables alone go to standard output.
fn say(line: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{line}");
}
