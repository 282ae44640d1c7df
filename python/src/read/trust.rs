//! What is trusted of a server's ledger: the keys that the caller has, or those seen first, and the head seen last.
//!
//! Heads are remembered twice, by the ledger's origin, as for a ledger in a folder, and by its address: a server cannot get rid
//! of what is known of it by giving its ledger another name.

use causebook_client::{ClientError, Head, HeadError, HeadFault, KnownHead, RemoteLedger};
use causebook_evidence::{Evidence, Report, Trust, check};
use causebook_ledger::{FORMAT, Identity, LedgerError, SignedCheckpoint};
use causebook_tlog::{Hash, verify_consistency};

use super::fault::{Class, Fault};
use super::heads::Heads;

/// A head that was verified here.
#[derive(Debug)]
pub(crate) struct Trusted {
    pub(crate) head: Head,
    /// Nothing was known of the ledger before.
    pub(crate) first_seen: bool,
    /// The keys by which evidence is believed.
    pub(crate) keys: Vec<String>,
    heads: Option<Heads>,
    address: String,
}

impl Trusted {
    /// Asks for the newest head and holds it against the keys that were given and what is remembered.
    pub(crate) fn head_of(
        ledger: &RemoteLedger,
        given: &[String],
        remembering: bool,
    ) -> Result<Trusted, HeadError> {
        let heads = Heads::of_user().filter(|_| remembering);
        let address = ledger.address();
        let mut unreadable = None;
        let mut first_seen = true;
        let outcome = ledger.head(|origin| {
            let known = recall(heads.as_ref(), &[origin, &address]).unwrap_or_else(|error| {
                unreadable = Some(error);
                Vec::new()
            });
            first_seen = known.is_empty();
            known
        });
        if let Some(error) = unreadable {
            return Err(HeadError::Client(ClientError::Local {
                doing: "reading the head that was seen last",
                source: std::io::Error::other(error),
            }));
        }
        let head = outcome?;
        if let Some(other) = given.iter().find(|key| !head.keys.contains(key)) {
            let shown: String = other.chars().take(60).collect();
            let what = format!("the ledger is not signed by the key {shown}");
            return Err(HeadFault::WrongKey { what }.into());
        }
        let keys = if given.is_empty() {
            head.keys.clone()
        } else {
            given.to_vec()
        };
        Ok(Trusted {
            head,
            first_seen,
            keys,
            heads,
            address,
        })
    }

    /// Remembers the head, if heads are remembered.
    pub(crate) fn remember(&self) -> Result<(), LedgerError> {
        let Some(heads) = &self.heads else {
            return Ok(());
        };
        let head = &self.head;
        let signed = head.checkpoint.clone().map(|checkpoint| SignedCheckpoint {
            checkpoint,
            note: head.note.clone(),
            time: head.time,
        });
        for name in [&head.origin, &self.address] {
            let identity = Identity {
                format: FORMAT,
                name: String::new(),
                origin: name.clone(),
                created: head.created.parse().unwrap_or_default(),
                keys: head.keys.clone(),
            };
            heads.remember(&identity, signed.as_ref())?;
        }
        Ok(())
    }

    /// Checks that evidence proves a record at this place of the log that the head is of.
    pub(crate) fn check(
        &self,
        ledger: &RemoteLedger,
        index: u64,
        evidence: &str,
    ) -> Result<Report, Fault> {
        let contradiction = |what: String| Fault::new(Class::Evidence, "false-evidence", what);
        let parsed = Evidence::parse(evidence.as_bytes())
            .map_err(|error| Fault::new(Class::Evidence, "not-evidence", error.to_string()))?;
        let report = check(&parsed, &Trust::Keys(self.keys.clone()))
            .map_err(|error| contradiction(error.to_string()))?;
        let place = report.records.first().map(|record| record.index);
        if place != Some(index) || report.origin != self.head.origin {
            return Err(contradiction(format!(
                "the evidence given for index {index} is of another record"
            )));
        }
        self.agrees(ledger, report.size, &report.root)?;
        Ok(report)
    }

    /// Whether another head of the same ledger belongs to the same history.
    fn agrees(&self, ledger: &RemoteLedger, size: u64, root: &Hash) -> Result<(), Fault> {
        let Some(head) = &self.head.checkpoint else {
            return Ok(());
        };
        let forked = |problem: String| {
            let what = format!(
                "the heads over {size} and {} records do not belong to one log: {problem}",
                head.size
            );
            Fault::new(Class::Evidence, "forked", what)
        };
        if size == head.size {
            return if *root == head.root {
                Ok(())
            } else {
                Err(forked("the roots differ".to_owned()))
            };
        }
        let ((from, from_root), (to, to_root)) = if size < head.size {
            ((size, root), (head.size, &head.root))
        } else {
            ((head.size, &head.root), (size, root))
        };
        let consistency = ledger.consistency(from, to)?;
        verify_consistency(from, to, from_root, to_root, &consistency.proof)
            .map_err(|error| forked(error.to_string()))
    }
}

fn recall(heads: Option<&Heads>, names: &[&str]) -> Result<Vec<KnownHead>, LedgerError> {
    let Some(heads) = heads else {
        return Ok(Vec::new());
    };
    let mut known = Vec::new();
    for name in names {
        known.extend(heads.recall(name)?.map(|head| KnownHead {
            keys: head.keys,
            size: head.size,
            root: head.root,
        }));
    }
    Ok(known)
}
