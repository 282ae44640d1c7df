//! Masks: the places whose values a reader may not see, and texts with those values covered.
//!
//! A mask covers for one reader what the record keeps: nothing is erased, and the digest of what is shown is not that
//! of the record. A covered value is replaced whole, so its type, its size and what lies under it are not told; that
//! something is there is.

use std::borrow::Cow;

use crate::pointer::{is_at_or_under, push_token};
use crate::scan::{join_members, members};
use crate::{Pointer, RecordError};

/// What stands in the place of a masked value, as JSON text.
pub const MASKED: &str = "\"••••\"";

/// Places whose values a reader may not see.
///
/// A place in an array, and one that a record does not have, covers nothing of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Mask {
    /// Sorted; none lies under another.
    places: Vec<Pointer>,
}

impl Mask {
    /// A mask over these places and all that lies under them.
    ///
    /// # Errors
    /// [`RecordError::Unmaskable`] for a place that is, encloses or lies in what says which record this is and how it
    /// came here: `id`, `kind`, `recorded` and its `index`.
    pub fn new(places: impl IntoIterator<Item = Pointer>) -> Result<Self, RecordError> {
        let mut places: Vec<Pointer> = places.into_iter().collect();
        for place in &places {
            let path = place.as_str();
            let touches = |kept: &&str| is_at_or_under(path, kept) || is_at_or_under(kept, path);
            if let Some(kept) = SHOWN.iter().find(|kept| touches(kept)) {
                return Err(RecordError::Unmaskable {
                    pointer: place.to_string(),
                    shown: kept,
                });
            }
        }
        places.sort();
        places.dedup();
        let all = places.clone();
        places.retain(|place| {
            let encloses = |other: &Pointer| other != place && other.selects(place.as_str());
            !all.iter().any(encloses)
        });
        Ok(Self { places })
    }

    /// Whether nothing is masked.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The places, sorted, without those that lie under another.
    pub fn places(&self) -> &[Pointer] {
        &self.places
    }

    /// Whether a place is masked, or lies under one that is.
    pub fn covers(&self, place: &Pointer) -> bool {
        self.covers_path(place.as_str())
    }

    /// As [`covers`](Self::covers), for the text of a pointer.
    pub fn covers_path(&self, path: &str) -> bool {
        self.places.iter().any(|place| place.selects(path))
    }

    /// Whether something under a place is masked, but not the place itself.
    pub fn reaches_under(&self, path: &str) -> bool {
        let under =
            |place: &Pointer| place.as_str() != path && is_at_or_under(place.as_str(), path);
        !self.covers_path(path) && self.places.iter().any(under)
    }

    /// A record's canonical text with every masked value that is there replaced by [`MASKED`], and the places where
    /// that was done.
    ///
    /// A text that is not a canonical object cannot be masked and is not shown: `{}` takes its place.
    pub fn apply<'a>(&self, text: &'a str) -> (Cow<'a, str>, Vec<String>) {
        let mut masked = Vec::new();
        if self.is_empty() {
            return (Cow::Borrowed(text), masked);
        }
        if members(text).is_err() {
            return (Cow::Borrowed("{}"), masked);
        }
        let shown = self.cover("", text, &mut masked);
        (shown, masked)
    }

    /// As [`apply`](Self::apply), for the value that stands at one place of a record.
    pub fn apply_at<'a>(&self, path: &str, value: &'a str) -> Cow<'a, str> {
        self.cover(path, value, &mut Vec::new())
    }

    fn cover<'a>(&self, path: &str, value: &'a str, masked: &mut Vec<String>) -> Cow<'a, str> {
        if self.covers_path(path) {
            masked.push(path.to_owned());
            return Cow::Borrowed(MASKED);
        }
        if !value.starts_with('{') || !self.reaches_under(path) {
            return Cow::Borrowed(value);
        }
        let Ok(children) = members(value) else {
            masked.push(path.to_owned());
            return Cow::Borrowed(MASKED);
        };
        let before = masked.len();
        let mut shown = Vec::with_capacity(children.len());
        let mut child_path = path.to_owned();
        for (name, child) in children {
            child_path.truncate(path.len());
            push_token(&mut child_path, &name);
            shown.push((name, self.cover(&child_path, child, masked)));
        }
        if masked.len() == before {
            return Cow::Borrowed(value);
        }
        let joined = join_members(
            shown
                .iter()
                .map(|(name, child)| (name.as_ref(), child.as_ref())),
        );
        joined.map_or(Cow::Borrowed(MASKED), Cow::Owned)
    }
}

/// What every reader sees.
const SHOWN: [&str; 4] = ["/id", "/kind", "/recorded", "/index"];

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        r#"{"id":"i","input":{"a/b":{"c":1,"d":[{"c":2}]},"age":30,"agee":31},"#,
        r#""kind":"decision","recorded":{"by":"x"},"subject":"ada"}"#
    );

    fn mask(places: &[&str]) -> Mask {
        Mask::new(places.iter().map(|place| place.parse().unwrap())).unwrap()
    }

    fn shown(places: &[&str]) -> (String, Vec<String>) {
        let mask = mask(places);
        let (text, masked) = mask.apply(TEXT);
        (text.into_owned(), masked)
    }

    #[test]
    fn values_at_and_under_the_places_are_replaced_whole() {
        let (text, masked) = shown(&["/subject", "/input/a~1b", "/input/age"]);
        assert_eq!(
            text,
            concat!(
                r#"{"id":"i","input":{"a/b":"••••","age":"••••","agee":31},"#,
                r#""kind":"decision","recorded":{"by":"x"},"subject":"••••"}"#
            )
        );
        assert_eq!(masked, ["/input/a~1b", "/input/age", "/subject"]);
        assert_eq!(crate::canonicalize(text.as_bytes()).unwrap(), text);
    }

    #[test]
    fn a_place_that_is_absent_or_in_an_array_covers_nothing() {
        for place in ["/output", "/input/a~1b/d/0/c", "/subject/x", "/input/ag"] {
            assert_eq!(shown(&[place]), (TEXT.to_owned(), Vec::new()), "{place}");
        }
        assert_eq!(shown(&[]), (TEXT.to_owned(), Vec::new()));
    }

    #[test]
    fn a_place_under_another_adds_nothing() {
        let wide = mask(&["/input/age", "/input", "/input"]);
        assert_eq!(wide, mask(&["/input"]));
        assert!(wide.covers(&"/input/age/x".parse().unwrap()));
        assert!(!wide.covers(&"/inputs".parse().unwrap()));
        assert!(mask(&["/input/age"]).reaches_under("/input"));
        assert!(!mask(&["/input/age"]).reaches_under("/input/age"));
    }

    #[test]
    fn a_value_inside_a_record_is_masked_by_where_it_stands() {
        let mask = mask(&["/input/id", "/subject"]);
        assert_eq!(mask.apply_at("/input", r#"{"id":1}"#), r#"{"id":"••••"}"#);
        assert_eq!(mask.apply_at("/output", r#"{"id":1}"#), r#"{"id":1}"#);
        assert_eq!(mask.apply_at("/subject", "\"ada\""), MASKED);
    }

    #[test]
    fn what_says_which_record_this_is_cannot_be_masked() {
        for place in ["", "/id", "/kind", "/recorded", "/recorded/by", "/index"] {
            let error = Mask::new([place.parse().unwrap()]).unwrap_err();
            assert_eq!((error.code(), error.pointer()), ("unmaskable", place));
        }
        assert!(Mask::new(["/input/id".parse().unwrap()]).is_ok());
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        let mask = mask(&["/input/age"]);
        assert_eq!(mask.apply("{\"input\"").0, "{}");
        assert_eq!(
            mask.apply(r#"{"input":{"b":1,"age":2}}"#).0,
            r#"{"input":"••••"}"#
        );
    }
}
