//! The life of a ledger in stages, each one process: the real binary, and a writer of our own whose bounds are so small
//! that a few records take every step of the write path.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use causebook_bench::{Random, loan_decision, open_ledger};
use causebook_ledger::Options;
use causebook_record::Draft;
use causebook_torture::{Failure, copy_tree, say};

const FLUSHES_BEFORE: u64 = 14;
const CHECKPOINT_WAIT: Duration = Duration::from_secs(20);
/// What a stage's files are called in each stage's folder.
const HOME: &str = "home";

/// One process of the life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Init,
    First,
    Attach,
    /// Many flushes of ours, never disturbed: brings the ledger to where the next one merges.
    Before,
    Write,
    Second,
    Import,
    EraseField,
    EraseRecord,
    Verify,
}

pub(crate) const STAGES: [Stage; 10] = [
    Stage::Init,
    Stage::First,
    Stage::Attach,
    Stage::Before,
    Stage::Write,
    Stage::Second,
    Stage::Import,
    Stage::EraseField,
    Stage::EraseRecord,
    Stage::Verify,
];

impl Stage {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::First => "record, first",
            Self::Attach => "attach",
            Self::Before => "writer, before",
            Self::Write => "writer: segments, tiles, flushes, merges",
            Self::Second => "record, again",
            Self::Import => "import",
            Self::EraseField => "erase a field",
            Self::EraseRecord => "erase a record",
            Self::Verify => "verify",
        }
    }

    /// Ids of the records that it makes, in order; erasures make one without an id of ours.
    pub(crate) fn ids(self) -> Vec<String> {
        let named = |prefix: &str, count: u64| (0..count).map(|n| format!("{prefix}{n}")).collect();
        match self {
            Self::First => named("first", 3),
            Self::Before => named("before", FLUSHES_BEFORE * 17),
            Self::Write => named("write", 36),
            Self::Second => named("second", 3),
            Self::Import => named("import", 5),
            _ => Vec::new(),
        }
    }

    /// The process, working in `folder`.
    pub(crate) fn command(self, life: &Life, folder: &Path) -> Result<Command, Failure> {
        let mut command = match self {
            Self::Before | Self::Write => {
                let mut command = Command::new(std::env::current_exe()?);
                command
                    .arg("--writer")
                    .arg(ledger_in(folder))
                    .arg(if self == Self::Write {
                        "write"
                    } else {
                        "before"
                    });
                command
            }
            _ => Command::new(&life.binary),
        };
        match self {
            Self::Init => command.args(["init", "--origin", "torture.example/main"]),
            Self::First | Self::Second => command
                .args(["record", "--format", "ndjson", "--file"])
                .arg(life.input(self)),
            Self::Attach => command.arg("attach").arg(life.input(self)),
            Self::Before | Self::Write => &mut command,
            Self::Import => command.arg("import").arg(life.input(self)).args([
                "--yes",
                "--id",
                "id",
                "--input",
                "age,amount",
                "--decision",
                "decision",
                "--model",
                "m@1",
            ]),
            Self::EraseField => command.args([
                "erase",
                "before3",
                "--fields",
                "/input/age",
                "--reason",
                "asked",
                "--yes",
            ]),
            Self::EraseRecord => command.args(["erase", "write5", "--reason", "asked", "--yes"]),
            Self::Verify => command.args(["verify", "--format", "json"]),
        };
        command
            .env("CAUSEBOOK_HOME", folder.join(HOME))
            .env("XDG_STATE_HOME", folder.join("state"))
            .env("XDG_CONFIG_HOME", folder.join("config"));
        Ok(command)
    }
}

/// Where the ledger lies in a stage's folder.
pub(crate) fn ledger_in(folder: &Path) -> PathBuf {
    folder.join(HOME).join("ledgers").join("main")
}

/// The stages lived once, undisturbed, with a copy of everything before each.
pub(crate) struct Life {
    root: PathBuf,
    binary: PathBuf,
}

impl Life {
    pub(crate) fn live(root: &Path, binary: &Path, seed: u64) -> Result<Self, Failure> {
        let life = Self {
            root: root.to_owned(),
            binary: binary.to_owned(),
        };
        let mut random = Random::new(seed);
        for stage in [Stage::First, Stage::Second] {
            let lines: Vec<String> = stage
                .ids()
                .iter()
                .map(|id| loan_decision(id, &mut random))
                .collect();
            fs::write(life.input(stage), lines.join("\n"))?;
        }
        let rows: Vec<String> = Stage::Import
            .ids()
            .iter()
            .map(|id| format!("{id},{},{},deny", 18 + random.below(60), random.below(9000)))
            .collect();
        fs::write(
            life.input(Stage::Import),
            format!("id,age,amount,decision\n{}\n", rows.join("\n")),
        )?;
        let bytes: Vec<u8> = (0..3000).map(|_| random.below(256) as u8).collect();
        fs::write(life.input(Stage::Attach), bytes)?;
        let folder = life.root.join("life");
        fs::create_dir_all(&folder)?;
        for stage in STAGES {
            copy_tree(&folder, &life.before(stage))?;
            let output = stage.command(&life, &folder)?.output()?;
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr);
                return Err(format!("{}: {}: {said}", stage.name(), output.status).into());
            }
        }
        Ok(life)
    }

    /// Everything as it was before a stage.
    pub(crate) fn before(&self, stage: Stage) -> PathBuf {
        self.root.join(format!("before-{stage:?}"))
    }

    fn input(&self, stage: Stage) -> PathBuf {
        let ending = if stage == Stage::Import {
            "csv"
        } else {
            "ndjson"
        };
        self.root.join(format!("{stage:?}.{ending}"))
    }

    /// Ids that earlier stages got receipts for.
    pub(crate) fn acknowledged_before(stage: Stage) -> Vec<String> {
        let earlier = STAGES.into_iter().take_while(|other| *other != stage);
        earlier.flat_map(Stage::ids).collect()
    }
}

/// Receipts that a stage's process printed: index by id.
pub(crate) fn receipts(stage: Stage, stdout: &str) -> BTreeMap<String, u64> {
    let receipt = |line: &str| match stage {
        Stage::First | Stage::Second => {
            let receipt: serde_json::Value = serde_json::from_str(line).ok()?;
            Some((
                receipt.get("id")?.as_str()?.to_owned(),
                receipt.get("index")?.as_u64()?,
            ))
        }
        _ => {
            let (index, id) = line.split_once(' ')?;
            Some((id.to_owned(), index.parse().ok()?))
        }
    };
    match stage {
        Stage::First | Stage::Second | Stage::Before | Stage::Write => {
            stdout.lines().filter_map(receipt).collect()
        }
        _ => BTreeMap::new(),
    }
}

/// Bounds so small that a few records need several segments and flushes.
pub(crate) fn options() -> Options {
    Options {
        segment_bytes: 6 << 10,
        checkpoint_interval: Duration::from_millis(1),
        flush_bytes: u64::MAX,
        flush_age: Duration::from_secs(36_000),
        flush_on_close_bytes: u64::MAX,
        ..Options::default()
    }
}

/// The writer of ours. It prints a receipt when it has it, and says what it was refused.
pub(crate) fn write(folder: &Path, part: &str) -> Result<bool, Failure> {
    let (flushes, stage) = if part == "write" {
        (3, Stage::Write)
    } else {
        (FLUSHES_BEFORE, Stage::Before)
    };
    let ledger = open_ledger(folder, options())?;
    let mut random = Random::new(flushes);
    let ids = stage.ids();
    let mut sound = true;
    for share in ids.chunks(ids.len() / flushes as usize) {
        for group in share.chunks(4) {
            let mut drafts = Vec::new();
            for id in group {
                drafts.push(Draft::parse(loan_decision(id, &mut random).as_bytes())?);
            }
            for result in ledger.append_batch(drafts, "torture", "torture") {
                match result {
                    Ok(receipt) => say(&format!("{} {}", receipt.index, receipt.id)),
                    Err(error) => {
                        complain(&error);
                        sound = false;
                    }
                }
            }
        }
        let size = ledger.reader().size();
        let outcome = ledger
            .wait_checkpoint(size, CHECKPOINT_WAIT)
            .and_then(|_| ledger.flush());
        if let Err(error) = outcome {
            complain(&error);
            sound = false;
        }
        if !sound {
            break;
        }
    }
    if let Err(error) = ledger.close() {
        complain(&error);
        sound = false;
    }
    Ok(sound)
}

/// Tells an error where errors are told.
pub(crate) fn complain(error: &dyn std::fmt::Display) {
    use std::io::Write as _;
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stderr().lock(), "error: {error}");
}
