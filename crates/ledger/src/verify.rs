//! Verification: does the ledger still say what was signed, and if not, where is the first place that differs?
//!
//! Trust begins at the signed checkpoint. Its root authenticates the tiles, the tiles authenticate every entry of the
//! log, and each record is recomputed from its stored facts and compared with its entry. A reader who saw an earlier
//! head also learns whether the log has only grown since.

use std::collections::BTreeMap;
use std::fmt;

use causebook_tlog::{Checkpoint, verify_consistency};

use crate::align::{Alignment, Lacking};
use crate::blobs;
use crate::entries::LogEntries;
use crate::error::LedgerError;
use crate::heads::RememberedHead;
use crate::reader::{Moment, Reader};
use crate::recompute::recompute_rows;
use crate::table::{Row, TableError};

/// Findings kept in a report; more are only counted.
pub const FINDINGS_KEPT_MAX: usize = 100;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A record that the log does not have at this place, nor elsewhere.
    Added,
    /// An attachment that a record names is not what was attached.
    ChangedAttachment,
    /// A typed column does not say what the sealed text says.
    ChangedColumn,
    /// The log's own entry or tile is not the one that was signed.
    ChangedLog,
    /// A record's content is not what was sealed.
    ChangedPayload,
    /// A file cannot be read as what it should be.
    DamagedFile,
    /// A record that the log has is not stored.
    Dropped,
    /// A record lacks content, but no erasure of it is on record.
    ErasedUnrecorded,
    /// The log is not a continuation of the head that was seen before.
    Forked,
    /// An attachment that a record names is not kept beside the ledger.
    MissingAttachment,
    /// A record is stored at another place than the log has it.
    Reordered,
    /// The log is shorter than the head that was seen before.
    RolledBack,
    /// The records do not give the signed root.
    RootMismatch,
    /// Records at the end of the log are not stored.
    Truncated,
    /// A signature does not verify under the ledger's key, or the key is not the one seen before.
    WrongKey,
}

impl Fault {
    /// Stable name for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::ChangedAttachment => "changed-attachment",
            Self::ChangedColumn => "changed-column",
            Self::ChangedLog => "changed-log",
            Self::ChangedPayload => "changed-payload",
            Self::DamagedFile => "damaged-file",
            Self::Dropped => "dropped",
            Self::ErasedUnrecorded => "erased-unrecorded",
            Self::Forked => "forked",
            Self::MissingAttachment => "missing-attachment",
            Self::Reordered => "reordered",
            Self::RolledBack => "rolled-back",
            Self::RootMismatch => "root-mismatch",
            Self::Truncated => "truncated",
            Self::WrongKey => "wrong-key",
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of fault.
    pub fault: Fault,
    /// Position in the log, if it has one.
    pub index: Option<u64>,
    /// Id of the record stored there, if one is.
    pub id: Option<String>,
    /// The facts, for a human.
    pub what: String,
}

impl Finding {
    /// A fault of a stored record.
    pub(crate) fn at(row: &Row, fault: Fault) -> Self {
        let what = match fault {
            Fault::ChangedPayload => "its content is not what was sealed".to_owned(),
            other => other.as_str().to_owned(),
        };
        Self {
            fault,
            index: Some(row.index),
            id: row.record.fields().id,
            what,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.fault.as_str())?;
        if let Some(index) = self.index {
            write!(formatter, " at index {index}")?;
        }
        if let Some(id) = &self.id {
            write!(formatter, " (id {id})")?;
        }
        write!(formatter, ": {}", self.what)
    }
}

/// How much to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The checkpoint, sizes, the tree's edge, and consistency with the remembered head.
    Quick,
    /// All of that, and every record against the log.
    Full,
    /// All of that, and the records from this position on.
    Since(u64),
    /// All of that, and the record at this position.
    One(u64),
}

/// What to verify, and against what.
#[derive(Clone, Debug)]
pub struct VerifyRequest<'a> {
    /// How much.
    pub depth: Depth,
    /// The last head the user saw.
    pub remembered: Option<&'a RememberedHead>,
    /// Threads that hash. At least 1.
    pub threads: usize,
}

/// What a verification found.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// The checkpoint everything was held against.
    pub checkpoint: Option<Checkpoint>,
    /// Records that are stored.
    pub records_stored: u64,
    /// Records held against the log.
    pub records_checked: u64,
    /// Of these, intact with some facts erased on record.
    pub redacted: u64,
    /// Of these, intact with their payload erased on record.
    pub erased: u64,
    /// Acknowledged records that no checkpoint covers yet.
    pub beyond_checkpoint: u64,
    /// Size of the remembered head that the log was found to continue.
    pub continues: Option<u64>,
    /// What is wrong, by position; the first [`FINDINGS_KEPT_MAX`].
    pub findings: Vec<Finding>,
    /// How much is wrong altogether.
    pub findings_total: u64,
}

impl VerifyReport {
    /// Nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.findings_total == 0
    }

    pub(crate) fn add(&mut self, finding: Finding) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_KEPT_MAX {
            self.findings.push(finding);
        }
    }

    fn add_general(&mut self, fault: Fault, what: String) {
        self.add(Finding {
            fault,
            index: None,
            id: None,
            what,
        });
    }
}

/// Verifies what `reader` sees.
///
/// # Errors
/// Only if verification could not be done, for example because a file cannot be opened; what is wrong with the ledger
/// is in the report.
pub(crate) fn verify(
    reader: &Reader,
    request: &VerifyRequest<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<VerifyReport, LedgerError> {
    // The head may have been remembered by somebody who looked later than this reader was opened.
    let newer = match request.remembered {
        Some(remembered) if is_behind(reader, remembered) => reader.reopened().ok(),
        _ => None,
    };
    verify_as_opened(newer.as_ref().unwrap_or(reader), request, progress)
}

fn is_behind(reader: &Reader, remembered: &RememberedHead) -> bool {
    let checkpoint = reader.checkpoint();
    checkpoint.map_or(0, |signed| signed.checkpoint.size) < remembered.size
}

fn verify_as_opened(
    reader: &Reader,
    request: &VerifyRequest<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<VerifyReport, LedgerError> {
    let moment = reader.moment();
    let stored = moment.size();
    let mut report = VerifyReport {
        records_stored: stored,
        ..VerifyReport::default()
    };
    for fault in reader.faults() {
        report.add(fault.clone());
    }
    let checkpoint = moment
        .checkpoint
        .as_ref()
        .map(|signed| signed.checkpoint.clone());
    report.beyond_checkpoint = report
        .records_stored
        .saturating_sub(checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size));
    report.checkpoint.clone_from(&checkpoint);
    let mut entries = LogEntries::open(reader.disk(), checkpoint.as_ref())?;
    if let Some(what) = entries.fault() {
        report.add_general(Fault::ChangedLog, what.to_owned());
    }
    check_sizes(reader, &moment, checkpoint.as_ref(), &mut report);
    if let Some(remembered) = request.remembered {
        check_continuation(
            reader,
            checkpoint.as_ref(),
            remembered,
            &mut entries,
            &mut report,
        );
        entries.check_disk()?;
    }
    let claimed = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
    let range = match request.depth {
        Depth::Quick => 0..0,
        Depth::Full => 0..stored.max(claimed),
        Depth::Since(from) => from..stored.max(claimed),
        Depth::One(index) => index..index + 1,
    };
    if !range.is_empty() {
        let mut attachments: BTreeMap<String, (u64, Option<String>)> = BTreeMap::new();
        let mut alignment = Alignment::new(&mut entries, claimed, range.clone());
        let outcome = recompute_rows(&moment, range.clone(), request.threads, &mut |recomputed| {
            for digest in &recomputed.attachments {
                let first = attachments.entry(digest.clone());
                first.or_insert_with(|| (recomputed.index(), recomputed.id()));
            }
            alignment.row(recomputed, &mut report);
            progress(
                alignment.reached().saturating_sub(range.start),
                range.end - range.start,
            );
        });
        let lacking = alignment.end(&mut report);
        entries.check_disk()?;
        check_erasures(reader, lacking, &mut report)?;
        check_attachments(reader, attachments, &mut report)?;
        match outcome {
            Err(LedgerError::Table(TableError::Damaged { what })) => {
                report.add_general(Fault::DamagedFile, what);
            }
            other => other?,
        }
    }
    report
        .findings
        .sort_by_key(|finding| finding.index.map_or((0, 0), |index| (1, index)));
    Ok(report)
}

/// Every attachment that a record names is there and is what its digest says. Each is read once.
fn check_attachments(
    reader: &Reader,
    attachments: BTreeMap<String, (u64, Option<String>)>,
    report: &mut VerifyReport,
) -> Result<(), LedgerError> {
    for (digest, (index, id)) in attachments {
        let (fault, what) = match blobs::is_whole(reader.disk(), &digest)? {
            Some(true) => continue,
            Some(false) => (Fault::ChangedAttachment, "is not what was attached"),
            None => (Fault::MissingAttachment, "is not kept beside the ledger"),
        };
        report.add(Finding {
            fault,
            index: Some(index),
            id,
            what: format!("its attachment {digest} {what}"),
        });
    }
    Ok(())
}

/// Every record that lacks content must be named by an erasure record.
fn check_erasures(
    reader: &Reader,
    lacking: Vec<Lacking>,
    report: &mut VerifyReport,
) -> Result<(), LedgerError> {
    for Lacking { index, id, whole } in lacking {
        let recorded = match &id {
            Some(id) => reader.is_erasure_recorded(id, whole)?,
            None => false,
        };
        match (recorded, whole) {
            (true, true) => report.erased += 1,
            (true, false) => report.redacted += 1,
            (false, _) => {
                let what = "content is gone, but the ledger has no record of an erasure".to_owned();
                report.add(Finding {
                    fault: Fault::ErasedUnrecorded,
                    index: Some(index),
                    id,
                    what,
                });
            }
        }
    }
    Ok(())
}

fn check_sizes(
    reader: &Reader,
    moment: &Moment<'_>,
    checkpoint: Option<&Checkpoint>,
    report: &mut VerifyReport,
) {
    let (stored, in_table) = (moment.size(), moment.in_table());
    match checkpoint {
        Some(checkpoint) if checkpoint.size > stored => report.add(Finding {
            fault: Fault::Truncated,
            index: Some(stored),
            id: None,
            what: format!(
                "the checkpoint covers {} records, but only {stored} are stored",
                checkpoint.size
            ),
        }),
        Some(checkpoint) if checkpoint.size < in_table => report.add(Finding {
            fault: Fault::RolledBack,
            index: Some(checkpoint.size),
            id: None,
            what: format!(
                "the table holds {in_table} records, but the checkpoint covers only {}",
                checkpoint.size
            ),
        }),
        None if in_table > 0 && reader.faults().is_empty() => {
            report.add_general(
                Fault::RolledBack,
                format!("{in_table} records are in the table, but the checkpoint is gone"),
            );
        }
        _ => {}
    }
}

fn check_continuation(
    reader: &Reader,
    checkpoint: Option<&Checkpoint>,
    remembered: &RememberedHead,
    entries: &mut LogEntries<'_>,
    report: &mut VerifyReport,
) {
    if remembered.keys != reader.identity().keys {
        let what = "the ledger's keys are not the ones it had when you last verified it".to_owned();
        return report.add_general(Fault::WrongKey, what);
    }
    let size = checkpoint.map_or(0, |checkpoint| checkpoint.size);
    if size < remembered.size {
        let what = format!(
            "you have seen {} records, but the checkpoint covers only {size}",
            remembered.size
        );
        return report.add(Finding {
            fault: Fault::RolledBack,
            index: Some(size),
            id: None,
            what,
        });
    }
    let Some(checkpoint) = checkpoint.filter(|_| remembered.size > 0) else {
        return;
    };
    let consistent = entries
        .consistency_proof(remembered.size)
        .is_some_and(|proof| {
            verify_consistency(
                remembered.size,
                size,
                &remembered.root,
                &checkpoint.root,
                &proof,
            )
            .is_ok()
        });
    if consistent {
        report.continues = Some(remembered.size);
    } else if entries.fault().is_none() {
        let what = format!(
            "its first {} records are not the ones you have seen",
            remembered.size
        );
        report.add_general(Fault::Forked, what);
    }
}
