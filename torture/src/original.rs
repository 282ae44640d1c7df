//! What a ledger held before anything was done to it, and whether it still gives exactly that: every record, every
//! look-up, proofs, attachments.

use std::collections::HashMap;
use std::ops::ControlFlow;

use causebook_evidence::{Evidence, Trust, check};
use causebook_ledger::{LedgerError, Reader, Row};
use causebook_record::{Selection, value_at};

/// Proofs made and checked.
const PROOFS: usize = 5;

/// What a ledger held.
#[derive(Debug)]
pub struct Original {
    rows: Vec<Row>,
    keys: Vec<String>,
    subjects: HashMap<String, Vec<u64>>,
    references: HashMap<String, Vec<u64>>,
    attachments: Vec<(String, Vec<u8>)>,
}

impl Original {
    /// What `reader` sees now.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of(reader: &Reader) -> Result<Self, LedgerError> {
        let rows = rows(reader)?;
        let (mut subjects, mut references) = (HashMap::new(), HashMap::new());
        let mut attachments = Vec::new();
        for row in &rows {
            let fields = row.record.fields();
            for (map, value) in [
                (&mut subjects, fields.subject),
                (&mut references, fields.refers_to),
            ] {
                let positions: &mut Vec<u64> = map.entry(value.unwrap_or_default()).or_default();
                positions.push(row.index);
            }
            for digest in attached(row) {
                let content = reader.blob(&digest)?;
                attachments.push((digest, content));
            }
        }
        for map in [&mut subjects, &mut references] {
            map.remove("");
        }
        let keys = reader.identity().keys.clone();
        Ok(Self {
            rows,
            keys,
            subjects,
            references,
            attachments,
        })
    }

    /// Records.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Attachments that records name.
    pub fn attachments(&self) -> usize {
        self.attachments.len()
    }

    /// Whether `reader` gives the same, and nothing else but `more` records behind; looks up every `stride`-th record.
    ///
    /// # Errors
    /// What differs.
    pub fn is_given_by(&self, reader: &Reader, more: u64, stride: usize) -> Result<(), String> {
        let told = |error: LedgerError| error.to_string();
        let held = rows(reader).map_err(told)?;
        let expected = self.rows.len() as u64 + more;
        if held.len() as u64 != expected {
            return Err(format!("{} records instead of {expected}", held.len()));
        }
        if let Some((row, _)) = self.rows.iter().zip(&held).find(|(a, b)| a != b) {
            return Err(format!("the record at index {} reads otherwise", row.index));
        }
        for row in self.rows.iter().step_by(stride.max(1)) {
            look_up(reader, row)?;
        }
        let subjects = self.subjects.iter().step_by(stride.max(1));
        for (subject, positions) in subjects {
            if reader.by_subject(subject).map_err(told)? != *positions {
                return Err(format!("records of subject {subject} are not found"));
            }
        }
        for (id, positions) in &self.references {
            if reader.referring_to(id).map_err(told)? != *positions {
                return Err(format!("records that refer to {id} are not found"));
            }
        }
        for (digest, content) in &self.attachments {
            if reader.blob(digest).map_err(told)? != *content {
                return Err(format!("attachment {digest} reads otherwise"));
            }
        }
        self.proofs(reader)
    }

    fn proofs(&self, reader: &Reader) -> Result<(), String> {
        let stride = (self.rows.len() / PROOFS).max(1);
        let trust = Trust::Keys(self.keys.clone());
        for row in self.rows.iter().step_by(stride) {
            let index = row.index;
            let proof = |error: &dyn std::fmt::Display| format!("proof of index {index}: {error}");
            let evidence = reader
                .evidence(index, &Selection::All, false)
                .map_err(|error| proof(&error))?;
            let parsed =
                Evidence::parse(evidence.to_json().as_bytes()).map_err(|error| proof(&error))?;
            let report = check(&parsed, &trust).map_err(|error| proof(&error))?;
            let digest = row.record.digest().map_err(|error| proof(&error))?;
            let proven = report.records.first().map(|record| record.digest);
            if digest.is_some() && proven != digest {
                return Err(format!("proof of index {index} is of another record"));
            }
        }
        Ok(())
    }
}

fn look_up(reader: &Reader, row: &Row) -> Result<(), String> {
    let index = row.index;
    let got = reader.get(index).map_err(|error| error.to_string())?;
    if got.as_ref() != Some(row) {
        return Err(format!("index {index} gives another record or none"));
    }
    let Some(id) = row.record.fields().id else {
        return Ok(());
    };
    match reader.find_exact(&id) {
        Ok(Some(found)) if found == *row => {}
        Ok(_) => {
            return Err(format!(
                "id {id} at index {index} gives another record or none"
            ));
        }
        Err(error) => return Err(format!("id {id} at index {index}: {error}")),
    }
    match reader.find(&id) {
        Ok(found) if found == *row => Ok(()),
        _ => Err(format!("looking for {id} gives another record or none")),
    }
}

fn rows(reader: &Reader) -> Result<Vec<Row>, LedgerError> {
    let mut rows = Vec::new();
    reader.scan(0..u64::MAX, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Digests of the attachments that a record names.
fn attached(row: &Row) -> Vec<String> {
    let list = row
        .record
        .text()
        .and_then(|text| value_at(text, "/attachments"))
        .and_then(|text| serde_json::from_str::<Vec<serde_json::Value>>(text).ok());
    let digest = |entry: serde_json::Value| Some(entry.get("digest")?.as_str()?.to_owned());
    list.into_iter().flatten().filter_map(digest).collect()
}
