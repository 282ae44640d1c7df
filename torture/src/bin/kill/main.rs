//! Kills a writer, again and again, and looks each time whether anything acknowledged was lost or doubled.
//!
//! `kill [ROUNDS]` starts itself as a writer in a child process, which prints every receipt after it got it, and kills it
//! with SIGKILL after a random while: under load, while it erases, while it merges files of the table, and while it
//! recovers from the kill before. Beside the writer a reader verifies all the time. Then the ledger is recovered in this
//! process, and verified against the head seen a round earlier. Ends with 1 if a record was lost, doubled or moved, an
//! erased value came back, or verification raised a false alarm.

mod writer;

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead, BufReader};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use causebook_bench::{Random, Stopwatch, create_ledger, open_ledger};
use causebook_ledger::{Reader, RememberedHead};
use causebook_torture::{Failure, head_of, open_reader, say, verify};

use crate::writer::{Work, options};

const ROUNDS: u64 = 100;
/// Rounds that one ledger lives. Each verifies all of it, so a longer life would be spent with verifying.
const ROUNDS_A_LEDGER: u64 = 20;
const LIFE_MILLIS_MAX: u64 = 180;
/// An erasure rewrites files of the table, which takes its time.
const ERASING_MILLIS_MAX: u64 = 400;
/// A writer needs about this long to recover.
const RECOVERY_MILLIS_MAX: u64 = 30;
/// Longest wait for a writer's first receipt.
const START_MAX: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [mode, folder, round, work] if mode == "--writer" => {
            writer::write_for_ever(Path::new(folder), round, work).map(|()| true)
        }
        rest => campaign(
            rest.first()
                .and_then(|rounds| rounds.parse().ok())
                .unwrap_or(ROUNDS),
        ),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("kill: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// How long a writer lives, in milliseconds.
#[derive(Clone, Copy, Debug)]
enum Life {
    /// From its first receipt on.
    Working(u64),
    /// From its first erasure on.
    Erasing(u64),
    /// From its start on.
    Recovering(u64),
}

/// What the campaign came to.
#[derive(Debug, Default)]
struct Tally {
    kills: u64,
    in_recovery: u64,
    acknowledged: usize,
    erased: usize,
    lost: u64,
    doubled: u64,
    returned: u64,
    alarms: u64,
    stored: u64,
    looks_beside: u64,
}

impl Tally {
    fn is_clean(&self) -> bool {
        let faults = self.lost + self.doubled + self.returned + self.alarms;
        faults == 0 && self.acknowledged > 0 && self.erased > 0 && self.looks_beside > 0
    }
}

/// What was acknowledged of one ledger.
#[derive(Debug, Default)]
struct Promised {
    receipts: HashMap<u64, String>,
    erased: BTreeSet<String>,
    head: Option<RememberedHead>,
}

fn campaign(rounds: u64) -> Result<bool, Failure> {
    let watch = Stopwatch::start();
    let folder = tempfile::tempdir()?;
    let mut random = Random::from_time();
    let mut tally = Tally::default();
    let mut promised = Promised::default();
    let mut ledger_folder = folder.path().join("ledger-0");
    for round in 0..rounds {
        if round % ROUNDS_A_LEDGER == 0 {
            tally.end(&promised);
            promised = Promised::default();
            if ledger_folder.exists() {
                std::fs::remove_dir_all(&ledger_folder)?;
            }
            ledger_folder = folder.path().join(format!("ledger-{round}"));
            create_ledger(&ledger_folder)?;
            open_ledger(&ledger_folder, options())?.close()?;
        }
        let work = match round % 4 {
            0 | 1 => Work::Load,
            2 => Work::Erase,
            _ => Work::Merge,
        };
        let life = match work {
            // Within the first erasure, or some time after it.
            Work::Erase if random.below(2) == 0 => Life::Working(random.below(ERASING_MILLIS_MAX)),
            Work::Erase => Life::Erasing(random.below(ERASING_MILLIS_MAX)),
            Work::Load | Work::Merge => Life::Working(random.below(LIFE_MILLIS_MAX)),
        };
        run_and_kill(&ledger_folder, round, work, life, &mut promised, &mut tally)?;
        // What a kill left is recovered from, unless that is interrupted too.
        for attempt in 0..random.below(3) {
            let life = Life::Recovering(random.below(RECOVERY_MILLIS_MAX));
            let round = rounds + 10 * round + attempt;
            run_and_kill(&ledger_folder, round, work, life, &mut promised, &mut tally)?;
            tally.in_recovery += 1;
        }
        check(&ledger_folder, round, &mut promised, &mut tally)?;
    }
    tally.end(&promised);
    say(&tally.summary(watch.elapsed()));
    Ok(tally.is_clean())
}

impl Tally {
    fn end(&mut self, promised: &Promised) {
        self.acknowledged += promised.receipts.len();
        self.erased += promised.erased.len();
    }

    fn summary(&self, took: Duration) -> String {
        let Self {
            kills,
            in_recovery,
            acknowledged,
            erased,
            lost,
            doubled,
            returned,
            alarms,
            stored,
            looks_beside,
        } = self;
        format!(
            "{kills} kills ({in_recovery} of them while recovering): {acknowledged} records acknowledged, {lost} lost, \
             {doubled} doubled; {erased} erasures acknowledged, {returned} undone; {stored} records stored and verified, \
             {looks_beside} verifications beside the writer, {alarms} false alarms; {:.0} s",
            took.as_secs_f64()
        )
    }

    fn alarm(&mut self, what: &str) {
        self.alarms += 1;
        say(&format!("false alarm {what}"));
    }
}

/// Recovers the ledger and holds it against everything acknowledged.
fn check(
    folder: &Path,
    round: u64,
    promised: &mut Promised,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let ledger = open_ledger(folder, options())?;
    let reader = ledger.reader();
    if reader.size() > 0 {
        ledger.wait_checkpoint(reader.size(), Duration::from_secs(10))?;
    }
    let mut unmet = promised.receipts.clone();
    let mut seen = HashMap::new();
    reader.scan(0..u64::MAX, &mut |row| {
        let id = row.record.fields().id.unwrap_or_default();
        if unmet.get(&row.index) == Some(&id) {
            unmet.remove(&row.index);
        }
        if promised.erased.contains(&id)
            && row
                .record
                .text()
                .is_some_and(|text| text.contains("\"age\":"))
        {
            tally.returned += 1;
        }
        if seen.insert(id, row.index).is_some() {
            tally.doubled += 1;
        }
        ControlFlow::Continue(())
    })?;
    tally.lost += unmet.len() as u64;
    tally.stored +=
        (seen.len() as u64).saturating_sub(promised.head.as_ref().map_or(0, |head| head.size));
    look(
        &reader,
        promised.head.as_ref(),
        &format!("after round {round}"),
        tally,
    );
    promised.head = head_of(&reader);
    drop(reader);
    Ok(ledger.close()?)
}

fn look(reader: &Reader, head: Option<&RememberedHead>, place: &str, tally: &mut Tally) {
    match verify(reader, head) {
        Ok(report) => {
            for finding in report.findings.iter().take(1) {
                tally.alarm(&format!("{place}: {finding}"));
            }
        }
        Err(error) => tally.alarm(&format!("{place}: verification stopped: {error}")),
    }
}

/// Lets a writer live so long, verifying beside it, and takes up what it was acknowledged.
fn run_and_kill(
    folder: &Path,
    round: u64,
    work: Work,
    life: Life,
    promised: &mut Promised,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut child = start(folder, round, work)?;
    let output = child.stdout.take().ok_or("the writer has no output")?;
    let (begun, first) = channel();
    let lines = thread::spawn(move || {
        let mut lines = Vec::new();
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            // Nobody waits for the later ones.
            let _ = begun.send(line.starts_with("erased "));
            lines.push(line);
        }
        lines
    });
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let beside = scope.spawn(|| verify_beside(folder, &over));
        let millis = match life {
            // A writer that does not begin is found by what it did not do.
            Life::Working(millis) => {
                let _ = first.recv_timeout(START_MAX);
                millis
            }
            Life::Erasing(millis) => {
                while first.recv_timeout(START_MAX).is_ok_and(|erased| !erased) {}
                millis
            }
            Life::Recovering(millis) => millis,
        };
        thread::sleep(Duration::from_millis(millis));
        let killed = child.kill().and_then(|()| child.wait());
        over.store(true, Ordering::SeqCst);
        let (looks, alarms) = beside
            .join()
            .map_err(|_| "the reader beside the writer failed")?;
        tally.looks_beside += looks;
        for alarm in alarms {
            tally.alarm(&format!(
                "beside the writer, round {round}, {}: {alarm}",
                work.name()
            ));
        }
        Ok::<_, Failure>(killed?)
    })?;
    tally.kills += 1;
    for line in lines.join().map_err(|_| "the reader of receipts failed")? {
        match line.split_once(' ') {
            Some(("erased", id)) => {
                promised.erased.insert(id.to_owned());
            }
            Some((index, id)) => {
                if let Ok(index) = index.parse() {
                    promised.receipts.insert(index, id.to_owned());
                } else {
                    return Err(format!("the writer was refused: {line}").into());
                }
            }
            None => return Err(format!("the writer said {line:?}").into()),
        }
    }
    Ok(())
}

fn start(folder: &Path, round: u64, work: Work) -> Result<Child, Failure> {
    let child = Command::new(std::env::current_exe()?)
        .arg("--writer")
        .arg(folder)
        .args([&round.to_string(), work.name()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(child)
}

/// Verifies until the writer is gone. Gives how often, and what was said to be wrong.
fn verify_beside(folder: &Path, over: &AtomicBool) -> (u64, Vec<String>) {
    let (mut looks, mut alarms) = (0, Vec::new());
    let mut head = None;
    while !over.load(Ordering::SeqCst) {
        looks += 1;
        let seen = open_reader(folder).and_then(|reader| {
            let report = verify(&reader, head.as_ref())?;
            head = head_of(&reader);
            Ok(report)
        });
        match seen {
            Ok(report) => alarms.extend(report.findings.first().map(ToString::to_string)),
            Err(error) => alarms.push(format!("verification stopped: {error}")),
        }
        thread::sleep(Duration::from_millis(2));
    }
    (looks, alarms)
}
