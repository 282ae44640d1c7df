//! The messages of an ONNX file that a model is made of, borrowed from its bytes.

use crate::{Limits, ModelError};

use super::tensor::{Data, Tensor, product};
use super::wire::{Broken, Field, Fields, Numbers};
use super::{malformed, unsupported};

/// A model file.
#[derive(Debug, Default)]
pub(super) struct ModelProto<'a> {
    pub(super) producer: &'a str,
    pub(super) producer_version: &'a str,
    /// Domain and version; the empty domain is `ai.onnx`.
    pub(super) opsets: Vec<(&'a str, i64)>,
    pub(super) graph: GraphProto<'a>,
}

/// A graph: operators in an order in which they can be run.
#[derive(Debug, Default)]
pub(super) struct GraphProto<'a> {
    pub(super) nodes: Vec<NodeProto<'a>>,
    pub(super) initializers: Vec<(&'a str, Tensor)>,
    pub(super) inputs: Vec<ValueInfo<'a>>,
    pub(super) outputs: Vec<ValueInfo<'a>>,
}

/// An operator.
#[derive(Debug, Default)]
pub(super) struct NodeProto<'a> {
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: Vec<&'a str>,
    pub(super) operator: &'a str,
    pub(super) domain: &'a str,
    pub(super) attributes: Vec<AttributeProto<'a>>,
}

/// An attribute of an operator.
#[derive(Debug)]
pub(super) struct AttributeProto<'a> {
    pub(super) name: &'a str,
    pub(super) value: Attribute<'a>,
}

/// An attribute's value. A list that is empty has no type of its own in the encoding.
#[derive(Debug, PartialEq)]
pub(super) enum Attribute<'a> {
    Single(f32),
    Integer(i64),
    Text(&'a [u8]),
    Tensor(Tensor),
    Singles(Vec<f32>),
    Integers(Vec<i64>),
    Texts(Vec<&'a [u8]>),
    Empty,
}

/// An input or output: its name, and its type where it is a tensor.
#[derive(Debug, Default)]
pub(super) struct ValueInfo<'a> {
    pub(super) name: &'a str,
    pub(super) element: Option<i64>,
    /// `None` for a dimension that is not fixed.
    pub(super) dims: Option<Vec<Option<i64>>>,
}

struct Reader<'l> {
    limits: &'l Limits,
}

/// Reads the messages of a file.
pub(super) fn read<'a>(bytes: &'a [u8], limits: &Limits) -> Result<ModelProto<'a>, ModelError> {
    let found = bytes.len() as u64;
    if found > limits.bytes {
        return Err(too_large("bytes of the model file", found, limits.bytes));
    }
    Reader { limits }.model(bytes)
}

pub(super) fn too_large(what: &'static str, found: u64, most: u64) -> ModelError {
    ModelError::TooLarge { what, found, most }
}

fn broken(place: &str) -> impl Fn(Broken) -> ModelError + '_ {
    move |problem| malformed(place, problem)
}

impl Reader<'_> {
    fn model<'a>(&self, bytes: &'a [u8]) -> Result<ModelProto<'a>, ModelError> {
        let at = broken("model");
        let mut model = ModelProto::default();
        let mut graph = None;
        for field in Fields::new(bytes) {
            let (number, field) = field.map_err(&at)?;
            match number {
                2 => model.producer = field.text().map_err(&at)?,
                3 => model.producer_version = field.text().map_err(&at)?,
                7 if graph.is_some() => return Err(malformed("model", "it has two graphs")),
                7 => graph = Some(self.graph(field.bytes().map_err(&at)?)?),
                8 => model.opsets.push(opset(field).map_err(&at)?),
                25 => return Err(unsupported("a function of the model's own")),
                _ => {}
            }
        }
        model.graph = graph.ok_or_else(|| malformed("model", "it has no graph"))?;
        Ok(model)
    }

    fn graph<'a>(&self, bytes: &'a [u8]) -> Result<GraphProto<'a>, ModelError> {
        let at = broken("graph");
        let mut graph = GraphProto::default();
        for field in Fields::new(bytes) {
            let (number, field) = field.map_err(&at)?;
            match number {
                1 => {
                    let count = graph.nodes.len() as u64 + 1;
                    if count > self.limits.operators {
                        let most = self.limits.operators;
                        return Err(too_large("operators of the graph", count, most));
                    }
                    let node = self.node(field.bytes().map_err(&at)?)?;
                    graph.nodes.push(node);
                }
                5 => {
                    let (name, tensor) = self.tensor(field.bytes().map_err(&at)?)?;
                    graph.initializers.push((name, tensor));
                }
                11 => graph.inputs.push(value_info(field).map_err(&at)?),
                12 => graph.outputs.push(value_info(field).map_err(&at)?),
                15 => return Err(unsupported("a sparse initializer")),
                _ => {}
            }
        }
        Ok(graph)
    }

    fn node<'a>(&self, bytes: &'a [u8]) -> Result<NodeProto<'a>, ModelError> {
        let at = broken("operator");
        let mut node = NodeProto::default();
        for field in Fields::new(bytes) {
            let (number, field) = field.map_err(&at)?;
            match number {
                1 => node.inputs.push(field.text().map_err(&at)?),
                2 => node.outputs.push(field.text().map_err(&at)?),
                4 => node.operator = field.text().map_err(&at)?,
                5 => {
                    let attribute = self.attribute(field.bytes().map_err(&at)?)?;
                    node.attributes.push(attribute);
                }
                7 => node.domain = field.text().map_err(&at)?,
                _ => {}
            }
        }
        Ok(node)
    }

    fn attribute<'a>(&self, bytes: &'a [u8]) -> Result<AttributeProto<'a>, ModelError> {
        let at = broken("attribute");
        let (mut name, mut value) = ("", Attribute::Empty);
        let (mut singles, mut integers) = (self.numbers(), self.numbers());
        let (mut texts, mut type_code) = (Vec::new(), 0);
        for field in Fields::new(bytes) {
            let (number, field) = field.map_err(&at)?;
            match number {
                1 => name = field.text().map_err(&at)?,
                2 => value = Attribute::Single(field.single().map_err(&at)?),
                3 => value = Attribute::Integer(field.integer().map_err(&at)?),
                4 => value = Attribute::Text(field.bytes().map_err(&at)?),
                5 => value = Attribute::Tensor(self.tensor(field.bytes().map_err(&at)?)?.1),
                7 => field.singles(&mut singles).map_err(&at)?,
                8 => field.integers(&mut integers).map_err(&at)?,
                9 => texts.push(field.bytes().map_err(&at)?),
                20 => type_code = field.integer().map_err(&at)?,
                6 | 10 | 11 | 14 | 15 | 21 | 22 => {
                    return Err(unsupported(
                        "an attribute that is a graph, a type, a sparse tensor or a reference",
                    ));
                }
                _ => {}
            }
        }
        // A scalar that is 0 or empty may be left out, and is known by its type only.
        let value = match (type_code, value) {
            (1, Attribute::Empty) => Attribute::Single(0.0),
            (2, Attribute::Empty) => Attribute::Integer(0),
            (3, Attribute::Empty) => Attribute::Text(b""),
            (6, _) => Attribute::Singles(singles.list),
            (7, _) => Attribute::Integers(integers.list),
            (8, _) => Attribute::Texts(texts),
            (0, Attribute::Empty) if !singles.list.is_empty() => Attribute::Singles(singles.list),
            (0, Attribute::Empty) if !integers.list.is_empty() => {
                Attribute::Integers(integers.list)
            }
            (0, Attribute::Empty) if !texts.is_empty() => Attribute::Texts(texts),
            (_, value) => value,
        };
        Ok(AttributeProto { name, value })
    }

    fn numbers<T>(&self) -> Numbers<T> {
        Numbers::up_to(usize::try_from(self.limits.nodes).unwrap_or(usize::MAX))
    }

    fn tensor<'a>(&self, bytes: &'a [u8]) -> Result<(&'a str, Tensor), ModelError> {
        let at = broken("tensor");
        let mut parts = TensorParts {
            name: "",
            kind: 0,
            raw: None,
            dims: self.numbers(),
            singles: self.numbers(),
            doubles: self.numbers(),
            integers: self.numbers(),
            narrow: self.numbers(),
            texts: Vec::new(),
        };
        for field in Fields::new(bytes) {
            let (number, field) = field.map_err(&at)?;
            match number {
                1 => field.integers(&mut parts.dims),
                2 => field.integer().map(|kind| parts.kind = kind),
                4 => field.singles(&mut parts.singles),
                5 => field.integers(&mut parts.narrow),
                6 => field.text().map(|text| parts.texts.push(text.into())),
                7 => field.integers(&mut parts.integers),
                8 => field.text().map(|name| parts.name = name),
                9 => field.bytes().map(|raw| parts.raw = Some(raw)),
                10 => field.doubles(&mut parts.doubles),
                13 => return Err(unsupported("a tensor that lies outside the file")),
                14 if field != Field::Varint(0) => {
                    return Err(unsupported("a tensor that lies outside the file"));
                }
                _ => Ok(()),
            }
            .map_err(&at)?;
        }
        let name = parts.name;
        Ok((name, parts.tensor()?))
    }
}

struct TensorParts<'a> {
    name: &'a str,
    kind: i64,
    raw: Option<&'a [u8]>,
    dims: Numbers<i64>,
    singles: Numbers<f32>,
    doubles: Numbers<f64>,
    integers: Numbers<i64>,
    narrow: Numbers<i64>,
    texts: Vec<std::sync::Arc<str>>,
}

impl TensorParts<'_> {
    fn tensor(self) -> Result<Tensor, ModelError> {
        let place = format!("tensor {:?}", self.name);
        let dims: Option<Vec<usize>> = self
            .dims
            .list
            .iter()
            .map(|dim| usize::try_from(*dim).ok())
            .collect();
        let dims = dims.ok_or_else(|| malformed(&place, "a dimension is negative"))?;
        let data = match (self.kind, self.raw) {
            (FLOAT, None) => Data::Single(self.singles.list),
            (FLOAT, Some(raw)) => Data::Single(chunks(raw, &place, f32::from_le_bytes)?),
            (DOUBLE, None) => Data::Double(self.doubles.list),
            (DOUBLE, Some(raw)) => Data::Double(chunks(raw, &place, f64::from_le_bytes)?),
            (INT64, None) => Data::Integer(self.integers.list),
            (INT64, Some(raw)) => Data::Integer(chunks(raw, &place, i64::from_le_bytes)?),
            // Exporters keep class labels so; nothing computes with them.
            (INT32, None) => Data::Integer(self.narrow.list),
            (INT32, Some(raw)) => {
                let list = chunks(raw, &place, i32::from_le_bytes)?;
                Data::Integer(list.into_iter().map(i64::from).collect())
            }
            (BOOL, None) => Data::Boolean(self.narrow.list.iter().map(|bit| *bit != 0).collect()),
            (BOOL, Some(raw)) => Data::Boolean(raw.iter().map(|bit| *bit != 0).collect()),
            (STRING, None) => Data::Text(self.texts),
            (kind, _) => return Err(unsupported(&format!("a tensor of the type {kind}"))),
        };
        if product(&dims) != Some(data.len()) {
            let problem = format!("its dimensions {dims:?} are not those of its values");
            return Err(malformed(&place, &problem));
        }
        Ok(Tensor { dims, data })
    }
}

pub(super) const FLOAT: i64 = 1;
const INT32: i64 = 6;
pub(super) const INT64: i64 = 7;
pub(super) const STRING: i64 = 8;
pub(super) const BOOL: i64 = 9;
pub(super) const DOUBLE: i64 = 11;

fn chunks<T, const N: usize>(
    raw: &[u8],
    place: &str,
    read: fn([u8; N]) -> T,
) -> Result<Vec<T>, ModelError> {
    let (chunks, rest) = raw.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(malformed(place, "its bytes are no whole number of values"));
    }
    Ok(chunks.iter().map(|chunk| read(*chunk)).collect())
}

fn opset(field: Field<'_>) -> Result<(&str, i64), Broken> {
    let (mut domain, mut version) = ("", 0);
    for field in Fields::new(field.bytes()?) {
        match field? {
            (1, field) => domain = field.text()?,
            (2, field) => version = field.integer()?,
            _ => {}
        }
    }
    Ok((domain, version))
}

fn value_info(field: Field<'_>) -> Result<ValueInfo<'_>, Broken> {
    let mut info = ValueInfo::default();
    for field in Fields::new(field.bytes()?) {
        match field? {
            (1, field) => info.name = field.text()?,
            (2, field) => {
                for field in Fields::new(field.bytes()?) {
                    if let (1, tensor) = field? {
                        (info.element, info.dims) = tensor_type(tensor)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(info)
}

type TensorType = (Option<i64>, Option<Vec<Option<i64>>>);

fn tensor_type(field: Field<'_>) -> Result<TensorType, Broken> {
    let (mut element, mut dims) = (None, None);
    for field in Fields::new(field.bytes()?) {
        match field? {
            (1, field) => element = Some(field.integer()?),
            (2, field) => {
                let mut list = Vec::new();
                for field in Fields::new(field.bytes()?) {
                    if let (1, dim) = field? {
                        let mut size = None;
                        for field in Fields::new(dim.bytes()?) {
                            if let (1, value) = field? {
                                size = Some(value.integer()?);
                            }
                        }
                        list.push(size);
                    }
                }
                dims = Some(list);
            }
            _ => {}
        }
    }
    Ok((element, dims))
}
