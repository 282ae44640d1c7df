//! Checking evidence: offline, with the file and keys that the checker has from elsewhere.

use causebook_evidence::{
    CheckedRecord, Evidence, EvidenceError, Link, NOT_PROVEN, Report, Signature, Standing, Trust,
};
use causebook_tlog::{Algorithm, Verifier};
use pyo3::prelude::*;
use serde_json::{Value, json};

use crate::read::{Class, Fault};

/// Checks evidence and gives a report in JSON; without keys, by those that the file itself names.
#[pyfunction]
#[pyo3(signature = (evidence, keys))]
pub(crate) fn check_evidence(
    py: Python<'_>,
    evidence: &[u8],
    keys: Vec<String>,
) -> PyResult<String> {
    py.detach(|| check(evidence, keys))
        .map_err(|fault| fault.raise(py))
}

fn check(bytes: &[u8], keys: Vec<String>) -> Result<String, Fault> {
    for key in &keys {
        Verifier::parse(key).map_err(|error| {
            let shown: String = key.chars().take(60).collect();
            Fault::setting("key", format!("{shown:?} is not a key: {error}"))
                .hint("a key is a line like name+1a2b3c4d+AbC...")
        })?;
    }
    let trust = if keys.is_empty() {
        Trust::Named
    } else {
        Trust::Keys(keys)
    };
    let evidence = Evidence::parse(bytes).map_err(|error| {
        Fault::new(Class::Evidence, "not-evidence", error.to_string()).hint(
            "nothing can be said about a file that is cut short or of another kind; ask for it again",
        )
    })?;
    let report = causebook_evidence::check(&evidence, &trust).map_err(|error| refuse(&error))?;
    Ok(describe(&report).to_string())
}

/// The file can be read, but does not prove what it claims.
fn refuse(error: &EvidenceError) -> Fault {
    let hint = match error {
        EvidenceError::Untrusted { .. } => {
            "is it the right key? it must be the log's own, from its keeper"
        }
        _ => "the file was changed after it was made; ask its keeper for it again",
    };
    Fault::new(Class::Evidence, "false-evidence", error.to_string()).hint(hint)
}

fn describe(report: &Report) -> Value {
    let signature = |signature: &Signature| {
        json!({
            "name": signature.name,
            "algorithm": algorithm(signature),
            "time": signature.time,
            "trusted": signature.trusted && !report.self_asserted,
        })
    };
    json!({
        "origin": report.origin,
        "size": report.size,
        "root": report.root.to_string(),
        "self_asserted": report.self_asserted,
        "signatures": report.signatures.iter().map(signature).collect::<Vec<_>>(),
        "not_signed_by": report.absent,
        "records": report.records.iter().map(describe_record).collect::<Vec<_>>(),
        "not_proven": NOT_PROVEN,
    })
}

/// The text of a record goes along as text, so that numbers keep their digits.
fn describe_record(record: &CheckedRecord) -> Value {
    let link = match record.link {
        Link::Asked => "asked",
        Link::Refers => "refers",
        Link::Referred => "referred",
        Link::Unproven => "unproven",
    };
    let (text, shown, hidden) = match &record.standing {
        Standing::Erased => (None, 0, 0),
        Standing::Disclosed {
            text,
            shown,
            hidden,
        } => (Some(text), *shown, *hidden),
    };
    json!({
        "index": record.index,
        "digest": record.digest.to_string(),
        "link": link,
        "text": text,
        "shown": shown,
        "hidden": hidden,
    })
}

fn algorithm(signature: &Signature) -> &'static str {
    match signature.algorithm {
        Algorithm::Ed25519 => "Ed25519",
        Algorithm::Ed25519Cosignature => "Ed25519 cosignature",
        Algorithm::MlDsa44Cosignature => "ML-DSA-44 cosignature",
        _ => "signature of another kind",
    }
}
