//! The comparison with other systems: builds what it needs, installs what a bare machine lacks, and runs it.

use std::path::{Path, PathBuf};

use crate::run::{Failure, cargo, install, output, program_in_root, root, runs, target};
use crate::steps::{built, path};

/// Peers written in Go, each a module of its own in `bench/peers`.
const GO_PEERS: [&str; 2] = ["tessera", "immudb"];
/// The peer that is a service over HTTP.
const HTTP_PEER: &str = "http-postgres";
const POSTGRES_FOLDERS: &str = "/usr/lib/postgresql";
const COMPARE: &str = "bench/compare/Cargo.toml";

/// `bench [RECORDS] [ROUNDS]` compares; `bench growth [RECORDS]` grows; `bench check` lints and tests the driver.
pub(crate) fn bench(arguments: &[String]) -> Result<(), Failure> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (what, mut settings) = match arguments.as_slice() {
        ["check"] => return check(),
        ["growth", numbers @ ..] => ("growth", named(&["records"], numbers)?),
        numbers => ("run", named(&["records", "rounds"], numbers)?),
    };
    let subject = built("subject")?;
    settings.push(format!("causebook={}", path(&subject)?));
    settings.push(format!("examples={}", path(&examples())?));
    // What grows is Causebook and the databases.
    for peer in GO_PEERS.iter().filter(|_| what == "run") {
        settings.push(format!("{peer}={}", path(&go_peer(peer)?)?));
    }
    compare(what, settings)
}

/// `load [SECONDS] [RECORDS]`: load over HTTP, on Causebook's server and on services of others.
pub(crate) fn load(arguments: &[String]) -> Result<(), Failure> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut settings = named(&["seconds", "records"], &arguments)?;
    let driver = built("load")?;
    settings.push(format!("driver={}", path(&driver)?));
    let binary = driver.with_file_name("causebook");
    settings.push(format!("causebook={}", path(&binary)?));
    settings.push(format!("{HTTP_PEER}={}", path(&go_peer(HTTP_PEER)?)?));
    compare("load", settings)
}

/// Numbers as settings, by their order.
fn named(names: &[&str], numbers: &[&str]) -> Result<Vec<String>, Failure> {
    if numbers.len() > names.len() {
        return Err(format!("expected at most: {}", names.join(", ")).into());
    }
    let named = names.iter().zip(numbers);
    Ok(named
        .map(|(name, number)| format!("{name}={number}"))
        .collect())
}

/// Builds the driver and runs it, with what all that it does has in common.
fn compare(what: &str, mut settings: Vec<String>) -> Result<(), Failure> {
    settings.push(format!("postgres={}", path(&postgres()?)?));
    let place = target()?.join("xtask/bench");
    let folder = std::env::var_os("CAUSEBOOK_BENCH_FOLDER")
        .map_or_else(|| place.join("scratch"), PathBuf::from);
    settings.push(format!("folder={}", path(&folder)?));
    settings.push(format!("results={}", path(&place.join("results"))?));
    if let Ok(only) = std::env::var("CAUSEBOOK_BENCH_ONLY") {
        settings.push(format!("only={only}"));
    }
    let mut command = vec![what];
    command.extend(settings.iter().map(String::as_str));
    program_in_root(&path(&compare_built()?)?, &command)
}

/// Format, lints and tests of what is outside the product's workspace.
fn check() -> Result<(), Failure> {
    let folder = path(&target()?.join("compare"))?;
    let place = ["--manifest-path", COMPARE];
    let built = ["--release", "--quiet", "--locked", "--target-dir", &folder];
    let lints = ["--all-targets", "--", "-D", "warnings"];
    cargo(&[&["fmt"], place.as_slice(), &["--check"]].concat())?;
    cargo(&[&["clippy"], place.as_slice(), &built, &lints].concat())?;
    cargo(&[&["test"], place.as_slice(), &built].concat())?;
    go()?;
    let go_modules = GO_PEERS.iter().chain(&["load", HTTP_PEER]);
    for module in go_modules {
        let module = path(&root().join("bench/peers").join(module))?;
        program_in_root("go", &["-C", &module, "vet", "./..."])?;
        program_in_root("go", &["-C", &module, "test", "./..."])?;
    }
    Ok(())
}

/// The German credit decisions: those of `CAUSEBOOK_DATA`, or the examples'.
fn examples() -> PathBuf {
    let folder = std::env::var_os("CAUSEBOOK_DATA")
        .map(|data| Path::new(&data).join("german-credit/records.ndjson"))
        .filter(|file| file.exists());
    folder.unwrap_or_else(|| root().join("examples/german-credit/records.ndjson"))
}

/// Builds the driver. Its workspace is not the product's, so its files have a folder of their own.
fn compare_built() -> Result<PathBuf, Failure> {
    let folder = target()?.join("compare");
    let place = ["--manifest-path", COMPARE, "--target-dir", &path(&folder)?];
    cargo(
        &[
            &["build", "--release", "--quiet", "--locked"],
            place.as_slice(),
        ]
        .concat(),
    )?;
    Ok(folder.join("release/causebook-compare"))
}

fn go() -> Result<(), Failure> {
    if runs("go", &["version"]) {
        return Ok(());
    }
    install("golang-go")
}

/// Builds a peer in Go.
fn go_peer(name: &str) -> Result<PathBuf, Failure> {
    go()?;
    let module = path(&root().join("bench/peers").join(name))?;
    let program = target()?.join("peers").join(name);
    program_in_root(
        "go",
        &[
            "-C",
            &module,
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-o",
            &path(&program)?,
            ".",
        ],
    )
    .map_err(|failure| {
        format!(
            "{failure}: {} asks for another Go than {}",
            format_args!("{module}/go.mod"),
            version()
        )
    })?;
    Ok(program)
}

fn version() -> String {
    output("go", &["version"]).map_or_else(|_| "none".to_owned(), |text| text.trim().to_owned())
}

/// Where the newest `initdb` and `postgres` are.
fn postgres() -> Result<PathBuf, Failure> {
    if let Some(found) = newest_postgres() {
        return Ok(found);
    }
    install("postgresql")?;
    newest_postgres().ok_or_else(|| format!("there is no initdb below {POSTGRES_FOLDERS}").into())
}

fn newest_postgres() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH")?;
    let listed = std::fs::read_dir(POSTGRES_FOLDERS)
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<(u32, PathBuf)> = listed
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    versions.sort();
    let debian = versions.into_iter().rev().map(|(_, folder)| folder);
    debian
        .chain(std::env::split_paths(&on_path))
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}
