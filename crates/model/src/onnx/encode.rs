//! The operators of `ai.onnx.ml` that make columns of inputs, and labels of numbers.

use std::collections::HashMap;
use std::sync::Arc;

use crate::ModelError;

use super::attributes::Attributes;
use super::inside::Flow;
use super::labels::Labels;
use super::tensor::{Data, Tensor};
use super::work::{Done, Trouble, Work, unfit, wrong};
use super::{malformed, unsupported};

/// An encoder.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Encode {
    /// `(value - offset) * scale`, per column or with one of each for all.
    Scaler {
        offset: Vec<f32>,
        scale: Vec<f32>,
    },
    /// Puts another value where there is a certain one, NaN for instance.
    Imputer {
        replaced: Data,
        imputed: Data,
    },
    OneHotEncoder {
        categories: Categories,
        count: usize,
        zeros: bool,
    },
    /// `LabelEncoder` and `CategoryMapper`: one table, or one for each direction.
    Map {
        tables: Vec<Table>,
    },
    /// By the sum of absolute values, or by the root of the sum of squares.
    Normalizer {
        squares: bool,
    },
    Binarizer {
        threshold: f32,
    },
    FeatureVectorizer {
        sizes: Vec<usize>,
    },
    ArrayFeatureExtractor,
    /// Scores by the names of their classes: the scores stay as they are here.
    ZipMap {
        labels: Labels,
    },
}

/// Categories and their columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Categories {
    Integers(HashMap<i64, usize>),
    Texts(HashMap<Arc<str>, usize>),
}

/// What a value is replaced by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    keys: Keys,
    /// What the keys stand for, and last what everything else does.
    values: Data,
}

#[derive(Clone, Debug, PartialEq)]
enum Keys {
    Integers(HashMap<i64, usize>),
    Texts(HashMap<Arc<str>, usize>),
    /// By their bits; 0 has one sign.
    Doubles(HashMap<u64, usize>),
}

type Got<T> = Result<T, ModelError>;

impl Encode {
    /// The operator of this name, if it is one of these.
    pub(super) fn read(attributes: &mut Attributes<'_>) -> Got<Option<Self>> {
        Ok(Some(match attributes.operator() {
            "Scaler" => Encode::Scaler {
                offset: attributes.singles("offset")?,
                scale: attributes.singles("scale")?,
            },
            "Imputer" => imputer(attributes)?,
            "OneHotEncoder" => one_hot(attributes)?,
            "LabelEncoder" => Encode::Map {
                tables: tables(attributes)?,
            },
            "CategoryMapper" => {
                let integers = attributes.integers("cats_int64s")?.unwrap_or_default();
                let words = texts(attributes, "cats_strings")?;
                Encode::Map {
                    tables: both_ways(attributes, integers, words)?,
                }
            }
            "Normalizer" => match attributes.text("norm")?.unwrap_or("MAX") {
                "L1" => Encode::Normalizer { squares: false },
                "L2" => Encode::Normalizer { squares: true },
                other => return Err(unsupported(&format!("Normalizer with the norm {other}"))),
            },
            "Binarizer" => Encode::Binarizer {
                threshold: attributes.single("threshold")?.unwrap_or(0.0),
            },
            "FeatureVectorizer" => {
                let sizes = attributes.integers("inputdimensions")?.unwrap_or_default();
                let sizes: Option<_> = sizes
                    .iter()
                    .map(|size| usize::try_from(*size).ok())
                    .collect();
                let negative = || malformed("FeatureVectorizer", "a dimension is negative");
                Encode::FeatureVectorizer {
                    sizes: sizes.ok_or_else(negative)?,
                }
            }
            "ArrayFeatureExtractor" => Encode::ArrayFeatureExtractor,
            "ZipMap" => Encode::ZipMap {
                labels: Labels::read(attributes, "classlabels_int64s", "classlabels_strings")?,
            },
            _ => return Ok(None),
        }))
    }

    pub(super) fn flow(&self) -> Flow {
        match self {
            Encode::OneHotEncoder { .. } => Flow::Spread,
            Encode::Normalizer { .. } => Flow::Mix,
            Encode::FeatureVectorizer { .. } | Encode::ArrayFeatureExtractor => Flow::Rearrange,
            _ => Flow::Keep,
        }
    }

    pub(super) fn run(&self, inputs: &[&Tensor], work: &mut Work) -> Done<Tensor> {
        if let Encode::FeatureVectorizer { sizes } = self {
            return vectorize(sizes, inputs, work);
        }
        if let (Encode::ArrayFeatureExtractor, [from, at]) = (self, inputs) {
            return extract(from, at, work);
        }
        let [given] = inputs else {
            return Err(wrong("an encoder", "it has not the inputs that it needs"));
        };
        let count = work.room(&given.dims)?;
        let (_, columns) = given
            .rows_and_columns()
            .ok_or_else(|| unfit("an encoder", inputs))?;
        let data = match (self, &given.data) {
            (Encode::Scaler { offset, scale }, data) => {
                scaled(offset, scale, data, columns).ok_or_else(|| unfit("Scaler", inputs))?
            }
            (Encode::Imputer { replaced, imputed }, data) => {
                imputed_values(replaced, imputed, data, columns)
                    .ok_or_else(|| unfit("Imputer", inputs))?
            }
            (Encode::OneHotEncoder { .. }, _) => return self.one_hot(given, work),
            (Encode::Map { tables }, data) => {
                work.steps(count)?;
                let mut found = tables.iter().filter_map(|table| table.map(data));
                found.next().ok_or_else(|| unfit("LabelEncoder", inputs))?
            }
            (Encode::Normalizer { squares }, Data::Single(list)) => Data::Single(
                list.chunks(columns.max(1))
                    .flat_map(|row| normalized(row, *squares))
                    .collect(),
            ),
            (Encode::Binarizer { threshold }, Data::Single(list)) => {
                let bit = |value: &f32| if value > threshold { 1.0 } else { 0.0 };
                Data::Single(list.iter().map(bit).collect())
            }
            (Encode::ZipMap { labels }, Data::Single(list)) if labels.len() == columns => {
                Data::Single(list.clone())
            }
            _ => return Err(unfit("an encoder", inputs)),
        };
        Ok(Tensor {
            dims: given.dims.clone(),
            data,
        })
    }

    fn one_hot(&self, given: &Tensor, work: &mut Work) -> Done<Tensor> {
        let Encode::OneHotEncoder {
            categories,
            count,
            zeros,
        } = self
        else {
            return Err(unfit("OneHotEncoder", &[given]));
        };
        let mut dims = given.dims.clone();
        dims.push(*count);
        let mut list = vec![0.0_f32; work.room(&dims)?];
        for (at, row) in list.chunks_mut(*count).enumerate() {
            let column = match (categories, &given.data) {
                (Categories::Texts(map), Data::Text(words)) => {
                    words.get(at).and_then(|word| map.get(word))
                }
                (Categories::Integers(map), Data::Integer(whole)) => {
                    whole.get(at).and_then(|whole| map.get(whole))
                }
                (Categories::Integers(map), Data::Single(_) | Data::Double(_)) => {
                    let value = given.data.doubles().and_then(|list| list.get(at).copied());
                    let whole = super::arithmetic::whole(value.unwrap_or(f64::NAN));
                    match whole {
                        Some(whole) => map.get(&whole),
                        None if work.blank => None,
                        None => {
                            let problem = "a category that is encoded is missing, or no number";
                            return Err(Trouble::Row(problem.to_owned()));
                        }
                    }
                }
                _ => return Err(unfit("OneHotEncoder", &[given])),
            };
            match column.and_then(|column| row.get_mut(*column)) {
                Some(one) => *one = 1.0,
                None if *zeros || work.blank => {}
                None => {
                    let problem = "a category is none that the model knows";
                    return Err(Trouble::Row(problem.to_owned()));
                }
            }
        }
        Ok(Tensor {
            dims,
            data: Data::Single(list),
        })
    }
}

fn imputer(attributes: &mut Attributes<'_>) -> Got<Encode> {
    let singles = attributes.singles("imputed_value_floats")?;
    let integers = attributes
        .integers("imputed_value_int64s")?
        .unwrap_or_default();
    let single = attributes.single("replaced_value_float")?.unwrap_or(0.0);
    let integer = attributes.integer("replaced_value_int64", 0)?;
    match (singles.is_empty(), integers.is_empty()) {
        (false, true) => Ok(Encode::Imputer {
            replaced: Data::Single(vec![single]),
            imputed: Data::Single(singles),
        }),
        (true, false) => Ok(Encode::Imputer {
            replaced: Data::Integer(vec![integer]),
            imputed: Data::Integer(integers),
        }),
        _ => Err(malformed(
            "Imputer",
            "it has no values to put in, or of two types",
        )),
    }
}

fn one_hot(attributes: &mut Attributes<'_>) -> Got<Encode> {
    let integers = attributes.integers("cats_int64s")?.unwrap_or_default();
    let words = texts(attributes, "cats_strings")?;
    let zeros = attributes.integer("zeros", 1)? != 0;
    let (categories, count) = match (integers.is_empty(), words.is_empty()) {
        (false, true) => {
            let count = integers.len();
            (
                Categories::Integers(unique(integers, "OneHotEncoder")?),
                count,
            )
        }
        (true, false) => {
            let count = words.len();
            (Categories::Texts(unique(words, "OneHotEncoder")?), count)
        }
        _ => {
            return Err(malformed(
                "OneHotEncoder",
                "its categories are not named, or named twice",
            ));
        }
    };
    Ok(Encode::OneHotEncoder {
        categories,
        count,
        zeros,
    })
}

fn texts(attributes: &mut Attributes<'_>, name: &str) -> Got<Vec<Arc<str>>> {
    Ok(attributes.texts(name)?.into_iter().map(Arc::from).collect())
}

/// Keys and their places; which of two equal ones counts, is not the same in all versions of the runtime.
fn unique<K: std::hash::Hash + Eq>(keys: Vec<K>, operator: &str) -> Got<HashMap<K, usize>> {
    let count = keys.len();
    let map: HashMap<K, usize> = keys
        .into_iter()
        .enumerate()
        .map(|(at, key)| (key, at))
        .collect();
    if map.len() == count {
        return Ok(map);
    }
    Err(unsupported(&format!(
        "{operator} with a key that is there twice"
    )))
}

fn tables(attributes: &mut Attributes<'_>) -> Got<Vec<Table>> {
    let classes = texts(attributes, "classes_strings")?;
    if !classes.is_empty() {
        let integers = (0..classes.len() as i64).collect();
        return both_ways(attributes, integers, classes);
    }
    let keys = side(attributes, "keys")?;
    let values = side(attributes, "values")?;
    let default = match (attributes.tensor("default_tensor")?, &values) {
        (Some(tensor), _) => tensor.data,
        (None, Data::Single(_)) => {
            Data::Single(vec![attributes.single("default_float")?.unwrap_or(-0.0)])
        }
        (None, Data::Integer(_)) => Data::Integer(vec![attributes.integer("default_int64", -1)?]),
        (None, Data::Text(_)) => {
            let text = attributes.text("default_string")?.unwrap_or("_Unused");
            Data::Text(vec![text.into()])
        }
        (None, _) => return Err(unsupported("LabelEncoder without a default")),
    };
    for unused in ["default_float", "default_int64", "default_string"] {
        attributes.skip(unused);
    }
    Ok(vec![Table::new(keys, values, default)?])
}

/// `keys_…` or `values_…`: one of the four is there.
fn side(attributes: &mut Attributes<'_>, side: &str) -> Got<Data> {
    let singles = attributes.singles(&format!("{side}_floats"))?;
    let integers = attributes
        .integers(&format!("{side}_int64s"))?
        .unwrap_or_default();
    let words = texts(attributes, &format!("{side}_strings"))?;
    let tensor = attributes.tensor(&format!("{side}_tensor"))?;
    let lists = [
        Data::Single(singles),
        Data::Integer(integers),
        Data::Text(words),
    ];
    let lists = lists.into_iter().chain(tensor.map(|tensor| tensor.data));
    let mut given = lists.filter(|list| list.len() > 0);
    match (given.next(), given.next()) {
        (Some(list), None) => Ok(list),
        _ => Err(malformed(
            "LabelEncoder",
            &format!("it has no {side}, or of two types"),
        )),
    }
}

fn both_ways(
    attributes: &mut Attributes<'_>,
    integers: Vec<i64>,
    words: Vec<Arc<str>>,
) -> Got<Vec<Table>> {
    let integer = Data::Integer(vec![attributes.integer("default_int64", -1)?]);
    let text = attributes.text("default_string")?.unwrap_or("_Unused");
    let text = Data::Text(vec![text.into()]);
    let (integers, words) = (Data::Integer(integers), Data::Text(words));
    Ok(vec![
        Table::new(words.clone(), integers.clone(), integer)?,
        Table::new(integers, words, text)?,
    ])
}

impl Table {
    fn new(keys: Data, values: Data, default: Data) -> Got<Self> {
        const OPERATOR: &str = "LabelEncoder";
        if keys.len() != values.len() || default.len() != 1 || default.kind() != values.kind() {
            return Err(malformed(
                OPERATOR,
                "its keys, values and default do not match",
            ));
        }
        let keys = match keys {
            Data::Integer(list) => Keys::Integers(unique(list, OPERATOR)?),
            Data::Text(list) => Keys::Texts(unique(list, OPERATOR)?),
            Data::Single(_) | Data::Double(_) => {
                let list = keys.doubles().unwrap_or_default();
                if list.iter().any(|key| key.is_nan()) {
                    return Err(unsupported("LabelEncoder with a key that is NaN"));
                }
                Keys::Doubles(unique(list.into_iter().map(bits).collect(), OPERATOR)?)
            }
            Data::Boolean(_) => return Err(unsupported("LabelEncoder of truth values")),
        };
        let values = values.append(&default);
        let values = values.ok_or_else(|| malformed(OPERATOR, "its values do not match"))?;
        Ok(Self { keys, values })
    }

    fn map(&self, given: &Data) -> Option<Data> {
        let places: Vec<Option<usize>> = match (&self.keys, given) {
            (Keys::Integers(map), Data::Integer(list)) => {
                list.iter().map(|key| map.get(key).copied()).collect()
            }
            (Keys::Texts(map), Data::Text(list)) => {
                list.iter().map(|key| map.get(key).copied()).collect()
            }
            (Keys::Doubles(map), _) => {
                let list = given.doubles()?;
                list.into_iter()
                    .map(|key| map.get(&bits(key)).copied())
                    .collect()
            }
            _ => return None,
        };
        let last = self.values.len() - 1;
        let places: Vec<usize> = places.into_iter().map(|at| at.unwrap_or(last)).collect();
        Some(self.values.select(&places))
    }
}

/// Zeros are equal, whatever their sign; NaN is never asked for with success.
fn bits(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

fn scaled(offset: &[f32], scale: &[f32], data: &Data, columns: usize) -> Option<Data> {
    let fits = offset.len() == scale.len() && (offset.len() == columns || offset.len() == 1);
    if !fits {
        return None;
    }
    let pair = |at: usize| {
        let at = if offset.len() == 1 { 0 } else { at % columns };
        (offset[at], scale[at])
    };
    let values: Vec<f32> = match data {
        Data::Single(list) => {
            let scaled = |(at, value): (usize, &f32)| (value - pair(at).0) * pair(at).1;
            list.iter().enumerate().map(scaled).collect()
        }
        Data::Double(list) => {
            let scaled = |(at, value): (usize, &f64)| {
                ((value - f64::from(pair(at).0)) * f64::from(pair(at).1)) as f32
            };
            list.iter().enumerate().map(scaled).collect()
        }
        Data::Integer(list) => {
            let scaled = |(at, value): (usize, &i64)| (*value as f32 - pair(at).0) * pair(at).1;
            list.iter().enumerate().map(scaled).collect()
        }
        _ => return None,
    };
    Some(Data::Single(values))
}

#[allow(
    clippy::float_cmp,
    reason = "the value that stands for a missing one is named exactly"
)]
fn imputed_values(replaced: &Data, imputed: &Data, data: &Data, columns: usize) -> Option<Data> {
    if imputed.len() != columns && imputed.len() != 1 {
        return None;
    }
    let at = |at: usize| if imputed.len() == 1 { 0 } else { at % columns };
    match (replaced, imputed, data) {
        (Data::Single(replaced), Data::Single(imputed), Data::Single(list)) => {
            let replaced = replaced.first().copied()?;
            let put = |(place, value): (usize, &f32)| {
                let is = (value.is_nan() && replaced.is_nan()) || *value == replaced;
                if is { imputed[at(place)] } else { *value }
            };
            Some(Data::Single(list.iter().enumerate().map(put).collect()))
        }
        (Data::Integer(replaced), Data::Integer(imputed), Data::Integer(list)) => {
            let replaced = replaced.first().copied()?;
            let put = |(place, value): (usize, &i64)| {
                if *value == replaced {
                    imputed[at(place)]
                } else {
                    *value
                }
            };
            Some(Data::Integer(list.iter().enumerate().map(put).collect()))
        }
        _ => None,
    }
}

fn normalized(row: &[f32], squares: bool) -> Vec<f32> {
    let sum = |sum: f32, value: &f32| sum + if squares { value * value } else { value.abs() };
    let sum = row.iter().fold(0.0_f32, sum);
    if sum == 0.0 {
        return row.to_vec();
    }
    let part = |value: &f32| {
        if !squares {
            return value / sum;
        }
        let root = (value * value / sum).sqrt();
        if *value < 0.0 { -root } else { root }
    };
    row.iter().map(part).collect()
}

fn vectorize(sizes: &[usize], inputs: &[&Tensor], work: &mut Work) -> Done<Tensor> {
    let unfit = || unfit("FeatureVectorizer", inputs);
    let mut row: Vec<f32> = Vec::new();
    if sizes.len() != inputs.len() {
        return Err(unfit());
    }
    for (size, given) in sizes.iter().zip(inputs) {
        if given.rows_and_columns() != Some((1, *size)) {
            return Err(unfit());
        }
        work.room(&given.dims)?;
        match &given.data {
            Data::Single(list) => row.extend_from_slice(list),
            Data::Double(list) => row.extend(list.iter().map(|value| *value as f32)),
            Data::Integer(list) => row.extend(list.iter().map(|value| *value as f32)),
            _ => return Err(unfit()),
        }
    }
    Ok(Tensor::row(Data::Single(row)))
}

/// Values of the last dimension by their places; of a list alone, as a row.
fn extract(from: &Tensor, at: &Tensor, work: &mut Work) -> Done<Tensor> {
    let unfit = || unfit("ArrayFeatureExtractor", &[from, at]);
    let asked = at
        .integers()
        .filter(|list| !list.is_empty())
        .ok_or_else(unfit)?;
    let width = from.dims.last().copied().ok_or_else(unfit)?;
    let mut dims = from.dims.clone();
    if dims.len() == 1 {
        dims.insert(0, 1);
    }
    if let Some(last) = dims.last_mut() {
        *last = asked.len();
    }
    let count = work.room(&dims)?;
    let mut places = Vec::with_capacity(count);
    for row in 0..count / asked.len() {
        for place in asked {
            let place = usize::try_from(*place).ok().filter(|place| *place < width);
            let outside = || Trouble::Row("a place that is asked for lies outside".to_owned());
            places.push(row * width + place.ok_or_else(outside)?);
        }
    }
    Ok(Tensor {
        dims,
        data: from.data.select(&places),
    })
}
