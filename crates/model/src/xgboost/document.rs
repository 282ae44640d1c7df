//! What a model file holds once it is read, whichever of the two spellings it came in: objects, lists and texts, and
//! arrays of numbers without a box around each. Numbers are as XGBoost keeps them: whole, or single.

use std::fmt::Display;

use super::{malformed, unsupported};
use crate::{Limits, ModelError};

/// A value of a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Null,
    Flag(bool),
    Number(f64),
    Text(String),
    /// An array of nothing but numbers; an empty array, too.
    Numbers(Vec<f64>),
    List(Vec<Item>),
    /// Sorted by name, no name twice.
    Object(Vec<(String, Item)>),
}

/// Members that nothing is computed from, and that are a third of a file.
const PASSED_OVER: [&str; 5] = [
    "loss_changes",
    "parents",
    "base_weights",
    "sorted_idx",
    "Config",
];
/// No model nests as deep as this; reading one level takes one call.
const DEPTH_MOST: u64 = 64;
/// Whole numbers up to here are exact in a double.
const WHOLE_MOST: u64 = 1 << 53;
/// Members and elements of a tree that are no numbers, and to spare.
const ITEMS_OF_A_TREE: u64 = 32;
/// Numbers of a node that are kept, and to spare for categories.
const NUMBERS_OF_A_NODE: u64 = 16;

/// How much of a document may still be kept.
pub(super) struct Budget {
    items: u64,
    numbers: u64,
    limits: Limits,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        let rest = limits.columns.saturating_mul(4);
        Self {
            items: limits
                .trees
                .saturating_mul(ITEMS_OF_A_TREE)
                .saturating_add(rest),
            numbers: limits
                .nodes
                .saturating_mul(NUMBERS_OF_A_NODE)
                .saturating_add(rest),
            limits: *limits,
        }
    }

    pub(super) fn depth(&self, depth: u64) -> Result<(), ModelError> {
        Limits::check(
            "levels of nesting",
            depth,
            self.limits.depth.min(DEPTH_MOST),
        )
    }

    pub(super) fn item(&mut self) -> Result<(), ModelError> {
        let most = self.items;
        self.items = most.checked_sub(1).ok_or(ModelError::TooLarge {
            what: "members and elements, beyond those that are left",
            found: 1,
            most: 0,
        })?;
        Ok(())
    }

    pub(super) fn numbers(&mut self, count: u64) -> Result<(), ModelError> {
        let left = self.numbers;
        Limits::check("numbers, beyond those that are left", count, left)?;
        self.numbers = left.saturating_sub(count);
        Ok(())
    }
}

/// Whether a member is read and forgotten.
pub(super) fn passed_over(name: &str) -> bool {
    PASSED_OVER.contains(&name)
}

/// A whole number, if a double holds it.
pub(super) fn whole(number: i64) -> Option<f64> {
    (number.unsigned_abs() <= WHOLE_MOST).then_some(number as f64)
}

/// An object, unless a name comes twice: which of the two counts would be the reader's choice.
pub(super) fn object(mut members: Vec<(String, Item)>) -> Result<Item, String> {
    members.sort_by(|one, other| one.0.cmp(&other.0));
    let mut neighbours = members.iter().zip(members.iter().skip(1));
    match neighbours.find(|(one, other)| one.0 == other.0) {
        Some(((name, _), _)) => Err(format!("the member {name:?} comes twice")),
        None => Ok(Item::Object(members)),
    }
}

/// An array, packed if it is of numbers only.
pub(super) fn array(numbers: Vec<f64>, items: Vec<Item>) -> Result<Item, String> {
    match (numbers.is_empty(), items.is_empty()) {
        (_, true) => Ok(Item::Numbers(numbers)),
        (true, false) => Ok(Item::List(items)),
        (false, false) => Err("an array of numbers and other things".to_owned()),
    }
}

/// An object whose members are taken by name.
pub(super) struct Members<'a> {
    place: String,
    members: &'a [(String, Item)],
}

impl<'a> Members<'a> {
    pub(super) fn of(item: &'a Item, place: impl Into<String>) -> Result<Self, ModelError> {
        let place = place.into();
        match item {
            Item::Object(members) => Ok(Self { place, members }),
            _ => Err(malformed(&place, "not an object")),
        }
    }

    pub(super) fn place(&self, name: impl Display) -> String {
        if self.place.is_empty() {
            return name.to_string();
        }
        format!("{}.{name}", self.place)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Item> {
        let found = self
            .members
            .binary_search_by(|member| member.0.as_str().cmp(name));
        found
            .ok()
            .and_then(|at| self.members.get(at))
            .map(|member| &member.1)
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a Item, ModelError> {
        self.get(name)
            .ok_or_else(|| malformed(self.place(name), "it is not there"))
    }

    pub(super) fn object(&self, name: &str) -> Result<Members<'a>, ModelError> {
        Members::of(self.required(name)?, self.place(name))
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, ModelError> {
        match self.required(name)? {
            Item::Text(text) => Ok(text),
            _ => Err(malformed(self.place(name), "not a text")),
        }
    }

    /// Texts of an array; none if it is empty or not there.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, ModelError> {
        let wrong = || malformed(self.place(name), "not an array of texts");
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Item::Numbers(numbers)) if numbers.is_empty() => Ok(Vec::new()),
            Some(Item::List(items)) => {
                let texts = items.iter().map(|item| match item {
                    Item::Text(text) => Ok(text.as_str()),
                    _ => Err(wrong()),
                });
                texts.collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    pub(super) fn list(&self, name: &str) -> Result<&'a [Item], ModelError> {
        match self.required(name)? {
            Item::List(items) => Ok(items),
            Item::Numbers(numbers) if numbers.is_empty() => Ok(&[]),
            _ => Err(malformed(self.place(name), "not an array of objects")),
        }
    }

    pub(super) fn numbers(&self, name: &str) -> Result<&'a [f64], ModelError> {
        match self.required(name)? {
            Item::Numbers(numbers) => Ok(numbers),
            _ => Err(malformed(self.place(name), "not an array of numbers")),
        }
    }

    pub(super) fn numbers_of(&self, name: &str, count: usize) -> Result<&'a [f64], ModelError> {
        let numbers = self.numbers(name)?;
        if numbers.len() != count {
            let found = numbers.len();
            return Err(malformed(
                self.place(name),
                format!("{found} numbers, there must be {count}"),
            ));
        }
        Ok(numbers)
    }

    /// A parameter: a whole number, which XGBoost writes as a text.
    pub(super) fn count(&self, name: &str) -> Result<u64, ModelError> {
        let found = match self.required(name)? {
            Item::Text(text) => text.parse().ok(),
            Item::Number(number) => index(*number),
            _ => None,
        };
        found.ok_or_else(|| malformed(self.place(name), "not a count"))
    }

    /// As [`count`](Self::count), for a member that older files do not have.
    pub(super) fn count_or(&self, name: &str, otherwise: u64) -> Result<u64, ModelError> {
        self.get(name).map_or(Ok(otherwise), |_| self.count(name))
    }
}

/// A whole number that is no less than 0.
pub(super) fn index(number: f64) -> Option<u64> {
    (number >= 0.0 && number <= WHOLE_MOST as f64 && number.fract() == 0.0).then_some(number as u64)
}

/// What a file is whose first member is not the model.
pub(super) fn learner(root: &Item) -> Result<Members<'_>, ModelError> {
    let root = Members::of(root, "")?;
    if root.get("Model").is_some() {
        return Err(unsupported(
            "a booster with its training settings (save it with save_model)",
        ));
    }
    Ok(root)
}
