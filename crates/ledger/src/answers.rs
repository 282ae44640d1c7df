//! What the records of one call get, in their order. Some are settled before they are handed to the sequencer, because
//! they were refused or their ids are taken; it answers the others.

use causebook_record::Draft;

use crate::error::AppendError;
use crate::index::Seed;
use crate::known::Settled;
use crate::seal;
use crate::sequence::{Prepared, Receipt};
use crate::shared::Shared;

/// Seals drafts, as [`seal::prepare`] does. Gives a place for each, which is settled if the draft was refused, and the
/// sealed records that the other places wait for.
pub(crate) fn prepare_all(
    shared: &Shared,
    seed: &Seed,
    drafts: Vec<Draft>,
    by: &str,
    via: &str,
) -> (Vec<Option<Settled>>, Vec<Prepared>) {
    let mut places = Vec::with_capacity(drafts.len());
    let mut records = Vec::with_capacity(drafts.len());
    let mut random = seal::randomness(shared, drafts.len());
    for draft in drafts {
        match seal::prepare(shared, &mut random, seed, draft, by, via) {
            Ok(record) => {
                records.push(record);
                places.push(None);
            }
            Err(error) => places.push(Some(Err(error))),
        }
    }
    (places, records)
}

/// Puts the sequencer's answers at the places that wait for them.
pub(crate) fn in_order(
    places: impl IntoIterator<Item = Option<Settled>>,
    answers: Vec<Settled>,
) -> Vec<Settled> {
    let mut answers = answers.into_iter();
    places
        .into_iter()
        .map(|place| {
            let settled = place.or_else(|| answers.next());
            settled.unwrap_or_else(|| Err(unanswered()))
        })
        .collect()
}

pub(crate) fn unanswered() -> AppendError {
    AppendError::Failed {
        cause: "the ledger did not answer".to_owned(),
    }
}

/// The receipts of an all-or-nothing submission, or the place of the record that it was refused for, and why.
pub(crate) fn all_or_first_refusal(
    results: Vec<Settled>,
) -> Result<Vec<Receipt>, (usize, AppendError)> {
    let refused = results.iter().position(
        |result| matches!(result, Err(error) if !matches!(error, AppendError::BatchRefused { .. })),
    );
    let mut receipts = Vec::with_capacity(results.len());
    for (position, result) in results.into_iter().enumerate() {
        match result {
            Ok(receipt) => receipts.push(receipt),
            Err(error) if refused.is_none_or(|refused| refused == position) => {
                return Err((position, error));
            }
            Err(_) => {}
        }
    }
    Ok(receipts)
}
