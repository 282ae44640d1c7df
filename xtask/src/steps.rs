//! The steps, one function each.

use std::path::{Path, PathBuf};

use crate::run::{
    Failure, cargo, install, output, program_in_root, root, runs, say, scratch, target,
};

const KILLS: &str = "100";
const SERVER_KILLS: &str = "3";
/// Acts and faults of the short campaigns: the first of every kind, and an even sample.
const ACTS: &str = "130";
const FAULTS: &str = "160";
pub(crate) const PYTHON: &str = "python3";

/// Installs what cargo and the checks need and a bare machine may lack.
pub(crate) fn tools() -> Result<(), Failure> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !runs("cargo", &[subcommand, "--version"]) {
            program_in_root("rustup", &["component", "add", component])?;
        }
    }
    if !runs(
        PYTHON,
        &["-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
    ) {
        return Err(
            "Python 3.11 or later is needed for the independent verifier: install python3".into(),
        );
    }
    say(output(PYTHON, &["--version"])?.trim());
    Ok(())
}

pub(crate) fn format() -> Result<(), Failure> {
    cargo(&["fmt", "--all", "--check"])?;
    cargo(&["fmt", "--manifest-path", "fuzz/Cargo.toml", "--check"])
}

pub(crate) fn lints() -> Result<(), Failure> {
    cargo(&[
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])
}

pub(crate) fn tests() -> Result<(), Failure> {
    cargo(&["test", "--release", "--workspace"])
}

/// The vectors are what the independent reference says they are, and the independent verifier agrees with them.
pub(crate) fn vectors() -> Result<(), Failure> {
    program_in_root(PYTHON, &["docs/vectors/make_record.py", "--check"])?;
    program_in_root(PYTHON, &["docs/vectors/make_tlog.py", "--check"])?;
    program_in_root(
        PYTHON,
        &["docs/verify.py", "--vectors", "docs/vectors/record"],
    )
}

/// Evidence that the binary makes is accepted by the binary and by the Python verifier; a changed byte by neither.
pub(crate) fn evidence() -> Result<(), Failure> {
    let folder = scratch("evidence")?;
    let binary = built("causebook")?;
    let (home, binary) = (path(&folder.join("home"))?, path(&binary)?);
    output(&binary, &["demo", "--home", &home])?;
    for (name, show) in [
        ("whole", None),
        ("part", Some("/decision,/score,/input/duration")),
        ("linked", None),
    ] {
        let file = path(&folder.join(format!("{name}.json")))?;
        let mut arguments = vec!["prove", "GC-0557", "--home", &home, "--output", &file];
        arguments.extend(show.iter().flat_map(|show| ["--show", show]));
        arguments.extend((name == "linked").then_some("--linked"));
        output(&binary, &arguments)?;
        agree(&binary, &file, true)?;
        let text = std::fs::read_to_string(&file)?;
        let forged = path(&folder.join(format!("{name}-forged.json")))?;
        std::fs::write(&forged, text.replacen(r#"\"deny\""#, r#"\"approve\""#, 1))?;
        agree(&binary, &forged, false)?;
    }
    say("3 evidence files accepted and 3 forgeries refused by both implementations");
    Ok(())
}

fn agree(binary: &str, file: &str, good: bool) -> Result<(), Failure> {
    let ours = runs(binary, &["check", file]);
    let theirs = runs(PYTHON, &[&path(&root().join("docs/verify.py"))?, file]);
    if (ours, theirs) == (good, good) {
        return Ok(());
    }
    Err(
        format!("{file}: expected {good}, the binary says {ours}, the Python verifier {theirs}")
            .into(),
    )
}

/// Without arguments as many runs as continuous integration has time for.
pub(crate) fn sim(arguments: &[String]) -> Result<(), Failure> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    program_in_root(&path(&built("sim")?)?, &arguments)
}

pub(crate) fn kills(rounds: Option<&str>) -> Result<(), Failure> {
    program_in_root(&path(&built("kill")?)?, &[rounds.unwrap_or(KILLS)])
}

/// Kills a server; without a number a few times only.
pub(crate) fn server_kills(rounds: Option<&str>) -> Result<(), Failure> {
    let rounds = rounds.unwrap_or(SERVER_KILLS);
    program_in_root(&path(&built("kill-server")?)?, &[rounds])
}

/// Tampers with a ledger; without a number in the short form, `0` for all acts.
pub(crate) fn tampering(acts: Option<&str>) -> Result<(), Failure> {
    program_in_root(&path(&built("tampering")?)?, &[acts.unwrap_or(ACTS)])
}

/// Fails calls into the operating system; without a number in the short form, `0` for all of them.
pub(crate) fn syscalls(faults: Option<&str>) -> Result<(), Failure> {
    if !runs("strace", &["--version"]) {
        install("strace")?;
    }
    program_in_root(&path(&built("syscalls")?)?, &[faults.unwrap_or(FAULTS)])
}

pub(crate) fn figures(records: Option<&str>) -> Result<(), Failure> {
    let records: Vec<&str> = records.into_iter().collect();
    program_in_root(&path(&built("figures")?)?, &records)
}

/// Reads a table that the binary wrote with engines that are not ours, in a Python environment of their own.
pub(crate) fn engines() -> Result<(), Failure> {
    let environment = target()?.join("xtask").join("engines-env");
    let python = path(&environment.join("bin/python"))?;
    if !runs(&python, &["--version"]) {
        if !runs(PYTHON, &["-c", "import venv, ensurepip"]) {
            install("python3-venv")?;
        }
        program_in_root(PYTHON, &["-m", "venv", &path(&environment)?])?;
    }
    program_in_root(
        &python,
        &[
            "-m",
            "pip",
            "install",
            "--quiet",
            "-r",
            "tests/engines/requirements.txt",
        ],
    )?;
    let folder = scratch("engines")?;
    let (home, binary) = (path(&folder.join("home"))?, path(&built("causebook")?)?);
    output(&binary, &["demo", "--home", &home])?;
    let expected = folder.join("expected.ndjson");
    std::fs::write(
        &expected,
        output(
            &binary,
            &["sql", "--home", &home, "--format", "ndjson", COLUMNS],
        )?,
    )?;
    let table = path(&folder.join("home/ledgers/main/table"))?;
    program_in_root(
        &python,
        &["tests/engines/read_table.py", &table, &path(&expected)?],
    )
}

const COLUMNS: &str = "SELECT \"index\", id, kind, decision, score, subject, model_name, model_version, time, input, \
                       output, rest FROM records ORDER BY \"index\"";

/// Builds and gives the path of a program. The whole workspace is built, because a single package would be built with
/// other features of shared dependencies: the heavy ones would be compiled a second time.
pub(crate) fn built(program: &str) -> Result<PathBuf, Failure> {
    cargo(&["build", "--release", "--quiet", "--workspace"])?;
    Ok(target()?.join("release").join(program))
}

pub(crate) fn path(path: &Path) -> Result<String, Failure> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("{} is not UTF-8", path.display()).into())
}
