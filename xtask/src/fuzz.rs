//! Fuzzing: builds the targets of `fuzz/` with coverage instrumentation, which the stable compiler has, replays what is
//! committed, then looks for more. How the targets are made and what they hold is in `fuzz/README.md`.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use crate::run::{Failure, cargo, cargo_with, output, root, say, scratch, target};
use crate::steps::path;

const MANIFEST: &str = "fuzz/Cargo.toml";
/// What cargo-fuzz sets without a sanitizer: coverage of edges and compared values.
const INSTRUMENTATION: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";

/// Seconds a target where none are given.
const SECONDS: &str = "5";
/// What continuous integration runs: `cargo xtask fuzz same`. The fuzzer's choices then depend on nothing but the code and
/// the committed inputs, so that a change fails for what it did, and the search for more is a campaign's.
const SAME: &str = "same";
const SAME_SECONDS: u32 = 3;
const SAME_SEED: u32 = 1;
/// No input may take longer than this, in seconds.
const TIMEOUT_S: u32 = 10;
/// Most memory that a target may hold, and most address space that it may ask for: a file of some kilobytes that makes
/// a reader take more is a finding.
const RSS_MIB_MAX: u32 = 1024;
const ADDRESS_SPACE_KIB_MAX: u32 = 4 << 20;

/// Every target, with the words it is told of and the longest input it is given.
const TARGETS: [(&str, Option<&str>, u32); 28] = [
    ("canonical", Some("json"), 4096),
    ("record_door", Some("json"), 4096),
    ("note", Some("log"), 4096),
    ("checkpoint", Some("log"), 512),
    ("policy", Some("log"), 1024),
    ("tile_path", Some("log"), 64),
    ("tile", None, 256),
    ("proof", None, 512),
    ("tlog_proof", Some("log"), 2048),
    ("witness", Some("log"), 2048),
    ("evidence", Some("json"), 4096),
    ("wal", None, 1024),
    ("index_run", None, 512),
    ("ledger_json", Some("json"), 2048),
    ("remembered_head", Some("json"), 1024),
    ("import_csv", Some("table"), 2048),
    ("import_ndjson", Some("json"), 2048),
    ("import_json", Some("json"), 2048),
    ("import_line", Some("table"), 2048),
    ("import_xlsx", Some("table"), 8192),
    ("import_parquet", None, 16384),
    ("arrow", None, 8192),
    ("mapping", Some("table"), 2048),
    ("filter", Some("filter"), 4096),
    ("model_xgboost_json", Some("xgboost"), 8192),
    ("model_xgboost_ubj", Some("xgboost"), 8192),
    ("model_lightgbm", Some("lightgbm"), 8192),
    ("model_onnx", None, 8192),
];

/// Builds, replays and fuzzes all targets, or the one named; or, for `check`, lints them.
pub(crate) fn fuzz(seconds: Option<&str>, only: Option<&str>) -> Result<(), Failure> {
    if seconds == Some("check") {
        return check();
    }
    let (seconds, seed) = if seconds == Some(SAME) {
        (SAME_SECONDS, Some(SAME_SEED))
    } else {
        let seconds = seconds.unwrap_or(SECONDS).parse();
        let seconds =
            seconds.map_err(|_| "seconds a target: a whole number, 0 to replay only, or `same`")?;
        (seconds, None)
    };
    let targets: Vec<_> = TARGETS
        .iter()
        .filter(|(name, ..)| only.is_none_or(|only| only == *name))
        .collect();
    if targets.is_empty() {
        let names: Vec<&str> = TARGETS.iter().map(|(name, ..)| *name).collect();
        return Err(format!("no such target; there are {}", names.join(", ")).into());
    }
    let binaries = build()?;
    say(&format!(
        "\n{:<16} {:>7} {:>11} {:>9} {:>6} {:>11}  findings",
        "target", "inputs", "runs", "runs/s", "edges", "seed"
    ));
    let mut found = Vec::new();
    for (name, dictionary, bytes_max) in targets {
        let target = Target {
            name,
            binary: binaries.join(name),
            dictionary: dictionary
                .map(|words| folder("dictionaries").join(format!("{words}.dict"))),
            bytes_max: *bytes_max,
            corpus: scratch(&format!("fuzz/{name}"))?,
            findings: findings(name)?,
            seed,
        };
        if let Some(finding) = target.run(seconds)? {
            found.push(finding);
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(format!(
        "inputs that break something: {}. Each is repeated by its line, and belongs into fuzz/regressions/TARGET once what \
         it shows is put right:\n{}",
        found.len(),
        found.join("\n")
    )
    .into())
}

/// Lints of the targets, which are outside the product's workspace, and of what the engine opens to them alone.
fn check() -> Result<(), Failure> {
    let deny = ["--", "-D", "warnings"];
    cargo_here("clippy", &deny)?;
    let engine = ["--package", "causebook-ledger", "--features", "fuzzing"];
    let whole = ["clippy", "--release", "--quiet", "--all-targets"];
    cargo(&[whole.as_slice(), &engine, &deny].concat())
}

/// Builds, and gives the folder that the programs are in.
fn build() -> Result<PathBuf, Failure> {
    let host = cargo_here("build", &[])?;
    Ok(target()?.join(host).join("release"))
}

/// Cargo on the targets, instrumented; gives the machine's triple. It is named to cargo, because flags then apply to
/// what is fuzzed and not to the programs that run while it is built.
fn cargo_here(task: &str, arguments: &[&str]) -> Result<String, Failure> {
    let version = output("rustc", &["-vV"])?;
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .ok_or("rustc -vV names no host")?;
    let folder = path(&target()?)?;
    let place = ["--manifest-path", MANIFEST, "--target-dir", &folder];
    let options = [task, "--release", "--quiet", "--target", host];
    cargo_with(
        &[("RUSTFLAGS", INSTRUMENTATION)],
        &[options.as_slice(), &place, arguments].concat(),
    )?;
    Ok(host.to_owned())
}

struct Target {
    name: &'static str,
    binary: PathBuf,
    dictionary: Option<PathBuf>,
    bytes_max: u32,
    /// What this run found worth keeping.
    corpus: PathBuf,
    /// Where inputs are written that broke something. They outlast the run.
    findings: PathBuf,
    /// Of the fuzzer's choices; another one every time if not given.
    seed: Option<u32>,
}

impl Target {
    /// Replays, then fuzzes; prints the line of the table and gives a finding, if there is one.
    fn run(&self, seconds: u32) -> Result<Option<String>, Failure> {
        let inputs = ["corpus", "regressions"].map(|kind| folder(kind).join(self.name));
        let inputs: Vec<PathBuf> = inputs
            .into_iter()
            .filter(|folder| folder.is_dir())
            .collect();
        let mut count = 0;
        for folder in &inputs {
            count += std::fs::read_dir(folder)?.count();
        }
        if count == 0 {
            return Err(format!("{}: no corpus is committed", self.name).into());
        }
        let replayed = self.fuzzer(&["-runs=0".to_owned()], &inputs)?;
        let outcome = if replayed.status.success() && seconds > 0 {
            let folders: Vec<PathBuf> = [self.corpus.clone()].into_iter().chain(inputs).collect();
            let seed = self.seed.map(|seed| format!("-seed={seed}"));
            let options = [format!("-max_total_time={seconds}")];
            self.fuzzer(
                &options.into_iter().chain(seed).collect::<Vec<_>>(),
                &folders,
            )?
        } else {
            replayed
        };
        let said = String::from_utf8_lossy(&outcome.stderr);
        let clean = outcome.status.success();
        say(&format!(
            "{:<16} {count:>7} {:>11} {:>9} {:>6} {:>11}  {}",
            self.name,
            word_after(&said, "stat::number_of_executed_units:"),
            word_after(&said, "stat::average_exec_per_sec:"),
            word_after(&said, " cov:"),
            word_after(&said, "INFO: Seed:"),
            if clean { "none" } else { "ONE" }
        ));
        if clean {
            return Ok(None);
        }
        say(&told(&said));
        let artifact = word_after(&said, "Test unit written to");
        Ok(Some(format!("{} {artifact}", self.binary.display())))
    }

    fn fuzzer(&self, options: &[String], folders: &[PathBuf]) -> Result<Output, Failure> {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!(
                "ulimit -v {ADDRESS_SPACE_KIB_MAX}; exec \"$0\" \"$@\""
            ))
            .arg(&self.binary)
            .arg(format!("-timeout={TIMEOUT_S}"))
            .arg(format!("-rss_limit_mb={RSS_MIB_MAX}"))
            .arg(format!("-max_len={}", self.bytes_max))
            .arg(format!("-artifact_prefix={}/", self.findings.display()))
            .arg("-print_final_stats=1")
            .args(options);
        if let Some(dictionary) = &self.dictionary {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        command
            .args(folders)
            .current_dir(root())
            .stdin(Stdio::null());
        let outcome = command.output();
        outcome.map_err(|error| format!("{} cannot be run: {error}", self.binary.display()).into())
    }
}

fn findings(name: &str) -> Result<PathBuf, Failure> {
    let folder = target()?.join("xtask").join("fuzz-findings").join(name);
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn folder(name: &str) -> PathBuf {
    root().join("fuzz").join(name)
}

/// The last word behind a label in what the fuzzer said.
fn word_after<'a>(said: &'a str, label: &str) -> &'a str {
    said.rsplit_once(label)
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .unwrap_or("-")
}

/// Of what the fuzzer said, the part that tells what went wrong: from the panic on, or else the end.
fn told(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with('#')).collect();
    let panicked = lines.iter().position(|line| line.contains("panicked at"));
    let from = panicked.unwrap_or_else(|| lines.len().saturating_sub(LINES_TOLD));
    let told: Vec<&str> = lines.iter().skip(from).take(LINES_TOLD).copied().collect();
    told.join("\n")
}

const LINES_TOLD: usize = 40;
