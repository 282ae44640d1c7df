//! The types that were found in a document, and `$types`, which says where.

use super::text;
use std::borrow::Cow;

/// Types found so far, in the order in which they were found.
#[derive(Debug, Default)]
pub(super) struct Found {
    entries: Vec<Entry>,
    /// The places of all entries, joined: one allocation and not one each.
    places: String,
}

#[derive(Debug)]
struct Entry {
    name: Cow<'static, str>,
    from: usize,
    to: usize,
    /// JSON of an object; empty if there are none.
    parameters: Vec<u8>,
}

impl Found {
    pub(super) fn add(&mut self, name: Cow<'static, str>, place: &str, parameters: Vec<u8>) {
        let from = self.places.len();
        self.places.push_str(place);
        self.entries.push(Entry {
            name,
            from,
            to: self.places.len(),
            parameters,
        });
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets what was found after there were `len` entries.
    pub(super) fn truncate(&mut self, len: usize) {
        if let Some(first) = self.entries.get(len) {
            self.places.truncate(first.from);
        }
        self.entries.truncate(len);
    }

    /// Whether the last entry, found after there were `len`, stands at `place`. The type of a value is found after those
    /// of what is in it.
    pub(super) fn ends_at(&self, place: &str, len: usize) -> bool {
        let last = self.entries[len..].last();
        last.is_some_and(|entry| &self.places[entry.from..entry.to] == place)
    }

    /// Appends the member `$types`: names and places ascend, so that equal values have equal documents.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) {
        let places = &self.places;
        let place = |entry: &Entry| &places[entry.from..entry.to];
        self.entries
            .sort_unstable_by(|a, b| a.name.cmp(&b.name).then_with(|| place(a).cmp(place(b))));
        out.extend_from_slice(br#""$types":{"#);
        let mut open: Option<&str> = None;
        for entry in &self.entries {
            if open == Some(&entry.name) {
                out.push(b',');
            } else {
                if open.is_some() {
                    out.extend_from_slice(b"],");
                }
                text::string(&entry.name, out);
                out.extend_from_slice(b":[");
                open = Some(&entry.name);
            }
            if entry.parameters.is_empty() {
                text::string(place(entry), out);
            } else {
                out.push(b'[');
                text::string(place(entry), out);
                out.push(b',');
                out.extend_from_slice(&entry.parameters);
                out.push(b']');
            }
        }
        if open.is_some() {
            out.push(b']');
        }
        out.push(b'}');
    }
}
