//! From a decision's fields to the inputs of its model, and from the inputs to the fields that attributions are about.

use std::collections::BTreeMap;

use causebook_model::attribute::Players;
use causebook_model::{Input, InputKind, Model, Value};
use causebook_record::MASKED;

use super::{Absent, Encoding, Registration, RegistrationError, Unknown, check};
use crate::fields::{Fields, Scalar, elements_at, input_fields, scalar_at};

/// Categories that stand for a missing value, where an encoding has one.
const MISSING_WORDS: [&str; 3] = ["", "nan", "null"];

/// Why a decision's fields cannot become the inputs of its model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// The record does not have the field.
    #[error(
        "field {field:?} is not in the record; if programs leave it out when it is missing or 0, register `absent`"
    )]
    Absent {
        /// The field.
        field: String,
    },
    /// This reader may not see the field.
    #[error("field {field:?} is masked; replay needs a reader who may see it")]
    Masked {
        /// The field.
        field: String,
    },
    /// A number is needed.
    #[error(
        "field {field:?} is the word {word:?}, and input {input:?} takes a number; register it as one-hot or ordinal"
    )]
    NotANumber {
        /// The field.
        field: String,
        /// What it is.
        word: String,
        /// The input.
        input: String,
    },
    /// A whole number is needed.
    #[error("field {field:?} is {number}, and input {input:?} takes a whole number")]
    NotWhole {
        /// The field.
        field: String,
        /// What it is.
        number: String,
        /// The input.
        input: String,
    },
    /// A word is needed.
    #[error(
        "field {field:?} is {value}, and input {input:?} takes a word; record it as one, or register another input"
    )]
    NotAWord {
        /// The field.
        field: String,
        /// What it is.
        value: String,
        /// The input.
        input: String,
    },
    /// The encoding does not list the category.
    #[error(
        "field {field:?} is {value:?}, which its encoding does not list; it has {known}. If the model was trained to take it \
         as none of them, register `unknown`"
    )]
    UnknownCategory {
        /// The field.
        field: String,
        /// What it is.
        value: String,
        /// Categories that there are.
        known: String,
    },
    /// An array has more elements than the model takes.
    #[error("field {field:?} has more than {wanted} elements; the registered vector has {wanted}")]
    TooLong {
        /// The field.
        field: String,
        /// How many the registration says.
        wanted: usize,
    },
}

/// Makes the inputs of one model from fields.
#[derive(Clone, Debug)]
pub struct Encoder {
    parts: Vec<Part>,
    inputs: Vec<Input>,
    absent: Absent,
    names: Vec<String>,
    players: Players,
}

/// A feature, with the places of its inputs among the model's.
#[derive(Clone, Debug)]
struct Part {
    field: String,
    how: How,
}

#[derive(Clone, Debug)]
enum How {
    Plain(usize),
    OneHot(BTreeMap<String, usize>, Unknown),
    Ordinal(usize, BTreeMap<String, f64>, Unknown),
    /// Pointers of the elements and their inputs, and the pointer of the first that is too many.
    Vector(Vec<(String, usize)>, String),
}

impl Registration {
    /// The fields of a decision: those of its input, those that features are made of wherever they stand, and the elements of
    /// vectors.
    pub fn fields(&self, record: &str) -> Fields {
        let mut fields = input_fields(record);
        for feature in &self.features {
            if let Encoding::Vector { .. } = feature.encoding {
                fields.extend(elements_at(record, &feature.field).unwrap_or_default());
            } else if !fields.contains_key(&feature.field)
                && let Some(scalar) = scalar_at(record, &feature.field)
            {
                fields.insert(feature.field.clone(), scalar);
            }
        }
        fields
    }

    /// The encoder for a model.
    ///
    /// # Errors
    /// [`RegistrationError`] if the features do not make every input of the model exactly once.
    pub fn encoder(&self, model: &Model) -> Result<Encoder, RegistrationError> {
        Encoder::new(self, model.inputs())
    }

    /// The inputs of a model for one decision. Whoever needs many keeps the [`Encoder`].
    ///
    /// # Errors
    /// In words: that the features do not fit the model, or why this decision's fields do not.
    pub fn row(&self, record: &str, model: &Model) -> Result<Vec<Value>, String> {
        let encoder = self.encoder(model).map_err(|error| error.to_string())?;
        let row = encoder.row(&self.fields(record));
        row.map_err(|error| error.to_string())
    }
}

impl Encoder {
    /// For a model with these inputs.
    ///
    /// # Errors
    /// [`RegistrationError`] if the features do not make every input exactly once.
    pub fn new(registration: &Registration, inputs: &[Input]) -> Result<Self, RegistrationError> {
        let problems = check::features(registration, Some(inputs));
        if !problems.is_empty() {
            return Err(RegistrationError { problems });
        }
        let place = |name: &str| {
            inputs
                .iter()
                .position(|input| input.name == name)
                .unwrap_or_default()
        };
        let parts: Vec<Part> = registration
            .features
            .iter()
            .map(|feature| Part {
                field: feature.field.clone(),
                how: How::new(&feature.field, &feature.encoding, &place),
            })
            .collect();
        let (names, players) = players(&parts, inputs.len());
        Ok(Self {
            parts,
            inputs: inputs.to_vec(),
            absent: registration.absent,
            names,
            players,
        })
    }

    /// Takes nothing for a value that a record does not have: for records of which something was erased or is masked.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.absent = Absent::Refuse;
        self
    }

    /// The row of inputs, in the model's order.
    ///
    /// # Errors
    /// [`MappingError`] for the first field that does not fit.
    pub fn row(&self, fields: &Fields) -> Result<Vec<Value>, MappingError> {
        let mut row = vec![Value::Missing; self.inputs.len()];
        for part in &self.parts {
            self.fill(part, fields, &mut row)?;
        }
        Ok(row)
    }

    /// Names of the fields in the order of their players, and the player of every input.
    pub fn players(&self) -> (&[String], &Players) {
        (&self.names, &self.players)
    }

    /// What the model takes.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    fn fill(&self, part: &Part, fields: &Fields, row: &mut [Value]) -> Result<(), MappingError> {
        match &part.how {
            How::Plain(place) => {
                let value = self.plain(&part.field, self.value(&part.field, fields)?, *place)?;
                set(row, *place, value);
            }
            How::OneHot(places, unknown) => {
                let value = self.value(&part.field, fields)?;
                let found = category(places, value);
                let rest = match (found, unknown) {
                    (None, Unknown::Refuse) => return Err(unlisted(&part.field, value, places)),
                    (None, Unknown::Missing) => Value::Missing,
                    _ => Value::Number(0.0),
                };
                for place in places.values() {
                    set(row, *place, rest.clone());
                }
                if let Some(place) = found {
                    set(row, *place, Value::Number(1.0));
                }
            }
            How::Ordinal(place, codes, unknown) => {
                let value = self.value(&part.field, fields)?;
                let coded = match (category(codes, value), unknown) {
                    (Some(code), _) => Value::Number(*code),
                    (None, Unknown::Refuse) => return Err(unlisted(&part.field, value, codes)),
                    (None, Unknown::Missing) => Value::Missing,
                    (None, Unknown::Zeros) => Value::Number(0.0),
                };
                set(row, *place, coded);
            }
            How::Vector(elements, too_many) => {
                if fields.contains_key(too_many) {
                    return Err(MappingError::TooLong {
                        field: part.field.clone(),
                        wanted: elements.len(),
                    });
                }
                for (pointer, place) in elements {
                    let value = self.plain(pointer, self.value(pointer, fields)?, *place)?;
                    set(row, *place, value);
                }
            }
        }
        Ok(())
    }

    fn value<'a>(&self, field: &str, fields: &'a Fields) -> Result<&'a Scalar, MappingError> {
        const ZERO: Scalar = Scalar::Number(0.0);
        match (fields.get(field), self.absent) {
            (Some(Scalar::Text(word)), _) if word == MASKED => Err(MappingError::Masked {
                field: field.to_owned(),
            }),
            (Some(value), _) => Ok(value),
            (None, Absent::Missing) => Ok(&Scalar::Missing),
            (None, Absent::Zero) => Ok(&ZERO),
            (None, Absent::Refuse) => Err(MappingError::Absent {
                field: field.to_owned(),
            }),
        }
    }

    /// A value as it is, if the input takes such a one.
    fn plain(&self, field: &str, value: &Scalar, place: usize) -> Result<Value, MappingError> {
        let (name, kind) = self
            .inputs
            .get(place)
            .map_or(("", InputKind::Double), |it| (it.name.as_str(), it.kind));
        match (value, kind) {
            (Scalar::Missing, _) => Ok(Value::Missing),
            (Scalar::Text(word), InputKind::Text) => Ok(Value::Text(word.clone())),
            (Scalar::Text(word), _) => Err(MappingError::NotANumber {
                field: field.to_owned(),
                word: word.clone(),
                input: name.to_owned(),
            }),
            (value, InputKind::Text) => Err(MappingError::NotAWord {
                field: field.to_owned(),
                value: value.word(),
                input: name.to_owned(),
            }),
            (Scalar::Number(number), InputKind::Integer) if number.fract() != 0.0 => {
                Err(MappingError::NotWhole {
                    field: field.to_owned(),
                    number: number.to_string(),
                    input: name.to_owned(),
                })
            }
            (Scalar::Number(number), _) => Ok(Value::Number(*number)),
            (Scalar::Boolean(truth), _) => Ok(Value::Number(f64::from(u8::from(*truth)))),
        }
    }
}

impl How {
    fn new(field: &str, encoding: &Encoding, place: &dyn Fn(&str) -> usize) -> Self {
        match encoding {
            Encoding::Plain { input } => Self::Plain(place(input)),
            Encoding::OneHot { inputs, unknown } => {
                let places = inputs.iter();
                let places = places.map(|(category, input)| (category.clone(), place(input)));
                Self::OneHot(places.collect(), *unknown)
            }
            Encoding::Ordinal {
                input,
                codes,
                unknown,
            } => Self::Ordinal(place(input), codes.clone(), *unknown),
            Encoding::Vector { inputs } => {
                let elements = inputs.iter().enumerate();
                let elements =
                    elements.map(|(nth, input)| (format!("{field}/{nth}"), place(input)));
                Self::Vector(elements.collect(), format!("{field}/{}", inputs.len()))
            }
        }
    }

    /// The fields that it is made of, each with its inputs.
    fn sources(&self, field: &str) -> Vec<(String, Vec<usize>)> {
        match self {
            Self::Plain(place) | Self::Ordinal(place, ..) => vec![(field.to_owned(), vec![*place])],
            Self::OneHot(places, _) => vec![(field.to_owned(), places.values().copied().collect())],
            Self::Vector(elements, _) => elements
                .iter()
                .map(|(pointer, place)| (pointer.clone(), vec![*place]))
                .collect(),
        }
    }
}

/// Every field is one player, whatever it is encoded to; an element of a vector is a field.
fn players(parts: &[Part], width: usize) -> (Vec<String>, Players) {
    let mut names: Vec<String> = Vec::new();
    let mut of_input = vec![0; width];
    for part in parts {
        for (field, places) in part.how.sources(&part.field) {
            let player = names.iter().position(|name| *name == field);
            let player = player.unwrap_or_else(|| {
                names.push(field);
                names.len() - 1
            });
            for place in places {
                if let Some(slot) = of_input.get_mut(place) {
                    *slot = player;
                }
            }
        }
    }
    (names, Players::new(of_input))
}

/// What an encoding says of a value: by its word, a number by its value (`4` is `4.0`), a missing value by the words for it.
fn category<'a, T>(categories: &'a BTreeMap<String, T>, value: &Scalar) -> Option<&'a T> {
    if *value == Scalar::Missing {
        return MISSING_WORDS.iter().find_map(|it| categories.get(*it));
    }
    if let Some(found) = categories.get(&value.word()) {
        return Some(found);
    }
    let Scalar::Number(number) = value else {
        return None;
    };
    let mut categories = categories.iter();
    categories
        .find(|(name, _)| name.parse() == Ok(*number))
        .map(|(_, found)| found)
}

fn unlisted<T>(field: &str, value: &Scalar, categories: &BTreeMap<String, T>) -> MappingError {
    const SHOWN: usize = 12;
    let mut known: Vec<&str> = categories.keys().map(String::as_str).take(SHOWN).collect();
    if categories.len() > SHOWN {
        known.push("…");
    }
    MappingError::UnknownCategory {
        field: field.to_owned(),
        value: value.word(),
        known: known.join(", "),
    }
}

fn set(row: &mut [Value], place: usize, value: Value) {
    if let Some(slot) = row.get_mut(place) {
        *slot = value;
    }
}
