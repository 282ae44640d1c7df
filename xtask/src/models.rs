//! Models that other libraries trained and wrote: what the product predicts of them beside what the libraries say.

use crate::python::environment;
use crate::run::{Failure, cargo, program_in_root, target};
use crate::steps::path;

const FOLDER: &str = "tests/peers/models";
const ATTRIBUTIONS: &str = "tests/peers/attributions";

/// Trains the grid, in an environment of its own, and lets no wrong answer pass; then holds attributions against Shapley's
/// formula, shap, and what the libraries report.
pub(crate) fn models() -> Result<(), Failure> {
    let requirements = format!("{FOLDER}/requirements.txt");
    let python = environment(&target()?.join("xtask/models-env"), &requirements)?;
    // With the whole workspace's features of the crates that it shares, so that these are not compiled again for it.
    let example = [
        "--example",
        "predict",
        "--example",
        "attribute",
        "--workspace",
    ];
    cargo(&[["build", "--release", "--quiet"].as_slice(), &example].concat())?;
    let program = target()?.join("release/examples/predict");
    let check = format!("{FOLDER}/check.py");
    program_in_root(&path(&python)?, &[&check, &path(&program)?])?;
    let requirements = format!("{ATTRIBUTIONS}/requirements.txt");
    let python = environment(&target()?.join("xtask/attributions-env"), &requirements)?;
    let program = target()?.join("release/examples/attribute");
    let compare = format!("{ATTRIBUTIONS}/compare.py");
    program_in_root(&path(&python)?, &[&compare, "--program", &path(&program)?])
}
