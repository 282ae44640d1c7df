//! Project tasks. `cargo xtask test` is what continuous integration runs: it installs what a bare machine lacks, runs
//! every check, and stops at the first that fails.

mod bench;
mod dependencies;
mod fuzz;
mod models;
mod oidc;
mod python;
mod run;
mod schemathesis;
mod served;
mod steps;
mod tiles;

use std::io::Write;
use std::process::ExitCode;

use run::{Failure, say};

const HELP: &str = "\
cargo xtask TASK

  test          format, lints, dependency rules, tests, reference vectors, evidence in two implementations,
                simulation, kills, tampering
  engines       read the table with engines that are not ours (Python deltalake; Spark Connect by pysail)
  models        train a grid of models with XGBoost and LightGBM, and predict each as they do, or refuse it
  tiles         verify the log of a running server with Tessera's client and fsck (needs Go), also after changes
  schemathesis [N] [SEED]
                requests made up from the API's description, N an operation (30), as every role: no failure
  bench [N] [R] Causebook beside other systems: N records, R rounds (200000, 3)
  bench growth  100 thousand, a million, ten million records; [N] to stop at N
  load [S] [N]  the server beside PostgreSQL behind HTTP: 5,000 records a second for S seconds (10), N in each
                closed loop
  bench check   format, lints and tests of the comparison, which is outside the workspace
  figures [N]   first figures for append, verify, find and bytes a record, on N records
  sim [N]       run the engine N times on a simulated disk that fails and loses power; --hours H, --seed S
  kills [N]     kill a writer N times and look for lost or doubled records
  server-kills [N]
                kill a server N times under load over HTTP (3; 50 for a campaign)
  fuzz [SECONDS] [TARGET]
                replay the committed inputs of every fuzz target (or of one), then fuzz each for SECONDS (5)
  fuzz same [TARGET]
                the same with the same choices every time, 3 seconds a target
  fuzz check    lints of the fuzz targets, which are outside the workspace
  tampering [N] tamper with a ledger in N ways, 0 for all, and look for what goes unnoticed
  syscalls [N]  fail N calls into the operating system, 0 for all, and look for what is lost (needs strace)
  python        the Python package: both wheels built, checked, and used in environments of their own
  oidc          log in at an OpenID Connect provider that is not ours, through its own pages (needs node and npm)
  dependencies  licences, one version of what must be one, arrows downward only
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = arguments.get(1).map(String::as_str);
    let outcome = match arguments.first().map(String::as_str) {
        Some("test") => test(),
        Some("engines") => steps::engines(),
        Some("bench") => bench::bench(arguments.get(1..).unwrap_or_default()),
        Some("load") => bench::load(arguments.get(1..).unwrap_or_default()),
        Some("models") => models::models(),
        Some("tiles") => tiles::tiles(),
        Some("schemathesis") => schemathesis::schemathesis(arguments.get(1..).unwrap_or_default()),
        Some("figures") => steps::figures(count),
        Some("sim") => steps::sim(arguments.get(1..).unwrap_or_default()),
        Some("kills") => steps::kills(count),
        Some("server-kills") => steps::server_kills(count),
        Some("fuzz") => fuzz::fuzz(count, arguments.get(2).map(String::as_str)),
        Some("tampering") => steps::tampering(count),
        Some("syscalls") => steps::syscalls(count),
        Some("python") => python::python(),
        Some("oidc") => oidc::oidc(),
        Some("dependencies") => dependencies::check(),
        _ => {
            // Help that nobody reads is no failure.
            let _ = std::io::stdout().write_all(HELP.as_bytes());
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("\nfailed: {failure}"));
            ExitCode::FAILURE
        }
    }
}

type Step = fn() -> Result<(), Failure>;

fn test() -> Result<(), Failure> {
    let all: [(&str, Step); 11] = [
        ("tools", steps::tools),
        ("format", steps::format),
        ("dependencies", dependencies::check),
        ("lints", steps::lints),
        ("tests", steps::tests),
        ("reference vectors", steps::vectors),
        ("evidence in two implementations", steps::evidence),
        ("simulation", || steps::sim(&[])),
        ("kills", || steps::kills(None)),
        ("kills of a server", || steps::server_kills(None)),
        ("tampering", || steps::tampering(None)),
    ];
    let mut times = Vec::new();
    for (name, step) in all {
        say(&format!("\n== {name}"));
        let took = run::timed(step)?;
        times.push(format!("{name} {took:.0} s"));
    }
    say(&format!("\nall checks passed: {}", times.join(", ")));
    Ok(())
}
