//! Rules for records that refer to another: the other must be there, and a review must fit the decision it is about.
//!
//! An override never edits: the decision stays, the review beside it says what is in force instead. So a review names the
//! decision that was in force before, and one that was not is refused: whoever wrote it looked at something else.

use std::collections::HashMap;

use causebook_ledger::{LedgerError, Reader};
use causebook_record::{Draft, Kind, string_value, value_at};

use crate::asking::Asking;
use crate::book::Book;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::trail::Access;

/// What the records of one request say of each other: a batch may hold a decision and its review.
///
/// It blocks: on a thread of its own, not on one that answers requests. Whoever records reviews holds [`Book::reviewing`] from
/// before they are checked until they are appended, so that what was found to be in force still is.
pub(crate) struct Links<'a> {
    app: &'a App,
    asking: &'a Asking,
    book: &'a Book,
    allow_missing: bool,
    /// Decisions in force of records of this request, by id.
    decisions: HashMap<String, Option<String>>,
}

impl<'a> Links<'a> {
    pub(crate) fn new(
        app: &'a App,
        asking: &'a Asking,
        book: &'a Book,
        allow_missing: bool,
    ) -> Self {
        Self {
            app,
            asking,
            book,
            allow_missing,
            decisions: HashMap::new(),
        }
    }

    /// Checks a record against the ledger and the records before it, and takes note of it for those behind it.
    ///
    /// # Errors
    /// [`Code::UnknownTarget`], [`Code::InvalidReview`], or what reading the ledger fails with.
    pub(crate) fn check(&mut self, draft: &Draft) -> Result<(), Problem> {
        let text = draft.text();
        if let Some(id) = draft.id() {
            // One that is there already is not judged again by what came after it: appending finds it to be the same, or
            // another under the same id.
            let is_known = self.decisions.contains_key(id);
            if is_known || self.book.reader.find_exact(id)?.is_some() {
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

    fn check_target(&mut self, kind: Kind, text: &str, target: &str) -> Result<(), Problem> {
        let known = match self.decisions.get(target) {
            Some(decision) => Some(InForce(decision.clone())),
            None => in_force(&self.book.reader, target)?,
        };
        let Some(InForce(before)) = known else {
            if self.allow_missing {
                return Ok(());
            }
            let detail = format!("no record has the id {target:?}");
            return Err(Problem::new(Code::UnknownTarget, detail).at("/refers_to"));
        };
        if kind != Kind::Review {
            return Ok(());
        }
        let after = check_review(text)?;
        if let (Some(said), Some(in_force)) = (word(text, "/review/before"), before)
            && said != in_force
        {
            return Err(self.not_in_force(target, &said));
        }
        if let Some(after) = after {
            self.decisions.insert(target.to_owned(), Some(after));
        }
        Ok(())
    }

    /// That a decision is not the one in force tells something of the record, also to who may not read it: it names nothing
    /// but what was said, and is on record before it is told.
    fn not_in_force(&self, target: &str, said: &str) -> Problem {
        let access = Access {
            object: Some(target),
            result: Code::InvalidReview.name(),
            ..Access::of("review", &self.book.name)
        };
        let noted = self.app.trail.note(self.asking, &access);
        if let Err(problem) = tokio::runtime::Handle::current().block_on(noted) {
            return problem;
        }
        let detail =
            format!("{said:?} is not the decision in force; read the record and its reviews");
        Problem::new(Code::InvalidReview, detail).at("/review/before")
    }
}

/// What the review puts in force, if it changes anything.
fn check_review(text: &str) -> Result<Option<String>, Problem> {
    let changes = matches!(
        word(text, "/review/action").as_deref(),
        Some("override" | "reverse")
    );
    let (before, after) = (word(text, "/review/before"), word(text, "/review/after"));
    let unfit =
        |pointer: &str, detail: String| Err(Problem::new(Code::InvalidReview, detail).at(pointer));
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
            .and_then(|text| check_review(text).ok().flatten())
            .or(decision);
    }
    Ok(Some(InForce(decision)))
}

/// Whether a record, as it was sent, may refer to another. Names may be written with escapes.
pub(crate) fn may_link(record: &[u8]) -> bool {
    let letters: [&[u8]; 4] = [b"\"refers_to\"", b"\\u005", b"\\u006", b"\\u007"];
    letters
        .iter()
        .any(|sought| memchr::memmem::find(record, sought).is_some())
}

fn word(text: &str, pointer: &str) -> Option<String> {
    value_at(text, pointer)
        .and_then(string_value)
        .map(std::borrow::Cow::into_owned)
}
