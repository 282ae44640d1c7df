//! Verification of a ledger on a server: the server verifies itself, and whatever can be checked without believing it is
//! checked on this side. The verdict tells the two apart.

use causebook_client::{HeadError, Item, RemoteLedger};
use causebook_ledger::{Clock as _, SystemClock};
use serde_json::Value;

use super::remote::Remote;
use super::trust::Trusted;
use super::{Book as _, Integrity, Question, Scope};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::progress::Progress;
use crate::verdict::{CheckedHere, Found, SignedHead, Verdict};

/// Records whose evidence is checked unless something else is said.
const SAMPLE_DEFAULT: u64 = 8;

pub(super) fn reach(remote: &Remote, question: &Question, output: &Output) -> Outcome<Verdict> {
    if let Scope::Since(_) = question.scope {
        return Err(
            Failure::usage("a server verifies its head, one record or everything")
                .hint("leave out --since; --sample COUNT checks more on this side"),
        );
    }
    let clock = SystemClock::new();
    let ledger = remote.ledger();
    let mut verdict = match Trusted::head_of(ledger, question.remembering) {
        Err(HeadError::Fault(fault)) => {
            let mut verdict = Verdict {
                name: ledger.name().to_owned(),
                origin: ledger.address(),
                ..Verdict::default()
            };
            verdict.add(of_log(fault.as_str(), fault.to_string()));
            verdict
        }
        Err(error) => return Err(error.into()),
        Ok(trusted) => {
            let mut verdict = begin(ledger, &trusted);
            examine(remote, &trusted, question, output, &mut verdict)?;
            if verdict.is_intact()
                && let Err(failure) = trusted.remember()
            {
                let why = failure.title;
                output.warn(format_args!("this head could not be remembered: {why}"));
            }
            verdict
        }
    };
    verdict.quick = matches!(question.scope, Scope::Quick);
    verdict.took = clock.monotonic();
    Ok(verdict)
}

/// What the head alone tells.
fn begin(ledger: &RemoteLedger, trusted: &Trusted) -> Verdict {
    let head = &trusted.head;
    Verdict {
        name: ledger.name().to_owned(),
        origin: format!("{} at {}", head.origin, ledger.client().address()),
        signed: head.checkpoint.as_ref().map(|checkpoint| SignedHead {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: checkpoint.root.to_string(),
            time: head.time,
        }),
        continues: head.continues,
        here: Some(CheckedHere {
            keys: head.keys.len(),
            first_seen: trusted.first_seen,
            evidence: 0,
            server_asked: false,
        }),
        ..Verdict::default()
    }
}

fn examine(
    remote: &Remote,
    trusted: &Trusted,
    question: &Question,
    output: &Output,
    verdict: &mut Verdict,
) -> Outcome {
    let covered = verdict.signed.as_ref().map_or(0, |signed| signed.size);
    match &question.scope {
        Scope::One(id) => {
            let item = remote.find(id)?;
            verdict.records_stored = trusted.head.stored;
            evidence(remote, trusted, &item, verdict)?;
            verdict.records_checked = 1;
        }
        scope => {
            let full = matches!(scope, Scope::Full);
            let report = remote.ledger().verify(full)?;
            take(&report, verdict)?;
            let usual = if full { SAMPLE_DEFAULT } else { 0 };
            let indexes = drawn(covered, question.sample.unwrap_or(usual))?;
            let progress = Progress::new(output, "checking evidence", "records");
            let count = indexes.len() as u64;
            for (index, done) in indexes.into_iter().zip(0..) {
                progress.at(done, count);
                match remote.at(index)? {
                    Some(item) => evidence(remote, trusted, &item, verdict)?,
                    None => verdict.add(Found {
                        fault: "dropped".to_owned(),
                        index: Some(index),
                        id: None,
                        what: "the server shows no record at this index of its signed log"
                            .to_owned(),
                    }),
                }
            }
        }
    }
    Ok(())
}

/// Checks evidence of one record on this side.
fn evidence(remote: &Remote, trusted: &Trusted, item: &Item, verdict: &mut Verdict) -> Outcome {
    let integrity: Integrity = remote.proven(trusted, item)?;
    if let Some(why) = integrity.unchecked {
        return Err(Failure::new(Exit::Unverified, "no-evidence", why)
            .place(format!("index {}", item.index)));
    }
    for finding in integrity.findings {
        let (fault, what) = finding
            .split_once(": ")
            .unwrap_or(("changed-payload", finding.as_str()));
        verdict.add(Found {
            fault: fault.to_owned(),
            index: Some(item.index),
            id: item.id(),
            what: what.to_owned(),
        });
    }
    if let Some(here) = &mut verdict.here {
        here.evidence += u64::from(integrity.signed.is_some() || integrity.digest.is_some());
    }
    Ok(())
}

/// Takes over what the server says of itself.
fn take(report: &Value, verdict: &mut Verdict) -> Outcome {
    let number = |name: &str| report.get(name).and_then(Value::as_u64);
    let Some(intact) = report.get("intact").and_then(Value::as_bool) else {
        return Err(Failure::new(
            Exit::Unverified,
            "not-this-api",
            "the server's own verification cannot be read",
        ));
    };
    verdict.records_stored = number("records_stored").unwrap_or_default();
    verdict.records_checked = number("records_checked").unwrap_or_default();
    verdict.redacted = number("erased_in_part").unwrap_or_default();
    verdict.erased = number("erased_in_whole").unwrap_or_default();
    verdict.beyond_checkpoint = number("beyond_checkpoint").unwrap_or_default();
    let text = |found: &Value, name: &str| Some(found.get(name)?.as_str()?.to_owned());
    let findings = report.get("findings").and_then(Value::as_array);
    for found in findings.into_iter().flatten() {
        verdict.findings.push(Found {
            fault: text(found, "fault").unwrap_or_default(),
            index: found.get("index").and_then(Value::as_u64),
            id: text(found, "id"),
            what: text(found, "what").unwrap_or_default(),
        });
    }
    let told = number("findings_total").unwrap_or(verdict.findings.len() as u64);
    // A server that is not intact without saying why is not intact.
    verdict.findings_total = told.max(u64::from(!intact));
    if let Some(here) = &mut verdict.here {
        here.server_asked = true;
    }
    Ok(())
}

fn of_log(fault: &str, what: String) -> Found {
    Found {
        fault: fault.to_owned(),
        index: None,
        id: None,
        what,
    }
}

/// As many different indexes below `size` as wanted, that nobody can foresee.
fn drawn(size: u64, wanted: u64) -> Outcome<Vec<u64>> {
    let wanted = wanted.min(size);
    let mut drawn = std::collections::BTreeSet::new();
    if wanted * 2 > size {
        drawn.extend(0..size);
    }
    while wanted * 2 <= size && (drawn.len() as u64) < wanted {
        drawn.insert(random()? % size);
    }
    while drawn.len() as u64 > wanted {
        let place = (random()? % drawn.len() as u64) as usize;
        let index = drawn.iter().nth(place).copied();
        index.map(|index| drawn.remove(&index));
    }
    Ok(drawn.into_iter().collect())
}

fn random() -> Outcome<u64> {
    getrandom::u64().map_err(|error| {
        Failure::new(Exit::Failure, "random", "the system gives no random bytes")
            .detail(error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::drawn;

    #[test]
    fn as_many_records_are_drawn_as_wanted_or_there_are() {
        for (size, wanted, expected) in [(0, 8, 0), (5, 8, 5), (10, 8, 8), (10_000, 8, 8)] {
            let indexes = drawn(size, wanted).unwrap();
            assert_eq!(indexes.len(), expected);
            assert!(indexes.iter().all(|index| *index < size));
        }
    }
}
