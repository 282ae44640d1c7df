//! Stored records, whole or less: what can still be recomputed, shown and erased.
//!
//! Erasing a fact puts its commitment in its place and drops its salt; the opening key goes with
//! the first fact erased, because it would give every salt back. What remains keeps its salts, and
//! the digest stays what it was.

use std::collections::BTreeMap;

use crate::fact::FactIndex;
use crate::pointer::is_at_or_under;
use crate::redaction::invalid;
use crate::seal::{digest_text, salt};
use crate::{
    Digest, Disclosure, Fields, OpenFact, OpeningKey, Pointer, RecordError, Redaction, Salt,
    Selection, fields,
};

/// A record as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// As it was sealed.
    Whole {
        /// Canonical text.
        text: String,
        /// What its salts are derived from.
        key: OpeningKey,
    },
    /// With some facts erased.
    Redacted {
        /// The canonical object of the facts that remain. Parents left empty are not in it.
        text: String,
        /// What stands for the others.
        redaction: Redaction,
    },
    /// With its payload gone. Its digest is in the log only.
    Erased {
        /// Kept, so that the id is never given again and links hold.
        id: Option<String>,
    },
}

impl Stored {
    /// The canonical text of what remains; `None` where nothing does.
    pub fn text(&self) -> Option<&str> {
        match self {
            Stored::Whole { text, .. } | Stored::Redacted { text, .. } => Some(text),
            Stored::Erased { .. } => None,
        }
    }

    /// The typed view of what remains.
    pub fn fields(&self) -> Fields {
        match self {
            Stored::Whole { text, .. } | Stored::Redacted { text, .. } => fields(text),
            Stored::Erased { id } => Fields {
                id: id.clone(),
                ..Fields::default()
            },
        }
    }

    /// The digest, recomputed; `None` where there is nothing to compute it from.
    ///
    /// # Errors
    /// Refuses text and redaction that cannot be those of a record.
    pub fn digest(&self) -> Result<Option<Digest>, RecordError> {
        match self {
            Stored::Whole { text, key } => Ok(Some(digest_text(key, &FactIndex::of(text)?, text))),
            Stored::Redacted { .. } => self.disclosure(&Selection::All)?.digest().map(Some),
            Stored::Erased { .. } => Ok(None),
        }
    }

    /// Shows the facts selected, of those that remain, and commits to the others.
    ///
    /// # Errors
    /// [`RecordError::Erased`] where the payload is gone; refuses text and redaction that cannot be
    /// those of a record.
    pub fn disclosure(&self, show: &Selection) -> Result<Disclosure, RecordError> {
        Ok(self.open()?.hiding(|fact| !show.shows(&fact.path)))
    }

    /// Erases the facts at the places given and under them.
    ///
    /// # Errors
    /// Refuses a pointer that selects nothing, or anything of `id`, `kind` or `recorded`; and what
    /// [`Stored::disclosure`] refuses.
    pub fn erase_facts(self, pointers: &[Pointer]) -> Result<Stored, RecordError> {
        let open = self.open()?;
        for pointer in pointers {
            check_erasable(pointer, &open.facts)?;
        }
        if pointers.is_empty() {
            return Ok(self);
        }
        let remaining =
            open.hiding(|fact| pointers.iter().any(|pointer| pointer.selects(&fact.path)));
        let text = remaining.text()?;
        let salts = remaining.facts.iter().map(|fact| fact.salt).collect();
        let redaction = Redaction {
            count: remaining.count,
            hidden: remaining.hidden,
            salts,
        };
        Ok(Stored::Redacted { text, redaction })
    }

    /// Erases the payload and the key. The id stays.
    #[must_use]
    pub fn erase(self) -> Stored {
        Stored::Erased {
            id: self.fields().id,
        }
    }

    /// Everything that remains, shown.
    fn open(&self) -> Result<Disclosure, RecordError> {
        match self {
            Stored::Whole { text, key } => {
                let index = FactIndex::of(text)?;
                let facts = index
                    .iter(text)
                    .zip(0..)
                    .map(|(fact, i)| open_fact(i, fact, salt(key, i)))
                    .collect();
                Ok(Disclosure {
                    count: index.len() as u32,
                    facts,
                    hidden: BTreeMap::new(),
                })
            }
            Stored::Redacted { text, redaction } => {
                redaction.check()?;
                let index = FactIndex::of(text)?;
                if index.len() != redaction.salts.len() {
                    return Err(invalid(format!(
                        "{} salts for {} facts",
                        redaction.salts.len(),
                        index.len()
                    )));
                }
                let places = (0..redaction.count).filter(|i| !redaction.hidden.contains_key(i));
                let opened = places.zip(index.iter(text)).zip(&redaction.salts);
                let facts = opened
                    .map(|((i, fact), salt)| open_fact(i, fact, *salt))
                    .collect();
                Ok(Disclosure {
                    count: redaction.count,
                    facts,
                    hidden: redaction.hidden.clone(),
                })
            }
            Stored::Erased { .. } => Err(RecordError::Erased),
        }
    }
}

fn open_fact(i: u32, (path, text): (&str, &str), salt: Salt) -> OpenFact {
    OpenFact {
        i,
        path: path.to_owned(),
        text: text.to_owned(),
        salt,
    }
}

fn check_erasable(pointer: &Pointer, facts: &[OpenFact]) -> Result<(), RecordError> {
    let mut selected = facts
        .iter()
        .filter(|fact| pointer.selects(&fact.path))
        .peekable();
    if selected.peek().is_none() {
        let encloses = |fact: &&OpenFact| is_at_or_under(pointer.as_str(), &fact.path);
        return Err(RecordError::NothingSelected {
            pointer: pointer.to_string(),
            within: facts.iter().find(encloses).map(|fact| fact.path.clone()),
        });
    }
    let kept = selected.find_map(|fact| KEPT.iter().find(|kept| is_at_or_under(&fact.path, kept)));
    match kept {
        Some(kept) => Err(RecordError::Protected {
            pointer: pointer.to_string(),
            kept,
        }),
        None => Ok(()),
    }
}

/// Members that say which record this is and how it came here: they stay as long as the payload
/// does.
const KEPT: [&str; 3] = ["/id", "/kind", "/recorded"];

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        r#"{"a":{"b":{"c":1},"d":[1,{"e":2}]},"id":"i","kind":"decision","#,
        r#""recorded":{"at":"2024-06-01T12:00:00Z","by":"b","via":"v"},"x":{}}"#
    );

    fn whole() -> Stored {
        Stored::Whole {
            text: TEXT.to_owned(),
            key: OpeningKey([9; 16]),
        }
    }

    fn erased(stored: Stored, pointers: &[&str]) -> Result<Stored, RecordError> {
        let pointers: Vec<Pointer> = pointers
            .iter()
            .map(|pointer| pointer.parse().unwrap())
            .collect();
        stored.erase_facts(&pointers)
    }

    #[test]
    fn erasing_facts_takes_the_key_and_empty_parents_and_keeps_the_digest() {
        let redacted = erased(whole(), &["/a/b", "/x"]).unwrap();
        assert_eq!(
            redacted.text().unwrap(),
            TEXT.replace(r#""b":{"c":1},"#, "")
                .replace(r#","x":{}"#, "")
        );
        assert_eq!(redacted.digest().unwrap(), whole().digest().unwrap());

        let again = erased(redacted, &["/a"]).unwrap();
        assert!(again.text().unwrap().starts_with(r#"{"id":"i""#));
        assert_eq!(again.digest().unwrap(), whole().digest().unwrap());
        assert!(
            matches!(&again, Stored::Redacted { redaction, .. } if redaction.hidden.len() == 3 && redaction.count == 8)
        );
    }

    #[test]
    fn what_remains_can_be_disclosed_as_before() {
        let redacted = erased(whole(), &["/a/b"]).unwrap();
        let shown = Selection::Only(vec!["/a/d".parse().unwrap()]);
        let (before, after) = (
            whole().disclosure(&shown).unwrap(),
            redacted.disclosure(&shown).unwrap(),
        );
        assert_eq!(before, after);
    }

    #[test]
    fn erasing_nothing_is_an_error_that_names_the_enclosing_fact() {
        let error = erased(whole(), &["/nothing"]).unwrap_err();
        assert_eq!(
            (error.code(), error.pointer(), error.hint()),
            ("nothing-selected", "/nothing", None)
        );
        let error = erased(whole(), &["/a/b", "/a/d/1/e"]).unwrap_err();
        assert_eq!(
            (error.pointer(), error.hint().unwrap()),
            (
                "/a/d/1/e",
                "`/a/d` is one fact, to be selected whole".to_owned()
            )
        );
        assert_eq!(erased(whole(), &[]).unwrap(), whole());
    }

    #[test]
    fn what_says_which_record_this_is_cannot_be_erased() {
        for pointer in ["/id", "/kind", "/recorded", "/recorded/by", ""] {
            let error = erased(whole(), &[pointer]).unwrap_err();
            assert_eq!((error.code(), error.pointer()), ("protected-fact", pointer));
        }
    }

    #[test]
    fn an_erased_record_keeps_its_id_alone() {
        let erased_whole = whole().erase();
        assert_eq!(
            erased_whole,
            Stored::Erased {
                id: Some("i".to_owned())
            }
        );
        assert_eq!(erased_whole.digest().unwrap(), None);
        assert_eq!(erased_whole.text(), None);
        assert_eq!(
            erased_whole.fields(),
            Fields {
                id: Some("i".to_owned()),
                ..Fields::default()
            }
        );
        assert_eq!(
            erased_whole.disclosure(&Selection::All).unwrap_err(),
            RecordError::Erased
        );
        assert_eq!(erased_whole.clone().erase(), erased_whole);
        assert_eq!(
            erased(erased_whole, &["/a"]).unwrap_err(),
            RecordError::Erased
        );
    }

    #[test]
    fn a_redaction_that_does_not_fit_its_text_is_refused() {
        let Stored::Redacted { text, redaction } = erased(whole(), &["/x"]).unwrap() else {
            panic!("redacted")
        };
        let code = |text: &str, redaction: &Redaction| {
            let stored = Stored::Redacted {
                text: text.to_owned(),
                redaction: redaction.clone(),
            };
            stored.digest().map_err(|error| error.code())
        };
        assert!(code(&text, &redaction).is_ok());
        assert_eq!(code(TEXT, &redaction), Err("invalid-redaction"));
        assert_eq!(code("{}", &redaction), Err("invalid-redaction"));
        assert_eq!(
            code(
                &text,
                &Redaction {
                    count: 9,
                    ..redaction.clone()
                }
            ),
            Err("invalid-redaction")
        );
        assert_ne!(
            code(&text.replace("[1,", "[2,"), &redaction).unwrap(),
            whole().digest().unwrap()
        );
    }
}
