//! What is sent, and what the server promised for it: a place for every record, no place twice.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use causebook_bench::api::Receipt;
use causebook_bench::{Failure, Random, loan_decision, scatter};

/// Where a record was acknowledged to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) index: u64,
    /// When its arrival was due, or it was sent.
    pub(crate) due: Duration,
}

/// The records of one mode.
#[derive(Debug)]
pub(crate) struct Book {
    records: Vec<(String, String)>,
    places: Mutex<Vec<Option<Place>>>,
    statuses: Mutex<BTreeMap<u16, u64>>,
    faults: Mutex<Vec<String>>,
}

/// Faults of a kind may be as many as records.
const FAULTS_KEPT_MAX: usize = 20;

impl Book {
    /// Makes records. Their ids are spread over the whole range, so that an index has no order to profit from.
    pub(crate) fn new(count: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let first = scatter(seed);
        let record = |number: u64| {
            let id = format!("{:016x}", scatter(first.wrapping_add(number)));
            let json = loan_decision(&id, &mut random);
            (id, json)
        };
        Self {
            records: (0..count as u64).map(record).collect(),
            places: Mutex::new(vec![None; count]),
            statuses: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Id and JSON of a record.
    pub(crate) fn record(&self, number: usize) -> Result<(&str, &str), Failure> {
        let (id, json) = self.records.get(number).ok_or("no such record")?;
        Ok((id, json))
    }

    /// The JSON of records, a line each.
    pub(crate) fn lines(&self, numbers: std::ops::Range<usize>) -> Vec<u8> {
        let mut lines = Vec::new();
        for (_, json) in self.records.get(numbers).unwrap_or_default() {
            lines.extend_from_slice(json.as_bytes());
            lines.push(b'\n');
        }
        lines
    }

    pub(crate) fn records(&self, numbers: std::ops::Range<usize>) -> &[(String, String)] {
        self.records.get(numbers).unwrap_or_default()
    }

    /// Takes up a receipt. Nothing here is sent twice, so nothing may be called repeated.
    pub(crate) fn acknowledge(&self, number: usize, receipt: &Receipt, due: Duration) {
        let is_digest = receipt.digest.len() == 64
            && receipt
                .digest
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let id = self.record(number).map(|(id, _)| id).unwrap_or_default();
        if receipt.id != id || receipt.repeated || !is_digest {
            self.fault(format!("record {id} was answered with {receipt:?}"));
        }
        let place = Place {
            index: receipt.index,
            due,
        };
        self.put(number, place);
    }

    pub(crate) fn put(&self, number: usize, place: Place) {
        if let Some(slot) = held(&self.places).get_mut(number) {
            *slot = Some(place);
        }
    }

    pub(crate) fn status(&self, status: u16, count: u64) {
        *held(&self.statuses).entry(status).or_default() += count;
    }

    pub(crate) fn statuses(&self) -> BTreeMap<u16, u64> {
        held(&self.statuses).clone()
    }

    pub(crate) fn fault(&self, what: String) {
        let mut faults = held(&self.faults);
        if faults.len() < FAULTS_KEPT_MAX {
            faults.push(what);
        }
    }

    pub(crate) fn places(&self) -> Vec<Option<Place>> {
        held(&self.places).clone()
    }

    /// What went wrong, with what was lost and doubled.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults = held(&self.faults).clone();
        let mut taken: HashMap<u64, &str> = HashMap::new();
        let mut missing = 0;
        for ((id, _), place) in self.records.iter().zip(held(&self.places).iter()) {
            let Some(place) = place else {
                missing += 1;
                continue;
            };
            if let Some(other) = taken.insert(place.index, id) {
                faults.push(format!("{other} and {id} both got index {}", place.index));
            }
        }
        if missing > 0 {
            faults.push(format!("{missing} records got no receipt"));
        }
        faults.truncate(FAULTS_KEPT_MAX);
        faults
    }
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(book: &Book, number: usize, index: u64) -> Receipt {
        Receipt {
            id: book.record(number).unwrap().0.to_owned(),
            index,
            digest: "0a".repeat(32),
            repeated: false,
        }
    }

    #[test]
    fn what_has_no_place_or_shares_one_is_a_fault() {
        let book = Book::new(3, 1);
        let acknowledge = |number, index| {
            book.acknowledge(number, &receipt(&book, number, index), Duration::ZERO);
        };
        acknowledge(0, 5);
        acknowledge(1, 6);
        assert_eq!(book.faults(), ["1 records got no receipt"]);
        acknowledge(2, 5);
        let faults = book.faults();
        assert!(
            faults.len() == 1 && faults[0].ends_with("both got index 5"),
            "{faults:?}"
        );
    }

    #[test]
    fn a_receipt_of_something_else_is_a_fault() {
        let wrong: [fn(&mut Receipt); 3] = [
            |receipt| receipt.id.push('x'),
            |receipt| receipt.repeated = true,
            |receipt| receipt.digest.push('0'),
        ];
        for change in wrong {
            let book = Book::new(1, 1);
            let mut receipt = receipt(&book, 0, 0);
            change(&mut receipt);
            book.acknowledge(0, &receipt, Duration::ZERO);
            assert_eq!(book.faults().len(), 1);
        }
    }

    #[test]
    fn the_same_seed_makes_the_same_records_and_another_others() {
        assert_eq!(Book::new(2, 1).lines(0..2), Book::new(2, 1).lines(0..2));
        assert_ne!(Book::new(2, 1).lines(0..2), Book::new(2, 2).lines(0..2));
    }
}
