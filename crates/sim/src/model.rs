//! The model: a plain list of what was promised. What was acknowledged must be there for ever; what was sent but not
//! acknowledged may be there; nothing else may be.

use std::collections::{BTreeMap, HashMap};

use causebook_ledger::{AppendError, Receipt, Row};
use causebook_record::{Digest, Kind, Record, Stored};
use causebook_tlog::Hash;

use crate::records::Spec;
use crate::violation::{Harm, Violation};

/// What is left of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Erased {
    No,
    /// The secret is gone.
    Secret,
    /// Everything but the id is gone.
    Payload,
}

/// One record of the log.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) digest: Digest,
    pub(crate) what: What,
    /// What is certainly erased.
    pub(crate) erased: Erased,
    /// What may be erased beyond that, by an erasure that was not seen to end.
    pub(crate) perhaps: Erased,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Sent(Spec),
    /// The record of an erasure of the record with this id.
    Act(String),
}

impl Known {
    /// Whether subject, trace and reference are certain to be stored.
    pub(crate) fn has_fields(&self) -> bool {
        self.erased.max(self.perhaps) < Erased::Payload
    }

    /// Whether they are certain to be gone.
    pub(crate) fn has_no_fields(&self) -> bool {
        self.erased == Erased::Payload
    }

    pub(crate) fn spec(&self) -> Option<&Spec> {
        match &self.what {
            What::Sent(spec) => Some(spec),
            What::Act(_) => None,
        }
    }
}

/// A signed checkpoint that somebody may have seen.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) size: u64,
    pub(crate) root: Hash,
    pub(crate) note: String,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) log: BTreeMap<u64, Known>,
    pub(crate) by_id: HashMap<String, u64>,
    /// Sent, and not known to be refused.
    open: Vec<Spec>,
    open_acts: Vec<String>,
    pub(crate) checkpoints: Vec<Seen>,
    signed_time: u64,
    pub(crate) blobs: Vec<(String, Vec<u8>)>,
    pub(crate) acknowledged: u64,
}

impl Model {
    pub(crate) fn send(&mut self, spec: &Spec) {
        self.open.push(spec.clone());
    }

    pub(crate) fn send_act(&mut self, id: &str) {
        self.open_acts.push(id.to_owned());
    }

    pub(crate) fn settle(&mut self, spec: &Spec) {
        if let Some(place) = self.open.iter().position(|open| open == spec) {
            self.open.swap_remove(place);
        }
    }

    /// Indexes below this are known.
    pub(crate) fn end(&self) -> u64 {
        self.log.len() as u64
    }

    pub(crate) fn take_result(
        &mut self,
        spec: &Spec,
        result: &Result<Receipt, AppendError>,
    ) -> Result<(), Violation> {
        match result {
            Ok(receipt) => {
                self.settle(spec);
                self.take_receipt(spec, receipt)
            }
            Err(AppendError::Conflict { id, index, .. }) => {
                self.settle(spec);
                self.take_conflict(spec, id, *index)
            }
            Err(AppendError::Erased { id, index, .. }) => {
                self.settle(spec);
                self.take_erased(id, *index)
            }
            Err(AppendError::BatchRefused { .. }) => {
                self.settle(spec);
                Ok(())
            }
            Err(AppendError::Refused { problem, .. }) => Err(Violation::new(
                Harm::Broken,
                format!("a good record was refused: {problem}"),
            )),
            // Whether it is there will show.
            Err(_) => Ok(()),
        }
    }

    fn take_receipt(&mut self, spec: &Spec, receipt: &Receipt) -> Result<(), Violation> {
        if spec.id.as_ref().is_some_and(|id| *id != receipt.id) {
            let what = format!("record {:?} got a receipt for {:?}", spec.id, receipt.id);
            return Err(Violation::new(Harm::Broken, what));
        }
        if receipt.repeated {
            return self.take_repeat(spec, receipt);
        }
        if let Some(first) = self.by_id.get(&receipt.id) {
            let what = format!(
                "id {} was acknowledged at {first} and again at {}",
                receipt.id, receipt.index
            );
            return Err(Violation::new(Harm::Doubled, what));
        }
        self.acknowledged += 1;
        self.place(
            receipt.index,
            &receipt.id,
            receipt.digest,
            What::Sent(spec.clone()),
        )
    }

    fn take_repeat(&self, spec: &Spec, receipt: &Receipt) -> Result<(), Violation> {
        let known = self.log.get(&receipt.index);
        let same = known.is_some_and(|known| {
            known.id == receipt.id && known.digest == receipt.digest && known.spec() == Some(spec)
        });
        if same {
            return Ok(());
        }
        let what = format!(
            "{} sent again got the receipt of index {}, where {known:?} is",
            receipt.id, receipt.index
        );
        Err(Violation::new(Harm::Broken, what))
    }

    fn take_conflict(&self, spec: &Spec, id: &str, index: u64) -> Result<(), Violation> {
        let known = self.log.get(&index);
        let justified = known.is_some_and(|known| known.id == id && known.spec() != Some(spec));
        if justified {
            return Ok(());
        }
        let what = format!("{id} was refused for the record at {index}, where {known:?} is");
        Err(Violation::new(Harm::Broken, what))
    }

    fn take_erased(&self, id: &str, index: u64) -> Result<(), Violation> {
        let known = self.log.get(&index);
        let justified = known
            .is_some_and(|known| known.id == id && known.erased.max(known.perhaps) > Erased::No);
        if justified {
            return Ok(());
        }
        let what = format!("{id} was refused as erased at {index}, where {known:?} is");
        Err(Violation::new(Harm::Broken, what))
    }

    /// The act of an erasure is at `receipt`, and this much of the record is gone.
    pub(crate) fn take_erasure(
        &mut self,
        id: &str,
        erased: Erased,
        receipt: &Receipt,
    ) -> Result<(), Violation> {
        if let Some(place) = self.open_acts.iter().position(|open| open == id) {
            self.open_acts.swap_remove(place);
        }
        let index = self.by_id.get(id).copied();
        if let Some(known) = index.and_then(|index| self.log.get_mut(&index)) {
            known.erased = known.erased.max(erased);
        }
        self.acknowledged += 1;
        self.place(
            receipt.index,
            &receipt.id,
            receipt.digest,
            What::Act(id.to_owned()),
        )
    }

    /// An erasure of this much has begun.
    pub(crate) fn begin_erasure(&mut self, id: &str, erased: Erased) {
        let index = self.by_id.get(id).copied();
        if let Some(known) = index.and_then(|index| self.log.get_mut(&index)) {
            known.perhaps = known.perhaps.max(erased);
        }
    }

    fn place(&mut self, index: u64, id: &str, digest: Digest, what: What) -> Result<(), Violation> {
        let known = Known {
            id: id.to_owned(),
            digest,
            what,
            erased: Erased::No,
            perhaps: Erased::No,
        };
        self.by_id.insert(id.to_owned(), index);
        match self.log.insert(index, known) {
            None => Ok(()),
            Some(before) => Err(Violation::new(
                Harm::Doubled,
                format!("index {index} was given to {} and to {id}", before.id),
            )),
        }
    }

    /// Holds a stored row against what was promised. A row that nothing is known of is taken in if it was sent.
    pub(crate) fn take_row(&mut self, row: &Row) -> Result<(), Violation> {
        if self.log.contains_key(&row.index) {
            return self.check_row(row);
        }
        let fields = row.record.fields();
        let id = fields.id.unwrap_or_default();
        let digest = row.record.digest().ok().flatten();
        let (Some(text), Some(digest)) = (row.record.text(), digest) else {
            let what = format!("index {}, of which nothing is known, is erased", row.index);
            return Err(Violation::new(Harm::Broken, what));
        };
        if let Some(first) = self.by_id.get(&id) {
            let what = format!("id {id} is at {first} and at {}", row.index);
            return Err(Violation::new(Harm::Doubled, what));
        }
        if fields.kind == Some(Kind::Erasure) {
            let refers_to = fields.refers_to.unwrap_or_default();
            if let Some(place) = self.open_acts.iter().position(|open| *open == refers_to) {
                self.open_acts.swap_remove(place);
                return self.place(row.index, &id, digest, What::Act(refers_to));
            }
        }
        let content = content_of(text);
        let sent = self.open.iter().position(|spec| {
            spec.id.as_ref().is_none_or(|given| *given == id)
                && spec.content_as(&id).ok() == content
        });
        let Some(place) = sent else {
            let what = format!("index {} holds {id}, which nobody sent: {text}", row.index);
            return Err(Violation::new(Harm::Broken, what));
        };
        let spec = self.open.swap_remove(place);
        self.place(row.index, &id, digest, What::Sent(spec))
    }

    /// Holds the row of a known record against it.
    pub(crate) fn check_row(&self, row: &Row) -> Result<(), Violation> {
        let Some(known) = self.log.get(&row.index) else {
            return Ok(());
        };
        let lost = |what: &str| {
            let what = format!(
                "index {} ({}): {what}: {:?}",
                row.index, known.id, row.record
            );
            Err(Violation::new(Harm::Lost, what))
        };
        if row.record.fields().id.as_deref() != Some(known.id.as_str()) {
            return lost("another id is here");
        }
        let found = match &row.record {
            Stored::Whole { .. } => Erased::No,
            Stored::Redacted { .. } => Erased::Secret,
            Stored::Erased { .. } => Erased::Payload,
        };
        if found < known.erased || found > known.erased.max(known.perhaps) {
            return lost("what is erased is not what was to be erased");
        }
        let Some(text) = row.record.text() else {
            return Ok(());
        };
        if row.record.digest().ok().flatten() != Some(known.digest) {
            return lost("the digest is another one");
        }
        if let Some(spec) = known.spec() {
            let is_right = match found {
                Erased::No => spec.content_as(&known.id).ok() == content_of(text),
                _ => !text.contains(&spec.secret()),
            };
            if !is_right {
                return lost("the content is another one");
            }
        }
        Ok(())
    }

    /// The power was cut, and this is when the checkpoint that is left was signed: nobody can know of a later one that was
    /// renamed into place but not made durable.
    pub(crate) fn back_to_checkpoint_of(&mut self, time: Option<u64>) {
        self.signed_time = self.signed_time.min(time.unwrap_or(0));
    }

    /// A checkpoint was signed.
    pub(crate) fn see_checkpoint(
        &mut self,
        seen: Seen,
        time: Option<u64>,
    ) -> Result<(), Violation> {
        let time = time.unwrap_or(0);
        if time < self.signed_time {
            let what = format!(
                "a checkpoint of {} was signed for {time}, after one for {}",
                seen.size, self.signed_time
            );
            return Err(Violation::new(Harm::Broken, what));
        }
        self.signed_time = time;
        if self
            .checkpoints
            .last()
            .is_none_or(|last| last.size != seen.size)
        {
            self.checkpoints.push(seen);
        }
        Ok(())
    }
}

fn content_of(text: &str) -> Option<String> {
    Some(Record::from_text(text.to_owned()).ok()?.content())
}
