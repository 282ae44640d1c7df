//! Where records go.

use std::time::Duration;

/// What a [`Parcel`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParcelKind {
    /// The JSON text of one record.
    Record,
    /// An Arrow IPC stream, a record a row.
    Batch,
    /// The bytes of an attachment. It comes before the records that name it.
    Attachment,
}

/// What is delivered as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parcel<'a> {
    /// What it holds.
    pub kind: ParcelKind,
    /// Number of its first record within the run.
    pub seq: u64,
    /// Records in it: 1, the rows of a batch, none in an attachment.
    pub rows: u32,
    /// Its content.
    pub body: &'a [u8],
}

/// Says that a record is in the ledger, durably and with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Id of the record.
    pub id: String,
    /// Its position in the log.
    pub index: u64,
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// It was there already, with the same content.
    pub repeated: bool,
}

/// Why a record will never be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// In a word, as the API has it.
    pub code: String,
    /// In a sentence.
    pub what: String,
}

impl Refusal {
    /// The code of a refusal because the record of this id has been erased: see [`Refusal::is_erased`].
    pub const ERASED: &str = "record-erased";

    /// Whether the record has been erased from the ledger: what was sent again was to be forgotten, and is not kept.
    pub fn is_erased(&self) -> bool {
        self.code == Refusal::ERASED
    }
}

/// What came of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the ledger.
    Stored(Receipt),
    /// It will not be taken, however often it is sent.
    Refused(Refusal),
}

/// Why nothing can be delivered now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    /// In a sentence.
    pub what: String,
    /// How long the destination asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// What came of a call of [`Destination::deliver`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// How many parcels need not be delivered again, counted from the first.
    pub parcels: usize,
    /// What came of their records, in order.
    pub outcomes: Vec<Outcome>,
    /// Attachments among them that will never be taken.
    pub attachments_refused: Vec<Refusal>,
    /// Why the rest was not delivered.
    pub failure: Option<Unavailable>,
}

/// A ledger, seen from a spool. What was delivered once may be delivered again after a crash: it must know ids again.
pub trait Destination: Send {
    /// Delivers parcels of one run, in order, and says how far it came.
    fn deliver(&mut self, parcels: &[Parcel<'_>]) -> Delivery;

    /// Nothing has been waiting for a while: what others may want, such as a lock, can be let go.
    fn idle(&mut self) {}
}
