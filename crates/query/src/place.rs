//! Where the members of a record stand in the table: the columns of a JSON Pointer.
//!
//! The rule is that of the table, in the other direction: a member of strings has a column of its own, a member of JSON
//! another, some values are lifted out of their member into a typed column, and the rest is in `rest`. Where a typed
//! column and the JSON both have a value, the JSON has the sealed text.

use datafusion::logical_expr::{Expr, ident};

/// The columns in which the value at a pointer is found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// A column of strings, which hold the value itself.
    Text(&'static str),
    /// A column of JSON text, and where in it.
    Json {
        column: &'static str,
        inside: String,
        /// The typed column that the value may have been lifted into.
        lifted: Option<&'static str>,
    },
}

impl Place {
    pub(crate) fn of(pointer: &str) -> Self {
        let member = pointer.split('/').nth(1).unwrap_or_default();
        let inside = pointer.get(1 + member.len()..).unwrap_or_default();
        let named = |columns: &[&'static str]| columns.iter().copied().find(|name| *name == member);
        if inside.is_empty()
            && let Some(column) = named(&TEXTS)
        {
            return Place::Text(column);
        }
        let lifted = LIFTED.iter().find(|(place, _)| *place == pointer);
        let lifted = lifted.map(|(_, column)| *column);
        match named(&JSONS) {
            Some(column) => Place::Json {
                column,
                inside: inside.to_owned(),
                lifted,
            },
            None => Place::Json {
                column: "rest",
                inside: pointer.to_owned(),
                lifted,
            },
        }
    }

    /// The columns to read, in the order in which functions over a place take them.
    pub(crate) fn columns(&self) -> Vec<Expr> {
        match self {
            Place::Text(column) => vec![ident(*column)],
            Place::Json { column, lifted, .. } => [Some(*column), *lifted]
                .into_iter()
                .flatten()
                .map(ident)
                .collect(),
        }
    }
}

/// Columns that hold the member of their name as a string.
pub(crate) const TEXTS: [&str; 6] = [
    "id",
    "kind",
    "subject",
    "decision",
    "refers_to",
    "automation",
];

/// Columns that hold the member of their name as JSON text.
pub(crate) const JSONS: [&str; 10] = [
    "model",
    "input",
    "output",
    "parameters",
    "data",
    "explanation",
    "context",
    "source",
    "attachments",
    "actor",
];

/// Columns that hold a value of their own, lifted out of where it stands in a record.
pub(crate) const LIFTED: [(&str, &str); 7] = [
    ("/context/trace_id", "trace_id"),
    ("/source/name", "source_name"),
    ("/source/run", "source_run"),
    ("/source/seq", "source_seq"),
    ("/recorded/at", "recorded_at"),
    ("/time", "time"),
    ("/score", "score"),
];

/// Columns derived from a value that another column holds.
pub(crate) const DERIVED: [(&str, &str); 3] = [
    ("/model/name", "model_name"),
    ("/model/version", "model_version"),
    ("/model/digest", "model_digest"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use causebook_lake::DeltaTable;

    #[test]
    fn every_column_of_the_table_has_its_place() {
        let known = TEXTS
            .into_iter()
            .chain(JSONS)
            .chain(LIFTED.into_iter().chain(DERIVED).map(|(_, column)| column))
            .chain(["index", "rest", "opening_key", "erased"]);
        let mut known: Vec<&str> = known.collect();
        let schema = DeltaTable::arrow_schema();
        let mut columns: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        known.sort_unstable();
        columns.sort_unstable();
        assert_eq!(known, columns);
    }

    #[test]
    fn pointers_lead_to_columns() {
        let json = |column, inside: &str, lifted| Place::Json {
            column,
            inside: inside.to_owned(),
            lifted,
        };
        assert_eq!(Place::of("/subject"), Place::Text("subject"));
        assert_eq!(Place::of("/subject/x"), json("rest", "/subject/x", None));
        assert_eq!(Place::of("/input/a~1b/c"), json("input", "/a~1b/c", None));
        assert_eq!(
            Place::of("/source/seq"),
            json("source", "/seq", Some("source_seq"))
        );
        assert_eq!(
            Place::of("/recorded/by"),
            json("rest", "/recorded/by", None)
        );
        assert_eq!(Place::of("/score"), json("rest", "/score", Some("score")));
    }
}
