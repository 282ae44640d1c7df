//! A ledger in a folder as a place where spools deliver to.
//!
//! The ledger is opened when there is something to deliver and let go of when there is nothing for a while: one process at a
//! time writes it. Who finds it taken tries again later; whoever has it empties the spools of all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use causebook_capture::arrow::{Limits, Reader as Rows};
use causebook_ledger::{AppendError, Ledger, LedgerError, LinkError, Links, Reader, may_link};
use causebook_record::Draft;
use causebook_spool::{
    Delivery, Destination, Outcome, Parcel, ParcelKind, Receipt, Refusal, Unavailable,
};

use super::fork::Listed;
use super::house;
use crate::home;
use crate::read::Fault;

/// How records come here, as it stands in `recorded.via`.
const VIA: &str = "sdk";
/// Most records that are committed together.
const GROUP_MAX: usize = 1024;
/// Most bytes of records that are committed together, short of one that is larger by itself.
const GROUP_BYTES_MAX: usize = 8 << 20;
/// When it is worth to try again for the lock of another process.
const LOCKED_WAIT: Duration = Duration::from_secs(1);

/// A ledger in a folder. Used by the process that made it alone.
#[derive(Debug)]
pub(crate) struct EmbeddedDestination {
    name: String,
    folder: PathBuf,
    by: String,
    process: u32,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    ledger: Ledger,
    listed: Listed,
}

impl EmbeddedDestination {
    /// The ledger `name` of the home, which is made when there is something to record. Records are recorded as written by
    /// `by`; without it, by whom the operating system says is logged in.
    ///
    /// # Errors
    /// For a name that no ledger can have.
    pub(crate) fn new(
        home: &Path,
        name: &str,
        by: Option<&str>,
    ) -> Result<EmbeddedDestination, Fault> {
        Ok(EmbeddedDestination {
            name: name.to_owned(),
            folder: home::ledger_folder(home, name)?,
            by: by.map_or_else(login_name, str::to_owned),
            process: std::process::id(),
            open: None,
        })
    }

    fn ledger(&mut self) -> Result<Ledger, LedgerError> {
        if let Some(open) = &self.open {
            return Ok(open.ledger.clone());
        }
        let (ledger, listed) = house::open(&self.folder, &self.name)?;
        self.open = Some(Open {
            ledger: ledger.clone(),
            listed,
        });
        Ok(ledger)
    }

    /// Lets go of the ledger. What was acknowledged is durable, whatever this fails with.
    fn let_go(&mut self) {
        let Some(Open { ledger, listed }) = self.open.take() else {
            return;
        };
        if self.process == std::process::id() {
            let _ = house::close(ledger, &self.folder);
            drop(listed);
        } else {
            // Its threads are the parent's, and so is what it would wait for.
            std::mem::forget(ledger);
        }
    }

    fn unavailable(&self, error: &LedgerError) -> Unavailable {
        let place = self.folder.display();
        Unavailable {
            what: format!("the ledger in {place} cannot be opened: {error}"),
            retry_after: matches!(error, LedgerError::Locked { .. }).then_some(LOCKED_WAIT),
        }
    }
}

impl Destination for EmbeddedDestination {
    fn deliver(&mut self, parcels: &[Parcel<'_>]) -> Delivery {
        let mut delivery = Delivery::default();
        if self.process != std::process::id() {
            delivery.failure = Some(Unavailable {
                what: "this ledger belongs to the process that this one was forked from".to_owned(),
                retry_after: None,
            });
            return delivery;
        }
        let ledger = match self.ledger() {
            Ok(ledger) => ledger,
            Err(error) => {
                delivery.failure = Some(self.unavailable(&error));
                return delivery;
            }
        };
        let mut left = parcels;
        while let Some(first) = left.first() {
            let (taken, outcome) = match first.kind {
                ParcelKind::Record => records(&ledger, &self.by, group(left)),
                ParcelKind::Batch => (1, batch(&ledger, &self.by, first)),
                ParcelKind::Attachment => (1, attachment(&ledger, first, &mut delivery)),
            };
            match outcome {
                Ok(outcomes) => {
                    delivery.parcels += taken;
                    delivery.outcomes.extend(outcomes);
                    left = left.get(taken..).unwrap_or_default();
                }
                Err(Stopped { done, what }) => {
                    delivery.parcels += done.len();
                    delivery.outcomes.extend(done);
                    delivery.failure = Some(Unavailable {
                        what,
                        retry_after: None,
                    });
                    break;
                }
            }
        }
        if ledger.check_sound().is_err() {
            // Opening it again goes through recovery.
            drop(ledger);
            self.let_go();
        }
        delivery
    }

    fn idle(&mut self) {
        self.let_go();
    }
}

impl Drop for EmbeddedDestination {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Delivering stopped: what came of the records before, and why.
struct Stopped {
    done: Vec<Outcome>,
    what: String,
}

/// The records at the head that are committed together.
fn group<'a>(parcels: &'a [Parcel<'a>]) -> &'a [Parcel<'a>] {
    let mut bytes = 0;
    let count = parcels
        .iter()
        .take(GROUP_MAX)
        .take_while(|parcel| {
            let fits = bytes == 0 || bytes + parcel.body.len() <= GROUP_BYTES_MAX;
            bytes += parcel.body.len();
            parcel.kind == ParcelKind::Record && fits
        })
        .count();
    parcels.get(..count).unwrap_or_default()
}

fn records(
    ledger: &Ledger,
    by: &str,
    parcels: &[Parcel<'_>],
) -> (usize, Result<Vec<Outcome>, Stopped>) {
    let texts = parcels.iter().map(|parcel| Ok(parcel.body));
    (parcels.len(), append(ledger, by, texts))
}

/// Rows of an Arrow stream, as records.
fn batch(ledger: &Ledger, by: &str, parcel: &Parcel<'_>) -> Result<Vec<Outcome>, Stopped> {
    let rows = parcel.rows as usize;
    let mut outcomes = Vec::with_capacity(rows);
    // A parcel is delivered as a whole or not at all.
    let whole = |stopped: Stopped| Stopped {
        done: Vec::new(),
        ..stopped
    };
    let mut broken = None;
    match Rows::open(parcel.body, Limits::default()) {
        Ok(blocks) => {
            for block in blocks {
                let block = match block {
                    Ok(block) => block,
                    Err(error) => {
                        broken = Some(error.to_string());
                        break;
                    }
                };
                let texts = block
                    .rows()
                    .map(|row| row.record.map(str::as_bytes).map_err(ToString::to_string));
                outcomes.extend(append(ledger, by, texts).map_err(whole)?);
            }
        }
        Err(error) => broken = Some(error.to_string()),
    }
    // What the spool counted gets an answer, each.
    let what =
        broken.unwrap_or_else(|| "the batch has other rows than it was said to have".to_owned());
    outcomes.resize(rows, Outcome::Refused(refusal("unfit-body", what)));
    Ok(outcomes)
}

fn attachment(
    ledger: &Ledger,
    parcel: &Parcel<'_>,
    delivery: &mut Delivery,
) -> Result<Vec<Outcome>, Stopped> {
    let mut content = parcel.body;
    match ledger.put_blob(&mut content) {
        Ok(_) => {}
        Err(error @ LedgerError::Unfit { .. }) => {
            let refused = refusal("too-large", error.to_string());
            delivery.attachments_refused.push(refused);
        }
        Err(error) => {
            return Err(Stopped {
                done: Vec::new(),
                what: error.to_string(),
            });
        }
    }
    Ok(Vec::new())
}

/// Appends records in order: those that are none, or refer to what they may not, are refused, the others committed together.
fn append<'a>(
    ledger: &Ledger,
    by: &str,
    texts: impl Iterator<Item = Result<&'a [u8], String>>,
) -> Result<Vec<Outcome>, Stopped> {
    let parsed = texts.map(|text| {
        text.and_then(|text| Draft::parse(text).map_err(|error| error.to_string()))
            .map_err(|what| refusal("invalid-record", what))
    });
    let (drafts, places) = fit(&ledger.reader(), parsed.collect()).map_err(|error| Stopped {
        done: Vec::new(),
        what: error.to_string(),
    })?;
    let mut results = ledger.append_batch(drafts, by, VIA).into_iter();
    let mut done = Vec::with_capacity(places.len());
    for place in places {
        let outcome = match place {
            Some(refused) => Ok(Outcome::Refused(refused)),
            None => match results.next() {
                Some(result) => settle(result),
                None => Err("the ledger gave no answer".to_owned()),
            },
        };
        match outcome {
            Ok(outcome) => done.push(outcome),
            Err(what) => return Err(Stopped { done, what }),
        }
    }
    Ok(done)
}

/// The drafts that may refer to what they refer to; and for each place, why there is none. This process is the only one that
/// writes, so what is found to be in force still is when they are appended.
fn fit(
    reader: &Reader,
    parsed: Vec<Result<Draft, Refusal>>,
) -> Result<(Vec<Draft>, Vec<Option<Refusal>>), LedgerError> {
    let links = |draft: &Draft| may_link(draft.text().as_bytes());
    let has_links = parsed.iter().flatten().any(links);
    // What is referred to may be on its way from another process.
    let mut links = has_links.then(|| Links::new(reader, true));
    let mut drafts = Vec::with_capacity(parsed.len());
    let mut places = Vec::with_capacity(parsed.len());
    for draft in parsed {
        let draft = match (draft, &mut links) {
            (Ok(draft), Some(links)) => match links.check(&draft) {
                Ok(()) => Ok(draft),
                Err(LinkError::Ledger(error)) => return Err(error),
                Err(error) => Err(refusal(error.code(), error.to_string())),
            },
            (draft, _) => draft,
        };
        places.push(draft.map(|draft| drafts.push(draft)).err());
    }
    Ok((drafts, places))
}

/// What came of a record; an error if that is not known, or may be otherwise in a moment.
fn settle(result: Result<causebook_ledger::Receipt, AppendError>) -> Result<Outcome, String> {
    match result {
        Ok(receipt) => Ok(Outcome::Stored(Receipt {
            id: receipt.id,
            index: receipt.index,
            digest: receipt.digest.to_string(),
            repeated: receipt.repeated,
        })),
        Err(error @ AppendError::Conflict { .. }) => {
            Ok(Outcome::Refused(refusal("conflict", error.to_string())))
        }
        Err(error @ AppendError::Erased { .. }) => Ok(Outcome::Refused(refusal(
            Refusal::ERASED,
            error.to_string(),
        ))),
        Err(error @ AppendError::Refused { .. }) => Ok(Outcome::Refused(refusal(
            "invalid-record",
            error.to_string(),
        ))),
        Err(error) => Err(error.to_string()),
    }
}

fn refusal(code: &str, what: String) -> Refusal {
    Refusal {
        code: code.to_owned(),
        what,
    }
}

/// Whoever the operating system says is logged in, marked as unauthenticated by its `local:` prefix.
fn login_name() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()));
    format!("local:{}", name.as_deref().unwrap_or("unknown"))
}
