//! Systems run in processes of their own: memory and crashes are theirs, and each is started the same way, with a file
//! that holds its task.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use causebook_load::Failure;
use rustix::process::Pid;
use serde::Serialize;

use crate::scratch::Scratch;
use crate::served::Served;
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
/// A failure says why at its end.
const SAID_BYTES_MAX: usize = 4 << 10;
const HTTP_POSTGRES: &str = "http-postgres";
const HTTP_POSTGRES_GATHERED: &str = "http-postgres-gathered";

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
    let asked = asked(settings, among)?;
    let mut subjects = Vec::new();
    for (name, key) in all {
        if !asked.contains(&key) {
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
    Ok(subjects)
}

/// Causebook's server and its peers, or those of them that `only=` names.
pub(crate) fn services(settings: &Settings) -> Result<Vec<Subject>, Failure> {
    let own = std::env::current_exe()?;
    let all = [CAUSEBOOK, HTTP_POSTGRES, HTTP_POSTGRES_GATHERED];
    let http_postgres = |gather| {
        Ok::<_, Failure>(Served::HttpPostgres {
            binaries: settings.path("postgres")?,
            service: settings.path("http-postgres")?,
            gather,
        })
    };
    let subject = |key| {
        let (name, served) = match key {
            HTTP_POSTGRES => (
                "PostgreSQL behind HTTP, a commit for each request",
                http_postgres(false)?,
            ),
            HTTP_POSTGRES_GATHERED => (
                "PostgreSQL behind HTTP, gathered by one writer",
                http_postgres(true)?,
            ),
            _ => {
                let binary = settings.path("causebook")?;
                ("Causebook", Served::Causebook { binary })
            }
        };
        Ok(Subject {
            name,
            key,
            program: own.clone(),
            arguments: vec!["served".to_owned(), serde_json::to_string(&served)?],
        })
    };
    asked(settings, &all)?.into_iter().map(subject).collect()
}

/// Those `among` which `only=` names; all, if it is not there.
fn asked<'a>(settings: &Settings, among: &[&'a str]) -> Result<Vec<&'a str>, Failure> {
    let Some(only) = settings.list("only") else {
        return Ok(among.to_vec());
    };
    if let Some(unknown) = only.iter().find(|name| !among.contains(name)) {
        let there = among.join(", ");
        return Err(format!("only= names {unknown:?}; here there are {there}").into());
    }
    let among = among.iter().filter(|key| only.contains(key));
    Ok(among.copied().collect())
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
        let said = scratch.path("said");
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(what)
            .arg(file)
            .env("TMPDIR", scratch.sockets())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&said)?)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.program.display()))?;
        scratch.running().set(Some(Pid::from_child(&child)));
        let output = child.stdout.take().ok_or("it has no output")?;
        let mut lines = BufReader::new(output).lines();
        let told = lines.try_for_each(|text| line(&text?));
        let ended = told.and_then(|()| match child.wait()? {
            status if status.success() => Ok(()),
            status => Err(told_why(&status.to_string(), &said)),
        });
        if ended.is_ok() {
            scratch.running().set(None);
        } else {
            // Others are measured after it: what it started must not run beside them.
            scratch.running().stop();
            child.wait()?;
        }
        ended
    }
}

/// How a system ended, and the end of what it said.
fn told_why(ended: &str, said: &Path) -> Failure {
    let said = std::fs::read(said).unwrap_or_default();
    let from = said.len().saturating_sub(SAID_BYTES_MAX);
    let last = String::from_utf8_lossy(said.get(from..).unwrap_or_default());
    format!("{ended}\n{last}").trim_end().into()
}

#[cfg(test)]
mod tests {
    use causebook_load::Stopwatch;

    use super::*;

    fn keys(arguments: &[&str]) -> Result<Vec<&'static str>, Failure> {
        let arguments: Vec<String> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let subjects = subjects(&Settings::read(&arguments)?, &ALL)?;
        Ok(subjects.into_iter().map(|subject| subject.key).collect())
    }

    #[test]
    fn only_those_named_take_part_and_a_name_that_is_none_is_refused() {
        assert_eq!(
            keys(&["only=textfile,sqlite"]).unwrap(),
            ["sqlite", "textfile"]
        );
        let error = keys(&["only=sqlite,sqlight"]).unwrap_err().to_string();
        assert!(
            error.contains("sqlight") && error.contains("postgres"),
            "{error}"
        );
    }

    #[test]
    fn what_a_failed_system_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(folder.path()).unwrap();
        let mark = folder.path().join("mark");
        let subject = Subject {
            name: "a shell",
            key: "shell",
            program: "/bin/sh".into(),
            arguments: vec![
                "-c".to_owned(),
                format!(
                    "(sleep 5; touch {}) >/dev/null & echo said; echo broken >&2; exit 3",
                    mark.display()
                ),
            ],
        };
        let mut said = Vec::new();
        let watch = Stopwatch::start();
        let ended = subject.run(&scratch, "plan", &(), &mut |line| {
            said.push(line.to_owned());
            Ok(())
        });
        let error = ended.unwrap_err().to_string();
        assert_eq!(error, "a shell: exit status: 3\nbroken");
        assert_eq!(said, ["said"]);
        std::thread::sleep(std::time::Duration::from_secs(6).saturating_sub(watch.elapsed()));
        assert!(!mark.exists());
    }
}
