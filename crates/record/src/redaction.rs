//! Redactions: what stands beside a stored record in place of the facts that were erased from it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::canonical::{Facts, read_document};
use crate::scan::members;
use crate::text::string_value;
use crate::{Commitment, FACTS_MAX, RecordError, Salt};

/// The commitments to erased facts, and the salts of those that remain, now that the opening key is
/// gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// How many facts the record had when it was sealed.
    pub count: u32,
    /// The commitments to the erased facts, by place.
    pub hidden: BTreeMap<u32, Commitment>,
    /// The salts of the remaining facts, in the order of their places.
    pub salts: Vec<Salt>,
}

impl Redaction {
    /// The canonical JSON text: `{"count":33,"hidden":{"4":"<base64>"},"salts":"<base64 of all,
    /// joined>"}`.
    pub fn to_json(&self) -> String {
        let mut hidden: Vec<(String, String)> = self
            .hidden
            .iter()
            .map(|(place, commitment)| (place.to_string(), BASE64.encode(commitment.0)))
            .collect();
        hidden.sort();
        let hidden: Vec<String> = hidden
            .iter()
            .map(|(place, base64)| format!(r#""{place}":"{base64}""#))
            .collect();
        let salts: Vec<u8> = self.salts.iter().flat_map(|salt| salt.0).collect();
        let (count, hidden, salts) = (self.count, hidden.join(","), BASE64.encode(salts));
        format!(r#"{{"count":{count},"hidden":{{{hidden}}},"salts":"{salts}"}}"#)
    }

    /// Reads back what [`Redaction::to_json`] wrote, and nothing else.
    ///
    /// # Errors
    /// Refuses any other text, and a redaction whose places and salts do not add up to its count.
    pub fn from_json(json: &str) -> Result<Redaction, RecordError> {
        let redaction =
            read(json).ok_or_else(|| invalid("not of the form that is written".to_owned()))?;
        redaction.check()?;
        if redaction.to_json() != json {
            return Err(invalid("not of the form that is written".to_owned()));
        }
        Ok(redaction)
    }

    /// Whether places and salts add up to the count.
    pub(crate) fn check(&self) -> Result<(), RecordError> {
        let count = self.count as usize;
        if count == 0 || count > FACTS_MAX {
            return Err(invalid(format!(
                "{count} facts, a record has 1 to {FACTS_MAX}"
            )));
        }
        if self.hidden.len() + self.salts.len() != count {
            let (hidden, salts) = (self.hidden.len(), self.salts.len());
            return Err(invalid(format!(
                "{hidden} erased and {salts} remaining facts of {count}"
            )));
        }
        match self.hidden.last_key_value() {
            Some((last, _)) if *last >= self.count => {
                Err(invalid(format!("fact {last} of {count}")))
            }
            _ => Ok(()),
        }
    }
}

fn read(json: &str) -> Option<Redaction> {
    read_document(json.as_bytes(), Facts::Ignored).ok()?;
    let [(_, count), (_, hidden), (_, salts)] = <[_; 3]>::try_from(members(json).ok()?).ok()?;
    let hidden = members(hidden)
        .ok()?
        .into_iter()
        .map(|(place, commitment)| {
            let bytes = BASE64.decode(string_value(commitment)?.as_bytes()).ok()?;
            Some((place.parse().ok()?, Commitment(bytes.try_into().ok()?)))
        });
    let salts = BASE64.decode(string_value(salts)?.as_bytes()).ok()?;
    let (salts, rest) = salts.as_chunks::<16>();
    Some(Redaction {
        count: count.parse().ok()?,
        hidden: hidden.collect::<Option<_>>()?,
        salts: rest
            .is_empty()
            .then(|| salts.iter().copied().map(Salt).collect())?,
    })
}

pub(crate) fn invalid(problem: String) -> RecordError {
    RecordError::InvalidRedaction { problem }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redaction() -> Redaction {
        Redaction {
            count: 14,
            hidden: BTreeMap::from([(2, Commitment([1; 32])), (10, Commitment([2; 32]))]),
            salts: (0..12).map(|byte| Salt([byte; 16])).collect(),
        }
    }

    #[test]
    fn a_redaction_is_canonical_json_and_reads_back() {
        let json = redaction().to_json();
        assert_eq!(crate::canonicalize(json.as_bytes()).unwrap(), json);
        assert!(json.starts_with(r#"{"count":14,"hidden":{"10":"AgIC"#));
        assert_eq!(Redaction::from_json(&json).unwrap(), redaction());
    }

    #[test]
    fn any_other_text_is_refused() {
        let json = redaction().to_json();
        for (old, new) in [
            ("{\"count\"", "{ \"count\""),
            ("14", "014"),
            ("14", "13"),
            ("14", "5000"),
            ("14", "-1"),
            ("\"10\"", "\"14\""),
            ("\"10\"", "\"010\""),
            ("\"10\"", "\"+10\""),
            ("AgIC", "AgI"),
            ("AgIC", "AgI-"),
            ("\"count\"", "\"c\""),
            ("\"salts\":\"", "\"salts\":\"AAAA"),
            ("}", "},\"x\":1}"),
        ] {
            let changed = json.replacen(old, new, 1);
            assert_ne!(changed, json);
            assert_eq!(
                Redaction::from_json(&changed).map_err(|error| error.code()),
                Err("invalid-redaction"),
                "{changed}"
            );
        }
        assert!(Redaction::from_json("").is_err());
    }
}
