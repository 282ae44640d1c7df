//! Values and where they stand: the questions that the rules of a record ask, each with its error.

use std::array;
use std::borrow::Cow;

use crate::scan::{elements, pick};
use crate::text::string_value;
use crate::{INTEGER_END, LABEL_BYTES_MAX, RecordError};

pub(crate) type Checked<T = ()> = Result<T, RecordError>;

/// A value and where it stands. The pointer is put together only when it is asked for, by an error.
pub(crate) struct Place<'a> {
    parent: Cow<'static, str>,
    /// The name under the parent; empty where the parent itself is the place.
    name: &'static str,
    text: &'a str,
}

pub(crate) fn place<'a>(pointer: &'static str, text: &'a str) -> Place<'a> {
    Place {
        parent: Cow::Borrowed(pointer),
        name: "",
        text,
    }
}

impl<'a> Place<'a> {
    pub(crate) fn string(&self) -> Checked<Cow<'a, str>> {
        string_value(self.text).ok_or_else(|| self.wrong_type("a string"))
    }

    pub(crate) fn filled_string(&self) -> Checked<Cow<'a, str>> {
        let value = self.string()?;
        if value.is_empty() {
            Err(self.invalid("must not be empty".to_owned()))
        } else {
            Ok(value)
        }
    }

    /// A string by which records are found, so it is bounded.
    pub(crate) fn label(&self) -> Checked<Cow<'a, str>> {
        let value = self.string()?;
        if value.len() > LABEL_BYTES_MAX {
            return Err(self.invalid(format!(
                "{} bytes, at most {LABEL_BYTES_MAX} are kept",
                value.len()
            )));
        }
        Ok(value)
    }

    pub(crate) fn filled_label(&self) -> Checked {
        self.filled_string()?;
        self.label().map(drop)
    }

    pub(crate) fn one_of(&self, words: &[&str]) -> Checked {
        let value = self.string()?;
        if words.contains(&value.as_ref()) {
            Ok(())
        } else {
            Err(self.invalid(format!("one of {}", words.join(", "))))
        }
    }

    pub(crate) fn number(&self) -> Checked {
        if json_type(self.text) == "a number" {
            Ok(())
        } else {
            Err(self.wrong_type("a number"))
        }
    }

    /// Digits alone, below 2^53.
    pub(crate) fn integer(&self) -> Checked {
        self.number()?;
        match self.text.parse::<u64>() {
            Ok(value) if value < INTEGER_END => Ok(()),
            _ => {
                Err(self
                    .invalid("an integer from 0 to 9007199254740991, in digits alone".to_owned()))
            }
        }
    }

    pub(crate) fn object(&self) -> Checked {
        if self.text.starts_with('{') {
            Ok(())
        } else {
            Err(self.wrong_type("an object"))
        }
    }

    pub(crate) fn object_or(&self, other: &str, start: u8) -> Checked {
        match self.text.as_bytes().first() {
            Some(b'{') => Ok(()),
            Some(byte) if *byte == start => Ok(()),
            _ => Err(self.wrong_type(&format!("an object or {other}"))),
        }
    }

    /// The members of an object that have these names.
    pub(crate) fn optional<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> [Option<Place<'a>>; N] {
        let found = pick(self.text, names);
        array::from_fn(|nth| found[nth].map(|text| self.part(names[nth], text)))
    }

    /// The members of an object that have these names, all of which it must have.
    pub(crate) fn required<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Checked<[Place<'a>; N]> {
        let found = pick(self.text, names);
        if let Some((lacking, _)) = names.iter().zip(found).find(|(_, text)| text.is_none()) {
            return Err(missing(
                &self.part(lacking, "").pointer(),
                "must be given".to_owned(),
            ));
        }
        Ok(array::from_fn(|nth| {
            self.part(names[nth], found[nth].unwrap_or_default())
        }))
    }

    fn part(&self, name: &'static str, text: &'a str) -> Place<'a> {
        let parent = if self.name.is_empty() {
            self.parent.clone()
        } else {
            Cow::Owned(self.pointer())
        };
        Place { parent, name, text }
    }

    /// The elements of an array.
    pub(crate) fn items(&self) -> Checked<Vec<Place<'a>>> {
        let items = elements(self.text).ok_or_else(|| self.wrong_type("an array"))?;
        let item = |(nth, text)| Place {
            parent: Cow::Owned(format!("{}/{nth}", self.pointer())),
            name: "",
            text,
        };
        Ok(items.into_iter().enumerate().map(item).collect())
    }

    pub(crate) fn pointer(&self) -> String {
        if self.name.is_empty() {
            self.parent.to_string()
        } else {
            format!("{}/{}", self.parent, self.name)
        }
    }

    pub(crate) fn wrong_type(&self, expected: &str) -> RecordError {
        RecordError::WrongType {
            pointer: self.pointer(),
            problem: format!("expected {expected}, found {}", json_type(self.text)),
            null: self.text == "null",
        }
    }

    pub(crate) fn invalid(&self, problem: String) -> RecordError {
        RecordError::InvalidValue {
            pointer: self.pointer(),
            problem,
        }
    }
}

/// The JSON type of a canonical text, with its article.
pub(crate) fn json_type(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

pub(crate) fn missing(pointer: &str, problem: String) -> RecordError {
    RecordError::Missing {
        pointer: pointer.to_owned(),
        problem,
    }
}
