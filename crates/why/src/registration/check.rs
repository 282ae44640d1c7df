//! Holding a registration against its model and against itself.

use std::collections::{BTreeMap, BTreeSet};

use causebook_model::{Input, InputKind, Model};
use causebook_record::Pointer;

use super::{BackgroundSet, Encoding, Policy, Problem, Registration, RegistrationError, at, near};
use crate::constraint::Constraint;
use crate::fields::{Scalar, below};
use crate::reasons;

impl Registration {
    /// Holds it against its model: everything that `causebook model add` refuses.
    ///
    /// # Errors
    /// [`RegistrationError`] with every problem.
    pub fn check(&self, model: &Model) -> Result<(), RegistrationError> {
        self.check_inputs(Some(model.inputs()))
    }

    /// Holds it against the inputs of a model, or only against itself where the artefact cannot be run.
    ///
    /// # Errors
    /// [`RegistrationError`] with every problem.
    pub fn check_inputs(&self, inputs: Option<&[Input]>) -> Result<(), RegistrationError> {
        let mut problems = features(self, inputs);
        self.output_problems(&mut problems);
        if let Some(policy) = &self.policy {
            policy.problems(&mut problems);
        }
        for (nth, pointer) in self.protected.iter().enumerate() {
            is_pointer(&format!("/protected/{nth}"), pointer, &mut problems);
        }
        for pointer in self.labels.keys() {
            is_pointer(&below("/labels", pointer), pointer, &mut problems);
        }
        for (field, constraint) in &self.constraints {
            self.constraint(field, constraint, &mut problems);
        }
        if let Some(dictionary) = &self.reasons {
            reasons::check(dictionary, self, &mut problems);
        }
        if let Some(BackgroundSet::NearCutoff(0) | BackgroundSet::All(0)) = self.background {
            problems.push(at("/background", "it has no rows", "give at least 1"));
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(RegistrationError { problems })
        }
    }

    fn output_problems(&self, problems: &mut Vec<Problem>) {
        let output = &self.output;
        let named = [
            ("/output/score", &output.score),
            ("/output/decision", &output.decision),
            ("/output/label", &output.label),
        ];
        for (place, pointer) in named {
            if let Some(pointer) = pointer {
                is_pointer(place, pointer, problems);
            }
        }
        for pointer in output.outputs.keys() {
            is_pointer(&below("/output/outputs", pointer), pointer, problems);
        }
        let numbers = output.outputs.iter();
        let numbers = numbers.map(|(name, number)| (below("/output/outputs", name), *number));
        let score = ("/output".to_owned(), output.score_number());
        for (place, number) in numbers.chain([score]) {
            if number.margin && number.complement {
                let problem = "one minus a margin is nothing";
                problems.push(at(place, problem, "leave out `margin` or `complement`"));
            }
        }
    }

    /// The field and whether it is one of categories; none if no feature is made of it.
    pub(crate) fn encoding_of(&self, field: &str) -> Option<&Encoding> {
        let of_field = |pointer: &str, encoding: &Encoding| match encoding {
            Encoding::Vector { inputs } => field
                .strip_prefix(pointer)
                .and_then(|rest| rest.strip_prefix('/'))
                .and_then(|nth| nth.parse::<usize>().ok())
                .is_some_and(|nth| nth < inputs.len()),
            _ => pointer == field,
        };
        let mut features = self.features.iter();
        features
            .find(|feature| of_field(&feature.field, &feature.encoding))
            .map(|feature| &feature.encoding)
    }

    /// The field that a member is about is one that the model is given. Not known if there are no features.
    pub(crate) fn known(&self, place: &str, field: &str, problems: &mut Vec<Problem>) -> bool {
        if self.features.is_empty() || self.encoding_of(field).is_some() {
            return true;
        }
        let fields = self.features.iter().map(|feature| feature.field.as_str());
        let hint = match near(field, fields) {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => "name a field that `features` has".to_owned(),
        };
        problems.push(at(place, format!("the model is not given {field:?}"), hint));
        false
    }

    fn constraint(&self, field: &str, constraint: &Constraint, problems: &mut Vec<Problem>) {
        let place = below("/constraints", field);
        if self.known(&place, field, problems) {
            self.constraint_values(&place, field, constraint, problems);
        }
        let finite = [
            ("min", constraint.min),
            ("max", constraint.max),
            ("step", constraint.step),
            ("weight", constraint.weight),
        ];
        for (name, number) in finite {
            if number.is_some_and(|it| !it.is_finite()) {
                problems.push(at(
                    format!("{place}/{name}"),
                    "it is no number",
                    "give a number",
                ));
            }
        }
        if let (Some(min), Some(max)) = (constraint.min, constraint.max)
            && min > max
        {
            let problem = format!("the least, {min}, is above the greatest, {max}");
            problems.push(at(&place, problem, "give `min` not above `max`"));
        }
        for (name, number) in [("step", constraint.step), ("weight", constraint.weight)] {
            if number.is_some_and(|it| it <= 0.0) {
                let place = format!("{place}/{name}");
                problems.push(at(place, "it is not above 0", "give a number above 0"));
            }
        }
        for (nth, linked) in constraint.linked.iter().enumerate() {
            let place = format!("{place}/linked/{nth}");
            if linked == field {
                problems.push(at(place, "it is linked to itself", "name other fields"));
            } else {
                self.known(&place, linked, problems);
            }
        }
    }

    fn constraint_values(
        &self,
        place: &str,
        field: &str,
        constraint: &Constraint,
        problems: &mut Vec<Problem>,
    ) {
        let categories = self.encoding_of(field).and_then(Encoding::categories);
        if let Some(values) = &constraint.values {
            if values.is_empty() {
                let problem = "no value is left for it";
                problems.push(at(
                    format!("{place}/values"),
                    problem,
                    "say `immutable` instead",
                ));
            }
            for (nth, value) in values.iter().enumerate() {
                let place = format!("{place}/values/{nth}");
                listed(&place, value, categories.as_deref(), problems);
            }
        }
        if categories.is_some() && constraint.has_order() {
            let problem = format!("{field:?} is of categories, which have no order");
            problems.push(at(place, problem, "give `values` or `immutable`"));
        }
    }
}

impl Constraint {
    fn has_order(&self) -> bool {
        self.direction.is_some() || self.min.is_some() || self.max.is_some() || self.step.is_some()
    }
}

impl Encoding {
    /// Names of the categories, if it is one of categories.
    pub(crate) fn categories(&self) -> Option<Vec<&str>> {
        match self {
            Self::OneHot { inputs, .. } => Some(inputs.keys().map(String::as_str).collect()),
            Self::Ordinal { codes, .. } => Some(codes.keys().map(String::as_str).collect()),
            Self::Plain { .. } | Self::Vector { .. } => None,
        }
    }

    /// Names of the inputs, in order.
    pub fn inputs(&self) -> Vec<&str> {
        match self {
            Self::Plain { input } | Self::Ordinal { input, .. } => vec![input],
            Self::OneHot { inputs, .. } => inputs.values().map(String::as_str).collect(),
            Self::Vector { inputs } => inputs.iter().map(String::as_str).collect(),
        }
    }

    fn takes_words(&self) -> bool {
        matches!(self, Self::Plain { .. } | Self::Vector { .. })
    }
}

/// A value that a member names is one of the field's categories, if it has such.
pub(crate) fn listed(
    place: &str,
    value: &Scalar,
    categories: Option<&[&str]>,
    problems: &mut Vec<Problem>,
) {
    let Some(categories) = categories else { return };
    let word = value.word();
    let number = |name: &&str| value.number().is_some_and(|it| name.parse() == Ok(it));
    if *value == Scalar::Missing || categories.iter().any(|it| *it == word || number(it)) {
        return;
    }
    let hint = match near(&word, categories.iter().copied()) {
        Some(meant) => format!("did you mean {meant:?}?"),
        None => format!("it has {}", categories.join(", ")),
    };
    problems.push(at(
        place,
        format!("{word:?} is no category of the field"),
        hint,
    ));
}

/// Everything that is wrong with the features: of themselves, and against the inputs of a model.
pub(super) fn features(registration: &Registration, inputs: Option<&[Input]>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    for (nth, feature) in registration.features.iter().enumerate() {
        let place = format!("/features/{nth}");
        is_pointer(&format!("{place}/field"), &feature.field, &mut problems);
        let names = feature.encoding.inputs();
        let empty = feature
            .encoding
            .categories()
            .is_some_and(|it| it.is_empty());
        if names.is_empty() || empty {
            let problem = format!("{:?} is encoded to nothing", feature.field);
            problems.push(at(&place, problem, "list its categories or inputs"));
        }
        for name in names {
            if let Some(inputs) = inputs {
                input_problems(&place, name, &feature.encoding, inputs, &mut problems);
            }
            if let Some(before) = made.insert(name, nth) {
                let problem = format!("input {name:?} is made by /features/{before} too");
                problems.push(at(&place, problem, "make every input once"));
            }
        }
    }
    let unmade = inputs
        .unwrap_or_default()
        .iter()
        .filter(|input| !made.contains_key(input.name.as_str()));
    let unmade: Vec<String> = unmade.map(|input| format!("{:?}", input.name)).collect();
    if !unmade.is_empty() {
        let problem = format!("nothing makes {}", few(&unmade));
        problems.push(at(
            "/features",
            problem,
            "add a feature for each input of the model",
        ));
    }
    problems
}

fn input_problems(
    place: &str,
    name: &str,
    encoding: &Encoding,
    inputs: &[Input],
    problems: &mut Vec<Problem>,
) {
    let Some(input) = inputs.iter().find(|input| input.name == name) else {
        let names = inputs.iter().map(|input| input.name.as_str());
        let hint = if let Some(meant) = near(name, names) {
            format!("did you mean {meant:?}?")
        } else {
            let names: Vec<String> = inputs.iter().map(|it| format!("{:?}", it.name)).collect();
            format!("it has {}", few(&names))
        };
        problems.push(at(place, format!("the model has no input {name:?}"), hint));
        return;
    };
    if input.kind == InputKind::Text && !encoding.takes_words() {
        let problem = format!("input {name:?} takes a word, the encoding gives a number");
        problems.push(at(place, problem, "register it as plain"));
    }
}

impl Policy {
    fn problems(&self, problems: &mut Vec<Problem>) {
        if self.bands.is_empty() {
            problems.push(at(
                "/policy/bands",
                "there is none",
                "give at least one band",
            ));
        }
        let last = self.bands.len().saturating_sub(1);
        let mut before: Option<f64> = None;
        for (nth, band) in self.bands.iter().enumerate() {
            let place = format!("/policy/bands/{nth}");
            if band.decision.is_empty() {
                problems.push(at(&place, "its decision is empty", "name the decision"));
            }
            match band.below {
                None if nth < last => {
                    let problem = "only the last band has no end";
                    problems.push(at(&place, problem, "give `below`"));
                }
                Some(_) if nth == last => {
                    let problem = "nothing is decided from its end on";
                    problems.push(at(&place, problem, "leave `below` out of the last band"));
                }
                Some(end) if !end.is_finite() => {
                    problems.push(at(&place, "its end is no number", "give a number"));
                }
                Some(end) if before.is_some_and(|it| it >= end) => {
                    let problem = format!("its end, {end}, is not above that of the band before");
                    problems.push(at(&place, problem, "order bands from the lowest score up"));
                }
                _ => {}
            }
            before = band.below.or(before);
        }
        let decisions: BTreeSet<&str> = self.bands.iter().map(|it| it.decision.as_str()).collect();
        for (nth, adverse) in self.adverse.iter().enumerate() {
            if !decisions.contains(adverse.as_str()) {
                let hint = if let Some(meant) = near(adverse, decisions.iter().copied()) {
                    format!("did you mean {meant:?}?")
                } else {
                    let known: Vec<&str> = decisions.iter().copied().collect();
                    format!("bands have {}", known.join(", "))
                };
                let problem = format!("no band decides {adverse:?}");
                problems.push(at(format!("/policy/adverse/{nth}"), problem, hint));
            }
        }
        if let Some(rule) = &self.rule {
            is_pointer("/policy/rule", rule, problems);
        }
    }
}

fn is_pointer(place: &str, pointer: &str, problems: &mut Vec<Problem>) {
    let valid = pointer.parse::<Pointer>().is_ok() && !pointer.is_empty();
    if !valid {
        let problem = format!("{pointer:?} is no JSON Pointer");
        problems.push(at(place, problem, "write it like \"/input/age\""));
    }
}

/// The first few of many.
fn few(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names.get(..SHOWN.min(names.len())).unwrap_or_default();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
