//! Rules for records that refer to another: the other must be there, and a review must fit the decision it is about.
//!
//! An override never edits: the decision stays, the review beside it says what is in force instead. So a review names the
//! decision that was in force before, and one that was not is refused: whoever wrote it looked at something else.

use std::collections::HashMap;

use causebook_ledger::{LedgerError, Reader};
use causebook_record::{Draft, Kind, string_value, value_at};

use crate::problem::{Code, Problem};

/// What the records of one request say of each other: a batch may hold a decision and its review.
#[derive(Debug, Default)]
pub(crate) struct Links {
    decisions: HashMap<String, Option<String>>,
}

impl Links {
    /// Checks a record against the ledger and the records before it, and takes note of it for those behind it.
    ///
    /// # Errors
    /// [`Code::UnknownTarget`], [`Code::InvalidReview`], or what reading the ledger fails with.
    pub(crate) fn check(
        &mut self,
        draft: &Draft,
        reader: &Reader,
        allow_missing: bool,
    ) -> Result<(), Problem> {
        let text = draft.text();
        if let Some(target) = word(text, "/refers_to") {
            self.check_target(draft.kind(), text, &target, reader, allow_missing)?;
        }
        if let Some(id) = draft.id() {
            let decision = word(text, "/decision");
            self.decisions.entry(id.to_owned()).or_insert(decision);
        }
        Ok(())
    }

    fn check_target(
        &mut self,
        kind: Kind,
        text: &str,
        target: &str,
        reader: &Reader,
        allow_missing: bool,
    ) -> Result<(), Problem> {
        let known = match self.decisions.get(target) {
            Some(decision) => Some(InForce(decision.clone())),
            None => in_force(reader, target)?,
        };
        let Some(InForce(before)) = known else {
            if allow_missing {
                return Ok(());
            }
            let detail = format!("no record has the id {target:?}");
            return Err(Problem::new(Code::UnknownTarget, detail).at("/refers_to"));
        };
        if kind != Kind::Review {
            return Ok(());
        }
        if let Some(after) = check_review(text, before.as_deref())? {
            self.decisions.insert(target.to_owned(), Some(after));
        }
        Ok(())
    }
}

/// What the review puts in force, if it changes anything.
fn check_review(text: &str, in_force: Option<&str>) -> Result<Option<String>, Problem> {
    let changes = matches!(
        word(text, "/review/action").as_deref(),
        Some("override" | "reverse")
    );
    let (before, after) = (word(text, "/review/before"), word(text, "/review/after"));
    let unfit =
        |pointer: &str, detail: String| Err(Problem::new(Code::InvalidReview, detail).at(pointer));
    if let (Some(before), Some(in_force)) = (&before, in_force)
        && before != in_force
    {
        return unfit(
            "/review/before",
            format!("the decision in force is {in_force:?}, not {before:?}"),
        );
    }
    if !changes {
        return Ok(None);
    }
    let Some(before) = before else {
        return unfit(
            "/review/before",
            "an override names the decision before it".to_owned(),
        );
    };
    match after {
        None => unfit(
            "/review/after",
            "an override names the decision after it".to_owned(),
        ),
        Some(after) if after == before => unfit(
            "/review/after",
            "an override changes the decision; to let it stand is to confirm".to_owned(),
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
            .and_then(|text| check_review(text, None).ok().flatten())
            .or(decision);
    }
    Ok(Some(InForce(decision)))
}

/// Whether a record, as it was sent, may refer to another. Names may be written with escapes.
pub(crate) fn may_link(record: &[u8]) -> bool {
    let letters: [&[u8]; 4] = [b"\"refers_to\"", b"\\u005", b"\\u006", b"\\u007"];
    letters
        .iter()
        .any(|letters| memchr::memmem::find(record, letters).is_some())
}

fn word(text: &str, pointer: &str) -> Option<String> {
    value_at(text, pointer)
        .and_then(string_value)
        .map(std::borrow::Cow::into_owned)
}
