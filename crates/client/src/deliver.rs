//! Delivers what a spool holds to a server.
//!
//! What a server says of one record (4xx) is for good: the record is refused, the others go on. What it says of a request
//! is not, whatever it says: a token that has expired and a ledger that was not made yet are put right by people, and the
//! records wait for that.

use std::fmt::Write as _;
use std::io::Cursor;

use causebook_spool::{
    Delivery, Destination, Outcome, Parcel, ParcelKind, Receipt, Refusal, Unavailable,
};

use crate::batch::{LineResult, send_arrow};
use crate::error::{ClientError, Problem};
use crate::ledger::RemoteLedger;

/// A ledger of a server, as the destination of a spool.
#[derive(Debug)]
pub struct RemoteDestination {
    ledger: RemoteLedger,
    /// The lines of a batch, with the room for the next.
    lines: Vec<u8>,
}

impl RemoteDestination {
    /// Delivers to `ledger`.
    pub fn new(ledger: RemoteLedger) -> RemoteDestination {
        RemoteDestination {
            ledger,
            lines: Vec::new(),
        }
    }

    /// Delivers records, a line each.
    fn records(&mut self, parcels: &[Parcel<'_>], delivery: &mut Delivery) {
        self.lines.clear();
        for parcel in parcels {
            self.lines.extend_from_slice(parcel.body);
            self.lines.push(b'\n');
        }
        for result in self.ledger.append_batch(Cursor::new(&self.lines)) {
            let settled = result
                .map_err(|error| unavailable(&error))
                .and_then(settled);
            match settled {
                Ok(outcome) => {
                    delivery.outcomes.push(outcome);
                    delivery.parcels += 1;
                }
                Err(failure) => {
                    delivery.failure = Some(failure);
                    return;
                }
            }
        }
    }

    /// Delivers a batch: as a whole, since its rows are known again by their ids.
    fn batch(&self, parcel: &Parcel<'_>, delivery: &mut Delivery) {
        let rows = u64::from(parcel.rows);
        let (told, result) = send_arrow(&self.ledger, parcel.body, rows, true);
        let failure = match result {
            // A body that is no batch will never be one.
            Err(error) if error.is_refused_as("invalid-body") => {
                let refusal = refusal(error.problem().cloned().unwrap_or_default());
                let refused = (0..rows).map(|_| Outcome::Refused(refusal.clone()));
                delivery.outcomes.extend(refused);
                delivery.parcels += 1;
                return;
            }
            Err(error) => Some(unavailable(&error)),
            Ok(()) => None,
        };
        let outcomes: Result<Vec<Outcome>, Unavailable> = told.into_iter().map(settled).collect();
        match (failure, outcomes) {
            (None, Ok(outcomes)) => {
                delivery.outcomes.extend(outcomes);
                delivery.parcels += 1;
            }
            (Some(failure), _) | (None, Err(failure)) => delivery.failure = Some(failure),
        }
    }

    fn attachment(&self, parcel: &Parcel<'_>, delivery: &mut Delivery) {
        match self.ledger.attach(&mut &*parcel.body) {
            Ok(_) => delivery.parcels += 1,
            Err(ClientError::Refused(problem)) if matches!(problem.status, 400 | 413 | 422) => {
                delivery.attachments_refused.push(refusal(*problem));
                delivery.parcels += 1;
            }
            Err(error) => delivery.failure = Some(unavailable(&error)),
        }
    }
}

impl Destination for RemoteDestination {
    fn deliver(&mut self, parcels: &[Parcel<'_>]) -> Delivery {
        let mut delivery = Delivery::default();
        while delivery.failure.is_none()
            && let Some(rest) = parcels.get(delivery.parcels..)
            && let Some(first) = rest.first()
        {
            match first.kind {
                ParcelKind::Attachment => self.attachment(first, &mut delivery),
                ParcelKind::Batch => self.batch(first, &mut delivery),
                ParcelKind::Record => {
                    let same = rest.iter().take_while(|it| it.kind == ParcelKind::Record);
                    let records = rest.get(..same.count()).unwrap_or_default();
                    self.records(records, &mut delivery);
                }
            }
        }
        delivery
    }
}

/// What came of a record, unless it may come to something else later.
fn settled(result: LineResult) -> Result<Outcome, Unavailable> {
    match result.outcome {
        Ok(receipt) => Ok(Outcome::Stored(Receipt {
            id: receipt.id,
            index: receipt.index,
            digest: receipt.digest,
            repeated: receipt.repeated,
        })),
        Err(problem) if is_passing(&problem) => Err(unavailable(&ClientError::Refused(problem))),
        Err(problem) => Ok(Outcome::Refused(refusal(*problem))),
    }
}

fn is_passing(problem: &Problem) -> bool {
    problem.status == 0 || problem.status == 429 || problem.status >= 500
}

fn refusal(problem: Problem) -> Refusal {
    let mut what = problem.sentence().to_owned();
    if let Some(place) = problem.errors.first() {
        let _ = write!(what, " ({}: {})", place.pointer, place.detail);
    }
    Refusal {
        code: problem.code,
        what,
    }
}

fn unavailable(error: &ClientError) -> Unavailable {
    Unavailable {
        what: error.to_string(),
        retry_after: error.problem().and_then(|problem| problem.retry_after),
    }
}
