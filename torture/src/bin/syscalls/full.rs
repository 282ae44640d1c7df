//! Full disks: a file system in memory with room for so much and no more, or, where none can be mounted, a limit on
//! the size of files. Unlike a call that is failed, these write a part of what they were given before they fail.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use causebook_torture::{Failure, copy_tree, files_below};

use crate::check::Known;
use crate::fresh;
use crate::life::{Life, Stage};
use crate::trace::wrap;

/// Sizes tried for each stage.
pub(crate) const STEPS: usize = 40;
const PAGE_BYTES: u64 = 4096;
const STAGES: [Stage; 4] = [Stage::First, Stage::Write, Stage::Import, Stage::EraseField];
/// Room that is enough for every stage.
const PLENTY: &str = "size=256m";

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) runs: usize,
    pub(crate) how: String,
    pub(crate) broken: Vec<String>,
}

/// Runs each stage with `steps` amounts of room.
pub(crate) fn campaign(life: &Life, root: &Path, steps: usize) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let mount = Mount::make(&root.join("full"));
    outcome.how = match &mount {
        Some(_) => "a tmpfs that is full, and limited files".to_owned(),
        None => "limited files; no tmpfs could be mounted".to_owned(),
    };
    for stage in STAGES {
        let known = Known::before(stage, &life.before(stage))?;
        for step in 0..steps as u64 {
            // Close together where little room is left, which is where most steps of the write path fail.
            let room = step * step * 120;
            let folder = root.join("limited");
            fresh(&life.before(stage), &folder)?;
            let output = limited(&stage.command(life, &folder)?, room).output()?;
            outcome.note(
                &format!("{stage:?}, files of at most {room} bytes"),
                &known,
                &output,
                &folder,
            );
            if let Some(mount) = &mount {
                let folder = mount.fill(&life.before(stage), step)?;
                let output = stage
                    .command(life, &folder)?
                    .stdin(Stdio::null())
                    .output()?;
                mount.widen()?;
                outcome.note(
                    &format!("{stage:?}, a disk with room for {step} pages"),
                    &known,
                    &output,
                    &folder,
                );
            }
        }
    }
    Ok(outcome)
}

impl Outcome {
    fn note(&mut self, what: &str, known: &Known, output: &Output, folder: &Path) {
        self.runs += 1;
        if let Err(broken) = known.holds_after(output, folder, false) {
            let said = String::from_utf8_lossy(&output.stderr)
                .trim()
                .replace('\n', "\n  ");
            self.broken.push(format!("{what}: {broken}\n  {said}"));
        }
    }
}

/// The program with a limit on the size of files; a write that reaches it is cut short, the next one fails.
fn limited(program: &Command, bytes: u64) -> Command {
    let mut command = Command::new("env");
    command
        .args(["--ignore-signal=XFSZ", "prlimit"])
        .arg(format!("--fsize={bytes}"))
        .stdin(Stdio::null());
    wrap(&mut command, program);
    command
}

/// A file system in memory.
struct Mount {
    folder: PathBuf,
}

impl Mount {
    /// `None` if the system does not let us.
    fn make(folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).ok()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", PLENTY, "tmpfs"])
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self {
            folder: folder.to_owned(),
        })
    }

    /// Copies a stage's folder to it and leaves room for so many pages more.
    fn fill(&self, from: &Path, pages: u64) -> Result<PathBuf, Failure> {
        self.widen()?;
        let folder = self.folder.join("work");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        copy_tree(from, &folder)?;
        let mut used = PAGE_BYTES;
        for file in files_below(&folder)? {
            used += fs::metadata(folder.join(file))?
                .len()
                .next_multiple_of(PAGE_BYTES);
        }
        self.remount(&format!("size={}", used + pages * PAGE_BYTES))?;
        Ok(folder)
    }

    fn widen(&self) -> Result<(), Failure> {
        self.remount(PLENTY)
    }

    fn remount(&self, size: &str) -> Result<(), Failure> {
        let options = format!("remount,{size}");
        let status = Command::new("mount")
            .args(["-o", &options])
            .arg(&self.folder)
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("mount -o {options}: {status}").into())
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // The folder goes with the campaign's; a mount that stays would keep it.
        let _ = Command::new("umount").arg(&self.folder).status();
    }
}
