//! The systems that this program runs itself. What they have in common is here: a chain of hashes, as somebody would build
//! an audit table on a database.

pub(crate) mod postgres;
pub(crate) mod sqlite;
pub(crate) mod textfile;

use causebook_load::Entry;
use sha2::{Digest, Sha256};

/// Hash over a record and the hash before it.
pub(crate) type Hash = [u8; 32];

/// Hash of a record in a chain: over the hash before it, its id and its JSON, which names the time of the decision.
pub(crate) fn chained(before: &Hash, entry: Entry<'_>) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(before);
    // Lengths first, so that no two records hash the same bytes.
    hasher.update((entry.id.len() as u64).to_be_bytes());
    hasher.update(entry.id);
    hasher.update(entry.json);
    hasher.finalize().into()
}

/// Checks a chain, record after record.
#[derive(Debug, Default)]
pub(crate) struct ChainCheck {
    before: Hash,
    records: u64,
}

impl ChainCheck {
    pub(crate) fn next(
        &mut self,
        seq: i64,
        entry: Entry<'_>,
        before: &[u8],
        hash: &[u8],
    ) -> Result<(), causebook_load::Failure> {
        let right = chained(&self.before, entry);
        if seq != self.records as i64 || before != self.before || hash != right {
            return Err(format!("the chain breaks at {seq}, id {}", entry.id).into());
        }
        self.before = right;
        self.records += 1;
        Ok(())
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }
}
