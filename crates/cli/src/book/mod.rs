//! The ledger that a command works on. This is the one seam between the commands and where a ledger lies: they ask a
//! [`Book`], they write through a [`Pen`], and which kind stands behind is decided here.

use std::io::Read;
use std::ops::ControlFlow;

use causebook_client::{Item, Receipt};
use causebook_explain::replay::Replayed;
use causebook_explain::{Ask, Version};
use causebook_filter::Filter;
use causebook_query::Answer;
use causebook_record::{Draft, Pointer};
use causebook_why::Why;

use crate::config::Settings;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::verdict::Verdict;

mod local;
mod local_search;
mod local_verify;
mod remote;
mod remote_pen;
mod remote_table;
mod remote_verify;
pub(crate) mod tokens;
mod trust;

/// A ledger that is asked.
pub(crate) trait Book {
    /// The record with an id, or whose id alone begins so.
    fn find(&self, id: &str) -> Outcome<Item>;

    /// The record with exactly this id.
    fn find_exact(&self, id: &str) -> Outcome<Option<Item>>;

    /// The records that refer to the one with this id, by index.
    fn about(&self, id: &str) -> Outcome<Vec<Item>>;

    /// The first `limit` records that match, newest or oldest first.
    fn select(&self, filter: &Filter, oldest: bool, limit: usize) -> Outcome<Vec<Item>>;

    /// Visits every record that matches, oldest first, until the visitor breaks.
    fn each(&self, filter: &Filter, visit: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Outcome;

    /// Every record that matches, oldest first, in the columns of the table.
    fn table(&self, filter: &Filter) -> Outcome<Answer>;

    /// Tells the last records that match, as many as wanted, and then new ones as they come. Ends only by a failure.
    fn follow(
        &self,
        filter: &Filter,
        last: usize,
        tell: &mut dyn FnMut(News) -> Outcome,
    ) -> Outcome;

    /// What the log says about a record, held against it here and now.
    fn integrity(&self, item: &Item) -> Outcome<Integrity>;

    /// Evidence of a record: the places shown (all of them if there are none), and linked records if wanted. A record that
    /// was acknowledged a moment ago is waited for.
    fn evidence(&self, item: &Item, show: &[Pointer], linked: bool) -> Outcome<Proof>;

    /// The answer to a statement, as many rows as wanted at most.
    fn sql(&self, statement: &str, rows_max: Option<usize>) -> Outcome<Answer>;

    /// Why a decision came out as it did.
    fn why(&self, id: &str, ask: Ask) -> Outcome<Why>;

    /// The versions of models that are registered or that decisions name.
    fn models(&self) -> Outcome<Vec<Version>>;

    /// Runs the decisions that match again, as many as wanted at most, the newest first.
    fn replay(&self, filter: &Filter, limit: usize, output: &Output) -> Outcome<Replayed>;

    /// Whether everything is as it was signed. What is wrong is in the verdict; a failure leaves the question open.
    fn verify(&self, question: &Question, output: &Output) -> Outcome<Verdict>;
}

/// A ledger that is written to.
pub(crate) trait Pen {
    /// Records a batch, whole or not at all where that can be had.
    fn append_all(&self, drafts: Vec<Draft>) -> Result<Vec<Receipt>, Stopped>;

    /// Records what can be recorded of a batch, a result a record.
    fn append_batch(&self, drafts: Vec<Draft>) -> Vec<Result<Receipt, NotRecorded>>;

    /// Keeps a file beside the ledger.
    fn attach(&self, content: &mut dyn Read) -> Outcome<Attachment>;

    /// Erases the facts at these places, or all content if there are none.
    fn erase(&self, id: &str, places: &[Pointer], reason: &str) -> Outcome<Erased>;

    /// Ends the act of writing. What was told first is told, even if this fails.
    fn close(self: Box<Self>) -> Outcome;
}

/// Makes the ledger that the settings name.
pub(crate) fn create(settings: &Settings, origin: Option<&str>) -> Outcome<Made> {
    match &settings.remote {
        None => local::create(settings, origin),
        Some(server) => remote::create(settings, server, origin),
    }
}

/// Opens the ledger that the settings name for questions.
pub(crate) fn open(settings: &Settings) -> Outcome<Box<dyn Book>> {
    Ok(match &settings.remote {
        None => Box::new(local::Local::open(settings)?),
        Some(server) => Box::new(remote::Remote::open(settings, server)?),
    })
}

/// Opens it for writing.
pub(crate) fn pen(settings: &Settings, how: Recording) -> Outcome<Box<dyn Pen>> {
    Ok(match &settings.remote {
        None => Box::new(local::LocalPen::open(settings, how)?),
        Some(server) => Box::new(remote_pen::RemotePen::open(settings, server, how)?),
    })
}

/// How records are recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recording {
    /// The way by which they come into a folder. A server knows by itself.
    pub(crate) via: &'static str,
    /// What they refer to may come later.
    pub(crate) allow_missing_target: bool,
}

impl Recording {
    /// By this way, and what is referred to is there.
    pub(crate) fn by(via: &'static str) -> Recording {
        Recording {
            via,
            allow_missing_target: false,
        }
    }
}

/// A ledger that was just made.
#[derive(Debug)]
pub(crate) struct Made {
    /// What kind of place it is in: `home` or `url`.
    pub(crate) place_is: &'static str,
    pub(crate) place: String,
    pub(crate) name: String,
    pub(crate) origin: String,
    pub(crate) created: String,
    pub(crate) keys: Vec<String>,
}

/// What is to be verified.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) scope: Scope,
    /// Records of a server whose evidence is checked on this side, if not as many as usual.
    pub(crate) sample: Option<u64>,
    /// Compare with the head seen last, and remember this one.
    pub(crate) remembering: bool,
}

/// How much is to be verified.
#[derive(Debug)]
pub(crate) enum Scope {
    /// The head, sizes, and that the log has grown.
    Quick,
    /// All of that, and every record.
    Full,
    /// All of that, and records from this index or time of recording on.
    Since(String),
    /// All of that, and this record.
    One(String),
}

/// What a ledger that is followed tells.
pub(crate) enum News {
    /// A record.
    Record(Item),
    /// Something to know about the records, for people.
    Remark(String),
}

/// What was found when a record was held against the log.
#[derive(Debug, Default)]
pub(crate) struct Integrity {
    /// Records in the ledger.
    pub(crate) size: u64,
    /// The record's digest, if it can be told.
    pub(crate) digest: Option<String>,
    /// When the head that covers it was signed, in seconds since 1970; `None` if no head covers it yet.
    pub(crate) signed: Option<u64>,
    /// What contradicts the log.
    pub(crate) findings: Vec<String>,
    /// Why it could not be held against the log, if it could not.
    pub(crate) unchecked: Option<String>,
}

/// A word or id as a filter takes it literally.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Evidence, and a key to check it with.
pub(crate) struct Proof {
    pub(crate) text: String,
    pub(crate) key: String,
}

/// A batch that was not recorded as a whole.
pub(crate) struct Stopped {
    /// Place in the batch of the record that stopped it.
    pub(crate) position: usize,
    pub(crate) failure: Failure,
    /// What was recorded all the same: a server takes each record by itself.
    pub(crate) recorded: Vec<Receipt>,
}

/// A record that was not recorded.
pub(crate) struct NotRecorded {
    pub(crate) failure: Failure,
    /// Nothing after it will be recorded either.
    pub(crate) ends: bool,
}

/// A file that is kept.
pub(crate) struct Attachment {
    pub(crate) digest: String,
    pub(crate) size: u64,
}

/// What came of an erasure.
#[allow(
    clippy::struct_field_names,
    reason = "as the report and the API name it"
)]
pub(crate) struct Erased {
    pub(crate) index: u64,
    pub(crate) facts_erased: usize,
    pub(crate) recorded_as: String,
    pub(crate) recorded_at_index: u64,
    pub(crate) not_searched: usize,
    /// Bytes of files that were searched for what is gone, where that is told.
    pub(crate) bytes_searched: Option<u64>,
    pub(crate) found_in_files: Vec<String>,
    pub(crate) found_in_records: u64,
}
