//! Where each column goes: the schema of a stream laid out as the tree of a record. Structs are taken apart, so that
//! every leaf is one array and can be formatted as one.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use causebook_record::{Draft, PATH_BYTES_MAX, RecordError};

use super::StreamError;
use super::form::{Form, distinct};
use crate::text::quoted;
use crate::{NESTING_MAX, ROW_BYTES_MAX};

/// The tree of a record, and the arrays that it is filled from.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) root: Vec<Node>,
    pub(super) leaves: Vec<Leaf>,
    /// Structs that may be null as a whole: where each lies in a batch.
    structs: Vec<Vec<usize>>,
    /// Most bytes that names and punctuation take in a record.
    pub(super) frame_bytes: usize,
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Node {
    /// Its name as JSON text, and a colon.
    pub(super) key: String,
    pub(super) value: Value,
}

/// Where a member's value comes from.
#[derive(Debug)]
pub(super) enum Value {
    /// The leaf of this number.
    Leaf(usize),
    /// An object that pointers make; it is there if something is in it.
    Made(Vec<Node>),
    /// A struct; it is there unless it is null.
    Struct {
        /// Number of the struct.
        nth: usize,
        /// Whether a null is written.
        shows_null: bool,
        members: Vec<Node>,
    },
}

/// One array, formatted as a column.
#[derive(Debug)]
pub(super) struct Leaf {
    /// Its column, and the way down through structs.
    path: Vec<usize>,
    pub(super) form: Form,
    /// Name of the column.
    pub(super) column: String,
    /// Its place in the record.
    pub(super) pointer: String,
    /// Whether a null is written, or left out.
    pub(super) shows_null: bool,
    /// The same for nulls inside its values.
    pub(super) keeps_nulls: bool,
}

impl Plan {
    /// Finds the place of every column. The types of dictionaries' values are added to `dictionaries`.
    pub(super) fn of(
        schema: &Schema,
        dictionaries: &mut HashMap<i64, SchemaRef>,
    ) -> Result<Self, StreamError> {
        let mut builder = Builder {
            leaves: Vec::new(),
            structs: Vec::new(),
            frame_bytes: 2,
            dictionaries,
        };
        let mut root = BTreeMap::new();
        for (nth, field) in schema.fields().iter().enumerate() {
            let name = field.name();
            let place = place(name)?;
            let source = Source {
                column: name,
                path: vec![nth],
                pointer: place.pointer,
                keeps_nulls: KEEPERS.contains(&place.tokens[0].as_str()),
                is_part: false,
            };
            let value = builder.value(field, source)?;
            insert(&mut root, &place.tokens, name, value)?;
        }
        let root = builder.made(root);
        if builder.frame_bytes > ROW_BYTES_MAX {
            return Err(StreamError::Limit {
                row: 0,
                what: "bytes of names",
                found: builder.frame_bytes as u64,
                limit: ROW_BYTES_MAX as u64,
                advice: "send fewer columns, or shorter names",
            });
        }
        Ok(Self {
            root,
            leaves: builder.leaves,
            structs: builder.structs,
            frame_bytes: builder.frame_bytes,
        })
    }

    /// The array of each leaf.
    pub(super) fn arrays(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        let path = |leaf: &Leaf| array_at(batch, &leaf.path);
        self.leaves.iter().map(path).collect()
    }

    /// The array of each struct.
    pub(super) fn structs(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        let structs = self.structs.iter();
        structs.map(|path| array_at(batch, path)).collect()
    }
}

/// Paths come from the schema, which the decoder holds every batch to.
fn array_at(batch: &RecordBatch, path: &[usize]) -> ArrayRef {
    let (column, parts) = path.split_at(1);
    let mut array = std::sync::Arc::clone(batch.column(column[0]));
    for part in parts {
        array = std::sync::Arc::clone(array.as_struct().column(*part));
    }
    array
}

struct Builder<'a> {
    leaves: Vec<Leaf>,
    structs: Vec<Vec<usize>>,
    frame_bytes: usize,
    dictionaries: &'a mut HashMap<i64, SchemaRef>,
}

/// A column, or a part of one.
struct Source<'a> {
    column: &'a str,
    path: Vec<usize>,
    pointer: String,
    keeps_nulls: bool,
    /// Whether it lies in a struct.
    is_part: bool,
}

impl Builder<'_> {
    fn value(&mut self, field: &Field, source: Source<'_>) -> Result<Value, StreamError> {
        let problem = |problem: String| StreamError::Column {
            column: source.column.to_owned(),
            problem: format!("{}: {problem}", source.pointer),
        };
        if source.pointer.len() > PATH_BYTES_MAX {
            return Err(StreamError::Column {
                column: source.column.to_owned(),
                problem: format!(
                    "one of its parts has a place of more than {PATH_BYTES_MAX} bytes"
                ),
            });
        }
        let shows_null = source.is_part && source.keeps_nulls;
        let DataType::Struct(fields) = field.data_type() else {
            let form = Form::of(field, self.dictionaries).map_err(problem)?;
            self.leaves.push(Leaf {
                path: source.path,
                form,
                column: source.column.to_owned(),
                pointer: source.pointer,
                shows_null,
                keeps_nulls: source.keeps_nulls,
            });
            return Ok(Value::Leaf(self.leaves.len() - 1));
        };
        distinct(fields.iter()).map_err(problem)?;
        let nth = self.structs.len();
        self.structs.push(source.path.clone());
        let mut members = Vec::with_capacity(fields.len());
        for (part, field) in fields.iter().enumerate() {
            let part = Source {
                column: source.column,
                path: source.path.iter().copied().chain([part]).collect(),
                pointer: format!("{}/{}", source.pointer, escaped(field.name())),
                keeps_nulls: source.keeps_nulls,
                is_part: true,
            };
            let value = self.value(field, part)?;
            members.push(self.node(field.name(), value));
        }
        members.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(Value::Struct {
            nth,
            shows_null,
            members,
        })
    }

    fn node(&mut self, name: &str, value: Value) -> Node {
        let key = format!("{}:", quoted(name));
        // A comma, and the braces that an object may have.
        self.frame_bytes += key.len() + 3;
        Node { key, value }
    }

    fn made(&mut self, branches: BTreeMap<String, Branch<'_>>) -> Vec<Node> {
        let mut nodes = Vec::with_capacity(branches.len());
        for (name, branch) in branches {
            let value = match branch.what {
                What::Value(value) => value,
                What::Below(branches) => Value::Made(self.made(branches)),
            };
            nodes.push(self.node(&name, value));
        }
        nodes
    }
}

/// A place that is taken, and the first column that took it.
struct Branch<'a> {
    column: &'a str,
    what: What<'a>,
}

enum What<'a> {
    Value(Value),
    Below(BTreeMap<String, Branch<'a>>),
}

/// Puts a column in its place, which no other may have, nor lie above or below.
fn insert<'a>(
    branches: &mut BTreeMap<String, Branch<'a>>,
    tokens: &[String],
    column: &'a str,
    value: Value,
) -> Result<(), StreamError> {
    let [token, below @ ..] = tokens else {
        return Ok(());
    };
    let overlap = |other: &str| StreamError::Column {
        column: column.to_owned(),
        problem: format!(
            "it and column {other:?} stand for the same place, or one for a part of the other; send one of them"
        ),
    };
    if below.is_empty() {
        if let Some(other) = branches.get(token) {
            return Err(overlap(other.column));
        }
        let what = What::Value(value);
        branches.insert(token.clone(), Branch { column, what });
        return Ok(());
    }
    let branch = branches.entry(token.clone()).or_insert_with(|| Branch {
        column,
        what: What::Below(BTreeMap::new()),
    });
    match &mut branch.what {
        What::Below(branches) => insert(branches, below, column, value),
        What::Value(_) => Err(overlap(branch.column)),
    }
}

/// What a column's name stands for.
struct Place {
    pointer: String,
    tokens: Vec<String>,
}

fn place(name: &str) -> Result<Place, StreamError> {
    let column = |problem: String| StreamError::Column {
        column: name.to_owned(),
        problem,
    };
    if name.len() > PATH_BYTES_MAX {
        return Err(StreamError::Column {
            column: crate::text::shortened(name),
            problem: format!("a name has at most {PATH_BYTES_MAX} bytes"),
        });
    }
    let tokens: Vec<String> = match name.strip_prefix('/') {
        Some(rest) => {
            let parsed: Result<causebook_record::Pointer, RecordError> = name.parse();
            parsed.map_err(|error| column(error.to_string()))?;
            rest.split('/').map(unescaped).collect()
        }
        None => vec![name.to_owned()],
    };
    if tokens.len() > NESTING_MAX {
        return Err(column(format!("a place has at most {NESTING_MAX} steps")));
    }
    check_member(name, &tokens)?;
    let pointer = tokens.iter().fold(String::new(), |pointer, token| {
        format!("{pointer}/{}", escaped(token))
    });
    Ok(Place { pointer, tokens })
}

/// Asks the record itself whether a caller may give this member.
fn check_member(name: &str, tokens: &[String]) -> Result<(), StreamError> {
    let member = tokens.first().map(String::as_str).unwrap_or_default();
    let probe = format!("{{{}:null}}", quoted(member));
    match Draft::parse(probe.as_bytes()).err() {
        Some(RecordError::UnknownMember { nearest, .. }) => Err(StreamError::UnknownColumn {
            column: name.to_owned(),
            nearest: nearest.map(|nearest| match name.strip_prefix('/') {
                Some(rest) => {
                    let below = rest.split_once('/').map(|(_, below)| format!("/{below}"));
                    format!("/{nearest}{}", below.unwrap_or_default())
                }
                None => nearest.to_owned(),
            }),
        }),
        Some(error @ RecordError::Reserved { .. }) => Err(StreamError::Column {
            column: name.to_owned(),
            problem: error.to_string(),
        }),
        _ => Ok(()),
    }
}

/// A token of a JSON Pointer as it is written (RFC 6901).
fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Members in which a null may be what a model was given.
const KEEPERS: [&str; 2] = ["input", "output"];
