//! What a user trusts of a server's ledger: its keys, since they were first seen, and the head seen last.
//!
//! Heads are remembered twice, by the ledger's origin, as for a ledger in a folder, and by its address: a server cannot get rid
//! of what is known of it by giving its ledger another name.

use causebook_client::{ClientError, Head, HeadError, Item, KnownHead, RemoteLedger};
use causebook_evidence::{Evidence, Report, Trust, check};
use causebook_ledger::{FORMAT, Identity, LedgerError, SignedCheckpoint};
use causebook_tlog::{Hash, verify_consistency};

use super::Integrity;
use crate::failure::{Exit, Failure, Outcome};
use crate::memory::Memory;

/// A head that was verified here.
pub(crate) struct Trusted {
    pub(crate) head: Head,
    /// Nothing was known of the ledger before.
    pub(crate) first_seen: bool,
    memory: Option<Memory>,
    address: String,
}

impl Trusted {
    /// Asks for the newest head and holds it against what is known, if heads are remembered.
    pub(crate) fn head_of(ledger: &RemoteLedger, remembering: bool) -> Result<Trusted, HeadError> {
        let memory = Memory::of_user().filter(|_| remembering);
        let address = ledger.address();
        let mut unreadable = None;
        let mut first_seen = true;
        let outcome = ledger.head(|origin| {
            let names = [origin, &address];
            let known = recall(memory.as_ref(), &names).unwrap_or_else(|error| {
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
        Ok(Trusted {
            head: outcome?,
            first_seen,
            memory,
            address,
        })
    }

    pub(crate) fn keys(&self) -> &[String] {
        &self.head.keys
    }

    /// Remembers the head, if heads are remembered.
    pub(crate) fn remember(&self) -> Outcome {
        let Some(memory) = &self.memory else {
            return Ok(());
        };
        let signed = self
            .head
            .checkpoint
            .clone()
            .map(|checkpoint| SignedCheckpoint {
                checkpoint,
                note: self.head.note.clone(),
                time: self.head.time,
            });
        for name in [&self.head.origin, &self.address] {
            let identity = Identity {
                format: FORMAT,
                name: String::new(),
                origin: name.clone(),
                created: self.head.created.parse().unwrap_or_default(),
                keys: self.head.keys.clone(),
            };
            memory.remember(&identity, signed.as_ref())?;
        }
        Ok(())
    }

    /// Checks that evidence proves a record at this place of the log that the head is of.
    pub(crate) fn check_place(
        &self,
        ledger: &RemoteLedger,
        index: u64,
        evidence: &str,
    ) -> Outcome<Report> {
        let contradiction = |what: String| {
            Failure::new(Exit::Tampered, "false-evidence", what).place(self.address.clone())
        };
        let parsed = Evidence::parse(evidence.as_bytes()).map_err(|error| {
            Failure::new(Exit::Unverified, "not-evidence", error.to_string())
                .place(self.address.clone())
        })?;
        let report = check(&parsed, &Trust::Keys(self.head.keys.clone()))
            .map_err(|error| contradiction(error.to_string()))?;
        let place = report.records.first().map(|record| record.index);
        if place != Some(index) || report.origin != self.head.origin {
            let what = format!("the evidence given for index {index} is of another record");
            return Err(contradiction(what));
        }
        self.agrees(ledger, report.size, &report.root)?;
        Ok(report)
    }

    /// Holds evidence of all of a record against what the server shows of it.
    pub(crate) fn check(
        &self,
        ledger: &RemoteLedger,
        item: &Item,
        evidence: &str,
    ) -> Outcome<Integrity> {
        let report = match self.check_place(ledger, item.index, evidence) {
            Ok(report) => report,
            Err(failure) if failure.exit == Exit::Tampered => {
                return Ok(Integrity {
                    findings: vec![format!("{}: {}", failure.code, failure.title)],
                    ..Integrity::default()
                });
            }
            Err(failure) => return Err(failure),
        };
        let record = report.records.first();
        let mut findings = Vec::new();
        // Where something is masked, the evidence cannot show it either, or is asked for by somebody who may see it.
        let shown = item.masked.is_empty().then_some(item.text.as_deref());
        let proven = record.map(causebook_evidence::CheckedRecord::text);
        if shown.is_some() && shown != proven {
            findings.push(
                "changed-payload: what the server shows is not what is in the log".to_owned(),
            );
        }
        Ok(Integrity {
            digest: record.map(|record| record.digest.to_string()),
            signed: report.signatures.iter().find_map(|it| it.time),
            findings,
            ..Integrity::default()
        })
    }

    /// Whether another head of the same ledger belongs to the same history.
    fn agrees(&self, ledger: &RemoteLedger, size: u64, root: &Hash) -> Outcome {
        let Some(head) = &self.head.checkpoint else {
            return Ok(());
        };
        let forked = |problem: String| {
            let what = format!(
                "the heads over {size} and {} records do not belong to one log: {problem}",
                head.size
            );
            Failure::new(Exit::Tampered, "forked", what).place(self.address.clone())
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

fn recall(memory: Option<&Memory>, names: &[&str]) -> Result<Vec<KnownHead>, LedgerError> {
    let Some(memory) = memory else {
        return Ok(Vec::new());
    };
    let mut known = Vec::new();
    for name in names {
        known.extend(memory.recall(name)?.map(|head| KnownHead {
            keys: head.keys,
            size: head.size,
            root: head.root,
        }));
    }
    Ok(known)
}

impl From<HeadError> for Failure {
    fn from(error: HeadError) -> Failure {
        match error {
            HeadError::Client(error) => error.into(),
            HeadError::Fault(fault) => Failure::new(Exit::Tampered, fault.as_str(), fault.to_string())
                .hint("the signed head that you saw before is kept in your state folder: it proves what the log once said"),
            _ => Failure::new(Exit::Unverified, "head", error.to_string()),
        }
    }
}
