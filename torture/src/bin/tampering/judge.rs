//! What came of an act: found, without effect (every record, look-up and proof is compared), or a broken promise.
//!
//! Afterwards the ledger is opened for writing, as an operator who knows of nothing would do: that must neither hide what
//! was found nor destroy what could still be restored.

use std::path::{Path, PathBuf};
use std::time::Duration;

use causebook_bench::open_ledger;
use causebook_ledger::{LedgerError, RememberedHead};
use causebook_record::Draft;
use causebook_torture::{
    Failure, Original, Sight, copy_tree, fingerprints, look, name_of, open_reader,
};
use serde::{Deserialize, Serialize};

use crate::acts::{Act, Expected};
use crate::classes::Class;
use crate::specimen::{Specimen, options};

const CHECKPOINT_WAIT: Duration = Duration::from_secs(20);

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// Verification finds it, whoever verifies.
    Found(Vec<String>),
    /// Only who remembers an earlier head finds it.
    FoundByHead(Vec<String>),
    /// Nothing that the ledger gives differs.
    Harmless,
    /// Consistent with everything that anybody saw.
    BeyondProof,
    /// A promise is broken.
    Broken(String),
}

/// An act's outcome, with what happened when the ledger was opened for writing.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    /// What was derived had been made again by the writer.
    pub(crate) rebuilt: bool,
    /// The writer refused, and why.
    pub(crate) refused: Option<String>,
    /// What verification said.
    pub(crate) told: String,
}

/// Judges acts on one specimen.
pub(crate) struct Judge {
    specimen: Specimen,
    remembered: RememberedHead,
    original: Original,
    folder: PathBuf,
}

impl Judge {
    /// Acts are done in `folder`, which is made anew each time.
    pub(crate) fn new(specimen: Specimen, folder: PathBuf) -> Result<Self, Failure> {
        let remembered = specimen.remembered()?;
        let reader = open_reader(&specimen.now())?;
        let original = Original::of(&reader)?;
        original.is_given_by(&reader, 0, 1)?;
        let judge = Self {
            specimen,
            remembered,
            original,
            folder,
        };
        match look(&judge.specimen.now(), &judge.remembered) {
            (Sight::Green, Sight::Green, _) if judge.original.attachments() > 0 => Ok(judge),
            (alone, with_head, _) => Err(format!(
                "the specimen itself is not as it should be: {alone}; {with_head}"
            )
            .into()),
        }
    }

    pub(crate) fn judge(&self, act: &Act) -> Result<Verdict, Failure> {
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder)?;
        }
        copy_tree(&self.specimen.now(), &self.folder)?;
        (act.apply)(&self.specimen, &self.folder)?;
        let (alone, with_head, reader) = look(&self.folder, &self.remembered);
        let told = if alone.is_green() {
            with_head.to_string()
        } else {
            alone.to_string()
        };
        let outcome = match (&alone, &with_head) {
            (Sight::Red { named: false, .. }, _) | (_, Sight::Red { named: false, .. }) => {
                Outcome::Broken(format!("found, but nothing is named: {told}"))
            }
            (Sight::Red { names, .. }, Sight::Red { .. }) => Outcome::Found(names.clone()),
            (Sight::Red { .. }, Sight::Green) => {
                Outcome::Broken("who remembers a head finds less than who does not".to_owned())
            }
            (Sight::Green, Sight::Red { names, .. }) if act.expected == Expected::FoundByHead => {
                Outcome::FoundByHead(names.clone())
            }
            (Sight::Green, sight) => {
                let same = match &reader {
                    Some(reader) => self.original.is_given_by(reader, 0, stride(act.class)),
                    None => Err("no reader".to_owned()),
                };
                match (same, sight, act.expected) {
                    (Ok(()), Sight::Green, Expected::FoundOrHarmless) => Outcome::Harmless,
                    // An old checkpoint alone hides no record, and who saw a later one is told.
                    (_, Sight::Red { names, .. }, _) => Outcome::FoundByHead(names.clone()),
                    (_, Sight::Green, Expected::BeyondProof) => Outcome::BeyondProof,
                    (Err(what), ..) => Outcome::Broken(format!("unnoticed: {what}")),
                    (Ok(()), Sight::Green, Expected::FoundByHead) => {
                        Outcome::Broken("unnoticed by who remembers a head".to_owned())
                    }
                }
            }
        };
        drop(reader);
        let mut verdict = Verdict {
            outcome,
            rebuilt: false,
            refused: None,
            told,
        };
        if !matches!(verdict.outcome, Outcome::Broken(_) | Outcome::BeyondProof)
            && let Err(what) = self.write(act, &mut verdict)?
        {
            verdict.outcome = Outcome::Broken(what);
        }
        Ok(verdict)
    }

    /// Opens the ledger for writing and appends a record, then looks again.
    fn write(&self, act: &Act, verdict: &mut Verdict) -> Result<Result<(), String>, Failure> {
        let before = fingerprints(&self.folder, irreplaceable)?;
        let was_found = verdict.outcome != Outcome::Harmless;
        let written = append_one(&self.folder);
        let (_, with_head, reader) = look(&self.folder, &self.remembered);
        if let Err(error) = written {
            let name = name_of(&error);
            verdict.refused = Some(name);
            let after = fingerprints(&self.folder, irreplaceable)?;
            let lost = before
                .iter()
                .find(|(path, print)| after.get(*path) != Some(*print));
            return Ok(if let Some((path, _)) = lost {
                Err(format!(
                    "a writer that refuses ({error}) changed or removed {path}"
                ))
            } else if was_found && with_head.is_green() {
                Err(format!("a writer that refuses ({error}) hid it"))
            } else if !was_found && !matches!(error, LedgerError::Key { .. }) {
                Err(format!("nothing is wrong, but a writer refuses: {error}"))
            } else {
                Ok(())
            });
        }
        if !with_head.is_green() {
            return Ok(if was_found {
                Ok(())
            } else {
                Err(format!(
                    "nothing was wrong until a writer opened it: {with_head}"
                ))
            });
        }
        verdict.rebuilt = was_found;
        let Some(reader) = reader else {
            return Ok(Err("no reader after the writer".to_owned()));
        };
        let same = self.original.is_given_by(&reader, 1, stride(act.class));
        Ok(same.map_err(|what| format!("after a writer opened it, unnoticed: {what}")))
    }
}

/// Look-ups that a changed file of the class could lead astray are all made, of others a part.
fn stride(class: Class) -> usize {
    match class {
        Class::Run | Class::Seed | Class::DataFile | Class::TableLog | Class::Records => 40,
        _ => 120,
    }
}

/// What cannot be made again from other files. A writer that refuses to go on must leave it alone.
fn irreplaceable(path: &str) -> bool {
    let derived = [
        Class::Lock,
        Class::Run,
        Class::Seed,
        Class::FullTile,
        Class::PartialTile,
        Class::FullBundle,
        Class::PartialBundle,
    ];
    Class::of(path).is_some_and(|class| !derived.contains(&class))
}

fn append_one(folder: &Path) -> Result<(), LedgerError> {
    let ledger = open_ledger(folder, options())?;
    let text = r#"{"id":"after-the-act","model":{"name":"m","version":"1"},"decision":"deny"}"#;
    let draft = Draft::parse(text.as_bytes())?;
    let receipt = ledger.append(draft, "torture", "torture");
    let receipt = receipt.map_err(|error| LedgerError::Unfit {
        id: "after-the-act".to_owned(),
        what: error.to_string(),
    })?;
    ledger.wait_checkpoint(receipt.index + 1, CHECKPOINT_WAIT)?;
    ledger.close()
}
