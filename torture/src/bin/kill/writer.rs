//! The process that is killed: it writes for ever, and prints what was acknowledged after it was.

use std::path::Path;
use std::thread;
use std::time::Duration;

use causebook_bench::{Random, loan_decision, open_ledger};
use causebook_ledger::{Erasure, Ledger, Options};
use causebook_record::Draft;
use causebook_torture::{Failure, say};

const WRITERS: u64 = 4;

/// What the process is busy with when it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Appends from several threads, flushes now and then.
    Load,
    /// Appends and erases.
    Erase,
    /// Flushes a few records at a time, so that small files and index runs are merged again and again.
    Merge,
}

impl Work {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Erase => "erase",
            Self::Merge => "merge",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Load, Self::Erase, Self::Merge]
            .into_iter()
            .find(|work| work.name() == name)
    }
}

/// Small segments and flushes, so that kills hit every step of the write path.
pub(crate) fn options() -> Options {
    Options {
        segment_bytes: 1 << 20,
        flush_bytes: 3 << 20,
        checkpoint_interval: Duration::from_millis(20),
        ..Options::default()
    }
}

/// Writes until it is killed or something fails.
pub(crate) fn write_for_ever(folder: &Path, round: &str, work: &str) -> Result<(), Failure> {
    let work = Work::named(work).ok_or("no such work")?;
    let ledger = open_ledger(folder, options())?;
    let writers = if work == Work::Load { WRITERS } else { 1 };
    thread::scope(|scope| {
        for writer in 0..writers {
            let ledger = &ledger;
            scope.spawn(move || {
                let mut random = Random::from_time();
                for batch in 0_u64.. {
                    let prefix = format!("r{round}-w{writer}-b{batch}");
                    if let Err(error) = write_some(ledger, work, &prefix, &mut random) {
                        return say(&format!("refused: {error}"));
                    }
                }
            });
        }
    });
    Ok(())
}

fn write_some(
    ledger: &Ledger,
    work: Work,
    prefix: &str,
    random: &mut Random,
) -> Result<(), Failure> {
    let mut drafts = Vec::new();
    for number in 0..=random.below(40) {
        let text = loan_decision(&format!("{prefix}-{number}"), random);
        drafts.push(Draft::parse(text.as_bytes())?);
    }
    for result in ledger.append_batch(drafts, "kill", "torture") {
        let receipt = result?;
        say(&format!("{} {}", receipt.index, receipt.id));
    }
    match work {
        Work::Load => {}
        Work::Merge => ledger.flush()?,
        Work::Erase => {
            let id = format!("{prefix}-0");
            let field = Erasure::Facts(vec!["/input/age".parse()?]);
            ledger.erase(&id, &field, "asked for", "torture")?;
            say(&format!("erased {id}"));
        }
    }
    Ok(())
}
