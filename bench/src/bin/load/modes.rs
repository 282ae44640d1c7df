//! The ways in which records are sent.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, sync_channel};
use std::thread;
use std::time::Duration;

use causebook_bench::api::{Appended, Client, batch_receipts};
use causebook_bench::http::Request;
use causebook_bench::{Failure, Latencies, Percentiles, Stopwatch, closed_loop, open_loop};

use crate::arrow::stream;
use crate::book::{Book, Place, held};
use crate::proofs::{Wanted, check_evidence};
use crate::settings::{Mode, Settings};

/// A server that is busy is asked again for so long.
const BUSY_MAX: Duration = Duration::from_secs(30);
/// Requests ahead of the one whose answer is awaited: the next is there when the server has done one.
const AHEAD: usize = 1;

/// What came of sending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) seconds: f64,
    /// Of acknowledgements: from the start of a request, or from when it was due.
    pub(crate) latency: Percentiles,
    /// For a schedule, whether the server kept to it.
    pub(crate) kept_up: Option<bool>,
}

/// One mode under way.
pub(crate) struct Run<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) book: &'a Book,
    pub(crate) keys: &'a [String],
    pub(crate) watch: Stopwatch,
    /// Takes the records whose evidence is to be checked.
    pub(crate) wanted: Mutex<Sender<Wanted>>,
}

impl Run<'_> {
    pub(crate) fn send(&self, mode: Mode) -> Result<Sent, Failure> {
        match mode {
            Mode::Closed => self.closed(),
            Mode::Open => self.open(),
            Mode::Batches => self.batches("application/x-ndjson", &|numbers| {
                Ok(self.book.lines(numbers))
            }),
            Mode::Arrow => self.batches("application/vnd.apache.arrow.stream", &|numbers| {
                stream(self.book.records(numbers))
            }),
        }
    }

    fn closed(&self) -> Result<Sent, Failure> {
        let clients = self.clients()?;
        let (callers, records) = (self.settings.connections, self.book.len());
        let closed = closed_loop(callers, records, records, &|number| {
            self.append(&clients, number, self.watch.elapsed())
        })?;
        Ok(Sent {
            seconds: closed.seconds,
            latency: closed.latency,
            kept_up: None,
        })
    }

    fn open(&self) -> Result<Sent, Failure> {
        let clients = self.clients()?;
        let (callers, rate) = (self.settings.connections, self.settings.rate);
        let call = |number, due| self.append(&clients, number, due);
        let open = open_loop(callers, rate, self.book.len(), self.watch, &call)?;
        Ok(Sent {
            seconds: open.seconds,
            latency: open.receipt,
            kept_up: Some(open.kept_up),
        })
    }

    /// A connection for every caller.
    fn clients(&self) -> Result<Mutex<Vec<Client>>, Failure> {
        let clients = (0..self.settings.connections).map(|_| self.settings.connect());
        Ok(Mutex::new(clients.collect::<Result<_, _>>()?))
    }

    fn append(
        &self,
        clients: &Mutex<Vec<Client>>,
        number: usize,
        due: Duration,
    ) -> Result<(), Failure> {
        let mut client = held(clients)
            .pop()
            .ok_or("fewer connections than callers")?;
        let (id, json) = self.book.record(number)?;
        loop {
            match client.append(json, self.settings.wait_proof)? {
                Appended::Receipt(receipt) => {
                    self.book
                        .status(if receipt.repeated { 200 } else { 201 }, 1);
                    self.want(number, id, receipt.index, Some(&receipt.digest), due)?;
                    self.book.acknowledge(number, &receipt, due);
                    break;
                }
                Appended::Evidence(index, evidence) => {
                    self.book.status(201, 1);
                    let wanted = wanted(id, index, None, due);
                    check_evidence(&evidence, self.keys, &wanted)
                        .map_err(|error| format!("evidence of {id}: {error}"))?;
                    self.book.put(number, Place { index, due });
                    break;
                }
                Appended::Busy(pause) => {
                    self.book.status(503, 1);
                    if self.watch.elapsed().saturating_sub(due) > BUSY_MAX {
                        return Err(format!("{id}: the server is busy for {BUSY_MAX:?}").into());
                    }
                    thread::sleep(pause);
                }
                Appended::Refused(refused) => {
                    self.book.status(refused.status, 1);
                    return Err(format!("{id}: {refused}").into());
                }
            }
        }
        held(clients).push(client);
        Ok(())
    }

    /// Asks for the evidence of every so many-th record.
    fn want(
        &self,
        number: usize,
        id: &str,
        index: u64,
        digest: Option<&str>,
        due: Duration,
    ) -> Result<(), Failure> {
        if number.checked_rem(self.settings.prove_every) == Some(0) {
            let sent = held(&self.wanted).send(wanted(id, index, digest, due));
            sent.map_err(|_| "evidence is no longer taken")?;
        }
        Ok(())
    }

    /// Sends requests of many records on one connection, while the answers to earlier ones come in.
    fn batches(
        &self,
        content_type: &'static str,
        body: &(dyn Fn(Range<usize>) -> Result<Vec<u8>, Failure> + Sync),
    ) -> Result<Sent, Failure> {
        let (connection, path) = self.settings.connect()?.into_parts();
        let (mut requests, mut answers) = (connection.requests, connection.answers);
        let path = format!("{path}/records");
        let batches = self.ranges();
        // Made before: making them is no part of what is measured.
        let bodies: Result<Vec<Vec<u8>>, Failure> = batches.iter().cloned().map(body).collect();
        let bodies = bodies?;
        let (sent, begun) = sync_channel(AHEAD);
        let start = self.watch.elapsed();
        let latencies = thread::scope(|scope| {
            let sender = scope.spawn(move || -> Result<(), Failure> {
                for body in &bodies {
                    if sent.send(self.watch.elapsed()).is_err() {
                        return Ok(());
                    }
                    requests.send(&Request {
                        method: "POST",
                        path: &path,
                        content_type,
                        body,
                    })?;
                }
                Ok(())
            });
            let mut latencies = Latencies::new()?;
            for numbers in batches {
                let Ok(due) = begun.recv() else {
                    break;
                };
                let answer = answers.receive()?;
                latencies.record(self.watch.elapsed().saturating_sub(due));
                self.book.status(answer.status, 1);
                self.take(numbers, &answer, due)?;
            }
            drop(begun);
            sender.join().map_err(|_| "the sender panicked")??;
            Ok::<_, Failure>(latencies)
        })?;
        Ok(Sent {
            seconds: self.watch.elapsed().saturating_sub(start).as_secs_f64(),
            latency: latencies.percentiles(),
            kept_up: None,
        })
    }

    fn ranges(&self) -> Vec<Range<usize>> {
        let (records, batch) = (self.book.len(), self.settings.batch);
        let starts = (0..records).step_by(batch);
        starts
            .map(|start| start..(start + batch).min(records))
            .collect()
    }

    fn take(
        &self,
        numbers: Range<usize>,
        answer: &causebook_bench::http::Response,
        due: Duration,
    ) -> Result<(), Failure> {
        let receipts = batch_receipts(answer)?;
        if receipts.len() != numbers.len() {
            let (given, taken) = (receipts.len(), numbers.len());
            return Err(format!("{given} receipts for {taken} records").into());
        }
        for (number, receipt) in numbers.zip(receipts) {
            let (id, _) = self.book.record(number)?;
            self.want(number, id, receipt.index, Some(&receipt.digest), due)?;
            self.book.acknowledge(number, &receipt, due);
        }
        Ok(())
    }
}

fn wanted(id: &str, index: u64, digest: Option<&str>, due: Duration) -> Wanted {
    Wanted {
        id: id.to_owned(),
        index,
        digest: digest.map(str::to_owned),
        due,
    }
}
