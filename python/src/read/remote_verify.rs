//! Verification of a ledger on a server: the server verifies itself, and whatever can be checked without believing it is
//! checked on this side. The report tells the two apart: a finding says by whom it was made.

use std::collections::BTreeSet;

use causebook_client::{HeadError, Item, RemoteLedger};
use causebook_evidence::CheckedRecord;
use serde_json::{Value, json};

use super::fault::{Class, Fault};
use super::remote::{Remote, evidence_of};
use super::source::VerifyAsk;
use super::trust::Trusted;

/// Records whose evidence is checked unless something else is said: as many as the command line checks.
const SAMPLE_DEFAULT: u64 = 8;

pub(super) fn verify(ledger: &RemoteLedger, ask: &VerifyAsk) -> Result<Value, Fault> {
    let trusted = match Trusted::head_of(ledger, &ask.keys, ask.remembering) {
        Ok(trusted) => trusted,
        Err(HeadError::Fault(fault)) => {
            let found = finding(fault.as_str(), None, None, &fault.to_string());
            return Ok(report(ledger, None, None, 0, vec![found], None));
        }
        Err(error) => return Err(error.into()),
    };
    let mut findings = Vec::new();
    let mut server = None;
    let mut evidence = 0;
    if let Some(id) = &ask.id {
        let item = ledger.get(id)?;
        evidence += examine(ledger, &trusted, &item, &mut findings)?;
    } else {
        let said = ledger.verify(!ask.quick)?;
        if said.get("intact").and_then(Value::as_bool).is_none() {
            return Err(Fault::new(
                Class::Unavailable,
                "not-this-api",
                "the server's own verification cannot be read",
            ));
        }
        server = Some(said);
        let usual = if ask.quick { 0 } else { SAMPLE_DEFAULT };
        let covered = trusted.head.checkpoint.as_ref().map_or(0, |it| it.size);
        for index in drawn(covered, ask.sample.unwrap_or(usual))? {
            match Remote::at(ledger, index)? {
                Some(item) => evidence += examine(ledger, &trusted, &item, &mut findings)?,
                None => findings.push(finding(
                    "dropped",
                    Some(index),
                    None,
                    "the server shows no record at this index of its signed log",
                )),
            }
        }
    }
    let is_intact = findings.is_empty() && server.as_ref().is_none_or(says_intact);
    let unremembered = is_intact
        .then(|| trusted.remember().err())
        .flatten()
        .map(|error| error.to_string());
    Ok(report(
        ledger,
        Some(&trusted),
        server,
        evidence,
        findings,
        unremembered,
    ))
}

fn says_intact(server: &Value) -> bool {
    server.get("intact").and_then(Value::as_bool) == Some(true)
}

fn report(
    ledger: &RemoteLedger,
    trusted: Option<&Trusted>,
    server: Option<Value>,
    evidence: u64,
    findings: Vec<Value>,
    unremembered: Option<String>,
) -> Value {
    let head = trusted.and_then(|trusted| {
        let checkpoint = trusted.head.checkpoint.as_ref()?;
        Some(json!({
            "size": checkpoint.size,
            "root": checkpoint.root.to_string(),
            "time": trusted.head.time,
        }))
    });
    let is_intact =
        trusted.is_some() && findings.is_empty() && server.as_ref().is_none_or(says_intact);
    json!({
        "intact": is_intact,
        "ledger": ledger.name(),
        "place": ledger.client().address(),
        "origin": trusted.map(|trusted| &trusted.head.origin),
        "stored": trusted.map(|trusted| trusted.head.stored),
        "head": head,
        "continues": trusted.and_then(|trusted| trusted.head.continues),
        "keys": trusted.map(|trusted| &trusted.keys),
        "first_seen": trusted.map(|trusted| trusted.first_seen),
        "evidence": evidence,
        "records_checked": 0,
        "server": server,
        "findings_total": findings.len(),
        "findings": findings,
        "not_remembered": unremembered,
    })
}

/// Checks evidence of one record on this side, and gives how many were checked.
fn examine(
    ledger: &RemoteLedger,
    trusted: &Trusted,
    item: &Item,
    findings: &mut Vec<Value>,
) -> Result<u64, Fault> {
    let id = item.id().ok_or_else(|| {
        let what = format!(
            "the record at index {} has no id left to ask by",
            item.index
        );
        Fault::new(Class::Refused, "no-id", what)
    })?;
    let (_, text) = evidence_of(ledger, &id, &[], false)?;
    let checked = match trusted.check(ledger, item.index, &text) {
        Ok(checked) => checked,
        Err(fault) if fault.class == Class::Evidence && fault.code != "not-evidence" => {
            findings.push(finding(
                &fault.code,
                Some(item.index),
                Some(&id),
                &fault.what,
            ));
            return Ok(1);
        }
        Err(fault) => return Err(fault),
    };
    // Where something is masked, the evidence cannot show it either, or is asked for by somebody who may see it.
    let proven = checked.records.first().and_then(CheckedRecord::text);
    if item.masked.is_empty() && proven != item.text.as_deref() {
        let what = "what the server shows is not what is in the log";
        findings.push(finding(
            "changed-payload",
            Some(item.index),
            Some(&id),
            what,
        ));
    }
    Ok(1)
}

fn finding(fault: &str, index: Option<u64>, id: Option<&str>, what: &str) -> Value {
    json!({ "fault": fault, "index": index, "id": id, "what": what })
}

/// As many different indexes below `size` as wanted, that nobody can foresee.
fn drawn(size: u64, wanted: u64) -> Result<BTreeSet<u64>, Fault> {
    let wanted = wanted.min(size);
    let mut drawn = BTreeSet::new();
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
    Ok(drawn)
}

fn random() -> Result<u64, Fault> {
    getrandom::u64().map_err(|error| {
        let what = format!("the system gives no random bytes: {error}");
        Fault::new(Class::Unavailable, "random", what)
    })
}
