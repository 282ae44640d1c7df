//! The heads this user saw, in their state folder.

use causebook_ledger::{
    HeadMemory, Identity, LedgerError, RealDisk, RememberedHead, SignedCheckpoint,
};

use crate::config;

/// The heads this user saw.
pub(crate) struct Memory {
    disk: RealDisk,
}

impl Memory {
    /// `None` where the user has no folder to remember in.
    pub(crate) fn of_user() -> Option<Memory> {
        Some(Memory {
            disk: RealDisk::new(&config::state_folder()?.join("heads")),
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
