//! Disclosures: some facts of a record shown, the others as commitments, and the digest still the
//! same.

use std::collections::BTreeMap;

use crate::fact::join_facts;
use crate::seal::{commit, digest};
use crate::{Commitment, Digest, FACTS_MAX, Pointer, RecordError, Salt};

/// Which facts to show. `id` and `kind` are always shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Every fact that is not erased.
    All,
    /// The facts at these places and under them. A place without a fact selects none.
    Only(Vec<Pointer>),
}

impl Selection {
    pub(crate) fn shows(&self, path: &str) -> bool {
        match self {
            Selection::All => true,
            Selection::Only(pointers) => {
                matches!(path, "/id" | "/kind")
                    || pointers.iter().any(|pointer| pointer.selects(path))
            }
        }
    }
}

/// A fact that is shown, with what is needed to check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFact {
    /// Its place among the facts of the record.
    pub i: u32,
    /// Its path: a JSON Pointer.
    pub path: String,
    /// The canonical text of its value.
    pub text: String,
    /// The salt of its commitment.
    pub salt: Salt,
}

/// A record of which some facts are shown. What others gave is checked by [`Disclosure::digest`]
/// and [`Disclosure::text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// How many facts the record has.
    pub count: u32,
    /// The facts shown, by ascending place.
    pub facts: Vec<OpenFact>,
    /// The commitments to the others, by place.
    pub hidden: BTreeMap<u32, Commitment>,
}

impl Disclosure {
    /// The digest of the record that this is a disclosure of.
    ///
    /// # Errors
    /// Refuses a disclosure in which not every place from 0 to `count` is taken exactly once, shown
    /// facts do not ascend by place and by path, or the count is not that of a record.
    pub fn digest(&self) -> Result<Digest, RecordError> {
        if self.count == 0 || self.count as usize > FACTS_MAX {
            return Err(invalid(format!(
                "{} facts, a record has 1 to {FACTS_MAX}",
                self.count
            )));
        }
        if !self
            .facts
            .is_sorted_by(|left, right| left.i < right.i && left.path < right.path)
        {
            return Err(invalid("facts do not ascend by place and path".to_owned()));
        }
        let mut shown = self.facts.iter().peekable();
        let mut commitments = Vec::with_capacity(self.count as usize);
        for i in 0..self.count {
            let open = shown
                .next_if(|fact| fact.i == i)
                .map(|fact| commit(fact.salt, &fact.path, &fact.text));
            match (open, self.hidden.get(&i)) {
                (Some(commitment), None) => commitments.push(commitment),
                (None, Some(commitment)) => commitments.push(*commitment),
                (Some(_), Some(_)) => {
                    return Err(invalid(format!("fact {i} is both shown and hidden")));
                }
                (None, None) => {
                    return Err(invalid(format!("fact {i} is neither shown nor hidden")));
                }
            }
        }
        if shown.next().is_some()
            || self
                .hidden
                .last_key_value()
                .is_some_and(|(last, _)| *last >= self.count)
        {
            return Err(invalid(format!(
                "a fact beyond the {} that are counted",
                self.count
            )));
        }
        Ok(digest(&commitments))
    }

    /// Hides more facts, by their commitments.
    pub(crate) fn hiding(mut self, hide: impl Fn(&OpenFact) -> bool) -> Self {
        let (hidden, shown): (Vec<_>, Vec<_>) = self.facts.into_iter().partition(hide);
        self.hidden.extend(
            hidden
                .iter()
                .map(|fact| (fact.i, commit(fact.salt, &fact.path, &fact.text))),
        );
        Self {
            facts: shown,
            ..self
        }
    }

    /// The canonical object of the facts shown.
    ///
    /// # Errors
    /// Refuses facts that no canonical object has.
    pub fn text(&self) -> Result<String, RecordError> {
        let facts: Vec<(&str, &str)> = self
            .facts
            .iter()
            .map(|fact| (fact.path.as_str(), fact.text.as_str()))
            .collect();
        let text =
            join_facts(&facts).ok_or_else(|| invalid("no object has these facts".to_owned()))?;
        match crate::canonicalize(text.as_bytes()) {
            Ok(canonical) if canonical == text => Ok(text),
            _ => Err(invalid("a fact is not canonical text".to_owned())),
        }
    }
}

fn invalid(problem: String) -> RecordError {
    RecordError::InvalidDisclosure { problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OpeningKey, Stored};

    const COMMITMENT: Commitment = Commitment([0; 32]);
    const TEXT: &str = r#"{"a":1,"b":{"c":"x","d":{}},"id":"i","kind":"k"}"#;

    fn stored() -> Stored {
        Stored::Whole {
            text: TEXT.to_owned(),
            key: OpeningKey([3; 16]),
        }
    }

    fn shown(pointers: &[&str]) -> Disclosure {
        let pointers = pointers
            .iter()
            .map(|pointer| pointer.parse().unwrap())
            .collect();
        stored().disclosure(&Selection::Only(pointers)).unwrap()
    }

    #[test]
    fn any_selection_has_the_digest_of_the_whole() {
        let digest = stored().digest().unwrap().unwrap();
        for (pointers, text) in [
            (&[][..], r#"{"id":"i","kind":"k"}"#),
            (&["/b/d"], r#"{"b":{"d":{}},"id":"i","kind":"k"}"#),
            (
                &["/b", "/nothing"],
                r#"{"b":{"c":"x","d":{}},"id":"i","kind":"k"}"#,
            ),
            (&[""], TEXT),
        ] {
            let disclosure = shown(pointers);
            assert_eq!(disclosure.digest().unwrap(), digest);
            assert_eq!(disclosure.text().unwrap(), text);
        }
        assert_eq!(
            stored()
                .disclosure(&Selection::All)
                .unwrap()
                .text()
                .unwrap(),
            TEXT
        );
    }

    #[test]
    fn a_disclosure_takes_every_place_once_and_in_order() {
        let changed = |change: fn(&mut Disclosure)| {
            let mut disclosure = shown(&["/b"]);
            change(&mut disclosure);
            disclosure.digest().unwrap_err().to_string()
        };
        for (error, problem) in [
            (changed(|it| it.count = 0), "0 facts"),
            (changed(|it| it.count = 4097), "4097 facts"),
            (changed(|it| it.count = 4), "beyond the 4"),
            (changed(|it| it.count = 6), "neither shown nor hidden"),
            (changed(|it| it.hidden.clear()), "neither shown nor hidden"),
            (
                changed(|it| it.hidden.extend([(1, COMMITMENT)])),
                "both shown and hidden",
            ),
            (
                changed(|it| it.hidden.extend([(5, COMMITMENT)])),
                "beyond the 5",
            ),
            (changed(|it| it.facts.swap(0, 1)), "do not ascend"),
        ] {
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn shown_facts_that_are_no_canonical_text_give_no_text() {
        for (i, text) in [
            (0, "1 "),
            (0, "1,\"aa\":2"),
            (0, "\"\\u0041\""),
            (0, r#"{"x":1}"#),
            (0, "[1, 2]"),
            (0, "NaN"),
            (1, ""),
        ] {
            let mut disclosure = stored().disclosure(&Selection::All).unwrap();
            disclosure.facts[i].text = text.to_owned();
            assert_eq!(
                disclosure.text().map_err(|error| error.code()),
                Err("invalid-disclosure"),
                "{text}"
            );
        }
        let nothing = Disclosure {
            count: 1,
            facts: Vec::new(),
            hidden: BTreeMap::from([(0, Commitment([0; 32]))]),
        };
        assert_eq!(
            nothing.text().map_err(|error| error.code()),
            Err("invalid-disclosure")
        );
    }
}
