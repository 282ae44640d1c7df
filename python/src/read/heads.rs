//! The heads that this user saw last, in the same place as the command line's: each sees what the other saw.

use std::env;
use std::path::PathBuf;

use causebook_ledger::{
    HeadMemory, Identity, LedgerError, RealDisk, RememberedHead, SignedCheckpoint,
};

/// The heads this user saw.
#[derive(Debug)]
pub(crate) struct Heads {
    disk: RealDisk,
}

impl Heads {
    /// `None` where the user has no folder to remember in.
    pub(crate) fn of_user() -> Option<Heads> {
        let state = absolute_from("XDG_STATE_HOME")
            .or_else(|| Some(absolute_from("HOME")?.join(".local/state")))?;
        Some(Heads {
            disk: RealDisk::new(&state.join("causebook").join("heads")),
        })
    }

    /// What is remembered under a name: an origin, or the address of a server's ledger.
    pub(crate) fn recall(&self, name: &str) -> Result<Option<RememberedHead>, LedgerError> {
        HeadMemory::new(&self.disk).recall(name)
    }

    /// Remembers a head under the origin that `identity` has.
    pub(crate) fn remember(
        &self,
        identity: &Identity,
        head: Option<&SignedCheckpoint>,
    ) -> Result<(), LedgerError> {
        HeadMemory::new(&self.disk).remember(identity, head)
    }
}

/// The XDG base directory specification says to ignore paths that are not absolute.
fn absolute_from(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}
