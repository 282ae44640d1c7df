//! Why a statement got no answer, said in terms of the statement: which name, where, what was meant, which limit.

use std::time::Duration;

use causebook_ledger::TableError;
use datafusion::common::{DataFusionError, Diagnostic, SchemaError};
use datafusion::error::Result as DataFusionResult;

/// A place in a statement, both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// Line.
    pub line: u64,
    /// Character in the line.
    pub column: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// Why a statement got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The text is not SQL.
    #[error("not a statement{}: {problem}", at(*.place))]
    Syntax {
        /// What the parser met.
        problem: String,
        /// Where.
        place: Option<Place>,
    },
    /// No table of the statement has this column.
    #[error("no column {name:?}{}{}", at(*.place), meant(.nearest.as_deref()))]
    UnknownColumn {
        /// The name as written.
        name: String,
        /// Where.
        place: Option<Place>,
        /// The most similar column.
        nearest: Option<String>,
    },
    /// There is no such table or view.
    #[error("no table {name:?}{}{}", at(*.place), meant(.nearest.as_deref()))]
    UnknownTable {
        /// The name as written.
        name: String,
        /// Where.
        place: Option<Place>,
        /// The most similar table.
        nearest: Option<String>,
    },
    /// The statement would change something or reach outside the ledger.
    #[error("{what} is refused: queries only read the ledger")]
    Refused {
        /// The kind of statement.
        what: String,
    },
    /// The statement cannot be carried out, for example because types do not fit.
    #[error("{problem}{}", at(*.place))]
    Invalid {
        /// What is wrong with it.
        problem: String,
        /// Where, if known.
        place: Option<Place>,
    },
    /// It took too long.
    #[error("stopped after {} s, the time limit", .limit.as_secs_f64())]
    Time {
        /// The limit.
        limit: Duration,
    },
    /// It needed too much memory.
    #[error("stopped at {} MiB of memory, the limit", .limit_bytes >> 20)]
    Memory {
        /// The limit.
        limit_bytes: usize,
    },
    /// The table could not be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The query engine could not be started.
    #[error("the query engine could not be started: {problem}")]
    Engine {
        /// Why.
        problem: String,
    },
    /// An answer could not be written in the format asked for.
    #[error("the answer could not be written as {format}: {problem}")]
    Output {
        /// The format.
        format: &'static str,
        /// Why.
        problem: String,
    },
}

fn at(place: Option<Place>) -> String {
    place
        .map(|place| format!(" at {place}"))
        .unwrap_or_default()
}

fn meant(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!(", did you mean {name:?}?"))
        .unwrap_or_default()
}

/// What an error of the engine means to the author of the statement.
pub(crate) fn explain(
    error: &DataFusionError,
    tables: &[String],
    limit_bytes: usize,
) -> QueryError {
    let place = diagnostic(error).and_then(place_of);
    let root = error.find_root();
    match root {
        DataFusionError::SQL(parser, _) => syntax(&parser.to_string()),
        DataFusionError::SchemaError(schema, _) => schema_error(schema, place),
        DataFusionError::ResourcesExhausted(_) => QueryError::Memory { limit_bytes },
        DataFusionError::Plan(problem) => plan_error(problem, place, tables),
        other => QueryError::Invalid {
            problem: first_line(&other.strip_backtrace()),
            place,
        },
    }
}

/// Refuses plans that do more than read.
pub(crate) fn check_reads_only(checked: DataFusionResult<()>, sql: &str) -> Result<(), QueryError> {
    checked.map_err(|_| {
        let words = sql.split_whitespace().take(2).map(str::to_uppercase);
        QueryError::Refused {
            what: words.collect::<Vec<_>>().join(" "),
        }
    })
}

/// The parser says where in words: `... at Line: 1, Column: 15`.
fn syntax(message: &str) -> QueryError {
    let message = message.trim_start_matches("sql parser error: ");
    let (problem, place) = match message.rsplit_once(" at Line: ") {
        Some((problem, place)) => (problem, parse_place(place)),
        None => (message, None),
    };
    QueryError::Syntax {
        problem: first_line(problem),
        place,
    }
}

fn parse_place(text: &str) -> Option<Place> {
    let (line, column) = text.split_once(", Column: ")?;
    let digits = column
        .split(|character: char| !character.is_ascii_digit())
        .next()?;
    Some(Place {
        line: line.trim().parse().ok()?,
        column: digits.parse().ok()?,
    })
}

fn schema_error(error: &SchemaError, place: Option<Place>) -> QueryError {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => QueryError::UnknownColumn {
            name: field.name.clone(),
            place: place.or_else(|| {
                let start = field.spans.first()?.start;
                Some(Place {
                    line: start.line,
                    column: start.column,
                })
            }),
            nearest: nearest(
                &field.name,
                valid_fields.iter().map(|field| field.name.as_str()),
            ),
        },
        other => QueryError::Invalid {
            problem: first_line(&other.to_string()),
            place,
        },
    }
}

fn plan_error(problem: &str, place: Option<Place>, tables: &[String]) -> QueryError {
    let quoted = problem
        .strip_prefix("table '")
        .and_then(|rest| rest.strip_suffix("' not found"));
    match quoted {
        Some(path) => {
            let name = path.rsplit('.').next().unwrap_or(path);
            QueryError::UnknownTable {
                name: name.to_owned(),
                place,
                nearest: nearest(name, tables.iter().map(String::as_str)),
            }
        }
        None => QueryError::Invalid {
            problem: first_line(problem),
            place,
        },
    }
}

fn diagnostic(error: &DataFusionError) -> Option<&Diagnostic> {
    error.diagnostic()
}

fn place_of(diagnostic: &Diagnostic) -> Option<Place> {
    let start = diagnostic.span?.start;
    Some(Place {
        line: start.line,
        column: start.column,
    })
}

fn first_line(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .trim()
        .trim_end_matches('.')
        .to_owned()
}

/// The name with the fewest edits, if those are few for its length.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let wanted = wanted.to_lowercase();
    names
        .map(|name| (edits(&wanted, name), name))
        .min()
        .filter(|(edits, name)| *edits <= 1 + name.len().min(wanted.len()) / 4)
        .map(|(_, name)| name.to_owned())
}

/// Levenshtein distance.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (row, a) in from.chars().enumerate() {
        let mut left = row + 1;
        let mut current = vec![left];
        for (b, pair) in to.iter().zip(above.windows(2)) {
            let [diagonal, up] = pair else { continue };
            left = (left + 1).min(up + 1).min(diagonal + usize::from(a != *b));
            current.push(left);
        }
        above = current;
    }
    above.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["decision", "model_version", "input"];
        let found = |wanted| nearest(wanted, names.into_iter());
        assert_eq!(found("desicion").as_deref(), Some("decision"));
        assert_eq!(found("modelversion").as_deref(), Some("model_version"));
        assert_eq!(found("Inputs").as_deref(), Some("input"));
        assert_eq!(found("applicant"), None);
    }
}
