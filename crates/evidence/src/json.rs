//! The JSON of evidence files: read strictly, written in one way. Counts are held to their limits before any base64 is
//! decoded; a member that is unknown, missing, null or there twice is a fault.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causebook_record::{Commitment, Digest, Disclosure, FACTS_MAX, OpenFact, Salt};
use causebook_tlog::{Hash, PROOF_HASHES_MAX};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::EvidenceError;
use crate::file::{
    Content, Evidence, EvidenceRecord, FILE_BYTES_MAX, FORMAT, KEYS_MAX, RECORDS_MAX, check_count,
};

/// Reads the bytes of a file. The caller checks the shape as a whole.
pub(crate) fn parse(file: &[u8]) -> Result<Evidence, EvidenceError> {
    check_count("bytes", file.len(), FILE_BYTES_MAX)?;
    let file: FileJson<'_> = serde_json::from_slice(file).map_err(|error| EvidenceError::Json {
        problem: error.to_string(),
    })?;
    if file.format != FORMAT {
        return Err(EvidenceError::Format {
            found: file.format.chars().take(80).collect(),
        });
    }
    check_count("keys", file.keys.len(), KEYS_MAX)?;
    check_count("records", file.records.len(), RECORDS_MAX)?;
    let records = file
        .records
        .into_iter()
        .enumerate()
        .map(|(place, record)| read_record(place, record))
        .collect::<Result<_, _>>()?;
    Ok(Evidence {
        origin: file.origin.into_owned(),
        keys: file.keys.into_iter().map(Cow::into_owned).collect(),
        checkpoint: file.checkpoint.into_owned(),
        records,
    })
}

/// Writes a file.
pub(crate) fn print(evidence: &Evidence) -> String {
    let file = FileJson {
        format: FORMAT.into(),
        origin: evidence.origin.as_str().into(),
        keys: evidence
            .keys
            .iter()
            .map(|key| key.as_str().into())
            .collect(),
        checkpoint: evidence.checkpoint.as_str().into(),
        records: evidence.records.iter().map(write_record).collect(),
    };
    // Strings, numbers and lists of them have no way to fail.
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    text
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileJson<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    #[serde(borrow)]
    origin: Cow<'a, str>,
    #[serde(borrow)]
    keys: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    checkpoint: Cow<'a, str>,
    #[serde(borrow)]
    records: Vec<RecordJson<'a>>,
}

/// Either the first three optional members or the other two.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordJson<'a> {
    index: u64,
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    count: Option<u32>,
    #[serde(
        borrow,
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    facts: Option<Vec<FactJson<'a>>>,
    #[serde(
        borrow,
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    hidden: Option<Vec<HiddenJson<'a>>>,
    #[serde(
        borrow,
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    digest: Option<Cow<'a, str>>,
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    erased: Option<bool>,
    #[serde(borrow)]
    inclusion: Vec<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FactJson<'a> {
    i: u32,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow)]
    salt: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HiddenJson<'a> {
    i: u32,
    #[serde(borrow)]
    commitment: Cow<'a, str>,
}

/// A member that may be left out, but is not null where it stands.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

fn read_record(place: usize, record: RecordJson<'_>) -> Result<EvidenceRecord, EvidenceError> {
    let fault = |member: &str, problem| EvidenceError::Field {
        place: format!("records[{place}]{member}"),
        problem,
    };
    check_count(
        "hashes in an inclusion proof",
        record.inclusion.len(),
        PROOF_HASHES_MAX,
    )?;
    let mut inclusion = Vec::with_capacity(record.inclusion.len());
    for (at, text) in record.inclusion.iter().enumerate() {
        inclusion.push(Hash(
            decode(text).map_err(|problem| fault(&format!(".inclusion[{at}]"), problem))?,
        ));
    }
    let content = match (
        record.count,
        record.facts,
        record.hidden,
        record.digest,
        record.erased,
    ) {
        (Some(count), Some(facts), Some(hidden), None, None) => {
            check_count("facts in a record", facts.len(), FACTS_MAX)?;
            check_count("hidden facts in a record", hidden.len(), FACTS_MAX)?;
            Content::Disclosed(Disclosure {
                count,
                facts: read_facts(facts).map_err(|(member, problem)| fault(&member, problem))?,
                hidden: read_hidden(hidden).map_err(|(member, problem)| fault(&member, problem))?,
            })
        }
        (None, None, None, Some(digest), Some(true)) => Content::Erased(Digest(
            decode(&digest).map_err(|problem| fault(".digest", problem))?,
        )),
        _ => {
            return Err(fault(
                "",
                "expected count, facts and hidden, or else digest and erased true",
            ));
        }
    };
    Ok(EvidenceRecord {
        index: record.index,
        content,
        inclusion,
    })
}

/// A fault within a record: the member, and what is wrong with it.
type Fault = (String, &'static str);

fn read_facts(facts: Vec<FactJson<'_>>) -> Result<Vec<OpenFact>, Fault> {
    let mut read = Vec::with_capacity(facts.len());
    for (at, fact) in facts.into_iter().enumerate() {
        let salt = decode(&fact.salt).map_err(|problem| (format!(".facts[{at}].salt"), problem))?;
        let (path, text) = (fact.path.into_owned(), fact.text.into_owned());
        read.push(OpenFact {
            i: fact.i,
            path,
            text,
            salt: Salt(salt),
        });
    }
    Ok(read)
}

fn read_hidden(hidden: Vec<HiddenJson<'_>>) -> Result<BTreeMap<u32, Commitment>, Fault> {
    let mut read = BTreeMap::new();
    for (at, HiddenJson { i, commitment }) in hidden.into_iter().enumerate() {
        if read.last_key_value().is_some_and(|(last, _)| *last >= i) {
            return Err((format!(".hidden[{at}].i"), "hidden facts do not ascend"));
        }
        let bytes = decode(&commitment)
            .map_err(|problem| (format!(".hidden[{at}].commitment"), problem))?;
        read.insert(i, Commitment(bytes));
    }
    Ok(read)
}

fn write_record(record: &EvidenceRecord) -> RecordJson<'_> {
    let mut written = RecordJson {
        index: record.index,
        count: None,
        facts: None,
        hidden: None,
        digest: None,
        erased: None,
        inclusion: record
            .inclusion
            .iter()
            .map(|hash| hash.to_string().into())
            .collect(),
    };
    match &record.content {
        Content::Disclosed(Disclosure {
            count,
            facts,
            hidden,
        }) => {
            written.count = Some(*count);
            written.facts = Some(facts.iter().map(write_fact).collect());
            let hidden = hidden.iter().map(|(i, commitment)| HiddenJson {
                i: *i,
                commitment: encode(&commitment.0),
            });
            written.hidden = Some(hidden.collect());
        }
        Content::Erased(digest) => {
            written.digest = Some(encode(&digest.0));
            written.erased = Some(true);
        }
    }
    written
}

fn write_fact(fact: &OpenFact) -> FactJson<'_> {
    FactJson {
        i: fact.i,
        path: fact.path.as_str().into(),
        text: fact.text.as_str().into(),
        salt: encode(&fact.salt.0),
    }
}

fn encode(bytes: &[u8]) -> Cow<'static, str> {
    STANDARD.encode(bytes).into()
}

/// Exactly `N` bytes as standard base64 with padding. The length is checked before anything is decoded.
fn decode<const N: usize>(text: &str) -> Result<[u8; N], &'static str> {
    let bytes = if text.len() == N.div_ceil(3) * 4 {
        STANDARD.decode(text).ok()
    } else {
        None
    };
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or("not base64 of the right length")
}
