//! Erasure: content goes, its commitments stay, and every proof still holds.
//!
//! The act is recorded first, then carried out: after a crash in between, the record says what was meant and doing it
//! again finishes it. All records leave the write-ahead log, the table's files that held the content are rewritten and
//! deleted, the index forgets the subject, references and trace of a record whose payload is gone, and in the end every byte
//! that is left is searched for what was erased.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use causebook_record::{Draft, Pointer, Selection, Stored, join_members, string_text};

use crate::error::{AppendError, LedgerError};
use crate::index::{Key, Keys};
use crate::reader::Reader;
use crate::sequence::Receipt;
use crate::shared::Shared;
use crate::table::{Row, Scan};

/// Folder of a ledger for what others make of its records and can make again: it goes with whatever is erased.
pub const CACHE: &str = "cache";
/// Erased values shorter than this are not searched for: they are found everywhere by chance.
const SEARCHED_BYTES_MIN: usize = 6;
const CHECKPOINT_WAIT_MAX: Duration = Duration::from_secs(30);

/// What to erase of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erasure {
    /// The facts at these places and under them.
    Facts(Vec<Pointer>),
    /// Everything but the id.
    Payload,
}

/// What was erased, and what the search afterwards found.
#[derive(Clone, Debug)]
pub struct ErasureReport {
    /// Position of the erased record.
    pub index: u64,
    /// Facts that are gone.
    pub facts_erased: usize,
    /// Of these, facts whose values are too short to be searched for: they are found everywhere by chance.
    pub not_searched: usize,
    /// Receipt of the record of the act.
    pub receipt: Receipt,
    /// Bytes of files that were searched for the erased values.
    pub bytes_searched: u64,
    /// Files outside the table that still hold an erased value. Empty unless something else put it there.
    pub found_in_files: Vec<String>,
    /// Other records that hold one of the erased values as their own.
    pub found_in_records: u64,
}

/// What erasure asks of the engine, however it is run.
pub(crate) trait Erasing {
    fn shared(&self) -> &Arc<Shared>;

    /// Records the act. Durable when it returns `Ok`.
    fn append_act(&self, act: Draft, by: &str) -> Result<Receipt, AppendError>;

    /// Waits until a checkpoint covers the first `size` records.
    fn await_checkpoint(&self, size: u64, timeout: Duration) -> Result<(), LedgerError>;

    /// Moves everything acknowledged so far into the table; nothing of it remains in the write-ahead log.
    fn empty_log(&self) -> Result<(), LedgerError>;
}

pub(crate) fn erase(
    ledger: &dyn Erasing,
    id: &str,
    what: &Erasure,
    reason: &str,
    by: &str,
) -> Result<ErasureReport, LedgerError> {
    let reader = Reader::live(Arc::clone(ledger.shared()));
    let row = reader.find(id)?;
    let id = row.record.fields().id.unwrap_or_else(|| id.to_owned());
    let before = row.record.clone();
    let after = erased(&id, before.clone(), what)?;
    let values = erased_values(&before, &after)?;
    let receipt = record_act(ledger, &id, what, reason, by)?;
    ledger.await_checkpoint(receipt.index + 1, CHECKPOINT_WAIT_MAX)?;
    ledger.empty_log()?;
    let shared = ledger.shared();
    let index = row.index;
    shared.table.replace(&[Row {
        index,
        record: after.clone(),
    }])?;
    forget(ledger, index, &after)?;
    shared
        .disk
        .remove_dir(CACHE)
        .map_err(LedgerError::disk("removing", CACHE))?;
    let (bytes_searched, found_in_files) = search_files(ledger, &values)?;
    let found_in_records = search_records(ledger, index, &values)?;
    let facts_erased = values.len();
    let not_searched = facts_erased - needles(&values).len();
    Ok(ErasureReport {
        index,
        facts_erased,
        not_searched,
        receipt,
        bytes_searched,
        found_in_files,
        found_in_records,
    })
}

fn erased(id: &str, before: Stored, what: &Erasure) -> Result<Stored, LedgerError> {
    match what {
        Erasure::Payload => Ok(before.erase()),
        Erasure::Facts(_) if before.text().is_none() => Err(LedgerError::Unfit {
            id: id.to_owned(),
            what: "its payload has been erased already".to_owned(),
        }),
        Erasure::Facts(pointers) => Ok(before.erase_facts(pointers)?),
    }
}

/// Texts of the facts that are in `before` but not in `after`.
fn erased_values(before: &Stored, after: &Stored) -> Result<Vec<String>, LedgerError> {
    if before.text().is_none() {
        return Ok(Vec::new());
    }
    let kept: HashSet<u32> = match after.text() {
        Some(_) => after
            .disclosure(&Selection::All)?
            .facts
            .into_iter()
            .map(|fact| fact.i)
            .collect(),
        None => HashSet::new(),
    };
    let facts = before.disclosure(&Selection::All)?.facts;
    // The id stays, so it is not among what is searched for.
    let gone = facts
        .into_iter()
        .filter(|fact| !kept.contains(&fact.i) && fact.path != "/id");
    Ok(gone.map(|fact| fact.text).collect())
}

/// Appends the record of the act: which record, which places, why, by whom. It names no erased value.
fn record_act(
    ledger: &dyn Erasing,
    id: &str,
    what: &Erasure,
    reason: &str,
    by: &str,
) -> Result<Receipt, LedgerError> {
    let scope = match what {
        Erasure::Payload => "\"payload\"".to_owned(),
        Erasure::Facts(pointers) => {
            let places: Vec<String> = pointers
                .iter()
                .map(|pointer| string_text(pointer.as_str()))
                .collect();
            format!("[{}]", places.join(","))
        }
    };
    let act = join_members([
        ("erased", scope.as_str()),
        ("reason", string_text(reason).as_str()),
    ])?;
    let text = join_members([
        ("kind", "\"erasure\""),
        ("refers_to", string_text(id).as_str()),
        ("erasure", act.as_str()),
    ])?;
    let draft = Draft::parse(text.as_bytes())?;
    ledger
        .append_act(draft, by)
        .map_err(|error| LedgerError::Unfit {
            id: id.to_owned(),
            what: error.to_string(),
        })
}

/// Drops index entries of what is gone: a keyed hash could still be guessed.
fn forget(ledger: &dyn Erasing, index: u64, after: &Stored) -> Result<(), LedgerError> {
    let shared = ledger.shared();
    let _no_merge = shared.keep_runs();
    let runs = shared.index().clone();
    let kept = Keys::of(&runs.seed(), &after.fields());
    let kept: Vec<Key> = kept.iter().collect();
    let keep = |key, position| position != index || kept.contains(&key);
    for (old, new) in runs.without(index..index + 1, &keep)? {
        shared.index_mut().replace(&[old], new)?;
    }
    Ok(())
}

/// What a value may look like in a file: as canonical text, and a string also without its quotes.
fn needles(values: &[String]) -> Vec<&[u8]> {
    let bare = values
        .iter()
        .map(|value| value.trim_matches('"').as_bytes());
    bare.filter(|value| value.len() >= SEARCHED_BYTES_MIN)
        .collect()
}

/// Searches every byte of the ledger's folder, table included.
fn search_files(
    ledger: &dyn Erasing,
    values: &[String],
) -> Result<(u64, Vec<String>), LedgerError> {
    let needles = needles(values);
    let disk = ledger.shared().disk.as_ref();
    let mut directories = vec![String::new()];
    let (mut searched, mut found) = (0, Vec::new());
    while let Some(directory) = directories.pop() {
        for name in disk
            .list(&directory)
            .map_err(LedgerError::disk("listing", &directory))?
        {
            let path = if directory.is_empty() {
                name
            } else {
                format!("{directory}/{name}")
            };
            match disk.read(&path) {
                Ok(bytes) => {
                    searched += bytes.len() as u64;
                    if needles.iter().any(|needle| contains(&bytes, needle)) {
                        found.push(path);
                    }
                }
                Err(error) if error.kind() == std::io::ErrorKind::IsADirectory => {
                    directories.push(path);
                }
                // A checkpoint or tile may be replaced while we look.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(LedgerError::disk("searching", &path)(error)),
            }
        }
    }
    found.sort_unstable();
    Ok((searched, found))
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else {
        return false;
    };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = rest.get(at..).unwrap_or_default();
        if rest.starts_with(needle) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// Counts other records that hold one of the values: compressed columns hide them from a search of bytes.
fn search_records(
    ledger: &dyn Erasing,
    erased_index: u64,
    values: &[String],
) -> Result<u64, LedgerError> {
    let needles = needles(values);
    let mut holding = 0;
    ledger.shared().table.scan(
        &Scan {
            indexes: 0..u64::MAX,
            check_columns: false,
        },
        &mut |scanned| {
            let text = scanned.row.record.text().unwrap_or_default().as_bytes();
            if scanned.row.index != erased_index
                && needles.iter().any(|needle| contains(text, needle))
            {
                holding += 1;
            }
            ControlFlow::Continue(())
        },
    )?;
    Ok(holding)
}
