//! A folder of its own for each test, and a way to run the program in it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// An empty working folder with nothing of the user's settings around it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Place {
        Place {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder with a ledger in its default home.
    pub(crate) fn with_ledger() -> Place {
        let place = Place::new();
        place
            .run(&["init", "--origin", "example.com/test"])
            .succeeds();
        place
    }

    /// A folder whose ledger holds the two loans of [`LOANS`].
    pub(crate) fn with_loans() -> Place {
        let place = Place::with_ledger();
        place.run_with(&["record"], LOANS).succeeds();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_causebook"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear();
        command
            .env("HOME", self.path("user"))
            .env("USER", "tester")
            .env("COLUMNS", "100");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        Run::of(arguments, self.spawn(arguments).wait_with_output().unwrap())
    }

    /// Runs the program with `input` on its standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Run {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_ref().to_vec();
        // A program that refuses early may close its input before it has all of it.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Run::of(arguments, output)
    }
}

/// How a run of the program ended and what it printed.
#[derive(Debug)]
pub(crate) struct Run {
    command: String,
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(arguments: &[&str], output: Output) -> Run {
        Run {
            command: arguments.join(" "),
            code: output.status.code().expect("the program was not killed"),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Run {
        self.ends_with(0)
    }

    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Run {
        assert_eq!(
            self.code, code,
            "causebook {}\n{}{}",
            self.command, self.out, self.err
        );
        self
    }

    /// Standard output has all of these.
    #[track_caller]
    pub(crate) fn prints(self, expected: &[&str]) -> Run {
        for part in expected {
            assert!(
                self.out.contains(part),
                "no {part:?} in the output of causebook {}:\n{}",
                self.command,
                self.out
            );
        }
        self
    }

    /// Standard error has all of these.
    #[track_caller]
    pub(crate) fn says(self, expected: &[&str]) -> Run {
        for part in expected {
            assert!(
                self.err.contains(part),
                "no {part:?} in what causebook {} said:\n{}",
                self.command,
                self.err
            );
        }
        self
    }

    /// Standard output as one JSON document.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.out))
    }

    /// Standard output as JSON documents, one a line.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Standard error as the one problem object it should be.
    #[track_caller]
    pub(crate) fn problem(&self) -> Value {
        serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error}:\n{}", self.err))
    }
}

/// Two decisions of one model about one subject.
pub(crate) const LOANS: &str = concat!(
    r#"{"id":"loan-0001","time":"2024-06-01T12:00:00Z","model":{"name":"credit","version":"1"},"#,
    r#""input":{"age":30,"income":52000.50},"output":"approved","decision":"approve","score":0.21,"subject":"s-1"}"#,
    "\n",
    r#"{"id":"loan-0002","time":"2024-06-02T12:00:00Z","model":{"name":"credit","version":"2"},"#,
    r#""input":{"age":30,"income":31000},"output":"denied","decision":"deny","score":0.72,"subject":"s-1","#,
    r#""parameters":{"thresholds":{"deny":0.5}},"context":{"trace_id":"abc123"}}"#,
    "\n"
);

/// Every file below a folder.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
