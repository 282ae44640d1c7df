//! The Arrow IPC stream of a parcel, as the door for batches takes it: columns named after members, constants as runs.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array as _, ArrayRef, Int64Array, RecordBatch, RunArray, StringArray, StructArray,
};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::capture::Encoded;
use crate::encode::{Attached, Encoder, Limits};

/// The canonical extension type of text that is JSON.
const JSON: (&str, &str) = ("ARROW:extension:name", "arrow.json");

/// Members that every record of a batch has: name or path, and JSON text.
pub(super) type Constants = Vec<(Vec<String>, String)>;

/// Encodes the members that all records share. A key is a member, or the path to one as a tuple.
pub(super) fn constants(members: &Bound<'_, PyDict>) -> PyResult<(Constants, Vec<Arc<Attached>>)> {
    let mut encoder = Encoder::new(Limits::default());
    let mut attached = Vec::new();
    let mut made = Vec::with_capacity(members.len());
    for (name, value) in members {
        let path: Vec<String> = match name.cast::<PyString>() {
            Ok(name) => vec![name.to_str()?.to_owned()],
            Err(_) => name.extract()?,
        };
        let mut json = Vec::new();
        if let Ok(encoded) = value.cast_exact::<Encoded>() {
            encoded.get().write(&mut json, &mut attached);
        } else {
            encoder.named(path.first().map_or("", String::as_str));
            encoder.document(&value, &mut json)?;
        }
        made.push((path, String::from_utf8(json)?));
    }
    attached.extend(encoder.attachments().into_iter().map(Arc::new));
    Ok((made, attached))
}

/// What the rows of a parcel share, and what names them.
pub(super) struct Rows<'a> {
    pub(super) ids: &'a [String],
    /// Name and run of the source.
    pub(super) source: (&'a str, &'a str),
    /// Number of the first.
    pub(super) seq: u64,
    pub(super) constants: &'a Constants,
}

/// A member of a record: a column, or an object of members.
enum Node {
    Leaf(FieldRef, ArrayRef),
    Object(Vec<(String, Node)>),
}

impl Rows<'_> {
    /// The stream of these columns, each at its path.
    pub(super) fn stream(
        &self,
        columns: Vec<(&[String], ArrayRef)>,
    ) -> Result<Vec<u8>, ArrowError> {
        let count = self.ids.len();
        let mut root = Vec::new();
        let ids: ArrayRef = Arc::new(StringArray::from_iter_values(self.ids));
        insert(&mut root, &["id".to_owned()], plain(ids));
        for (path, json) in self.constants {
            insert(&mut root, path, constant(json, count)?);
        }
        let last = self.seq + count as u64;
        let seq: ArrayRef = Arc::new(Int64Array::from_iter_values(
            (self.seq..last).map(|seq| seq as i64),
        ));
        let (name, run) = self.source;
        for (member, node) in [
            ("name", constant(name, count)?),
            ("run", constant(run, count)?),
            ("seq", plain(seq)),
        ] {
            insert(&mut root, &["source".to_owned(), member.to_owned()], node);
        }
        for (path, array) in columns {
            insert(&mut root, path, plain(array));
        }
        let columns = root
            .into_iter()
            .map(|(name, node)| node.built(&name, count));
        let columns: Vec<(FieldRef, ArrayRef)> = columns.collect::<Result<_, _>>()?;
        let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = columns.into_iter().unzip();
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
        let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
        writer.write(&batch)?;
        writer.into_inner()
    }
}

impl Node {
    fn built(self, name: &str, rows: usize) -> Result<(FieldRef, ArrayRef), ArrowError> {
        match self {
            Node::Leaf(field, array) => {
                let field = Field::clone(&field).with_name(name);
                Ok((Arc::new(field), array))
            }
            Node::Object(members) => {
                let parts = members
                    .into_iter()
                    .map(|(name, node)| node.built(&name, rows));
                let parts: Vec<(FieldRef, ArrayRef)> = parts.collect::<Result<_, _>>()?;
                let (fields, arrays): (Vec<FieldRef>, Vec<ArrayRef>) = parts.into_iter().unzip();
                let array = StructArray::try_new_with_length(fields.into(), arrays, None, rows)?;
                let field = Field::new(name, array.data_type().clone(), false);
                Ok((Arc::new(field), Arc::new(array)))
            }
        }
    }
}

fn plain(array: ArrayRef) -> Node {
    let field = Field::new("", array.data_type().clone(), true);
    Node::Leaf(Arc::new(field), array)
}

/// One JSON text for all rows. What it is stands at the field of the text: the extension is one of texts, not of runs.
fn constant(json: &str, rows: usize) -> Result<Node, ArrowError> {
    let ends = arrow_array::PrimitiveArray::<Int32Type>::from(vec![rows as i32]);
    let values = StringArray::from(vec![json]);
    let plain = RunArray::<Int32Type>::try_new(&ends, &values)?;
    let metadata = HashMap::from([(JSON.0.to_owned(), JSON.1.to_owned())]);
    let ends = Field::new("run_ends", DataType::Int32, false);
    let values = Field::new("values", DataType::Utf8, true).with_metadata(metadata);
    let data_type = DataType::RunEndEncoded(Arc::new(ends), Arc::new(values));
    let data = plain.into_data().into_builder();
    let array = RunArray::<Int32Type>::from(data.data_type(data_type.clone()).build()?);
    let field = Field::new("", data_type, true);
    Ok(Node::Leaf(Arc::new(field), Arc::new(array)))
}

/// Puts a node at its path. What stands there before is replaced: the more special comes later.
fn insert(members: &mut Vec<(String, Node)>, path: &[String], node: Node) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    if !members.iter().any(|(known, _)| known == name) {
        members.push((name.clone(), Node::Object(Vec::new())));
    }
    let Some((_, value)) = members.iter_mut().find(|(known, _)| known == name) else {
        return;
    };
    if rest.is_empty() {
        *value = node;
        return;
    }
    if let Node::Leaf(..) = value {
        *value = Node::Object(Vec::new());
    }
    if let Node::Object(members) = value {
        insert(members, rest, node);
    }
}
