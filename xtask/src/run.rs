//! Running programs: shown before they run, failing loudly.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Why a task failed.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_owned)
}

pub(crate) fn say(line: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Seconds that a step took.
#[expect(
    clippy::disallowed_methods,
    reason = "how long a step of the build takes is no part of the product"
)]
pub(crate) fn timed(step: fn() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = std::time::Instant::now();
    step()?;
    Ok(start.elapsed().as_secs_f64())
}

/// Cargo, in the workspace's root.
pub(crate) fn cargo(arguments: &[&str]) -> Result<(), Failure> {
    cargo_with(&[], arguments)
}

/// Cargo, in the workspace's root, with these variables set.
pub(crate) fn cargo_with(variables: &[(&str, &str)], arguments: &[&str]) -> Result<(), Failure> {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    run(
        command(&program, arguments).envs(variables.iter().copied()),
        &program,
        arguments,
    )
}

/// A program, in the workspace's root.
pub(crate) fn program_in_root(program: &str, arguments: &[&str]) -> Result<(), Failure> {
    run(&mut command(program, arguments), program, arguments)
}

/// A program in a folder of its own, with these variables set: for what must not be shown, and what leaves files behind.
pub(crate) fn program_within(
    folder: &Path,
    variables: &[(&str, &str)],
    program: &str,
    arguments: &[&str],
) -> Result<(), Failure> {
    let mut command = command(program, arguments);
    command.current_dir(folder).envs(variables.iter().copied());
    run(&mut command, program, arguments)
}

fn run(command: &mut Command, program: &str, arguments: &[&str]) -> Result<(), Failure> {
    say(&format!("$ {} {}", short(program), arguments.join(" ")));
    let status = command.status();
    let status = status.map_err(|error| format!("{} cannot be run: {error}", short(program)))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} {}: {status}", short(program), arguments.join(" ")).into())
    }
}

/// What a program prints.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Result<String, Failure> {
    let output = command(program, arguments).output();
    let output = output.map_err(|error| format!("{} cannot be run: {error}", short(program)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!(
            "{} {}: {}\n{said}",
            short(program),
            arguments.join(" "),
            output.status
        )
        .into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Whether a program runs at all.
pub(crate) fn runs(program: &str, arguments: &[&str]) -> bool {
    command(program, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Installs a Debian package. The lists are fetched first: a bare machine has none.
pub(crate) fn install(package: &str) -> Result<(), Failure> {
    say(&format!("{package} is missing: installing Debian's"));
    program_in_root("apt-get", &["update", "-qq"])?;
    program_in_root("apt-get", &["install", "-y", "-qq", package])
}

/// A program in the workspace's root, without what cargo told this one about itself: some build scripts look at those
/// variables, and a nested cargo would compile their crates, and everything above them, again and again.
fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

fn short(program: &str) -> &str {
    Path::new(program)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(program)
}

/// A fresh folder for a step's files, below the build's own folder.
pub(crate) fn scratch(name: &str) -> Result<PathBuf, Failure> {
    let folder = target()?.join("xtask").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// Where cargo builds.
pub(crate) fn target() -> Result<PathBuf, Failure> {
    let metadata: serde_json::Value = serde_json::from_str(&output(
        "cargo",
        &["metadata", "--format-version", "1", "--no-deps"],
    )?)?;
    let folder = metadata
        .get("target_directory")
        .and_then(|folder| folder.as_str());
    Ok(PathBuf::from(
        folder.ok_or("cargo metadata names no target directory")?,
    ))
}
