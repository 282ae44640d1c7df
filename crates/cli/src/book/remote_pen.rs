//! Writing to a ledger on a server.
//!
//! Every record gets its id here, before it is sent: a batch whose answer is lost is sent again, and the server knows what it has.

use std::fmt::Write as _;
use std::io::{Cursor, Read};

use causebook_client::{Problem, Receipt, RemoteLedger};
use causebook_ledger::{Clock as _, SystemClock};
use causebook_record::{Draft, Pointer, join_members, members, string_text};
use serde_json::Value;

use super::{Attachment, Erased, NotRecorded, Pen, Recording, Stopped};
use crate::config::{RemoteServer, Settings};
use crate::failure::{Exit, Failure, Outcome};
use crate::refusals::conflict_hint;

/// A ledger on a server that is written to.
pub(crate) struct RemotePen {
    ledger: RemoteLedger,
}

impl RemotePen {
    pub(crate) fn open(
        settings: &Settings,
        server: &RemoteServer,
        how: Recording,
    ) -> Outcome<RemotePen> {
        let mut options = server.options();
        options.allow_missing_target = how.allow_missing_target;
        let client = server.connect_with(options)?;
        Ok(RemotePen {
            ledger: client.ledger(&settings.ledger.value),
        })
    }

    /// Sends records, a line each, and gives what came of them, in order; less if it broke off, with the reason.
    fn send(&self, drafts: &[Draft]) -> (Vec<Result<Receipt, Box<Problem>>>, Option<Failure>) {
        let mut lines = String::new();
        for draft in drafts {
            match known_again(draft) {
                Ok(text) => drop(writeln!(lines, "{text}")),
                Err(failure) => return (Vec::new(), Some(failure)),
            }
        }
        let mut results = Vec::with_capacity(drafts.len());
        for result in self.ledger.append_batch(Cursor::new(lines.into_bytes())) {
            match result {
                Ok(result) => results.push(result.outcome),
                Err(error) => return (results, Some(not_acknowledged(error.into()))),
            }
        }
        (results, None)
    }
}

impl Pen for RemotePen {
    fn append_all(&self, drafts: Vec<Draft>) -> Result<Vec<Receipt>, Stopped> {
        let (results, broken) = self.send(&drafts);
        let mut recorded = Vec::new();
        let mut stopped: Option<(usize, Failure)> = None;
        let answered = results.len();
        for (position, result) in results.into_iter().enumerate() {
            match result {
                Ok(receipt) => recorded.push(receipt),
                Err(problem) => {
                    let draft = drafts.get(position);
                    stopped = stopped.or_else(|| Some((position, refused(*problem, draft))));
                }
            }
        }
        let stopped = stopped.or(broken.map(|failure| (answered, failure)));
        match stopped {
            None => Ok(recorded),
            Some((position, failure)) => Err(Stopped {
                position,
                failure,
                recorded,
            }),
        }
    }

    fn append_batch(&self, drafts: Vec<Draft>) -> Vec<Result<Receipt, NotRecorded>> {
        let (results, broken) = self.send(&drafts);
        let single = |(result, draft): (Result<Receipt, Box<Problem>>, &Draft)| {
            result.map_err(|problem| NotRecorded {
                ends: problem.status >= 500 || problem.status == 429,
                failure: refused(*problem, Some(draft)),
            })
        };
        let mut told: Vec<_> = results.into_iter().zip(&drafts).map(single).collect();
        if let Some(failure) = broken {
            let rest = drafts.len().saturating_sub(told.len());
            told.extend(std::iter::repeat_n(failure, rest).map(|failure| {
                Err(NotRecorded {
                    failure,
                    ends: true,
                })
            }));
        }
        told
    }

    fn attach(&self, content: &mut dyn Read) -> Outcome<Attachment> {
        let blob = self.ledger.attach(content)?;
        Ok(Attachment {
            digest: blob.digest,
            size: blob.size,
        })
    }

    fn erase(&self, id: &str, places: &[Pointer], reason: &str) -> Outcome<Erased> {
        let item = self.ledger.get(id)?;
        let facts = item.text.as_deref().map(causebook_record::facts);
        let remaining = facts.transpose()?.map_or(0, |facts| facts.len());
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        let places = Some(places.as_slice()).filter(|places| !places.is_empty());
        let erased = self.ledger.erase(id, places, reason)?;
        let list = erased.report.get("erased").and_then(Value::as_array);
        let number = |name: &str| erased.report.get(name).and_then(Value::as_u64);
        let files = erased
            .report
            .get("found_in_files")
            .and_then(Value::as_array);
        let files = files.into_iter().flatten().filter_map(Value::as_str);
        let counted = number("facts_erased").map(|count| count as usize);
        Ok(Erased {
            index: item.index,
            facts_erased: counted.or(list.map(Vec::len)).unwrap_or(remaining),
            recorded_as: erased.receipt.id.clone(),
            recorded_at_index: erased.receipt.index,
            not_searched: number("not_searched").unwrap_or_default() as usize,
            bytes_searched: number("bytes_searched"),
            found_in_files: files.map(str::to_owned).collect(),
            found_in_records: number("found_in_records").unwrap_or_default(),
        })
    }

    fn close(self: Box<Self>) -> Outcome {
        Ok(())
    }
}

/// A record that the server refused.
fn refused(problem: Problem, draft: Option<&Draft>) -> Failure {
    let taken = problem.code == "conflict";
    let failure = Failure::from(problem);
    match draft.and_then(Draft::id).filter(|_| taken) {
        Some(id) => failure.hint(conflict_hint(id)),
        None => failure,
    }
}

/// The text of a record with an id of its own, so that the server knows it again.
fn known_again(draft: &Draft) -> Outcome<String> {
    if draft.id().is_some() {
        return Ok(draft.text().to_owned());
    }
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| {
        Failure::new(Exit::Failure, "random", "the system gives no random bytes")
            .detail(error.to_string())
    })?;
    let millis = SystemClock::new().now().as_millisecond();
    let millis = u64::try_from(millis).unwrap_or_default();
    let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    let id = string_text(&id.to_string());
    let members = members(draft.text())?;
    let own = members.iter().map(|(name, text)| (name.as_ref(), *text));
    Ok(join_members(own.chain([("id", id.as_str())]))?)
}

fn not_acknowledged(failure: Failure) -> Failure {
    if failure.exit != Exit::Failure || failure.hint.is_some() {
        return failure;
    }
    failure.hint(
        "run the same command again with the same ids: what was recorded is not recorded twice",
    )
}
