//! Rules for dependencies that no compiler checks: licences, one version of what must be one, what is refused and
//! why, and which of our crates may use which.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::run::{Failure, output, say};

/// MPL-2.0 asks for changes of its own files only, and we make none.
const LICENCES: [&str; 19] = [
    "0BSD",
    "Apache-2.0",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "bzip2-1.0.6",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "LLVM-exception",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

/// They share types across crates, so there must be one of each.
const ONE_VERSION: [&str; 7] = [
    "arrow-array",
    "arrow-schema",
    "datafusion",
    "deltalake-core",
    "object_store",
    "parquet",
    "sqlparser",
];

/// Refused, with the reason.
const REFUSED: [(&str, &str); 4] = [
    ("signed_note", "not C2SP, old"),
    ("tlog_tiles", "emits paths of another format"),
    ("tract", "wrong answers on trees"),
    ("figment", "unmaintained"),
];

/// What each crate of ours may use of ours: arrows point only downward.
const ARROWS: &[(&str, &[&str])] = &[
    ("causebook-record", &[]),
    ("causebook-tlog", &[]),
    ("causebook-filter", &["causebook-record"]),
    ("causebook-model", &[]),
    ("causebook-why", &["causebook-model", "causebook-record"]),
    (
        "causebook-explain",
        &[
            "causebook-ledger",
            "causebook-model",
            "causebook-record",
            "causebook-why",
        ],
    ),
    (
        "causebook-evidence",
        &["causebook-record", "causebook-tlog"],
    ),
    (
        "causebook-ledger",
        &["causebook-evidence", "causebook-record", "causebook-tlog"],
    ),
    (
        "causebook-sim",
        &[
            "causebook-evidence",
            "causebook-ledger",
            "causebook-record",
            "causebook-tlog",
        ],
    ),
    ("causebook-lake", &["causebook-ledger", "causebook-record"]),
    (
        "causebook-query",
        &[
            "causebook-filter",
            "causebook-lake",
            "causebook-ledger",
            "causebook-record",
        ],
    ),
    ("causebook-capture", &["causebook-record"]),
    ("causebook-spool", &[]),
    (
        "causebook-client",
        &["causebook-record", "causebook-spool", "causebook-tlog"],
    ),
    (
        "causebook-access",
        &["causebook-ledger", "causebook-record"],
    ),
    (
        "causebook-server",
        &[
            "causebook-access",
            "causebook-capture",
            "causebook-evidence",
            "causebook-explain",
            "causebook-filter",
            "causebook-lake",
            "causebook-ledger",
            "causebook-query",
            "causebook-record",
            "causebook-tlog",
            "causebook-why",
        ],
    ),
    (
        "causebook",
        &[
            "causebook-access",
            "causebook-capture",
            "causebook-client",
            "causebook-evidence",
            "causebook-explain",
            "causebook-filter",
            "causebook-lake",
            "causebook-ledger",
            "causebook-query",
            "causebook-record",
            "causebook-server",
            "causebook-tlog",
            "causebook-why",
        ],
    ),
    ("causebook-load", &[]),
    (
        "causebook-bench",
        &[
            "causebook-evidence",
            "causebook-lake",
            "causebook-ledger",
            "causebook-load",
            "causebook-record",
            "causebook-tlog",
        ],
    ),
    ("causebook-conformance", &[]),
    (
        "causebook-torture",
        &[
            "causebook-bench",
            "causebook-evidence",
            "causebook-lake",
            "causebook-ledger",
            "causebook-record",
        ],
    ),
    ("xtask", &[]),
];

/// Crates that must stay quick to build and free of an async runtime.
const LIGHT: &[&str] = &[
    "causebook-record",
    "causebook-tlog",
    "causebook-evidence",
    "causebook-ledger",
    "causebook-sim",
    "causebook-filter",
    "causebook-access",
    "causebook-client",
    "causebook-spool",
];
const HEAVY: [&str; 5] = [
    "arrow-array",
    "datafusion",
    "deltalake-core",
    "parquet",
    "tokio",
];

struct Package {
    name: String,
    version: String,
    licence: String,
    /// Names of direct dependencies, without those for tests alone.
    uses: BTreeSet<String>,
    ours: bool,
}

/// Checks all rules and tells every breach.
pub(crate) fn check() -> Result<(), Failure> {
    let packages = packages()?;
    let mut breaches = Vec::new();
    licences(&packages, &mut breaches);
    versions(&packages, &mut breaches);
    arrows(&packages, &mut breaches);
    weight(&packages, &mut breaches);
    if breaches.is_empty() {
        say(&format!("{} packages keep the rules", packages.len()));
        return Ok(());
    }
    Err(format!("dependency rules are broken:\n  {}", breaches.join("\n  ")).into())
}

fn packages() -> Result<Vec<Package>, Failure> {
    let metadata: Value = serde_json::from_str(&output(
        "cargo",
        &["metadata", "--format-version", "1", "--locked"],
    )?)?;
    let list = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let text = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let packages = list(&metadata, "packages").into_iter().map(|package| {
        let uses = list(&package, "dependencies")
            .into_iter()
            .filter(|dependency| text(dependency, "kind") != "dev");
        Package {
            name: text(&package, "name"),
            version: text(&package, "version"),
            licence: text(&package, "license"),
            uses: uses.map(|dependency| text(&dependency, "name")).collect(),
            ours: package.get("source").is_none_or(Value::is_null),
        }
    });
    Ok(packages.collect())
}

/// Every package can be had under licences of the list alone.
fn licences(packages: &[Package], breaches: &mut Vec<String>) {
    for package in packages {
        let alternatives = package
            .licence
            .split(" OR ")
            .flat_map(|part| part.split('/'));
        let allowed = |alternative: &str| {
            let plain = alternative.replace(['(', ')'], "");
            plain
                .split(" AND ")
                .flat_map(|part| part.split(" WITH "))
                .all(|one| LICENCES.contains(&one.trim()))
        };
        // `A AND (B OR C)` is split at OR too early; a half that is allowed alone stands for the whole.
        if !alternatives.clone().any(allowed) {
            breaches.push(format!(
                "{} {} has the licence {:?}",
                package.name, package.version, package.licence
            ));
        }
    }
}

fn versions(packages: &[Package], breaches: &mut Vec<String>) {
    for name in ONE_VERSION {
        let versions: Vec<&str> = packages
            .iter()
            .filter(|package| package.name == name)
            .map(|package| package.version.as_str())
            .collect();
        if versions.len() != 1 {
            breaches.push(format!(
                "there must be one version of {name}, found {versions:?}"
            ));
        }
    }
    for (name, reason) in REFUSED {
        if packages.iter().any(|package| package.name == name) {
            breaches.push(format!("{name} is refused: {reason}"));
        }
    }
}

fn arrows(packages: &[Package], breaches: &mut Vec<String>) {
    let rules: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let our_names: BTreeSet<&str> = packages
        .iter()
        .filter(|package| package.ours)
        .map(|package| package.name.as_str())
        .collect();
    for package in packages.iter().filter(|package| package.ours) {
        let Some(allowed) = rules.get(package.name.as_str()) else {
            breaches.push(format!(
                "{} has no place among the arrows: see ARCHITECTURE.md",
                package.name
            ));
            continue;
        };
        for used in package
            .uses
            .iter()
            .filter(|used| our_names.contains(used.as_str()))
        {
            if !allowed.contains(&used.as_str()) {
                breaches.push(format!("{} must not use {used}", package.name));
            }
        }
    }
}

fn weight(packages: &[Package], breaches: &mut Vec<String>) {
    let uses: BTreeMap<&str, &BTreeSet<String>> = packages
        .iter()
        .map(|package| (package.name.as_str(), &package.uses))
        .collect();
    for &light in LIGHT {
        let mut reached = BTreeSet::from([light]);
        let mut open = vec![light];
        while let Some(name) = open.pop() {
            for used in uses.get(name).into_iter().flat_map(|used| used.iter()) {
                // Optional dependencies that nobody switched on are listed too, so only what our own crates name is
                // followed one step, and the rest checked by name.
                if name.starts_with("causebook") && reached.insert(used) {
                    open.push(used);
                }
            }
        }
        for heavy in HEAVY.iter().filter(|heavy| reached.contains(**heavy)) {
            breaches.push(format!("{light} must not depend on {heavy}"));
        }
    }
}
