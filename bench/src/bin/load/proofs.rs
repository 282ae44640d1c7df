//! Proofs, as a client has to take them: every checkpoint is opened and must continue the one before; evidence is checked
//! from the signature down to the record.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use causebook_bench::api::Client;
use causebook_bench::{Failure, Latencies, Percentiles, Stopwatch};
use causebook_evidence::{Evidence, Trust, check};
use causebook_tlog::{Checkpoint, Hash, Verifier, open_checkpoint, verify_consistency};

/// How often the checkpoint, or evidence that is not there yet, is asked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);
/// Longest wait for a proof.
const PROOF_MAX: Duration = Duration::from_secs(10);

/// A checkpoint that was seen, and when.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) size: u64,
    root: Hash,
    at: Duration,
}

/// Follows the log, one checkpoint after the other.
pub(crate) struct Heads {
    verifiers: Vec<Verifier>,
    /// What was seen, in order.
    seen: Vec<Head>,
}

impl Heads {
    pub(crate) fn new(keys: &[String]) -> Result<Self, Failure> {
        let verifiers = keys.iter().map(|key| Verifier::parse(key));
        Ok(Self {
            verifiers: verifiers.collect::<Result<_, _>>()?,
            seen: Vec::new(),
        })
    }

    /// Follows until `over`, and on until everything below the size in there then is covered.
    pub(crate) fn follow(
        &mut self,
        client: &mut Client,
        watch: Stopwatch,
        over: &AtomicBool,
        end: &dyn Fn() -> u64,
    ) -> Result<(), Failure> {
        let mut ended_at = None;
        loop {
            self.look(client, watch)?;
            if over.load(Ordering::SeqCst) {
                let since = *ended_at.get_or_insert(watch.elapsed());
                if self.size() >= end() {
                    return Ok(());
                }
                if watch.elapsed().saturating_sub(since) > PROOF_MAX {
                    let (size, end) = (self.size(), end());
                    return Err(format!("the checkpoint covers {size} of {end} records").into());
                }
            }
            thread::sleep(LOOK_INTERVAL);
        }
    }

    fn size(&self) -> u64 {
        self.seen.last().map_or(0, |head| head.size)
    }

    fn look(&mut self, client: &mut Client, watch: Stopwatch) -> Result<(), Failure> {
        let Some(note) = client.checkpoint()? else {
            return Ok(());
        };
        let at = watch.elapsed();
        let (Checkpoint { size, root, .. }, _) = open_checkpoint(&note, &self.verifiers)?;
        let head = Head { size, root, at };
        match self.seen.last() {
            Some(last) if last.size == size && last.root == root => return Ok(()),
            Some(last) if last.size == size => {
                return Err(format!("two roots for {size} records").into());
            }
            Some(last) if last.size > 0 => continues(client, last, &head)?,
            _ => {}
        }
        self.seen.push(head);
        Ok(())
    }

    /// From when records were due to when a checkpoint was seen that covers them.
    pub(crate) fn latencies(
        &self,
        places: impl Iterator<Item = (u64, Duration)>,
    ) -> Result<Percentiles, Failure> {
        let mut latencies = Latencies::new()?;
        for (index, due) in places {
            let first = self.seen.partition_point(|head| head.size <= index);
            let head = self
                .seen
                .get(first)
                .ok_or("a record is under no checkpoint")?;
            latencies.record(head.at.saturating_sub(due));
        }
        Ok(latencies.percentiles())
    }

    /// How many were seen.
    pub(crate) fn count(&self) -> usize {
        self.seen.len()
    }
}

fn continues(client: &mut Client, from: &Head, to: &Head) -> Result<(), Failure> {
    let answer = client.consistency(from.size, to.size)?;
    let roots: (Hash, Hash) = (answer.from_root.parse()?, answer.to_root.parse()?);
    if (answer.from, answer.to, roots) != (from.size, to.size, (from.root, to.root)) {
        return Err(format!("asked for {} to {}: {answer:?}", from.size, to.size).into());
    }
    let proof: Result<Vec<Hash>, _> = answer.proof.iter().map(|hash| hash.parse()).collect();
    verify_consistency(from.size, to.size, &from.root, &to.root, &proof?)?;
    Ok(())
}

/// A record whose evidence is wanted.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) id: String,
    pub(crate) index: u64,
    pub(crate) digest: Option<String>,
    pub(crate) due: Duration,
}

/// Takes the evidence of what is wanted, as soon as there is any, and checks it. Gives the times from due to checked.
pub(crate) fn prove(
    client: &mut Client,
    keys: &[String],
    watch: Stopwatch,
    wanted: Receiver<Wanted>,
) -> Result<Latencies, Failure> {
    let mut latencies = Latencies::new()?;
    while let Ok(wanted) = wanted.recv() {
        let start = watch.elapsed();
        let evidence = loop {
            if let Some(evidence) = client.evidence(&wanted.id)? {
                break evidence;
            }
            if watch.elapsed().saturating_sub(start) > PROOF_MAX {
                return Err(format!("{}: no evidence after {PROOF_MAX:?}", wanted.id).into());
            }
            thread::sleep(LOOK_INTERVAL);
        };
        check_evidence(&evidence, keys, &wanted)
            .map_err(|error| format!("evidence of {}: {error}", wanted.id))?;
        latencies.record(watch.elapsed().saturating_sub(wanted.due));
    }
    Ok(latencies)
}

/// Checks that a file proves the record wanted, at its index.
pub(crate) fn check_evidence(file: &[u8], keys: &[String], wanted: &Wanted) -> Result<(), Failure> {
    let report = check(&Evidence::parse(file)?, &Trust::Keys(keys.to_vec()))?;
    let record = report.records.first().ok_or("it holds no record")?;
    let text = record.text().ok_or("its record is erased")?;
    let shown: serde_json::Value = serde_json::from_str(text)?;
    let id = shown.get("id").and_then(|id| id.as_str());
    if id != Some(&wanted.id) || record.index != wanted.index {
        return Err(format!("it proves {id:?} at {}", record.index).into());
    }
    let digest = record.digest.to_string();
    match &wanted.digest {
        Some(wanted) if *wanted != digest => Err("its digest is not the receipt's".into()),
        _ => Ok(()),
    }
}
