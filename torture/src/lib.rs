//! What the campaigns here share: ledgers opened as the product opens them, folders copied and compared, and one way to
//! hold what is stored against what it was.
//!
//! The programs do to a ledger what a machine, an accident or an attacker does: `syscalls` fails every call into the
//! operating system, `kill` kills the writer, `kill-server` the server, `tampering` changes the files. Each ends with 1 if
//! the product broke a promise.

mod folder;
mod ledger;
mod original;

pub use causebook_bench::open_reader;
pub use folder::{copy_tree, files_below, fingerprints, scratch};
pub use ledger::{Sight, head_of, look, name_of, verify};
pub use original::Original;

use std::io::Write as _;
use std::path::PathBuf;

/// Error of a program: told and ended.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Prints a line.
pub fn say(line: &str) {
    // Nobody listening is no reason to stop.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// A program of the product: the one that was built along with this.
///
/// # Errors
/// If it was not.
pub fn beside(name: &str) -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?.with_file_name(name);
    if program.exists() {
        Ok(program)
    } else {
        Err(format!("there is no {}; build the workspace", program.display()).into())
    }
}

/// The value that follows an option on the command line.
pub fn option(arguments: &[String], name: &str) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == name)?;
    arguments.get(at + 1).cloned()
}
