//! Complete records: what is sealed and stored.

use jiff::Timestamp;

use crate::canonical::{Facts, read_document};
use crate::draft::{ASSUMED_RECORDED, check_size, unknown_member};
use crate::fact::{FactIndex, NotedFacts};
use crate::fields::fields_of;
use crate::member::{Layout, Member, Values};
use crate::place::json_type;
use crate::seal::digest_text;
use crate::validate::{check_completion, check_kind, check_members};
use crate::{Fields, OpeningKey, RecordError, Sealed};

/// What the ledger says about the recording itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// When.
    pub at: Timestamp,
    /// The principal who wrote, as authenticated.
    pub by: String,
    /// By which way it came in: http, sdk, gateway, otlp, import...
    pub via: String,
}

/// A complete record: valid, canonical, and within its limits. Records of the same text are equal.
#[derive(Debug, Clone)]
pub struct Record {
    layout: Layout,
    facts: FactIndex,
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Record {}

impl Record {
    /// Lays out values, of which some have had their facts noted when they were read.
    pub(crate) fn lay_out(
        values: &Values<'_>,
        noted: Option<NotedFacts>,
    ) -> Result<Self, RecordError> {
        let layout = values.lay_out();
        check_size(layout.text())?;
        let facts = match noted {
            Some(noted) => noted.of_layout(&layout)?,
            None => FactIndex::of(layout.text())?,
        };
        Ok(Self { layout, facts })
    }

    /// Reads stored text back.
    ///
    /// # Errors
    /// Refuses text that is not canonical, and what is not a complete record.
    pub fn from_text(text: String) -> Result<Record, RecordError> {
        let document = read_document(text.as_bytes(), Facts::Noted)?;
        if document.text != text {
            return Err(RecordError::NotCanonical {
                pointer: String::new(),
                problem: "its canonical form is another text".to_owned(),
            });
        }
        if !text.starts_with('{') {
            return Err(RecordError::NotAnObject {
                found: json_type(&text),
            });
        }
        let (values, runs) = Values::of(&document, |key, _| Err(unknown_member(key)))?;
        check_completion(&values)?;
        let kind = check_kind(values.get(Member::Kind).unwrap_or_default())?;
        check_members(&values, kind)?;
        let index = document.facts.clone();
        Self::lay_out(&values, index.map(|index| NotedFacts { index, runs }))
    }

    /// The canonical text.
    pub fn text(&self) -> &str {
        self.layout.text()
    }

    /// The typed view of the record, as [`fields`](crate::fields) gives it of its text.
    pub fn fields(&self) -> Fields {
        fields_of(&self.layout.values())
    }

    /// The canonical text.
    pub fn into_text(self) -> String {
        self.layout.into_text()
    }

    /// The canonical text without what the ledger itself set: `recorded`, and `time` with
    /// `time_assumed` where the time is that of recording. Records of equal content are one
    /// submission.
    pub fn content(&self) -> String {
        let mut values = self.layout.values();
        values.set(Member::Recorded, None);
        if values.get(Member::TimeAssumed) == Some(ASSUMED_RECORDED) {
            values.set(Member::Time, None);
            values.set(Member::TimeAssumed, None);
        }
        values.lay_out().into_text()
    }

    /// Binds every fact of the record with salts derived from `key`, which must be random and used
    /// once.
    pub fn seal(self, key: OpeningKey) -> Sealed {
        let digest = digest_text(&key, &self.facts, self.layout.text());
        Sealed {
            text: self.layout.into_text(),
            key,
            digest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        r#"{"id":"g","kind":"decision","model":{"name":"m"},"output":1,"#,
        r#""recorded":{"at":"2024-06-01T12:00:00Z","by":"b","via":"http"},"time":"2024-06-01T12:00:00Z"}"#
    );

    fn refused(text: &str) -> (String, &'static str) {
        let error = Record::from_text(text.to_owned()).unwrap_err();
        (error.pointer().to_owned(), error.code())
    }

    #[test]
    fn a_complete_record_reads_back() {
        let record = Record::from_text(TEXT.to_owned()).unwrap();
        assert_eq!(record.text(), TEXT);
        assert_eq!(
            record.clone().seal(OpeningKey([1; 16])).text,
            record.into_text()
        );
    }

    #[test]
    fn what_is_not_complete_or_not_canonical_does_not_read_back() {
        for (old, new, pointer, code) in [
            ("{\"id\"", "{ \"id\"", "", "not-canonical"),
            (r#"{"id":"g","#, "{", "/id", "missing-member"),
            (r#""kind":"decision","#, "", "/kind", "missing-member"),
            (
                r#","time":"2024-06-01T12:00:00Z"}"#,
                "}",
                "/time",
                "missing-member",
            ),
            (
                r#""time":"2024-06-01T"#,
                r#""time":"2024-06-01 "#,
                "/time",
                "invalid-time",
            ),
            (
                r#""at":"2024-06-01T12:00:00Z""#,
                r#""at":"2024-06-01T12:00:00""#,
                "/recorded/at",
                "invalid-time",
            ),
            (r#","via":"http""#, "", "/recorded/via", "missing-member"),
            (
                r#""output":1"#,
                r#""output":1,"q":1"#,
                "/q",
                "unknown-member",
            ),
            (
                r#""model":{"name":"m"}"#,
                r#""model":"m""#,
                "/model",
                "wrong-type",
            ),
            (
                r#"00Z"}"#,
                r#"00Z","time_assumed":"local"}"#,
                "/time_assumed",
                "invalid-value",
            ),
        ] {
            let text = TEXT.replacen(old, new, 1);
            assert_ne!(text, TEXT);
            assert_eq!(refused(&text), (pointer.to_owned(), code), "{text}");
        }
        assert_eq!(refused("[]"), (String::new(), "not-an-object"));
    }
}
