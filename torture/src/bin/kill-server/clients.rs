//! Clients that are cut off, and send again what they have no receipt for.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use causebook_bench::api::{Appended, Client, Receipt};
use causebook_bench::{Random, loan_decision};
use causebook_torture::Failure;

use crate::server::Home;

/// Clients that send records one by one, and such that send them in batches.
const SINGLES: u64 = 4;
const BATCHERS: u64 = 2;
const BATCH: usize = 20;
/// Of so many records one is sent again though it was acknowledged.
const AGAIN_EVERY: u64 = 50;
const LEDGER: &str = "main";

/// A record, as it is sent, and sent again.
#[derive(Clone)]
struct Record {
    id: String,
    json: String,
}

/// All clients of a campaign.
pub(crate) struct Clients {
    run: u64,
    next: AtomicU64,
    /// Sent, or about to be, and not acknowledged.
    open: Mutex<Vec<Record>>,
    /// Where each record was acknowledged to be.
    acknowledged: Mutex<BTreeMap<String, u64>>,
    /// Some of them, to be sent again.
    kept: Mutex<Vec<Record>>,
    sent_again: AtomicU64,
    repeated: AtomicU64,
    faults: Mutex<Vec<String>>,
}

/// Why a client stops.
enum End {
    /// The server is gone, or another client found a fault.
    CutOff,
    Fault(String),
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        match failure.downcast_ref::<std::io::Error>() {
            Some(error) if error.kind() != ErrorKind::InvalidData => Self::CutOff,
            _ => Self::Fault(failure.to_string()),
        }
    }
}

impl Clients {
    pub(crate) fn new(run: u64) -> Self {
        Self {
            run,
            next: AtomicU64::new(0),
            open: Mutex::default(),
            acknowledged: Mutex::default(),
            kept: Mutex::default(),
            sent_again: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
            faults: Mutex::default(),
        }
    }

    /// Sends for as long as `life` takes, which ends with the server.
    pub(crate) fn load(
        &self,
        home: &Home,
        life: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for number in 0..SINGLES + BATCHERS {
                let (over, batch) = (&over, if number < SINGLES { 1 } else { BATCH });
                scope.spawn(move || {
                    while !over.load(Ordering::SeqCst) {
                        self.serve(home, batch, over);
                    }
                });
            }
            let lived = life();
            over.store(true, Ordering::SeqCst);
            lived
        })
    }

    /// Sends what is open until it is acknowledged.
    pub(crate) fn settle(&self, home: &Home) -> Result<(), Failure> {
        let mut client = Client::connect(home.server(), LEDGER)?;
        loop {
            let Some(record) = held(&self.open).pop() else {
                return Ok(());
            };
            self.sent_again.fetch_add(1, Ordering::Relaxed);
            match client.append(&record.json, false)? {
                Appended::Receipt(receipt) => self.take(&record, &receipt),
                Appended::Busy(pause) => {
                    thread::sleep(pause);
                    held(&self.open).push(record);
                }
                other => return Err(format!("{}: {other:?}", record.id).into()),
            }
        }
    }

    /// One connection, until it is cut off.
    fn serve(&self, home: &Home, batch: usize, over: &AtomicBool) {
        let Ok(mut client) = Client::connect(home.server(), LEDGER) else {
            return;
        };
        while !over.load(Ordering::SeqCst) {
            let records = self.some(batch);
            let sent = if batch == 1 {
                self.send_one(&mut client, &records)
            } else {
                self.send_batch(&mut client, &records)
            };
            let Err(end) = sent else {
                continue;
            };
            held(&self.open).extend(records);
            if let End::Fault(what) = end {
                held(&self.faults).push(what);
                over.store(true, Ordering::SeqCst);
            }
            return;
        }
    }

    /// Records to send: such as are open, now and then such as are acknowledged, and new ones.
    fn some(&self, count: usize) -> Vec<Record> {
        let mut records: Vec<Record> = {
            let mut open = held(&self.open);
            let from = open.len().saturating_sub(count);
            open.drain(from..).collect()
        };
        self.sent_again
            .fetch_add(records.len() as u64, Ordering::Relaxed);
        while records.len() < count {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let mut random = Random::new(self.run.wrapping_add(number));
            let kept = held(&self.kept);
            if number.is_multiple_of(AGAIN_EVERY) && !kept.is_empty() {
                let place = random.below(kept.len() as u64) as usize;
                records.extend(kept.get(place).cloned());
                self.sent_again.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            drop(kept);
            let id = format!("k{:016x}-{number}", self.run);
            let json = loan_decision(&id, &mut random);
            records.push(Record { id, json });
        }
        records
    }

    fn send_one(&self, client: &mut Client, records: &[Record]) -> Result<(), End> {
        for record in records {
            loop {
                match client.append(&record.json, false)? {
                    Appended::Receipt(receipt) => break self.take(record, &receipt),
                    Appended::Busy(pause) => thread::sleep(pause),
                    other => return Err(End::Fault(format!("{}: {other:?}", record.id))),
                }
            }
        }
        Ok(())
    }

    fn send_batch(&self, client: &mut Client, records: &[Record]) -> Result<(), End> {
        let lines: String = records
            .iter()
            .map(|record| record.json.clone() + "\n")
            .collect();
        let receipts = client.append_lines(lines.as_bytes())?;
        if receipts.len() != records.len() {
            let (given, sent) = (receipts.len(), records.len());
            return Err(End::Fault(format!("{given} receipts for {sent} records")));
        }
        for (record, receipt) in records.iter().zip(&receipts) {
            self.take(record, receipt);
        }
        Ok(())
    }

    fn take(&self, record: &Record, receipt: &Receipt) {
        self.repeated
            .fetch_add(u64::from(receipt.repeated), Ordering::Relaxed);
        let before = held(&self.acknowledged).insert(record.id.clone(), receipt.index);
        let is_same = before.is_none_or(|before| before == receipt.index && receipt.repeated);
        if receipt.id != record.id || !is_same {
            let fault = format!(
                "{} was at {before:?}, and is answered with {receipt:?}",
                record.id
            );
            held(&self.faults).push(fault);
        }
        if before.is_none() && receipt.index.is_multiple_of(AGAIN_EVERY) {
            held(&self.kept).push(record.clone());
        }
    }

    pub(crate) fn acknowledged(&self) -> BTreeMap<String, u64> {
        held(&self.acknowledged).clone()
    }

    pub(crate) fn sent_again(&self) -> u64 {
        self.sent_again.load(Ordering::Relaxed)
    }

    /// Records that the server said it had already.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    pub(crate) fn faults(&self) -> Vec<String> {
        held(&self.faults).clone()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
