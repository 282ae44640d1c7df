//! Programs run under strace: their calls into the operating system counted, failed, or made their last.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use causebook_torture::Failure;

/// The calls that open, read, write, sync, name and remove files.
pub(crate) const CALLS: [&str; 30] = [
    "openat",
    "creat",
    "read",
    "pread64",
    "readv",
    "getdents64",
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "mkdir",
    "mkdirat",
    "rmdir",
    "unlink",
    "unlinkat",
    "truncate",
    "ftruncate",
    "fallocate",
    "flock",
    "copy_file_range",
    "close",
];

/// Longest that a process may take; undisturbed it takes well below one second.
const SECONDS_MAX: &str = "60";

/// What is done to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// It does nothing and fails with this error.
    Error(&'static str),
    /// The process is killed at it.
    Kill,
}

impl Fault {
    /// What can befall a call.
    pub(crate) fn of(call: &str) -> Vec<Self> {
        // A process killed as it reads or closes a file has done the same as one killed at the call before.
        let mut faults = vec![Self::Error("EIO")];
        let idle = ["read", "pread64", "readv", "getdents64", "close"];
        if !idle.contains(&call) {
            faults.push(Self::Kill);
        }
        let needs_room = ["write", "link", "mkdir", "fallocate", "rename"];
        if needs_room.iter().any(|name| call.contains(name)) && !call.starts_with("unlink") {
            faults.push(Self::Error("ENOSPC"));
        }
        if [
            "write",
            "pwrite64",
            "fsync",
            "fdatasync",
            "fallocate",
            "flock",
        ]
        .contains(&call)
        {
            faults.push(Self::Error("EINTR"));
        }
        faults
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error(error) => formatter.write_str(error),
            Self::Kill => formatter.write_str("SIGKILL"),
        }
    }
}

/// The N-th call of a kind that one of the process's threads makes on a file.
///
/// The file is part of it because strace would otherwise count, and fail, what a thread does to pipes and event counters,
/// which never fails in life.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) call: String,
    /// Below the folder of the stage; empty for the folder itself.
    pub(crate) path: String,
    pub(crate) number: usize,
}

fn strace(log: &Path, arguments: &[String], program: &Command) -> Command {
    // The limit ends strace together with what it runs.
    let mut command = Command::new("timeout");
    command
        .args(["--signal=KILL", SECONDS_MAX, "strace"])
        .args(["-f", "-y", "-s", "0", "-qq", "-o"])
        .arg(log)
        .args(arguments)
        .stdin(Stdio::null());
    wrap(&mut command, program);
    command
}

/// Has `outer` run a program: its name, its arguments and its environment.
pub(crate) fn wrap(outer: &mut Command, program: &Command) {
    outer.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
}

/// Runs a program undisturbed and gives the places at which it touches something below `folder`.
pub(crate) fn places(program: &Command, folder: &Path, log: &Path) -> Result<Vec<Place>, Failure> {
    // Other architectures lack some calls; the question mark lets strace pass over those.
    let calls = CALLS.map(|call| format!("?{call}")).join(",");
    let output = strace(log, &["-e".to_owned(), format!("trace={calls}")], program).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!(
            "undisturbed, {program:?} ended with {}: {said}",
            output.status
        )
        .into());
    }
    let below = folder.to_string_lossy();
    let mut counts = std::collections::HashMap::new();
    let mut places = BTreeSet::new();
    for line in fs::read_to_string(log)?.lines() {
        let Some((thread, call)) = started(line) else {
            continue;
        };
        let mut place = None;
        for path in paths(line, &below) {
            let counted = (thread.to_owned(), call.to_owned(), path.to_owned());
            let number: &mut usize = counts.entry(counted).or_default();
            *number += 1;
            place.get_or_insert_with(|| Place {
                call: call.to_owned(),
                path: path.to_owned(),
                number: *number,
            });
        }
        places.extend(place);
    }
    Ok(places.into_iter().collect())
}

/// The files below a folder that a line of the log names, without the folder: `"path"` or `7<path>`.
fn paths<'a>(line: &'a str, folder: &str) -> BTreeSet<&'a str> {
    let named = line.match_indices(folder).filter_map(|(at, folder)| {
        let rest = line.get(at + folder.len()..)?;
        let path = rest.split(['"', '>']).next()?;
        Some(path.trim_start_matches('/'))
    });
    named.collect()
}

/// Thread and name of the call that a line of the log begins.
fn started(line: &str) -> Option<(&str, &str)> {
    let (thread, rest) = line.split_once(' ')?;
    let (call, _) = rest.trim_start().split_once('(')?;
    CALLS.contains(&call).then_some((thread, call))
}

/// What came of a disturbed run.
pub(crate) struct Disturbed {
    pub(crate) output: Output,
    /// Calls that were failed or died at, as strace shows them.
    pub(crate) hits: Vec<String>,
}

/// Runs a program with one fault at one place.
pub(crate) fn disturbed(
    program: &Command,
    place: &Place,
    fault: Fault,
    folder: &Path,
    log: &Path,
) -> Result<Disturbed, Failure> {
    let Place { call, path, number } = place;
    let what = match fault {
        Fault::Error(error) => format!("error={error}"),
        Fault::Kill => "signal=SIGKILL".to_owned(),
    };
    let below = folder.to_string_lossy();
    let mut arguments = vec![
        "-P".to_owned(),
        folder
            .join(path)
            .to_string_lossy()
            .trim_end_matches('/')
            .to_owned(),
        "-e".to_owned(),
        format!("trace={call}"),
        "-e".to_owned(),
        format!("inject={call}:{what}:when={number}"),
    ];
    if fault != Fault::Kill {
        // Otherwise every call of the process waits for strace, whether it is looked at or not. Signals are not sent then.
        arguments.push("--seccomp-bpf".to_owned());
    }
    let output = strace(log, &arguments, program).output()?;
    let hit = |line: &&str| match fault {
        Fault::Error(_) => line.contains("(INJECTED)") && line.contains(below.as_ref()),
        Fault::Kill => line.contains("killed by SIGKILL"),
    };
    let text = fs::read_to_string(log)?;
    let hits = text.lines().filter(hit).map(str::to_owned).collect();
    Ok(Disturbed { output, hits })
}
