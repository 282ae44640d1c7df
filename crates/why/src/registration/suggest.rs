//! A proposal for the features of a model, from the names of its inputs and from decisions on record.

use std::collections::{BTreeMap, BTreeSet};

use causebook_model::{Input, InputKind, Model};

use super::{Encoding, Feature, Unknown};
use crate::fields::{Fields, Scalar, arrays_at, input_fields, own_name};

/// Between a field and its category in the name of a column.
const JOINTS: [&str; 5] = ["=", "__", "_", ".", "-"];

/// Proposed features, and what they leave open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suggestion {
    /// Features by name: fields of the same name as an input, columns of categories, or an array of all inputs.
    pub features: Vec<Feature>,
    /// Inputs of the model that no field was found for.
    pub unmatched: Vec<String>,
    /// Fields of the decisions that no input was found for.
    pub unused: Vec<String>,
    /// Categories that occur in the decisions and have no input, with their fields.
    pub unlisted: Vec<(String, String)>,
}

impl Suggestion {
    /// From a model and canonical texts of its decisions; a few of them do.
    pub fn of(model: &Model, records: &[&str]) -> Suggestion {
        Self::of_inputs(model.inputs(), records)
    }

    /// From the inputs of a model and canonical texts of its decisions.
    pub fn of_inputs(inputs: &[Input], records: &[&str]) -> Suggestion {
        let samples: Vec<Fields> = records.iter().map(|it| input_fields(it)).collect();
        let by_name = Matcher::new(inputs, &samples).run();
        if by_name.unmatched.is_empty() {
            return by_name;
        }
        vector(inputs, records, &samples).unwrap_or(by_name)
    }
}

/// An array with as many elements as the model has inputs, in every decision.
fn vector(inputs: &[Input], records: &[&str], samples: &[Fields]) -> Option<Suggestion> {
    if inputs.iter().any(|input| input.kind == InputKind::Text) {
        return None;
    }
    let (first, rest) = records.split_first()?;
    let fitting = |record: &str| -> BTreeSet<String> {
        let arrays = arrays_at(record, "/input").into_iter();
        arrays
            .filter(|(_, length)| *length == inputs.len())
            .map(|(pointer, _)| pointer)
            .collect()
    };
    let mut found = fitting(first);
    for record in rest {
        let here = fitting(record);
        found.retain(|pointer| here.contains(pointer));
    }
    let field = match found.len() {
        1 => found.pop_first()?,
        _ => return None,
    };
    let fields: BTreeSet<&String> = samples.iter().flat_map(Fields::keys).collect();
    Some(Suggestion {
        features: vec![Feature {
            field,
            encoding: Encoding::Vector {
                inputs: inputs.iter().map(|input| input.name.clone()).collect(),
            },
        }],
        unused: fields.into_iter().cloned().collect(),
        ..Suggestion::default()
    })
}

/// Finds a field for every input, by name.
struct Matcher<'a> {
    inputs: &'a [Input],
    /// Fields and the values that they have.
    fields: BTreeMap<&'a str, Vec<&'a Scalar>>,
    made: BTreeMap<String, Encoding>,
    order: Vec<String>,
    unmatched: Vec<String>,
}

impl<'a> Matcher<'a> {
    fn new(inputs: &'a [Input], samples: &'a [Fields]) -> Self {
        let mut fields: BTreeMap<&str, Vec<&Scalar>> = BTreeMap::new();
        for (field, value) in samples.iter().flatten() {
            fields.entry(field).or_default().push(value);
        }
        Self {
            inputs,
            fields,
            made: BTreeMap::new(),
            order: Vec::new(),
            unmatched: Vec::new(),
        }
    }

    fn run(mut self) -> Suggestion {
        for input in self.inputs {
            let found = self.plain(input) || self.category(&input.name);
            // Column transformers of scikit-learn write `transformer__column`.
            let bare = input.name.split_once("__").map(|(_, bare)| bare.to_owned());
            let found = found
                || bare.is_some_and(|bare| {
                    self.plain_named(input, &bare) || self.category_named(&input.name, &bare)
                });
            if !found {
                self.unmatched.push(input.name.clone());
            }
        }
        self.suggestion()
    }

    fn plain(&mut self, input: &Input) -> bool {
        self.plain_named(input, &input.name)
    }

    /// The one field of that name, if its values are what the input takes.
    fn plain_named(&mut self, input: &Input, name: &str) -> bool {
        let Some(field) = self.field(name) else {
            return false;
        };
        let wants_words = input.kind == InputKind::Text;
        let fits = self.fields.get(field).is_some_and(|values| {
            values.iter().all(|value| match value {
                Scalar::Missing => true,
                Scalar::Text(_) => wants_words,
                Scalar::Number(_) | Scalar::Boolean(_) => !wants_words,
            })
        });
        let free = !self.made.contains_key(field);
        if fits && free {
            let input = input.name.clone();
            self.add(field, Encoding::Plain { input });
        }
        fits && free
    }

    fn category(&mut self, name: &str) -> bool {
        self.category_named(name, name)
    }

    /// `field=category`: the longest field that the name begins with.
    fn category_named(&mut self, input: &str, name: &str) -> bool {
        let mut best: Option<(&'a str, &str)> = None;
        for (place, _) in name.char_indices() {
            let (before, after) = name.split_at(place);
            let category = JOINTS.iter().find_map(|it| after.strip_prefix(it));
            if let (Some(category), Some(field)) = (category, self.field(before))
                && self.may_be_category(field)
            {
                best = Some((field, category));
            }
        }
        let Some((field, category)) = best else {
            return false;
        };
        if !self.made.contains_key(field) {
            let encoding = Encoding::OneHot {
                inputs: BTreeMap::new(),
                unknown: Unknown::Refuse,
            };
            self.add(field, encoding);
        }
        let Some(Encoding::OneHot { inputs, .. }) = self.made.get_mut(field) else {
            return false;
        };
        inputs
            .insert(category.to_owned(), input.to_owned())
            .is_none()
    }

    /// Words, truth values or whole numbers.
    fn may_be_category(&self, field: &str) -> bool {
        self.fields.get(field).is_some_and(|values| {
            values
                .iter()
                .all(|value| !matches!(value, Scalar::Number(it) if it.fract() != 0.0))
        })
    }

    /// The one field whose own name or whole path this is, exactly or but for case and signs.
    fn field(&self, name: &str) -> Option<&'a str> {
        let same: [&dyn Fn(&str) -> bool; 3] = [
            &|field| own_name(field) == name,
            &|field| path(field) == plain(name),
            &|field| plain(&own_name(field)) == plain(name),
        ];
        for same in same {
            let mut found = self.fields.keys().filter(|field| same(field));
            match (found.next(), found.next()) {
                (Some(field), None) => return Some(field),
                (Some(_), Some(_)) => return None,
                _ => {}
            }
        }
        None
    }

    fn add(&mut self, field: &str, encoding: Encoding) {
        self.order.push(field.to_owned());
        self.made.insert(field.to_owned(), encoding);
    }

    fn suggestion(self) -> Suggestion {
        let fields = self.fields.iter();
        let unused = fields
            .clone()
            .filter(|(field, _)| !self.made.contains_key(**field))
            .map(|(field, _)| (*field).to_owned());
        let mut unlisted = BTreeSet::new();
        for (field, values) in fields {
            if let Some(Encoding::OneHot { inputs, .. }) = self.made.get(*field) {
                let words = values.iter().map(|value| value.word());
                let missing = words.filter(|word| !inputs.contains_key(word));
                unlisted.extend(missing.map(|word| ((*field).to_owned(), word)));
            }
        }
        Suggestion {
            unused: unused.collect(),
            unlisted: unlisted.into_iter().collect(),
            unmatched: self.unmatched,
            features: self
                .order
                .iter()
                .filter_map(|field| {
                    Some(Feature {
                        field: field.clone(),
                        encoding: self.made.get(field)?.clone(),
                    })
                })
                .collect(),
        }
    }
}

/// A name without case and signs: what exporters and frames change.
fn plain(name: &str) -> String {
    let kept = name.chars().filter(|it| it.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// The path below `/input`, plain: `/input/applicant/income` is `applicant.income`.
fn path(field: &str) -> String {
    plain(field.strip_prefix("/input").unwrap_or(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(names: &[&str]) -> Vec<Input> {
        let input = |name: &&str| Input {
            name: (*name).to_owned(),
            kind: InputKind::Single,
        };
        names.iter().map(input).collect()
    }

    #[test]
    fn fields_are_found_by_name_and_categories_by_their_columns() {
        let records = [
            r#"{"input":{"Income":1.5,"job":"clerk","job_years":2,"sex":"f"}}"#,
            r#"{"input":{"Income":null,"job":"smith","job_years":3,"sex":"m"}}"#,
        ];
        let found = Suggestion::of_inputs(
            &inputs(&["income", "job_years", "job_clerk", "job_baker", "rate"]),
            &records,
        );
        assert_eq!(found.unmatched, ["rate"]);
        assert_eq!(found.unused, ["/input/sex"]);
        assert_eq!(
            found.unlisted,
            [("/input/job".to_owned(), "smith".to_owned())]
        );
        let fields: Vec<&str> = found.features.iter().map(|it| it.field.as_str()).collect();
        assert_eq!(fields, ["/input/Income", "/input/job_years", "/input/job"]);
    }

    #[test]
    fn names_of_column_transformers_and_of_nested_fields_are_understood() {
        let records = [r#"{"input":{"applicant":{"age":3,"city":"B"}}}"#];
        let found = Suggestion::of_inputs(
            &inputs(&["num__age", "cat__city_A", "cat__city_B"]),
            &records,
        );
        assert!(found.unmatched.is_empty(), "{found:?}");
        assert_eq!(found.features.len(), 2);
    }

    #[test]
    fn an_array_of_as_many_elements_as_inputs_is_a_vector() {
        let records = [
            r#"{"input":{"inputs":[{"data":[1,2,3],"name":"input","shape":[1,3]}]}}"#,
            r#"{"input":{"inputs":[{"data":[4,5,6],"name":"input","shape":[1,3]}]}}"#,
        ];
        let found = Suggestion::of_inputs(&inputs(&["input[0]", "input[1]", "input[2]"]), &records);
        assert!(found.unmatched.is_empty(), "{found:?}");
        assert_eq!(found.features[0].field, "/input/inputs/0/data");
    }

    #[test]
    fn a_name_that_two_fields_have_is_not_guessed() {
        let records = [r#"{"input":{"a":{"age":3},"b":{"age":4}}}"#];
        let found = Suggestion::of_inputs(&inputs(&["age"]), &records);
        assert_eq!(found.unmatched, ["age"]);
        let found = Suggestion::of_inputs(&inputs(&["a.age"]), &records);
        assert!(found.unmatched.is_empty());
    }
}
