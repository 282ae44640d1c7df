//! Systems run in processes of their own: memory and crashes are theirs, and each is started the same way, with a file
//! that holds its task.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use causebook_load::Failure;
use rustix::process::Pid;
use serde::Serialize;

use crate::scratch::Scratch;
use crate::settings::Settings;

/// A system that takes part.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// Its name in tables.
    pub(crate) name: &'static str,
    /// Its name in settings.
    pub(crate) key: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
}

pub(crate) const CAUSEBOOK: &str = "causebook";
pub(crate) const SQLITE: &str = "sqlite";
pub(crate) const POSTGRES: &str = "postgres";
const IMMUDB: &str = "immudb";
const TESSERA: &str = "tessera";
const TEXT_FILE: &str = "textfile";
/// Their names in settings.
pub(crate) const ALL: [&str; 6] = [CAUSEBOOK, SQLITE, POSTGRES, IMMUDB, TESSERA, TEXT_FILE];

/// The systems `among` those there are, or those of them that `only=` names.
pub(crate) fn subjects(settings: &Settings, among: &[&str]) -> Result<Vec<Subject>, Failure> {
    let own = std::env::current_exe()?;
    let here = |name: &str| ["subject".to_owned(), name.to_owned()].to_vec();
    let all = [
        ("Causebook", CAUSEBOOK),
        ("SQLite, hash chain", SQLITE),
        ("PostgreSQL, hash chain", POSTGRES),
        ("immudb", IMMUDB),
        ("Tessera", TESSERA),
        ("text file", TEXT_FILE),
    ];
    let only = settings.list("only");
    let mut subjects = Vec::new();
    for (name, key) in all {
        let asked = only.as_ref().is_none_or(|only| only.contains(&key));
        if !asked || !among.contains(&key) {
            continue;
        }
        let (program, arguments) = match key {
            SQLITE | TEXT_FILE => (own.clone(), here(key)),
            POSTGRES => {
                let binaries = settings.path("postgres")?;
                (
                    own.clone(),
                    here(&format!("postgres={}", binaries.display())),
                )
            }
            _ => (settings.path(key)?, Vec::new()),
        };
        subjects.push(Subject {
            name,
            key,
            program,
            arguments,
        });
    }
    if subjects.is_empty() {
        return Err("only= names no system that there is".into());
    }
    Ok(subjects)
}

impl Subject {
    /// Runs a task to its end and hands over each line that is printed.
    pub(crate) fn run(
        &self,
        scratch: &Scratch,
        what: &str,
        plan: &impl Serialize,
        line: &mut dyn FnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let file = scratch.path("plan.json");
        std::fs::write(&file, serde_json::to_vec(plan)?)?;
        self.run_file(scratch, what, &file, line)
            .map_err(|error| format!("{}: {error}", self.name).into())
    }

    fn run_file(
        &self,
        scratch: &Scratch,
        what: &str,
        file: &Path,
        line: &mut dyn FnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(what)
            .arg(file)
            .env("TMPDIR", scratch.sockets())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        scratch.running().set(Some(Pid::from_child(&child)));
        let output = child.stdout.take().ok_or("it has no output")?;
        for text in BufReader::new(output).lines() {
            line(&text?)?;
        }
        let status = child.wait()?;
        scratch.running().set(None);
        if status.success() {
            Ok(())
        } else {
            Err(status.to_string().into())
        }
    }
}
