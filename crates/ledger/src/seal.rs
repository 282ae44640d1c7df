//! Sealing: what the ledger adds to a draft before it has a place. It happens on the caller's thread.

use causebook_record::{Draft, OpeningKey, Recorded};
use jiff::Timestamp;

use crate::error::{AppendError, LedgerError};
use crate::index::{Keys, Seed};
use crate::random::Supply;
use crate::sequence::Prepared;
use crate::shared::Shared;

/// Randomness for so many records; what ids are generated from is asked for as it is needed.
pub(crate) fn randomness(shared: &Shared, records: usize) -> Supply<'_> {
    Supply::new(shared.disk.as_ref(), records * size_of::<OpeningKey>())
}

/// Completes a draft, written by `by` through `via`, and seals it.
///
/// # Errors
/// [`AppendError::Refused`] if the completed record is not valid, [`AppendError::Failed`] if there is no randomness.
pub(crate) fn prepare(
    shared: &Shared,
    random: &mut Supply<'_>,
    seed: &Seed,
    draft: Draft,
    by: &str,
    via: &str,
) -> Result<Prepared, AppendError> {
    let failed = |error: LedgerError| AppendError::Failed {
        cause: error.to_string(),
    };
    // Whole microseconds, which the table's columns hold exactly.
    let now = shared.clock.now();
    let at = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
    let given_id = draft.id().is_some();
    let generated_id = if given_id {
        String::new()
    } else {
        new_id(random, at).map_err(failed)?
    };
    let recorded = Recorded {
        at,
        by: by.to_owned(),
        via: via.to_owned(),
    };
    let record =
        draft
            .complete(&generated_id, &recorded)
            .map_err(|error| AppendError::Refused {
                pointer: error.pointer().to_owned(),
                problem: error.to_string(),
            })?;
    let fields = record.fields();
    let keys = Keys::of(seed, &fields);
    let sealed = record.seal(OpeningKey(random.take().map_err(failed)?));
    Ok(Prepared {
        id: fields.id.unwrap_or_default(),
        given_id,
        keys,
        sealed,
    })
}

/// A time-ordered id (UUID version 7, RFC 9562 section 5.7).
fn new_id(random: &mut Supply<'_>, at: Timestamp) -> Result<String, LedgerError> {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    let random = random.take()?;
    Ok(uuid::Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .to_string())
}
