//! Kills a writer under load, again and again, and looks each time whether anything acknowledged was lost or doubled.
//!
//! `kill [ROUNDS]` starts itself as a writer in a child process, which prints every receipt after it got it, kills it
//! with SIGKILL after a random while, recovers the ledger in this process, and verifies it. Ends with 1 if a record
//! was lost, doubled or moved, or if verification raised a false alarm.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use causebook_bench::{Failure, Random, create_ledger, loan_decision, open_ledger};
use causebook_ledger::{Depth, Options, VerifyRequest};
use causebook_record::Draft;

const ROUNDS: u64 = 100;
const LIFE_MILLIS_MAX: u64 = 180;
const WRITERS: u64 = 4;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let outcome = match arguments.get(1).map(String::as_str) {
        Some("--writer") => write_for_ever(
            Path::new(arguments.get(2).map_or("", String::as_str)),
            arguments.get(3),
        ),
        rounds => campaign(
            rounds
                .and_then(|rounds| rounds.parse().ok())
                .unwrap_or(ROUNDS),
        ),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            say(&format!("kill: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Small segments and flushes, so that kills hit every step of the write path.
fn options() -> Options {
    Options {
        segment_bytes: 1 << 20,
        flush_bytes: 3 << 20,
        checkpoint_interval: Duration::from_millis(20),
        ..Options::default()
    }
}

fn write_for_ever(folder: &Path, round: Option<&String>) -> Result<ExitCode, Failure> {
    let round = round.map_or("0", String::as_str);
    let ledger = open_ledger(folder, options())?;
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let ledger = ledger.clone();
            scope.spawn(move || {
                let mut random = Random::from_time();
                for batch in 0_u64.. {
                    let drafts = (0..=random.below(40)).filter_map(|number| {
                        let id = format!("r{round}-w{writer}-b{batch}-{number}");
                        Draft::parse(loan_decision(&id, &mut random).as_bytes()).ok()
                    });
                    for result in ledger.append_batch(drafts.collect(), "kill", "bench") {
                        match result {
                            Ok(receipt) => say(&format!("{} {}", receipt.index, receipt.id)),
                            Err(error) => return say(&format!("refused: {error}")),
                        }
                    }
                }
            });
        }
    });
    Ok(ExitCode::SUCCESS)
}

fn campaign(rounds: u64) -> Result<ExitCode, Failure> {
    let folder = tempfile::tempdir()?;
    let ledger_folder = folder.path().join("ledger");
    create_ledger(&ledger_folder)?;
    let mut random = Random::from_time();
    let mut acknowledged: HashMap<u64, String> = HashMap::new();
    let (mut lost, mut doubled, mut alarms, mut unacknowledged) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut stored = 0;
    for round in 0..rounds {
        let receipts = run_and_kill(&ledger_folder, round, 20 + random.below(LIFE_MILLIS_MAX))?;
        acknowledged.extend(receipts);
        let ledger = open_ledger(&ledger_folder, options())?;
        let reader = ledger.reader();
        ledger.wait_checkpoint(reader.size(), Duration::from_secs(10))?;
        let mut seen = HashMap::new();
        let mut unmet = acknowledged.clone();
        reader.scan(0..u64::MAX, &mut |row| {
            let id = row.record.fields().id.unwrap_or_default();
            if unmet.get(&row.index) == Some(&id) {
                unmet.remove(&row.index);
            }
            if seen.insert(id, row.index).is_some() {
                doubled += 1;
            }
            ControlFlow::Continue(())
        })?;
        lost += unmet.len() as u64;
        stored = seen.len() as u64;
        unacknowledged = stored - acknowledged.len() as u64;
        let request = VerifyRequest {
            depth: Depth::Full,
            remembered: None,
            threads: 2,
        };
        let report = reader.verify(&request, &mut |_, _| {})?;
        if !report.is_intact() {
            alarms += 1;
            say(&format!("round {round}: {:?}", report.findings.first()));
        }
        ledger.close()?;
    }
    say(&format!(
        "{rounds} kills: {} records acknowledged, {lost} lost, {doubled} doubled, {alarms} false alarms; {stored} stored, {unacknowledged} of them written but never acknowledged",
        acknowledged.len()
    ));
    let clean = lost == 0 && doubled == 0 && alarms == 0 && !acknowledged.is_empty();
    Ok(if clean {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Receipts that a writer got before it was killed.
fn run_and_kill(
    folder: &Path,
    round: u64,
    life_millis: u64,
) -> Result<Vec<(u64, String)>, Failure> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--writer")
        .arg(folder)
        .arg(round.to_string())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("the writer has no output")?;
    let receipts = thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let receipt = |line: String| {
            let (index, id) = line.split_once(' ')?;
            Some((index.parse().ok()?, id.to_owned()))
        };
        lines.filter_map(receipt).collect::<Vec<(u64, String)>>()
    });
    thread::sleep(Duration::from_millis(life_millis));
    child.kill()?;
    child.wait()?;
    receipts
        .join()
        .map_err(|_| "the reader of receipts failed".into())
}
