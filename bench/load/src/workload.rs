//! Workloads: generated once to a file, so that every system is given the same bytes.
//!
//! The file is a sequence of records: length of the id, id, length of the JSON, JSON; lengths are u32, little endian.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use crate::Failure;
use crate::random::{Random, scatter};
use crate::records::{Language, loan_decision};
use crate::store::Entry;

/// What the records of a workload are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Synthetic loan decisions of about 1 KB.
    Loan,
    /// The decisions on the German credit data that the examples have, repeated under fresh ids.
    GermanCredit,
    /// Synthetic exchanges with a language model of about 20 KB.
    Exchange,
}

impl Kind {
    /// Its name, as files and tables give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loan => "loan decisions",
            Self::GermanCredit => "German credit decisions",
            Self::Exchange => "language model exchanges",
        }
    }
}

/// Writes a workload of `count` records. `examples` is the file of German credit records.
///
/// # Errors
/// If `file` cannot be written or `examples` not be read.
pub fn generate(
    kind: Kind,
    count: usize,
    seed: u64,
    examples: &Path,
    file: &Path,
) -> Result<(), Failure> {
    let mut random = Random::new(seed);
    let mut output = BufWriter::new(File::create(file)?);
    let language = Language::new(seed);
    let decisions = match kind {
        Kind::GermanCredit => decisions(examples)?,
        Kind::Loan | Kind::Exchange => Vec::new(),
    };
    for number in 0..count {
        let mut id = format!("{:016x}", scatter(number as u64));
        let json = match kind {
            Kind::Loan => loan_decision(&id, &mut random),
            Kind::Exchange => language.exchange(&id, &mut random),
            Kind::GermanCredit => {
                let (name, rest) = decisions
                    .get(number % decisions.len())
                    .ok_or("there are no German credit decisions")?;
                id = format!("{name}-{id}");
                format!(r#"{{"id":"{id}"{rest}"#)
            }
        };
        for part in [&id, &json] {
            output.write_all(&u32::try_from(part.len())?.to_le_bytes())?;
            output.write_all(part.as_bytes())?;
        }
    }
    Ok(output.flush()?)
}

/// The decisions among the examples: their ids, and what follows the id.
fn decisions(examples: &Path) -> Result<Vec<(String, String)>, Failure> {
    let text = std::fs::read_to_string(examples)
        .map_err(|error| format!("{}: {error}", examples.display()))?;
    let split = |line: &str| {
        let (id, rest) = line.strip_prefix(r#"{"id":""#)?.split_once('"')?;
        rest.contains(r#""kind":"decision""#)
            .then(|| (id.to_owned(), rest.to_owned()))
    };
    let decisions: Vec<_> = text.lines().filter_map(split).collect();
    if decisions.is_empty() {
        return Err(format!("{} holds no decisions", examples.display()).into());
    }
    Ok(decisions)
}

/// A workload in memory: reading it is no part of what is measured.
#[derive(Debug)]
pub struct Workload {
    records: Vec<(String, String)>,
}

impl Workload {
    /// Reads a workload.
    ///
    /// # Errors
    /// If the file cannot be read or ends within a record.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let input = File::open(file)?;
        let mut left = input.metadata()?.len();
        let mut input = BufReader::new(input);
        let mut records = Vec::new();
        while left > 0 {
            let id = read_text(&mut input)?;
            let json = read_text(&mut input)?;
            left = left
                .checked_sub((2 * size_of::<u32>() + id.len() + json.len()) as u64)
                .ok_or("the workload ends within a record")?;
            records.push((id, json));
        }
        Ok(Self { records })
    }

    /// Its records, in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.records.iter().map(|(id, json)| Entry { id, json })
    }
}

fn read_text(input: &mut impl Read) -> Result<String, Failure> {
    let mut length = [0; size_of::<u32>()];
    input.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    input.read_exact(&mut bytes)?;
    Ok(String::from_utf8(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workload_is_read_as_it_was_generated_and_the_same_for_the_same_seed() {
        let folder = tempfile::tempdir().unwrap();
        let examples = folder.path().join("examples.ndjson");
        std::fs::write(
            &examples,
            "{\"id\":\"a\",\"kind\":\"outcome\"}\n{\"id\":\"GC-1\",\"kind\":\"decision\",\"x\":1}\n",
        )
        .unwrap();
        for kind in [Kind::Loan, Kind::GermanCredit, Kind::Exchange] {
            let files = ["one", "two"].map(|name| folder.path().join(name));
            for file in &files {
                generate(kind, 3, 7, &examples, file).unwrap();
            }
            assert_eq!(
                std::fs::read(&files[0]).unwrap(),
                std::fs::read(&files[1]).unwrap()
            );
            let workload = Workload::read(&files[0]).unwrap();
            assert_eq!(workload.entries().count(), 3);
            for entry in workload.entries() {
                let value: serde_json::Value = serde_json::from_str(entry.json).unwrap();
                assert_eq!(value["id"], entry.id);
            }
        }
    }

    #[test]
    fn a_workload_cut_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cut");
        generate(Kind::Loan, 2, 1, Path::new(""), &file).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
        assert!(Workload::read(&file).is_err());
    }
}
