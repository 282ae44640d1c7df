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

/// All systems, or those that `only=` names.
pub(crate) fn subjects(settings: &Settings) -> Result<Vec<Subject>, Failure> {
    let own = std::env::current_exe()?;
    let here = |name: &str| ["subject".to_owned(), name.to_owned()].to_vec();
    let all = [
        ("Causebook", CAUSEBOOK),
        ("SQLite, hash chain", SQLITE),
        ("PostgreSQL, hash chain", POSTGRES),
        ("immudb", "immudb"),
        ("Tessera", "tessera"),
        ("text file", "textfile"),
    ];
    let only = settings.list("only");
    let mut subjects = Vec::new();
    for (name, key) in all {
        if only.as_ref().is_some_and(|only| !only.contains(&key)) {
            continue;
        }
        let (program, arguments) = match key {
            SQLITE | "textfile" => (own.clone(), here(key)),
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
