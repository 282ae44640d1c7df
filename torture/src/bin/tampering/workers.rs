//! Acts done in processes of their own, so that one that makes the product crash, hang or eat the memory is an outcome
//! and not the end of the campaign.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use causebook_torture::{Failure, say};
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::acts;
use crate::judge::{Judge, Outcome, Verdict};
use crate::specimen::Specimen;

const WORKERS: usize = 2;
/// Longest that an act may take; all of them together take milliseconds on a sound ledger.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Most address space of a worker: what a damaged file claims to need must not be asked for.
const MEMORY_BYTES_MAX: u64 = 8 << 30;

/// A line that a worker prints.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    act: usize,
    verdict: Verdict,
}

/// Judges the first `count` acts, in several processes.
pub(crate) fn judge(root: &Path, seed: u64, count: usize) -> Result<Vec<Verdict>, Failure> {
    let shares = thread::scope(|scope| {
        let shares: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let numbers: Vec<usize> = (worker..count).step_by(WORKERS).collect();
                scope.spawn(move || share(root, seed, numbers))
            })
            .collect();
        let joined = shares.into_iter().map(|share| {
            share
                .join()
                .unwrap_or_else(|_| Err("a thread of the campaign failed".into()))
        });
        joined.collect::<Result<Vec<_>, Failure>>()
    })?;
    let mut verdicts: Vec<(usize, Verdict)> = shares.into_iter().flatten().collect();
    verdicts.sort_by_key(|(number, _)| *number);
    Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
}

/// One worker's share; a worker that dies is replaced by one that goes on behind the act that it died of.
fn share(root: &Path, seed: u64, numbers: Vec<usize>) -> Result<Vec<(usize, Verdict)>, Failure> {
    let mut verdicts = Vec::with_capacity(numbers.len());
    while let Some(open) = numbers
        .get(verdicts.len()..)
        .filter(|open| !open.is_empty())
    {
        let (mut child, lines) = start(root, seed, open)?;
        let ended = loop {
            match lines.recv_timeout(TIME_MAX) {
                Ok(line) => {
                    if let Outcome::Broken(what) = &line.verdict.outcome {
                        say(&format!("act {}: {what}", line.act));
                    }
                    verdicts.push((line.act, line.verdict));
                }
                Err(RecvTimeoutError::Timeout) => {
                    child.kill()?;
                    child.wait()?;
                    break format!("a reader or writer hung for {} s", TIME_MAX.as_secs());
                }
                Err(RecvTimeoutError::Disconnected) => {
                    break format!("a reader or writer crashed: {}", child.wait()?);
                }
            }
        };
        if let Some(number) = numbers.get(verdicts.len()) {
            verdicts.push((*number, broken(ended)));
        }
    }
    Ok(verdicts)
}

fn broken(what: String) -> Verdict {
    Verdict {
        outcome: Outcome::Broken(what),
        rebuilt: false,
        refused: None,
        told: String::new(),
    }
}

fn start(root: &Path, seed: u64, numbers: &[usize]) -> Result<(Child, Receiver<Line>), Failure> {
    let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
    let mut child = Command::new(std::env::current_exe()?)
        .args([
            "--worker",
            &root.to_string_lossy(),
            "--seed",
            &seed.to_string(),
        ])
        .args(["--acts", &numbers.join(",")])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let output = child.stdout.take().ok_or("a worker has no output")?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        for line in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    Ok((child, receiver))
}

/// What a worker does.
pub(crate) fn work(root: &Path, seed: u64, numbers: &str) -> Result<(), Failure> {
    let limit = Rlimit {
        current: Some(MEMORY_BYTES_MAX),
        maximum: Some(MEMORY_BYTES_MAX),
    };
    setrlimit(Resource::As, limit)?;
    let specimen = Specimen::at(root);
    let acts = acts::all(&specimen, seed)?;
    let own = root.join(format!("work-{}", std::process::id()));
    let judge = Judge::new(specimen, own.clone())?;
    for number in numbers.split(',') {
        let number: usize = number.parse()?;
        let act = acts.get(number).ok_or("no such act")?;
        let verdict = judge
            .judge(act)
            .unwrap_or_else(|error| broken(format!("the act could not be done: {error}")));
        say(&serde_json::to_string(&Line {
            act: number,
            verdict,
        })?);
    }
    if own.exists() {
        std::fs::remove_dir_all(own)?;
    }
    Ok(())
}
