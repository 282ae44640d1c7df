//! Tampers with a real ledger in every way that comes to mind, one at a time, and looks what comes of it.
//!
//! `tampering [ACTS] [--seed SEED] [--write]` does so many acts (0 for all) on copies of a specimen and prints a table;
//! `--write` makes `docs/tampering.md` of it. Ends with 1 if anything went unnoticed, if opening the ledger for writing
//! hid or destroyed something, or if a reader crashed or hung. `--specimen FOLDER --only ACT` does one act again.

mod acts;
mod classes;
mod judge;
mod page;
mod parquet;
mod records;
mod specimen;
mod wal;
mod workers;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use causebook_bench::Stopwatch;
use causebook_torture::{Failure, option, say, scratch};

use crate::judge::{Judge, Outcome};
use crate::specimen::Specimen;

const SEED: u64 = 20_261_123;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("tampering: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<bool, Failure> {
    let seed = option(arguments, "--seed").map_or(Ok(SEED), |seed| seed.parse())?;
    if let Some(folder) = option(arguments, "--worker") {
        let numbers = option(arguments, "--acts").ok_or("--worker needs --acts")?;
        workers::work(Path::new(&folder), seed, &numbers)?;
        return Ok(true);
    }
    if let Some(number) = option(arguments, "--only") {
        let folder = option(arguments, "--specimen").ok_or("--only needs --specimen")?;
        return only(Path::new(&folder), seed, number.parse()?);
    }
    let count = arguments.first().filter(|first| !first.starts_with('-'));
    let count: usize = count.map_or(Ok(0), |count| count.parse())?;
    let write = arguments.iter().any(|argument| argument == "--write");
    campaign(seed, count, write)
}

/// One act again, in words.
fn only(folder: &Path, seed: u64, number: usize) -> Result<bool, Failure> {
    let specimen = Specimen::at(folder);
    let acts = acts::all(&specimen, seed)?;
    let act = acts.get(number).ok_or("there is no act of this number")?;
    let work = folder.join("only");
    let verdict = Judge::new(specimen, work.clone())?.judge(act)?;
    say(&format!(
        "act {number}: {}, {}: {}",
        act.class.title(),
        act.kind,
        act.what
    ));
    say(&format!(
        "{verdict:#?}\nthe files are in {}",
        work.display()
    ));
    Ok(!matches!(verdict.outcome, Outcome::Broken(_)))
}

fn campaign(seed: u64, count: usize, write: bool) -> Result<bool, Failure> {
    let watch = Stopwatch::start();
    let folder = scratch()?;
    let root: PathBuf = folder.path().join("specimen");
    std::fs::create_dir_all(&root)?;
    let specimen = Specimen::build(&root, seed)?;
    let acts = acts::all(&specimen, seed)?;
    let count = if count == 0 {
        acts.len()
    } else {
        count.min(acts.len())
    };
    say(&format!(
        "seed {seed}: {count} of {} acts on a ledger of {} files",
        acts.len(),
        causebook_torture::files_below(&specimen.now())?.len()
    ));
    let verdicts = workers::judge(&root, seed, count)?;
    let mut broken = 0;
    for (number, (act, verdict)) in acts.iter().zip(&verdicts).enumerate() {
        if let Outcome::Broken(what) = &verdict.outcome {
            broken += 1;
            say(&format!(
                "act {number}, {}, {}: {}\n  {what}",
                act.class.title(),
                act.kind,
                act.what
            ));
        }
    }
    let table = page::Table::of(&acts, &verdicts);
    say(&table.text());
    say(&format!(
        "{} in {:.0} s",
        table.summary(),
        watch.elapsed().as_secs_f64()
    ));
    if broken > 0 {
        let kept = folder.keep();
        say(&format!(
            "again: tampering --seed {seed} --specimen {} --only ACT",
            kept.join("specimen").display()
        ));
    } else if write {
        page::write(&table, &acts)?;
    }
    Ok(broken == 0)
}
