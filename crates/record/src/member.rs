//! The top-level members of a record, and records laid out by member.

use std::borrow::Cow;
use std::ops::Range;

use crate::RecordError;
use crate::canonical::Document;
use crate::scan::members;

/// A member that a complete record may have. In the order of keys, so that laying members out puts
/// them in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    Access,
    Actor,
    Attachments,
    Automation,
    Config,
    Context,
    Correction,
    Data,
    Decision,
    Erasure,
    Explanation,
    Gap,
    Hold,
    Id,
    Input,
    Kind,
    Model,
    Notice,
    Outcome,
    Output,
    Parameters,
    Recorded,
    RefersTo,
    Review,
    Score,
    Source,
    Subject,
    Time,
    TimeAssumed,
}

pub(crate) const COUNT: usize = Member::TimeAssumed as usize + 1;

/// Each member with its place in a record.
const MEMBERS: [(Member, &str); COUNT] = [
    (Member::Access, "/access"),
    (Member::Actor, "/actor"),
    (Member::Attachments, "/attachments"),
    (Member::Automation, "/automation"),
    (Member::Config, "/config"),
    (Member::Context, "/context"),
    (Member::Correction, "/correction"),
    (Member::Data, "/data"),
    (Member::Decision, "/decision"),
    (Member::Erasure, "/erasure"),
    (Member::Explanation, "/explanation"),
    (Member::Gap, "/gap"),
    (Member::Hold, "/hold"),
    (Member::Id, "/id"),
    (Member::Input, "/input"),
    (Member::Kind, "/kind"),
    (Member::Model, "/model"),
    (Member::Notice, "/notice"),
    (Member::Outcome, "/outcome"),
    (Member::Output, "/output"),
    (Member::Parameters, "/parameters"),
    (Member::Recorded, "/recorded"),
    (Member::RefersTo, "/refers_to"),
    (Member::Review, "/review"),
    (Member::Score, "/score"),
    (Member::Source, "/source"),
    (Member::Subject, "/subject"),
    (Member::Time, "/time"),
    (Member::TimeAssumed, "/time_assumed"),
];

impl Member {
    pub(crate) fn all() -> impl Iterator<Item = Member> {
        MEMBERS.iter().map(|(member, _)| *member)
    }

    pub(crate) fn named(name: &str) -> Option<Member> {
        let place = MEMBERS
            .binary_search_by(|(_, pointer)| pointer[1..].cmp(name))
            .ok()?;
        MEMBERS.get(place).map(|(member, _)| *member)
    }

    pub(crate) fn name(self) -> &'static str {
        &self.pointer()[1..]
    }

    pub(crate) fn pointer(self) -> &'static str {
        MEMBERS[self as usize].1
    }
}

/// By member, which of the facts that were noted while a document was read are its own, and where in the document's
/// text its value begins.
pub(crate) type Runs = [Option<(Range<usize>, usize)>; COUNT];

/// The values of a record by member: slices of canonical text.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Values<'a>([Option<&'a str>; COUNT]);

impl<'a> Values<'a> {
    /// Takes the members of a document, and tells where the facts of each were noted. One whose name is none of a
    /// record's is given to `other`.
    pub(crate) fn of(
        document: &'a Document,
        mut other: impl FnMut(&str, &'a str) -> Result<(), RecordError>,
    ) -> Result<(Self, Runs), RecordError> {
        let (mut values, mut runs) = (Self::default(), Runs::default());
        for span in &document.members {
            let key = span.key(&document.text).value().unwrap_or_default();
            let value = span.value(&document.text);
            match Member::named(&key) {
                Some(member) => {
                    values.set(member, Some(value));
                    runs[member as usize] = Some(span.run());
                }
                None => other(&key, value)?,
            }
        }
        Ok((values, runs))
    }

    pub(crate) fn get(&self, member: Member) -> Option<&'a str> {
        self.0[member as usize]
    }

    pub(crate) fn set(&mut self, member: Member, value: Option<&'a str>) {
        self.0[member as usize] = value;
    }

    /// Takes what can be read of a text that may be anything.
    pub(crate) fn scan(canonical: &'a str) -> Self {
        match members(canonical) {
            Ok(members) => Self::named(&members),
            Err(_) => Self::default(),
        }
    }

    /// Takes those whose name is one of a record's.
    pub(crate) fn named(members: &[(Cow<'_, str>, &'a str)]) -> Self {
        let mut values = Self::default();
        for (key, value) in members {
            if let Some(member) = Member::named(key) {
                values.set(member, Some(value));
            }
        }
        values
    }

    /// Writes the values as a canonical object.
    pub(crate) fn lay_out(&self) -> Layout {
        let present =
            || Member::all().filter_map(|member| Some((member.name(), self.get(member)?)));
        let bytes: usize = present()
            .map(|(name, value)| name.len() + value.len() + 4)
            .sum();
        let mut text = String::with_capacity(bytes + 2);
        let mut spans = [(0, 0); COUNT];
        text.push('{');
        for member in Member::all() {
            let Some(value) = self.get(member) else {
                continue;
            };
            if text.len() > 1 {
                text.push(',');
            }
            text.push('"');
            text.push_str(member.name());
            text.push_str("\":");
            let start = text.len();
            text.push_str(value);
            spans[member as usize] = (start, text.len());
        }
        text.push('}');
        Layout { text, spans }
    }
}

/// A record's canonical text, with its members found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    text: String,
    /// Where each value lies; an absent one is empty.
    spans: [(usize, usize); COUNT],
}

impl Layout {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }

    /// A member's value and where in the text it begins.
    pub(crate) fn value_at(&self, member: Member) -> Option<(usize, &str)> {
        let (start, end) = self.spans[member as usize];
        (start < end).then(|| (start, &self.text[start..end]))
    }

    pub(crate) fn values(&self) -> Values<'_> {
        let value = |(start, end): (usize, usize)| (start < end).then(|| &self.text[start..end]);
        Values(self.spans.map(value))
    }
}

/// The names of the members that a record may have, in the order of keys.
pub fn member_names() -> impl Iterator<Item = &'static str> {
    Member::all().map(Member::name)
}

/// The accepted name nearest to `given`, if it is near enough to be meant.
pub(crate) fn nearest_name(given: &str) -> Option<&'static str> {
    let names = Member::all()
        .map(Member::name)
        .filter(|name| !matches!(*name, "recorded" | "time_assumed"));
    let nearest = names
        .map(|name| (edits(given, name), name))
        .min_by_key(|(edits, _)| *edits)?;
    let (edits, name) = nearest;
    (edits <= 2 && edits * 2 < name.len()).then_some(name)
}

/// The least number of characters to insert, remove or replace that makes one name of the other
/// (Levenshtein), whatever their case. Names of more than 64 bytes are far from every other.
pub fn edits(left: &str, right: &str) -> usize {
    if left.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (j, b) in right.chars().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            let here = (above + 1)
                .min(before + 1)
                .min(diagonal + usize::from(!a.eq_ignore_ascii_case(&b)));
            if let Some(cell) = row.get_mut(j) {
                *cell = before;
            }
            (diagonal, before) = (above, here);
        }
        if let Some(cell) = row.last_mut() {
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_tabled_in_the_order_of_keys() {
        assert!(MEMBERS.is_sorted_by(|left, right| left.1 < right.1));
        for (place, (member, pointer)) in MEMBERS.iter().enumerate() {
            assert_eq!(
                (*member as usize, Member::named(&pointer[1..])),
                (place, Some(*member))
            );
        }
        assert_eq!(Member::named("models"), None);
    }

    #[test]
    fn near_misses_find_the_name_that_was_meant() {
        for (given, name) in [
            ("models", Some("model")),
            ("inputs", Some("input")),
            ("Output", Some("output")),
            ("desicion", Some("decision")),
            ("refersto", Some("refers_to")),
            ("x", None),
            ("applicant", None),
            ("recordet", None),
        ] {
            assert_eq!(nearest_name(given), name, "{given}");
        }
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
    }
}
