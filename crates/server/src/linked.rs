//! Records that refer to another, as a request brings them: the rules are the ledger's ([`causebook_ledger::Links`]); who tried
//! what is on record here.

use causebook_ledger::{LinkError, Links as Rules};
use causebook_record::Draft;

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
    rules: Rules<'a>,
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
            rules: Rules::new(&book.reader, allow_missing),
        }
    }

    /// Checks a record against the ledger and the records before it, and takes note of it for those behind it.
    ///
    /// # Errors
    /// [`Code::UnknownTarget`], [`Code::InvalidReview`], or what reading the ledger fails with.
    pub(crate) fn check(&mut self, draft: &Draft) -> Result<(), Problem> {
        self.rules.check(draft).map_err(|error| {
            if let LinkError::NotInForce { target, .. } = &error
                && let Err(problem) = self.note(target)
            {
                return problem;
            }
            error.into()
        })
    }

    /// That a decision is not the one in force tells something of the record, also to who may not read it: it is on record
    /// before it is told.
    fn note(&self, target: &str) -> Result<(), Problem> {
        let access = Access {
            object: Some(target),
            result: Code::InvalidReview.name(),
            ..Access::of("review", &self.book.name)
        };
        let noted = self.app.trail.note(self.asking, &access);
        tokio::runtime::Handle::current().block_on(noted)
    }
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Problem {
        let code = match error {
            LinkError::UnknownTarget { .. } => Code::UnknownTarget,
            LinkError::InvalidReview { .. } | LinkError::NotInForce { .. } => Code::InvalidReview,
            LinkError::Ledger(error) => return error.into(),
            _ => return Problem::internal(&error),
        };
        Problem::new(code, error.to_string()).at(error.pointer())
    }
}
