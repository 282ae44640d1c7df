//! Reading a ledger: by id, by what it is about, by position, and with proof. Rows are those of the table and, behind
//! them, those of the buffer, without a gap or a double at the seam.

use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;

use causebook_evidence::{Evidence, EvidenceRecord};
use causebook_record::{Kind, Sealed, Selection, value_at};

use crate::blobs::{self, BlobContent};
use crate::clock::{Clock, SystemClock};
use crate::disk::Disk;
use crate::entries::open_tiles;
use crate::error::LedgerError;
use crate::identity::Identity;
use crate::index::KeyKind;
use crate::recover::{bundled_digest, recover};
use crate::shared::{Shared, SignedCheckpoint};
use crate::table::{Row, Scan, TableSink, TableView};
use crate::verify::{self, Finding, VerifyReport, VerifyRequest};

/// Shortest prefix that may stand for an id.
const PREFIX_CHARACTERS_MIN: usize = 4;
/// Ids named when a prefix is ambiguous.
const CANDIDATES_SHOWN: usize = 5;
/// Buffered rows copied at once.
const BUFFER_CHUNK_ROWS: usize = 1024;
/// Most linked records that go into one evidence file.
const LINKED_RECORDS_MAX: usize = 256;

/// Reads a ledger. Clones read the same.
#[derive(Clone, Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    /// What was wrong already when the ledger was read from disk.
    faults: Arc<Vec<Finding>>,
}

impl Reader {
    pub(crate) fn live(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            faults: Arc::default(),
        }
    }

    /// Reads a ledger from disk, beside a writer or without one, changing nothing. It shows the ledger as it was at
    /// this moment; open it again to see more.
    ///
    /// What contradicts the signed checkpoint does not stop it: [`verify`](Self::verify) tells.
    ///
    /// # Errors
    /// [`LedgerError::NoLedger`], [`LedgerError::NewerFormat`], or if files cannot be read at all.
    pub fn open(disk: Arc<dyn Disk>, table: Arc<dyn TableSink>) -> Result<Self, LedgerError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let recovered = recover(&disk, &clock, table.as_ref(), false)?;
        let shared = Shared::new(
            disk,
            clock,
            table,
            recovered.identity,
            recovered.buffer,
            recovered.index,
            recovered.checkpoint,
        );
        Ok(Self {
            shared: Arc::new(shared),
            faults: Arc::new(recovered.faults),
        })
    }

    /// Who the ledger is.
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// Records acknowledged.
    pub fn size(&self) -> u64 {
        self.shared.buffer().end()
    }

    /// Records that are in the table; those from here to [`size`](Self::size) are in the write-ahead log.
    pub fn in_table(&self) -> u64 {
        self.shared.buffer().first()
    }

    /// The newest signed checkpoint.
    pub fn checkpoint(&self) -> Option<SignedCheckpoint> {
        self.shared.head().checkpoint
    }

    /// Memory that the id index takes, in bytes.
    pub fn index_memory_bytes(&self) -> u64 {
        self.shared.index().memory_bytes()
    }

    /// The record at a position.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub fn get(&self, index: u64) -> Result<Option<Row>, LedgerError> {
        // The buffer is asked first: a row leaves it only after the table has it.
        if let Some(row) = self.shared.buffer().row(index) {
            return Ok(Some(row));
        }
        Ok(self.shared.table.get(index)?)
    }

    /// The record with an id, or whose id alone begins with `id`.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`], [`LedgerError::Ambiguous`], [`LedgerError::PrefixTooShort`].
    pub fn find(&self, id: &str) -> Result<Row, LedgerError> {
        if let Some(row) = self.find_exact(id)? {
            return Ok(row);
        }
        if id.chars().count() < PREFIX_CHARACTERS_MIN {
            return Err(LedgerError::PrefixTooShort {
                prefix: id.to_owned(),
            });
        }
        // The buffer is asked first: a row leaves it only after the table has it.
        let buffered = self.buffered().into_iter().filter_map(|row| {
            let candidate = row
                .record
                .fields()
                .id
                .filter(|candidate| candidate.starts_with(id))?;
            Some((candidate, row.index))
        });
        let mut found: Vec<_> = buffered.collect();
        found.extend(self.shared.table.find_prefix(id, CANDIDATES_SHOWN + 1)?);
        found.sort_unstable_by_key(|(_, index)| *index);
        found.dedup();
        match found.as_slice() {
            [] => Err(LedgerError::NotFound { id: id.to_owned() }),
            [(_, index)] => self
                .get(*index)?
                .ok_or_else(|| LedgerError::NotFound { id: id.to_owned() }),
            several => {
                let candidates = several
                    .iter()
                    .take(CANDIDATES_SHOWN)
                    .map(|(id, _)| id.clone())
                    .collect();
                Err(LedgerError::Ambiguous {
                    prefix: id.to_owned(),
                    candidates,
                })
            }
        }
    }

    /// The record with exactly this id.
    ///
    /// # Errors
    /// If index or table cannot be read.
    pub fn find_exact(&self, id: &str) -> Result<Option<Row>, LedgerError> {
        for index in self.candidates(KeyKind::Id, id)? {
            if let Some(row) = self
                .get(index)?
                .filter(|row| row.record.fields().id.as_deref() == Some(id))
            {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// Positions of the records about a subject, ascending.
    ///
    /// # Errors
    /// If index or table cannot be read.
    pub fn by_subject(&self, subject: &str) -> Result<Vec<u64>, LedgerError> {
        self.matching(KeyKind::Subject, subject, |fields| fields.subject)
    }

    /// Positions of the records that refer to the record with this id, ascending.
    ///
    /// # Errors
    /// If index or table cannot be read.
    pub fn referring_to(&self, id: &str) -> Result<Vec<u64>, LedgerError> {
        self.matching(KeyKind::RefersTo, id, |fields| fields.refers_to)
    }

    /// Positions of the records made within a trace, ascending.
    ///
    /// # Errors
    /// If index or table cannot be read.
    pub fn by_trace(&self, trace_id: &str) -> Result<Vec<u64>, LedgerError> {
        self.matching(KeyKind::Trace, trace_id, |fields| fields.trace_id)
    }

    fn candidates(&self, kind: KeyKind, value: &str) -> Result<Vec<u64>, LedgerError> {
        let key = self.shared.index().seed().key(kind, value);
        // In this order: a record leaves the buffer only after the index has it.
        let mut positions = self.shared.buffer().find(key);
        let index = self.shared.index().clone();
        positions.extend(if kind == KeyKind::Id {
            index.find_id(key)?
        } else {
            index.find(key)?
        });
        positions.sort_unstable();
        positions.dedup();
        Ok(positions)
    }

    fn matching(
        &self,
        kind: KeyKind,
        value: &str,
        field: fn(causebook_record::Fields) -> Option<String>,
    ) -> Result<Vec<u64>, LedgerError> {
        let mut positions = Vec::new();
        for index in self.candidates(kind, value)? {
            let row = self.get(index)?;
            if row.is_some_and(|row| field(row.record.fields()).as_deref() == Some(value)) {
                positions.push(index);
            }
        }
        Ok(positions)
    }

    /// Visits the records of a range of positions in order, until `visit` breaks.
    ///
    /// # Errors
    /// If the table cannot be read; the records before the fault have been visited.
    pub fn scan(
        &self,
        range: Range<u64>,
        visit: &mut dyn FnMut(Row) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        let mut next = range.start;
        while next < range.end.min(self.size()) {
            let in_table = self.in_table();
            if next < in_table {
                let indexes = next..range.end.min(in_table);
                let mut stopped = false;
                self.shared.table.scan(
                    &Scan {
                        indexes: indexes.clone(),
                        check_columns: false,
                    },
                    &mut |scanned| {
                        let flow = visit(scanned.row);
                        stopped = flow.is_break();
                        flow
                    },
                )?;
                if stopped {
                    return Ok(());
                }
                next = indexes.end;
            } else {
                // Copied in pieces: records may move to the table between two of them.
                let rows = self.shared.buffer().rows(next, BUFFER_CHUNK_ROWS);
                for row in rows.into_iter().filter(|row| row.index < range.end) {
                    next = row.index + 1;
                    if visit(row).is_break() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// The records that are not in the table yet, in order.
    pub fn buffered(&self) -> Vec<Row> {
        let buffer = self.shared.buffer();
        buffer.rows(buffer.first(), usize::MAX)
    }

    /// The ledger as it is at this moment, all parts of it fitting together whatever a writer does meanwhile.
    pub(crate) fn moment(&self) -> Moment<'_> {
        loop {
            // In this order: a record comes under a checkpoint before the table has it, and is acknowledged before that.
            let table = self.shared.table.view();
            let checkpoint = self.checkpoint();
            let buffer = self.shared.buffer();
            // Else records have moved to the table since it was looked at.
            if buffer.first() <= table.covered() {
                let tail = buffer.sealed_from(table.covered());
                return Moment {
                    table,
                    checkpoint,
                    tail,
                };
            }
        }
    }

    /// The same ledger as it is on disk now, if this reader was opened beside a writer.
    pub(crate) fn reopened(&self) -> Result<Self, LedgerError> {
        Self::open(
            Arc::clone(&self.shared.disk),
            Arc::clone(&self.shared.table),
        )
    }

    /// Waits until more than `size` records are acknowledged, and gives how many are. Of use with a live ledger.
    pub fn wait_for_more(&self, size: u64, timeout: Duration) -> u64 {
        self.shared.wait_head(timeout, |head| {
            (head.durable > size || head.closing).then_some(())
        });
        self.size()
    }

    /// Evidence of the record at a position: the facts selected, the proof that it is in the log, and the signed
    /// checkpoint. With `linked`, records that refer to it and the one it refers to come along, shown whole.
    ///
    /// # Errors
    /// [`LedgerError::Unfit`] if no checkpoint covers it yet or its payload is erased, [`LedgerError::NotFound`] if
    /// there is no such record, or if the log cannot be read.
    pub fn evidence(
        &self,
        index: u64,
        show: &Selection,
        linked: bool,
    ) -> Result<Evidence, LedgerError> {
        let row = self.get(index)?.ok_or_else(|| LedgerError::NotFound {
            id: format!("index {index}"),
        })?;
        let id = row.record.fields().id.unwrap_or_default();
        let uncovered = || LedgerError::Unfit {
            id: id.clone(),
            what: "no checkpoint covers it yet".to_owned(),
        };
        let signed = self
            .checkpoint()
            .filter(|signed| signed.checkpoint.size > index)
            .ok_or_else(uncovered)?;
        let mut positions = vec![index];
        if linked {
            if let Some(first) = row.record.fields().refers_to {
                positions.extend(self.find_exact(&first)?.map(|row| row.index));
            }
            positions.extend(self.referring_to(&id)?);
            positions.retain(|position| *position < signed.checkpoint.size);
            positions.truncate(LINKED_RECORDS_MAX);
        }
        let asked = if linked {
            with_link(show)
        } else {
            show.clone()
        };
        let mut tiles = open_tiles(self.disk(), &signed.checkpoint)?;
        let mut records = Vec::with_capacity(positions.len());
        for position in positions {
            let selection = if position == index {
                &asked
            } else {
                &Selection::All
            };
            let inclusion = tiles.inclusion_proof(position)?;
            let size = signed.checkpoint.size;
            records.push(self.evidence_record(position, size, selection, inclusion)?);
        }
        let identity = self.identity();
        Ok(Evidence::build(
            identity.keys.clone(),
            signed.note,
            records,
        )?)
    }

    fn evidence_record(
        &self,
        index: u64,
        size: u64,
        show: &Selection,
        inclusion: Vec<causebook_tlog::Hash>,
    ) -> Result<EvidenceRecord, LedgerError> {
        let row = self.get(index)?.ok_or_else(|| LedgerError::NotFound {
            id: format!("index {index}"),
        })?;
        if row.record.text().is_none() {
            let digest = bundled_digest(self.disk(), index, size)?;
            return Ok(EvidenceRecord::erased(index, digest, inclusion));
        }
        Ok(EvidenceRecord::disclosed(
            index,
            row.record.disclosure(show)?,
            inclusion,
        ))
    }

    /// Whether an erasure of the record with this id is on record, also one since this reader was opened; if `whole`, one
    /// of its payload.
    pub(crate) fn is_erasure_recorded(&self, id: &str, whole: bool) -> Result<bool, LedgerError> {
        Ok(self.has_erasure_of(id, whole)? || self.reopened()?.has_erasure_of(id, whole)?)
    }

    fn has_erasure_of(&self, id: &str, whole: bool) -> Result<bool, LedgerError> {
        let of_payload = |row: &Row| {
            let text = row.record.text().unwrap_or_default();
            value_at(text, "/erasure/erased") == Some("\"payload\"")
        };
        for index in self.referring_to(id)? {
            if self.get(index)?.is_some_and(|row| {
                row.record.fields().kind == Some(Kind::Erasure) && (!whole || of_payload(&row))
            }) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Verifies the ledger, telling how many of how many positions are done.
    ///
    /// # Errors
    /// Only if verification could not be done; what is wrong with the ledger is in the report.
    pub fn verify(
        &self,
        request: &VerifyRequest<'_>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<VerifyReport, LedgerError> {
        verify::verify(self, request, progress)
    }

    /// An attachment, to be read in pieces: it may be larger than memory.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`]. Whether its content has changed is told while it is read.
    pub fn open_blob(&self, digest: &str) -> Result<BlobContent, LedgerError> {
        blobs::open(self.disk(), digest)
    }

    /// An attachment, whole and checked against its digest. For small ones: [`open_blob`](Self::open_blob) needs no
    /// memory for all of it.
    ///
    /// # Errors
    /// [`LedgerError::NotFound`], or [`LedgerError::Foreign`] if its content has changed.
    pub fn blob(&self, digest: &str) -> Result<Vec<u8>, LedgerError> {
        blobs::get(self.disk(), digest)
    }

    pub(crate) fn disk(&self) -> &dyn Disk {
        self.shared.disk.as_ref()
    }

    pub(crate) fn faults(&self) -> &[Finding] {
        &self.faults
    }
}

/// A ledger as it was at one moment.
pub(crate) struct Moment<'a> {
    pub(crate) table: Box<dyn TableView + 'a>,
    pub(crate) checkpoint: Option<SignedCheckpoint>,
    /// The acknowledged records behind those of the table.
    pub(crate) tail: Vec<Arc<Sealed>>,
}

impl Moment<'_> {
    pub(crate) fn in_table(&self) -> u64 {
        self.table.covered()
    }

    /// Records acknowledged.
    pub(crate) fn size(&self) -> u64 {
        self.in_table() + self.tail.len() as u64
    }
}

/// The selection with the member that links a record to another: without it shown, the link cannot be checked.
fn with_link(show: &Selection) -> Selection {
    match show {
        Selection::All => Selection::All,
        Selection::Only(pointers) => {
            let link = "/refers_to".parse().ok();
            Selection::Only(pointers.iter().cloned().chain(link).collect())
        }
    }
}
