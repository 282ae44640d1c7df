//! Fails every call into the operating system that a ledger's life makes, one at a time, and kills the process at each.
//!
//! `syscalls [N] [--seed SEED]` lives the life of a ledger with the real binary under strace, once to find the calls
//! that touch its folder, then once for each call and each thing that can befall it (N of them, evenly taken; 0 for all).
//! After each the ledger is recovered and held against what was acknowledged. Then the same with disks that are full
//! at any point. Ends with 1 if a record was lost, doubled or moved, a failure was not told, or verification raised a
//! false alarm. `--only STAGE:CALL:PATH:NUMBER:FAULT` does one again.

mod check;
mod full;
mod life;
mod trace;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use causebook_bench::{Random, Stopwatch};
use causebook_torture::{Failure, beside, copy_tree, option, say, scratch};

use crate::check::Known;
use crate::life::{Life, STAGES, Stage};
use crate::trace::{Fault, Place};

const SEED: u64 = 20_261_123;
/// More than cores: most of a disturbed run is waiting.
const WORKERS: usize = 4;
/// Faults between two lines that say how far it is.
const TOLD_EVERY: usize = 250;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [writer, folder, part] if writer == "--writer" => life::write(Path::new(folder), part),
        _ => campaign(&arguments),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            life::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// One fault at one call of one stage.
#[derive(Clone, Debug)]
struct Target {
    stage: Stage,
    place: Place,
    fault: Fault,
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            stage,
            place,
            fault,
        } = self;
        write!(
            formatter,
            "{stage:?}:{}:{}:{}:{fault}",
            place.call, place.path, place.number
        )
    }
}

/// What came of the faults.
#[derive(Debug, Default)]
struct Tally {
    failed: usize,
    killed: usize,
    /// How often no thread made the call as many times on that file as before, by call.
    not_reached: BTreeMap<String, usize>,
    /// The process ended well in spite of the fault, and everything it promised held.
    survived: usize,
    broken: usize,
}

fn campaign(arguments: &[String]) -> Result<bool, Failure> {
    let watch = Stopwatch::start();
    let seed = option(arguments, "--seed").map_or(Ok(SEED), |seed| seed.parse())?;
    let count = arguments.first().filter(|first| !first.starts_with('-'));
    let count: usize = count.map_or(Ok(0), |count| count.parse())?;
    let folder = scratch()?;
    let root = folder.path().canonicalize()?;
    let life = Life::live(&root, &beside("causebook")?, seed)?;
    let all = targets(&life, &root)?;
    let chosen = match option(arguments, "--only") {
        Some(name) => all
            .iter()
            .filter(|target| target.to_string() == name)
            .cloned()
            .collect(),
        None => sample(&all, count, &mut Random::new(seed)),
    };
    if chosen.is_empty() {
        return Err("there is no such call".into());
    }
    say(&format!(
        "seed {seed}: {} of {} faults in the life of a ledger, evenly taken",
        chosen.len(),
        all.len()
    ));
    let tally = disturb(&life, &root, &chosen)?;
    let full = if option(arguments, "--only").is_some() {
        full::Outcome::default()
    } else {
        full::campaign(
            &life,
            &root,
            if count == 0 {
                full::STEPS
            } else {
                (count / 100).clamp(3, full::STEPS)
            },
        )?
    };
    for broken in &full.broken {
        say(broken);
    }
    say(&format!(
        "{} calls failed, {} processes killed at a call ({} faults survived; not reached: {}), {} full disks ({}): {} promises broken, in {:.0} s",
        tally.failed,
        tally.killed,
        tally.survived,
        counted(&tally.not_reached),
        full.runs,
        full.how,
        tally.broken + full.broken.len(),
        watch.elapsed().as_secs_f64()
    ));
    Ok(tally.broken == 0 && full.broken.is_empty() && tally.failed + tally.killed > 0)
}

/// Every call that touches the ledger's folder, in every stage, with everything that can befall it.
fn targets(life: &Life, root: &Path) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    let folder = root.join("count");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for stage in STAGES.into_iter().filter(|stage| *stage != Stage::Before) {
        fresh(&life.before(stage), &folder)?;
        let command = stage.command(life, &folder)?;
        let places = trace::places(&command, &folder, &root.join("log"))?;
        say(&format!("{:<42} {:>4} calls", stage.name(), places.len()));
        for place in places {
            *counts.entry(place.call.clone()).or_default() += 1;
            let faults = Fault::of(&place.call);
            targets.extend(faults.into_iter().map(|fault| Target {
                stage,
                place: place.clone(),
                fault,
            }));
        }
    }
    say(&counted(&counts));
    Ok(targets)
}

fn counted(counts: &BTreeMap<String, usize>) -> String {
    let counts: Vec<String> = counts
        .iter()
        .map(|(call, count)| format!("{call} {count}"))
        .collect();
    if counts.is_empty() {
        return "none".to_owned();
    }
    counts.join(", ")
}

/// Taken from all in equal shares, one from each share; of the many readings and closings of files fewer, since little
/// depends on them.
fn sample(all: &[Target], count: usize, random: &mut Random) -> Vec<Target> {
    if count == 0 || count >= all.len() {
        return all.to_vec();
    }
    let (idle, others): (Vec<&Target>, Vec<&Target>) = all
        .iter()
        .partition(|target| !Fault::of(&target.place.call).contains(&Fault::Kill));
    let mut shares = |targets: Vec<&Target>, count: usize| {
        let count = count.min(targets.len());
        // Not the first of each: which fault it is goes round with the place.
        let places = (0..count).map(|number| {
            let (begin, end) = (
                number * targets.len() / count,
                (number + 1) * targets.len() / count,
            );
            begin + random.below((end - begin) as u64) as usize
        });
        let chosen: Vec<Target> = places
            .filter_map(|place| targets.get(place).map(|target| (*target).clone()))
            .collect();
        chosen
    };
    let few = count / 6;
    let mut chosen = shares(others, count - few);
    chosen.extend(shares(idle, few));
    chosen
}

fn disturb(life: &Life, root: &Path, targets: &[Target]) -> Result<Tally, Failure> {
    let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
    let mut known = Vec::new();
    for stage in STAGES {
        known.push((stage, Known::before(stage, &life.before(stage))?));
    }
    let (next, tally_of, known) = (&next, &tally, &known);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                scope.spawn(move || -> Result<(), Failure> {
                    let folder = root.join(format!("work-{worker}"));
                    while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let known = known.iter().find(|(stage, _)| *stage == target.stage);
                        let (_, known) = known.ok_or("an unknown stage")?;
                        let hit = hit(life, target, known, &folder)?;
                        let mut tally = tally_of.lock().map_err(|_| "a worker failed")?;
                        tally.count(target, hit);
                        tally.tell_how_far(targets.len());
                    }
                    Ok(())
                })
            })
            .collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_| Failure::from("a worker failed"))??;
        }
        Ok::<(), Failure>(())
    })?;
    Ok(tally.into_inner()?)
}

enum Hit {
    NotReached,
    Held { survived: bool },
    Broken(String),
}

impl Tally {
    fn count(&mut self, target: &Target, hit: Hit) {
        let reached = match target.fault {
            Fault::Error(_) => &mut self.failed,
            Fault::Kill => &mut self.killed,
        };
        match hit {
            Hit::NotReached => {
                *self
                    .not_reached
                    .entry(target.place.call.clone())
                    .or_default() += 1;
                return;
            }
            Hit::Held { survived } => self.survived += usize::from(survived),
            Hit::Broken(what) => {
                self.broken += 1;
                say(&format!("{target}: {what}"));
            }
        }
        *reached += 1;
    }

    fn tell_how_far(&self, all: usize) {
        let done = self.failed + self.killed + self.not_reached.values().sum::<usize>();
        if done.is_multiple_of(TOLD_EVERY) {
            say(&format!(
                "{done} of {all} faults: {} promises broken",
                self.broken
            ));
        }
    }
}

fn hit(life: &Life, target: &Target, known: &Known, folder: &Path) -> Result<Hit, Failure> {
    let Target {
        stage,
        place,
        fault,
    } = target;
    fresh(&life.before(*stage), folder)?;
    let command = stage.command(life, folder)?;
    let log = folder.with_extension("log");
    let disturbed = trace::disturbed(&command, place, *fault, folder, &log)?;
    if disturbed.hits.is_empty() {
        return Ok(Hit::NotReached);
    }
    let output = &disturbed.output;
    let survived = output.status.success();
    let broken = |what: String| {
        let hits = disturbed.hits.join("\n  ");
        let said = String::from_utf8_lossy(&output.stderr)
            .trim()
            .replace('\n', "\n  ");
        Hit::Broken(format!("{what}\n  {hits}\n  {said}"))
    };
    if let Err(what) = known.holds_after(output, folder, *fault == Fault::Kill) {
        return Ok(broken(what));
    }
    if !survived || !stage.ids().is_empty() {
        let again = stage.command(life, folder)?.output()?;
        if let Err(what) = known.holds_at_last(&again, folder) {
            return Ok(broken(what));
        }
    }
    Ok(Hit::Held { survived })
}

/// Makes `to` a copy of `from`, whatever it was before.
fn fresh(from: &Path, to: &Path) -> Result<(), Failure> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    Ok(copy_tree(from, to)?)
}
