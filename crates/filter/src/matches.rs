//! Whether a record is meant: every term on the record's typed fields and its canonical text.
//!
//! To the filter of a reader with a mask, what is masked is not there: it has no value, and no text to be found in.

use causebook_record::{
    Fields, Kind, Mask, Stored, elements, members, string_text, string_value, value_at,
};

use crate::glob::may_be_in;
use crate::{Field, Filter, Glob, Node, Term, Test, microseconds};

impl Filter {
    /// Whether the record is meant: its position, its typed fields and its canonical text.
    pub fn matches(&self, index: u64, fields: &Fields, text: &str) -> bool {
        self.matches_masked(index, fields, text, &Mask::default())
    }

    /// As [`matches`](Self::matches), for a reader with a mask. Fields and text are those of the record as it is.
    pub fn matches_masked(&self, index: u64, fields: &Fields, text: &str, mask: &Mask) -> bool {
        let record = Record {
            index,
            fields,
            text,
            mask,
        };
        record.answers(&self.root)
    }

    /// Whether a stored record is meant. One whose payload is erased is its position and its id alone.
    pub fn admits(&self, index: u64, record: &Stored, mask: &Mask) -> bool {
        let fields = record.fields();
        if let Some(text) = record.text() {
            return self.matches_masked(index, &fields, text, mask);
        }
        let id = fields.id.as_deref().map(string_text);
        let text = id.map_or_else(|| "{}".to_owned(), |id| format!("{{\"id\":{id}}}"));
        self.matches_masked(index, &fields, &text, mask)
    }
}

struct Record<'a> {
    index: u64,
    fields: &'a Fields,
    text: &'a str,
    mask: &'a Mask,
}

impl Record<'_> {
    fn answers(&self, node: &Node) -> bool {
        match node {
            Node::All(nodes) => nodes.iter().all(|node| self.answers(node)),
            Node::Any(nodes) => nodes.iter().any(|node| self.answers(node)),
            Node::Not(node) => !self.answers(node),
            Node::Term(Term::Text(glob)) => holds_text(glob, "", self.text, self.mask),
            Node::Term(Term::Field { field, test }) => {
                !self.mask.covers_path(field.place()) && self.answers_field(field, test)
            }
        }
    }

    fn answers_field(&self, field: &Field, test: &Test) -> bool {
        let fields = self.fields;
        let word = |word: &Option<String>| test.holds_word(word.as_deref());
        match field {
            Field::Index => test.holds_whole(Some(self.index)),
            Field::Id => word(&fields.id),
            Field::Kind => test.holds_word(fields.kind.map(Kind::as_str)),
            Field::Time => test.holds_time(fields.time.map(microseconds)),
            Field::Recorded => test.holds_time(fields.recorded_at.map(microseconds)),
            Field::Model => {
                let [name, version] = model_name_of(self.mask);
                let name = fields.model_name.as_deref().filter(|_| name);
                let version = fields.model_version.as_deref().filter(|_| version);
                test.holds_model(name, version)
            }
            Field::Subject => word(&fields.subject),
            Field::Decision => word(&fields.decision),
            Field::Score => test.holds_double(fields.score),
            Field::RefersTo => word(&fields.refers_to),
            Field::Trace => word(&fields.trace_id),
            Field::Source => word(&fields.source_name),
            Field::Run => word(&fields.source_run),
            Field::Seq => test.holds_whole(fields.source_seq),
            Field::By => word(&fields.recorded_by),
            Field::Via => word(&fields.recorded_via),
            Field::Automation => {
                let value = value_at(self.text, field.place());
                test.holds_word(value.and_then(string_value).as_deref())
            }
            Field::Member(pointer) => test.holds_value(value_at(self.text, pointer.as_str())),
        }
    }
}

/// Whether a reader sees the name of a model, and its version.
pub fn model_name_of(mask: &Mask) -> [bool; 2] {
    ["/model/name", "/model/version"].map(|place| !mask.covers_path(place))
}

/// Whether a text in lower case is somewhere in one of the string values under a place of a record, whatever their
/// case. `value` is the canonical JSON text of what stands at the place. What every record has, and nobody looks for by
/// text, is left out: `/kind`, `/time` and all of `/recorded`; so is what is masked.
pub fn holds_text(glob: &Glob, place: &str, value: &str, mask: &Mask) -> bool {
    may_be_in(glob, value) && is_in_values(glob, place, value, mask)
}

const NOT_SEARCHED: [&str; 3] = ["/kind", "/time", "/recorded"];

fn is_in_values(glob: &Glob, place: &str, value: &str, mask: &Mask) -> bool {
    if NOT_SEARCHED.contains(&place) || mask.covers_path(place) {
        return false;
    }
    match value.as_bytes().first() {
        Some(b'"') => string_value(value).is_some_and(|text| glob.is_in(&text.to_lowercase())),
        Some(b'{') => members(value).is_ok_and(|members| {
            members.iter().any(|(name, member)| {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                is_in_values(glob, &format!("{place}/{escaped}"), member, mask)
            })
        }),
        Some(b'[') => elements(value).is_some_and(|elements| {
            let mut under = elements.iter().enumerate();
            under.any(|(nth, element)| is_in_values(glob, &format!("{place}/{nth}"), element, mask))
        }),
        _ => false,
    }
}
