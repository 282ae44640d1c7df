//! Logging in against an `OpenID` Connect provider that is not ours: node-oidc-provider, which is certified, with its own login and
//! consent pages. If it cannot be had the step fails: a test of strangers that runs without one proves nothing.

use std::path::Path;

use crate::run::{Failure, output, program_in_root, root, runs, say, scratch};
use crate::steps::path;

const FILES: [&str; 3] = ["package.json", "package-lock.json", "provider.mjs"];
const TESTS: &str = "oidc::tests::peer::";

/// Installs the provider and runs the tests that need it.
pub(crate) fn oidc() -> Result<(), Failure> {
    if !runs("npm", &["--version"]) {
        program_in_root("apt-get", &["update", "-qq"])?;
        program_in_root("apt-get", &["install", "-y", "-qq", "nodejs", "npm"])?;
    }
    say(&format!("node {}", output("node", &["--version"])?.trim()));
    let folder = scratch("oidc")?;
    for file in FILES {
        std::fs::copy(
            root().join("tests/peers/oidc").join(file),
            folder.join(file),
        )?;
    }
    let folder_text = path(&folder)?;
    // Nothing of the packages is run while they are installed.
    let install = [
        "ci",
        "--prefix",
        &folder_text,
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
    ];
    program_in_root("npm", &install)?;
    test(&folder)
}

/// A filter that fits no test passes without running any, so those that ran are counted.
fn test(folder: &Path) -> Result<(), Failure> {
    let variable = format!("CAUSEBOOK_OIDC_PEER={}", path(folder)?);
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let arguments = [
        variable.as_str(),
        cargo.as_str(),
        "test",
        "--release",
        "--workspace",
        "--lib",
        "--",
        "--ignored",
        TESTS,
    ];
    let said = output("env", &arguments)?;
    let passed = said
        .lines()
        .filter(|line| line.contains(TESTS) && line.ends_with("... ok"))
        .count();
    if passed == 0 {
        return Err(format!("no test of {TESTS} ran:\n{said}").into());
    }
    say(&format!(
        "{passed} tests of logging in at a provider that is not ours passed"
    ));
    Ok(())
}
