//! The Python package: both wheels, checked by the checkers and used as their users will.

use std::path::{Path, PathBuf};

use crate::run::{
    Failure, cargo_with, install, output, program_in_root, program_within, root, runs, say,
    scratch, target,
};
use crate::steps::{PYTHON, built, path};

const MANIFEST: &str = "python/Cargo.toml";
/// Most bytes of the wheels: capture, spool and checking; and the same with a ledger in it.
const PLAIN_BYTES_MAX: u64 = 8 << 20;
const EMBEDDED_BYTES_MAX: u64 = 25 << 20;

/// Lints the native module, builds both wheels, checks the package's types, and runs its tests against the binary.
pub(crate) fn python() -> Result<(), Failure> {
    let folder = target()?.join("python");
    let folder_text = path(&folder)?;
    let here = [("CARGO_TARGET_DIR", folder_text.as_str())];
    cargo_with(&here, &["fmt", "--manifest-path", MANIFEST, "--check"])?;
    let lints = ["clippy", "--release", "--manifest-path", MANIFEST];
    let strict = ["--", "-D", "warnings"];
    cargo_with(&here, &[&lints[..], &strict].concat())?;
    cargo_with(
        &here,
        &[&lints[..], &["--features", "embedded"], &strict].concat(),
    )?;

    let tools = environment(&folder.join("tools-env"), "python/requirements-dev.txt")?;
    let wheels = scratch("wheels")?;
    let plain = wheel(&tools, &folder, &wheels, "python", PLAIN_BYTES_MAX)?;
    let embedded = wheel(
        &tools,
        &folder,
        &wheels,
        "python/embedded",
        EMBEDDED_BYTES_MAX,
    )?;

    let python = path(&tools)?;
    let (plain, embedded) = (path(&plain)?, path(&embedded)?);
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--force-reinstall",
        "--no-deps",
    ];
    program_in_root(
        &python,
        &[&install[..], &[plain.as_str(), embedded.as_str()]].concat(),
    )?;
    check(&python)?;
    test(&python)?;
    newcomer(&folder, &plain, &path(&built("causebook")?)?)
}

/// The package as users have it, not the folder beside the tests: tests run from a copy without it.
fn test(python: &str) -> Result<(), Failure> {
    let binary = path(&built("causebook")?)?;
    if !runs("strace", &["--version"]) {
        install("strace")?;
    }
    let tests = path(&root().join("python/tests"))?;
    let settings = path(&root().join("python/pyproject.toml"))?;
    program_within(
        &scratch("python-tests")?,
        &[("CAUSEBOOK_BINARY", &binary)],
        python,
        &[
            "-m",
            "pytest",
            "-q",
            "-c",
            &settings,
            "--rootdir",
            &tests,
            &tests,
        ],
    )
}

fn check(python: &str) -> Result<(), Failure> {
    let folder = root().join("python");
    for checker in [
        &["-m", "ruff", "format", "--check", "."][..],
        &["-m", "ruff", "check", "."],
        &["-m", "mypy", "causebook"],
        // It would look for libraries where the first Python on the path has them.
        &["-m", "pyright", "--pythonpath", python],
    ] {
        program_within(&folder, &[], python, checker)?;
    }
    Ok(())
}

/// A virtual environment with nothing in it but the small wheel records, and says what it lacks for a folder.
fn newcomer(folder: &Path, wheel: &str, binary: &str) -> Result<(), Failure> {
    let fresh = folder.join("newcomer-env");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh)?;
    }
    let python = path(&made(&fresh)?)?;
    program_in_root(&python, &["-m", "pip", "install", "--quiet", wheel])?;
    program_within(
        &scratch("newcomer")?,
        &[("CAUSEBOOK_BINARY", binary)],
        &python,
        &[&path(&root().join("python/tests/newcomer.py"))?],
    )
}

fn wheel(
    python: &Path,
    target: &Path,
    out: &Path,
    project: &str,
    bytes_max: u64,
) -> Result<PathBuf, Failure> {
    let out = out.join(project.replace('/', "-"));
    std::fs::create_dir_all(&out)?;
    program_within(
        &root().join(project),
        &[("CARGO_TARGET_DIR", &path(target)?)],
        &path(&python.with_file_name("maturin"))?,
        &["build", "--release", "--quiet", "--out", &path(&out)?],
    )?;
    let Some(wheel) = std::fs::read_dir(&out)?.next() else {
        return Err(format!("{project}: no wheel was built").into());
    };
    let wheel = wheel?.path();
    let bytes = std::fs::metadata(&wheel)?.len();
    say(&format!(
        "{}: {:.1} MB",
        wheel.display(),
        bytes as f64 / 1e6
    ));
    if bytes > bytes_max {
        return Err(format!("{project}: a wheel of {bytes} bytes; at most {bytes_max}").into());
    }
    Ok(wheel)
}

/// A Python environment with what the requirements name. Gives its interpreter.
pub(crate) fn environment(folder: &Path, requirements: &str) -> Result<PathBuf, Failure> {
    let python = made(folder)?;
    let install = ["-m", "pip", "install", "--quiet", "-r", requirements];
    program_in_root(&path(&python)?, &install)?;
    Ok(python)
}

fn made(folder: &Path) -> Result<PathBuf, Failure> {
    let python = folder.join("bin/python");
    if !runs(&path(&python)?, &["--version"]) {
        if !runs(PYTHON, &["-c", "import venv, ensurepip"]) {
            install("python3-venv")?;
        }
        output(PYTHON, &["-m", "venv", &path(folder)?])?;
    }
    Ok(python)
}
