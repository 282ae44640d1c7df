//! Requests that a generator makes up from the API's own description, sound and unsound, to a running server: once for each
//! role, each on a server of its own, because an administrator's requests take tokens away and make ledgers.

use std::path::Path;

use serde_json::Value;

use crate::run::{
    Failure, output, program_in_root, program_within, root, runs, say, scratch, target,
};
use crate::served::Served;
use crate::steps::{PYTHON, built, path};

const ROLES: [&str; 5] = ["ingest", "engineer", "compliance", "auditor", "admin"];
/// Requests made up for each operation, in each phase, where no number is given.
const EXAMPLES: &str = "30";
/// Of the requests made up, where no other is given; a finding is repeated by running again.
const SEED: &str = "20260301";
/// The variable that the settings take the token from, so that no output shows it.
const TOKEN: &str = "CAUSEBOOK_SCHEMATHESIS_TOKEN";

/// Runs every check, and lets no failure pass. `[N] [SEED]`
pub(crate) fn schemathesis(arguments: &[String]) -> Result<(), Failure> {
    let examples = arguments.first().map_or(EXAMPLES, String::as_str);
    let seed = arguments.get(1).map_or(SEED, String::as_str);
    let python = environment()?;
    let binary = path(&built("causebook")?)?;
    let folder = scratch("schemathesis")?;
    let settings = path(&root().join("tests/peers/schemathesis/schemathesis.toml"))?;
    let mut failed = Vec::new();
    let mut table = vec![format!(
        "{:<12} {:>10} {:>10} {:>10}  outcome",
        "role", "requests", "operations", "failures"
    )];
    for role in ROLES {
        let home = path(&folder.join(role))?;
        output(&binary, &["demo", "--home", &home])?;
        let token = output(
            &binary,
            &[
                "token", "create", "--home", &home, "--name", role, "--role", role,
            ],
        )?;
        let token = token.lines().next().unwrap_or_default().to_owned();
        let mut served = Served::start(&binary, &home, &["--limits-requests-per-s", "0"])?;
        let report = folder.join(format!("{role}.json"));
        let ended = program_within(
            &folder,
            &[(TOKEN, &token)],
            &python,
            &[
                "-m",
                "schemathesis.cli",
                "--config-file",
                &settings,
                "run",
                &format!("{}/openapi.json", served.url),
                "--checks",
                "all",
                "--max-examples",
                examples,
                "--seed",
                seed,
                "--generation-database",
                "none",
                "--request-timeout",
                "30",
                "--continue-on-failure",
                "--report-json-path",
                &path(&report)?,
            ],
        );
        let lives = served.lives()?;
        table.push(line(role, &report, ended.is_ok() && lives)?);
        if !lives {
            failed.push(format!("{role}: the server ended"));
        }
        if let Err(failure) = ended {
            failed.push(format!("{role}: {failure}"));
        }
    }
    say(&format!("\n{}", table.join("\n")));
    if failed.is_empty() {
        return Ok(());
    }
    Err(failed.join("\n").into())
}

/// What a run came to, as its report says.
fn line(role: &str, report: &Path, passed: bool) -> Result<String, Failure> {
    let report: Value = serde_json::from_slice(&std::fs::read(report)?)?;
    let number = |pointer: &str| {
        let number = report.pointer(pointer).and_then(Value::as_u64);
        number.map_or_else(|| "?".to_owned(), |number| number.to_string())
    };
    Ok(format!(
        "{role:<12} {:>10} {:>10} {:>10}  {}",
        number("/test_cases/generated"),
        number("/operations/tested"),
        number("/test_cases/unique_failures"),
        if passed { "passed" } else { "FAILED" }
    ))
}

/// A Python environment of its own, with what the requirements name.
fn environment() -> Result<String, Failure> {
    let environment = target()?.join("xtask").join("schemathesis-env");
    let python = path(&environment.join("bin/python"))?;
    if !runs(&python, &["--version"]) {
        if !runs(PYTHON, &["-c", "import venv, ensurepip"]) {
            program_in_root("apt-get", &["install", "-y", "-qq", "python3-venv"])?;
        }
        program_in_root(PYTHON, &["-m", "venv", &path(&environment)?])?;
    }
    let requirements = "tests/peers/schemathesis/requirements.txt";
    program_in_root(
        &python,
        &["-m", "pip", "install", "--quiet", "-r", requirements],
    )?;
    Ok(python)
}
