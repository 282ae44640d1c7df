//! Fields: what a term can ask about, by the names that filters give them.

use std::fmt;

use causebook_record::{Pointer, edits, member_names};

/// What a term asks about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// Position in the ledger.
    Index,
    /// `/id`
    Id,
    /// `/kind`
    Kind,
    /// `/time`
    Time,
    /// `/recorded/at`
    Recorded,
    /// `/model/name` and `/model/version`, as `name@version`
    Model,
    /// `/subject`
    Subject,
    /// `/decision`
    Decision,
    /// `/score`, as the double next to it
    Score,
    /// `/refers_to`
    RefersTo,
    /// `/context/trace_id`
    Trace,
    /// `/source/name`
    Source,
    /// `/source/run`
    Run,
    /// `/source/seq`
    Seq,
    /// `/recorded/by`
    By,
    /// `/recorded/via`
    Via,
    /// `/automation`
    Automation,
    /// The value at a place of the record.
    Member(Pointer),
}

/// The named fields and what each asks about, for help and completion. Members are fields too: `input.age`, `/input/age`.
pub const FIELDS: [(&str, &str); 20] = [
    ("id", "id of the record"),
    ("kind", "kind of record: decision, outcome, review..."),
    ("time", "when it was decided"),
    ("since", "decided at this time or later"),
    ("until", "decided before this time"),
    ("recorded", "when it was recorded"),
    ("model", "which model: NAME, NAME@VERSION, @VERSION"),
    ("subject", "whom it concerns"),
    ("decision", "what was decided"),
    ("score", "the score, as a double"),
    ("refers_to", "id of the record it is about"),
    ("trace", "trace it is part of"),
    ("source", "name of the system that sent it"),
    ("run", "run of that system"),
    ("seq", "number within that run"),
    ("index", "position in the ledger"),
    ("by", "who recorded it"),
    ("via", "by which way it came"),
    ("automation", "sole, assisted or human"),
    ("actor", "who acted, where that is one text"),
];

const NAMED: [(&str, Field); 17] = [
    ("index", Field::Index),
    ("id", Field::Id),
    ("kind", Field::Kind),
    ("time", Field::Time),
    ("recorded", Field::Recorded),
    ("model", Field::Model),
    ("subject", Field::Subject),
    ("decision", Field::Decision),
    ("score", Field::Score),
    ("refers_to", Field::RefersTo),
    ("trace", Field::Trace),
    ("source", Field::Source),
    ("run", Field::Run),
    ("seq", Field::Seq),
    ("by", Field::By),
    ("via", Field::Via),
    ("automation", Field::Automation),
];

impl Field {
    /// The field of a name: one of [`FIELDS`] other than `since` and `until`, a member and keys joined with dots, or a
    /// JSON Pointer.
    ///
    /// # Errors
    /// The most similar name, if there is one that is similar.
    pub fn named(name: &str) -> Result<Self, Option<String>> {
        if let Some((_, field)) = NAMED.iter().find(|(known, _)| *known == name) {
            return Ok(field.clone());
        }
        if name.starts_with('/') {
            return name.parse().map(Field::Member).map_err(|_| None);
        }
        let member = name.split('.').next().unwrap_or_default();
        if !member_names().any(|known| known == member) {
            return Err(nearest(name));
        }
        let escaped = name.replace('~', "~0").replace('/', "~1");
        let pointer = format!("/{}", escaped.replace('.', "/"));
        pointer.parse().map(Field::Member).map_err(|_| None)
    }

    /// The place that the field is about; [`Field::Model`] is about two, of which this encloses both. `/index` is no
    /// place of a record.
    pub fn place(&self) -> &str {
        match self {
            Field::Index => "/index",
            Field::Id => "/id",
            Field::Kind => "/kind",
            Field::Time => "/time",
            Field::Recorded => "/recorded/at",
            Field::Model => "/model",
            Field::Subject => "/subject",
            Field::Decision => "/decision",
            Field::Score => "/score",
            Field::RefersTo => "/refers_to",
            Field::Trace => "/context/trace_id",
            Field::Source => "/source/name",
            Field::Run => "/source/run",
            Field::Seq => "/source/seq",
            Field::By => "/recorded/by",
            Field::Via => "/recorded/via",
            Field::Automation => "/automation",
            Field::Member(pointer) => pointer.as_str(),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Field::Member(pointer) => formatter.write_str(&dotted(pointer.as_str())),
            named => {
                let name = NAMED.iter().find(|(_, field)| field == named);
                formatter.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

/// The dotted name of a place if it has one that is read as the same place, else the pointer.
fn dotted(pointer: &str) -> String {
    let plain = |ch: char| ch.is_alphanumeric() || matches!(ch, '_' | '-');
    let tokens = pointer.split('/').skip(1);
    let simple = tokens
        .clone()
        .all(|token| !token.is_empty() && token.chars().all(plain));
    let name = tokens.collect::<Vec<_>>().join(".");
    let itself = Field::named(&name)
        .is_ok_and(|field| matches!(field, Field::Member(same) if same.as_str() == pointer));
    if simple && itself && !name.starts_with('-') {
        name
    } else {
        pointer.to_owned()
    }
}

fn nearest(name: &str) -> Option<String> {
    let (first, rest) = name
        .split_once('.')
        .map_or((name, ""), |(first, _)| (first, &name[first.len()..]));
    let fields = FIELDS.iter().map(|(name, _)| *name);
    let names: Box<dyn Iterator<Item = &str>> = if rest.is_empty() {
        Box::new(fields.chain(member_names()))
    } else {
        Box::new(member_names())
    };
    let (edits, nearest) = names
        .map(|known| (edits(first, known), known))
        .min_by_key(|(edits, _)| *edits)?;
    (edits <= 2 && edits * 2 < nearest.len()).then(|| format!("{nearest}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(pointer: &str) -> Field {
        Field::Member(pointer.parse().unwrap())
    }

    #[test]
    fn names_are_fields_or_members() {
        assert_eq!(Field::named("subject"), Ok(Field::Subject));
        assert_eq!(Field::named("input.age"), Ok(member("/input/age")));
        assert_eq!(Field::named("input"), Ok(member("/input")));
        assert_eq!(Field::named("model.name"), Ok(member("/model/name")));
        assert_eq!(
            Field::named("/input/loan.amount"),
            Ok(member("/input/loan.amount"))
        );
        assert_eq!(Field::named("input.a/b~c"), Ok(member("/input/a~1b~0c")));
        assert_eq!(Field::named("actor"), Ok(member("/actor")));
        assert_eq!(Field::named("/a~"), Err(None));
    }

    #[test]
    fn every_named_field_is_in_the_list_and_read_back() {
        for (name, _) in FIELDS {
            if matches!(name, "since" | "until") {
                continue;
            }
            assert_eq!(Field::named(name).unwrap().to_string(), name);
        }
        for (name, _) in &NAMED {
            assert!(FIELDS.iter().any(|(listed, _)| listed == name), "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest() {
        for (name, near) in [
            ("desicion", Some("decision")),
            ("inputs.age", Some("input.age")),
            ("modell", Some("model")),
            ("applicant", None),
            ("", None),
            (".", None),
        ] {
            assert_eq!(Field::named(name), Err(near.map(str::to_owned)), "{name}");
        }
    }

    #[test]
    fn a_member_is_called_so_that_it_is_read_back() {
        for pointer in [
            "/input/age",
            "/subject",
            "/input/loan.amount",
            "/input/",
            "/input/a~1b",
            "/x/y",
            "/input/a b",
        ] {
            let field = member(pointer);
            assert_eq!(Field::named(&field.to_string()), Ok(field));
        }
    }
}
