//! What the ledger refused of a delivery: kept with the reason, so that somebody can see to it, and said.
//!
//! A record that has been erased since is told of by its number and reason alone. Its content was to be forgotten: it would be
//! the one place that still has it.

use crate::destination::{Delivery, Outcome, Parcel, ParcelKind, Refusal};
use crate::error::SpoolError;
use crate::folder::RunFolder;
use crate::spool::Event;

/// Most of a reason that is said; all of it is kept.
const SAID_CHARS: usize = 300;

/// What was refused of a delivery.
#[derive(Debug, Default)]
pub(crate) struct Refused<'a> {
    /// A line of JSON about each.
    lines: Vec<String>,
    /// Why the first was.
    first: Option<Refusal>,
    /// How many of them were because their record has been erased.
    erased: usize,
    /// Batches with a row that was.
    batches: Vec<Batch<'a>>,
}

#[derive(Debug)]
struct Batch<'a> {
    parcel: &'a Parcel<'a>,
    /// A row of it has been erased, and rows cannot be told apart here: nothing of the batch is kept.
    forgotten: bool,
}

impl<'a> Refused<'a> {
    /// What was refused of these parcels, as far as they were delivered.
    pub(crate) fn of(parcels: &'a [Parcel<'a>], delivery: &Delivery) -> Refused<'a> {
        let mut refused = Refused::default();
        for refusal in &delivery.attachments_refused {
            refused.note(refusal, None, None);
        }
        let mut outcomes = delivery.outcomes.iter();
        for parcel in parcels.iter().take(delivery.parcels) {
            let (count, erased) = (refused.lines.len(), refused.erased);
            for row in 0..u64::from(parcel.rows) {
                if let Some(Outcome::Refused(refusal)) = outcomes.next() {
                    refused.note(refusal, Some(parcel.seq + row), Some(parcel));
                }
            }
            if parcel.kind == ParcelKind::Batch && refused.lines.len() > count {
                let forgotten = refused.erased > erased;
                refused.batches.push(Batch { parcel, forgotten });
            }
        }
        refused
    }

    fn note(&mut self, refusal: &Refusal, seq: Option<u64>, parcel: Option<&Parcel<'_>>) {
        self.erased += usize::from(refusal.is_erased());
        self.first.get_or_insert_with(|| refusal.clone());
        let record = parcel
            .filter(|parcel| parcel.kind == ParcelKind::Record && !refusal.is_erased())
            .map(|parcel| String::from_utf8_lossy(parcel.body).into_owned());
        let line = serde_json::json!({
            "code": refusal.code,
            "what": refusal.what,
            "seq": seq,
            "record": record,
        });
        self.lines.push(format!("{line}\n"));
    }

    /// Keeps it in the folder of the run, if there is one, and says so. `of_whom` follows the word
    /// for the records.
    pub(crate) fn keep(&self, folder: Option<&RunFolder>, of_whom: &str) -> Option<Event> {
        let first = self.first.as_ref()?;
        let kept = match folder.map(|folder| (folder, self.put_into(folder))) {
            Some((folder, Ok(()))) => format!("kept in {}", folder.path().display()),
            Some((_, Err(error))) => format!("not kept: {error}"),
            None => "not kept, delivery is from memory".to_owned(),
        };
        Some(Event::error(format!(
            "{} refused by the ledger, {kept}{}; the first: {}: {}",
            counted(self.lines.len(), of_whom),
            self.forgotten(),
            first.code,
            shortened(&first.what)
        )))
    }

    fn put_into(&self, folder: &RunFolder) -> Result<(), SpoolError> {
        folder.keep_refused(&self.lines.concat())?;
        self.batches.iter().try_for_each(|batch| {
            let seq = batch.parcel.seq;
            if batch.forgotten {
                folder.forget_refused_batch(seq)
            } else {
                folder.keep_refused_batch(seq, batch.parcel.body)
            }
        })
    }

    /// What is said of those whose content is not kept.
    fn forgotten(&self) -> String {
        let batches = self.batches.iter().any(|batch| batch.forgotten);
        match (self.erased, batches) {
            (0, _) => String::new(),
            (erased, false) => {
                format!(" without the content of {erased} that the ledger has erased")
            }
            (erased, true) => format!(
                " without the content of {erased} that the ledger has erased, nor the batches with them"
            ),
        }
    }
}

fn counted(records: usize, of_whom: &str) -> String {
    match records {
        1 => format!("1 record{of_whom} was"),
        records => format!("{records} records{of_whom} were"),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SAID_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
