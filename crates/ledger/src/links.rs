//! Rules for records that refer to another: the other must be there, and a review must fit the decision it is about.
//!
//! An override never edits: the decision stays, the review beside it says what is in force instead. So a review names the
//! decision that was in force before, and one that was not is refused: whoever wrote it looked at something else.
//!
//! The engine takes any valid record; whoever lets records in asks here first. What was found to be in force is so only for
//! as long as nobody else records a review: the one who asks sees to that, by a lock or by being the only writer.

use std::borrow::Cow;
use std::collections::HashMap;

use causebook_record::{Draft, Kind, string_value, value_at};
use memchr::memmem;

use crate::error::LedgerError;
use crate::reader::Reader;

const BEFORE: &str = "/review/before";
const AFTER: &str = "/review/after";

/// Why a record may not refer to what it refers to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// What it refers to is not in the ledger.
    #[error("no record has the id {target:?}")]
    UnknownTarget {
        /// The id it names.
        target: String,
    },
    /// A review that does not say what it changes, or changes nothing.
    #[error("{what}")]
    InvalidReview {
        /// JSON Pointer of the fault.
        pointer: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// A review of a decision that is not in force. It names nothing but what was said: what is in force is for those who
    /// may read the record.
    #[error("{said:?} is not the decision in force; read the record and its reviews")]
    NotInForce {
        /// The record that is reviewed.
        target: String,
        /// The decision that the review names as the one before it.
        said: String,
    },
    /// The ledger could not be asked.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl LinkError {
    /// Stable name of what went wrong, as the API has it.
    pub fn code(&self) -> &'static str {
        match self {
            LinkError::UnknownTarget { .. } => "unknown-target",
            LinkError::InvalidReview { .. } | LinkError::NotInForce { .. } => "invalid-review",
            LinkError::Ledger(_) => "internal",
        }
    }

    /// Where in the record the fault is, as a JSON Pointer; the root if it is not in the record.
    pub fn pointer(&self) -> &'static str {
        match self {
            LinkError::UnknownTarget { .. } => "/refers_to",
            LinkError::InvalidReview { pointer, .. } => pointer,
            LinkError::NotInForce { .. } => BEFORE,
            LinkError::Ledger(_) => "",
        }
    }
}

/// What records that come together say of each other and of those that are there: a batch may hold a decision and its
/// review.
#[derive(Debug)]
pub struct Links<'a> {
    reader: &'a Reader,
    allow_missing: bool,
    /// Decisions in force of records that came together, by id.
    decisions: HashMap<String, Option<String>>,
}

impl<'a> Links<'a> {
    /// Nothing has come yet. With `allow_missing`, what a record refers to may come later.
    pub fn new(reader: &'a Reader, allow_missing: bool) -> Links<'a> {
        Links {
            reader,
            allow_missing,
            decisions: HashMap::new(),
        }
    }

    /// Checks a record against the ledger and the records before it, and takes note of it for those behind it.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn check(&mut self, draft: &Draft) -> Result<(), LinkError> {
        let text = draft.text();
        if let Some(id) = draft.id() {
            // One that is there already is not judged again by what came after it: appending finds it to be the same, or
            // another under the same id.
            let is_known = self.decisions.contains_key(id);
            if is_known || self.reader.find_exact(id)?.is_some() {
                return Ok(());
            }
        }
        if let Some(target) = word(text, "/refers_to") {
            self.check_target(draft.kind(), text, &target)?;
        }
        if let Some(id) = draft.id() {
            self.decisions
                .insert(id.to_owned(), word(text, "/decision"));
        }
        Ok(())
    }

    fn check_target(&mut self, kind: Kind, text: &str, target: &str) -> Result<(), LinkError> {
        let known = match self.decisions.get(target) {
            Some(decision) => Some(InForce(decision.clone())),
            None => in_force(self.reader, target)?,
        };
        let Some(InForce(before)) = known else {
            if self.allow_missing {
                return Ok(());
            }
            let target = target.to_owned();
            return Err(LinkError::UnknownTarget { target });
        };
        if kind != Kind::Review {
            return Ok(());
        }
        let after = put_in_force(text)?;
        if let (Some(said), Some(in_force)) = (word(text, BEFORE), before)
            && said != in_force
        {
            let target = target.to_owned();
            return Err(LinkError::NotInForce { target, said });
        }
        if let Some(after) = after {
            self.decisions.insert(target.to_owned(), Some(after));
        }
        Ok(())
    }
}

/// Whether a record, as it was sent, may refer to another. Names may be written with escapes.
pub fn may_link(record: &[u8]) -> bool {
    let letters: [&[u8]; 4] = [b"\"refers_to\"", b"\\u005", b"\\u006", b"\\u007"];
    letters
        .iter()
        .any(|sought| memmem::find(record, sought).is_some())
}

/// What a review puts in force, if it changes anything.
fn put_in_force(text: &str) -> Result<Option<String>, LinkError> {
    let changes = matches!(
        word(text, "/review/action").as_deref(),
        Some("override" | "reverse")
    );
    if !changes {
        return Ok(None);
    }
    let unfit = |pointer, what| Err(LinkError::InvalidReview { pointer, what });
    let Some(before) = word(text, BEFORE) else {
        return unfit(BEFORE, "an override names the decision before it");
    };
    match word(text, AFTER) {
        None => unfit(AFTER, "an override names the decision after it"),
        Some(after) if after == before => unfit(
            AFTER,
            "an override changes the decision; to let it stand is to confirm",
        ),
        Some(after) => Ok(Some(after)),
    }
}

/// The decision in force for a record that is there; a record may have none.
struct InForce(Option<String>);

/// The decision in force for a record: its own, or that of the last review that changed it. None if there is no such
/// record.
fn in_force(reader: &Reader, id: &str) -> Result<Option<InForce>, LedgerError> {
    let Some(row) = reader.find_exact(id)? else {
        return Ok(None);
    };
    let mut decision = row.record.fields().decision;
    for index in reader.referring_to(id)? {
        let row = reader.get(index)?;
        let text = row.as_ref().and_then(|row| row.record.text());
        decision = text
            .and_then(|text| put_in_force(text).ok().flatten())
            .or(decision);
    }
    Ok(Some(InForce(decision)))
}

fn word(text: &str, pointer: &str) -> Option<String> {
    value_at(text, pointer)
        .and_then(string_value)
        .map(Cow::into_owned)
}
