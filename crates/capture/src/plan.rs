//! What a mapping means for one header: which cell goes where. Worked out once a table, and once for each shape of row
//! in formats whose rows name their own members.

mod constants;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::error::nearest;
use crate::mapping::Members;
use crate::select::{Names, Pick, matches};
use crate::{CaptureError, Mapping};
pub(crate) use constants::Constants;

/// Where the members of a record come from in a row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) id: Option<Pick>,
    pub(crate) time: Option<Pick>,
    pub(crate) decision: Option<Pick>,
    pub(crate) score: Option<Pick>,
    /// `subject`, `refers_to`, `automation`.
    pub(crate) words: Vec<(&'static str, Pick)>,
    pub(crate) structured: Vec<(&'static str, Shape)>,
    /// Names in the mapping that this header has not.
    pub(crate) absent: BTreeSet<String>,
    /// Columns that nothing takes.
    pub(crate) unmapped: Vec<usize>,
}

/// Where a structured member comes from.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// One value, as it is.
    Whole(Pick),
    /// An object of these values.
    Object(Vec<(String, Pick)>),
}
impl Plan {
    /// Resolves a mapping against the names of a row.
    ///
    /// `table` says that the names are those of every row, so that a name that is not among them is a mistake.
    pub(crate) fn resolve(
        mapping: &Mapping,
        names: &[String],
        table: bool,
    ) -> Result<Plan, CaptureError> {
        let columns = &mapping.columns;
        let names = Names::new(names);
        let mut taking = Taking {
            named: HashSet::new(),
            by_pattern: HashSet::new(),
            excluded: excluded(&columns.exclude, &names),
            absent: BTreeSet::new(),
            names: &names,
            table,
        };
        let mut plan = Plan::default();
        for (role, selector) in columns.single() {
            let Some(selector) = selector else { continue };
            let Some(pick) = taking.one(role, selector)? else {
                continue;
            };
            match role {
                "id" => plan.id = Some(pick),
                "time" => plan.time = Some(pick),
                "decision" => plan.decision = Some(pick),
                "score" => plan.score = Some(pick),
                word => plan.words.push((word, pick)),
            }
        }
        // Names first, then patterns, then the rest: each passes over what the one before has taken.
        for (role, members) in columns.structured() {
            taking.names_of(role, members)?;
        }
        for (role, members) in columns.structured() {
            taking.patterns_of(role, members)?;
        }
        for (role, members) in columns.structured() {
            if let Some(shape) = taking.shape(role, members)? {
                plan.structured.push((role, shape));
            }
        }
        plan.absent = std::mem::take(&mut taking.absent);
        plan.unmapped = (0..names.all().len())
            .filter(|column| !taking.is_taken(*column))
            .collect();
        if columns
            .structured()
            .iter()
            .any(|(_, members)| has_rest(*members))
        {
            plan.unmapped
                .retain(|column| taking.excluded.contains(column));
        }
        Ok(plan)
    }
}
/// The columns that are taken already, as the mapping is gone through.
struct Taking<'a> {
    named: HashSet<usize>,
    by_pattern: HashSet<usize>,
    excluded: HashSet<usize>,
    absent: BTreeSet<String>,
    names: &'a Names<'a>,
    table: bool,
}

impl Taking<'_> {
    fn is_taken(&self, column: usize) -> bool {
        self.named.contains(&column) || self.by_pattern.contains(&column)
    }

    /// The value that a selector names outright.
    fn one(&mut self, role: &str, selector: &str) -> Result<Option<Pick>, CaptureError> {
        if let Some(pick) = self.names.find(selector) {
            self.named.insert(pick.column);
            return Ok(Some(pick));
        }
        if self.table {
            return Err(self.unknown(role, selector));
        }
        self.absent.insert(selector.to_owned());
        Ok(None)
    }

    fn unknown(&self, role: &str, selector: &str) -> CaptureError {
        CaptureError::UnknownColumn {
            role: format!("columns.{role}"),
            column: selector.to_owned(),
            nearest: nearest(selector, self.names.all().iter().map(String::as_str)),
        }
    }

    fn names_of(&mut self, role: &str, members: Option<&Members>) -> Result<(), CaptureError> {
        for selector in selectors(members) {
            if !self.names.is_pattern(selector) {
                self.one(role, selector)?;
            }
        }
        Ok(())
    }

    fn patterns_of(&mut self, role: &str, members: Option<&Members>) -> Result<(), CaptureError> {
        for pattern in selectors(members) {
            if pattern == "*" || !self.names.is_pattern(pattern) {
                continue;
            }
            let matching = self.free_matching(pattern);
            if matching.is_empty() && self.table {
                return Err(self.unknown(role, pattern));
            }
            self.by_pattern.extend(matching);
        }
        Ok(())
    }

    /// Columns that a pattern takes: those that match and that nothing names outright and no exclusion covers.
    fn free_matching(&self, pattern: &str) -> Vec<usize> {
        let mut matching = self.names.matching(pattern);
        matching.retain(|column| !self.named.contains(column) && !self.excluded.contains(column));
        matching
    }

    fn shape(
        &mut self,
        role: &'static str,
        members: Option<&Members>,
    ) -> Result<Option<Shape>, CaptureError> {
        let mut object: Vec<(String, Pick)> = Vec::new();
        match members {
            None => return Ok(None),
            Some(Members::Whole(selector)) => {
                return Ok(self.one(role, selector)?.map(Shape::Whole));
            }
            Some(Members::Named(named)) => {
                for (name, selector) in named {
                    if let Some(pick) = self.one(role, selector)? {
                        object.push((name.clone(), pick));
                    }
                }
            }
            Some(Members::Columns(selectors)) => {
                for selector in selectors {
                    if self.names.is_pattern(selector) {
                        let mut columns = self.free_matching(selector);
                        if selector == "*" {
                            columns.retain(|column| !self.by_pattern.contains(column));
                        }
                        object.extend(columns.into_iter().map(|column| self.whole_column(column)));
                    } else if let Some(pick) = self.one(role, selector)? {
                        object.push((pick.name(self.names.all()).to_owned(), pick));
                    }
                }
            }
        }
        let mut keys: BTreeMap<String, Pick> = BTreeMap::new();
        let mut distinct = Vec::with_capacity(object.len());
        for (key, pick) in object {
            match keys.get(&key) {
                Some(same) if *same == pick => continue,
                Some(_) => {
                    return Err(problem(
                        &format!("columns.{role}"),
                        format!(
                            "two values would be called {key:?}; give them names: {{ new_name = \"column\" }}"
                        ),
                    ));
                }
                None => keys.insert(key.clone(), pick.clone()),
            };
            distinct.push((key, pick));
        }
        Ok(Some(Shape::Object(distinct)))
    }

    fn whole_column(&self, column: usize) -> (String, Pick) {
        let pick = Pick {
            column,
            path: Vec::new(),
        };
        (pick.name(self.names.all()).to_owned(), pick)
    }
}

fn excluded(patterns: &[String], names: &Names<'_>) -> HashSet<usize> {
    names
        .all()
        .iter()
        .enumerate()
        .filter(|(_, name)| patterns.iter().any(|pattern| matches(pattern, name)))
        .map(|(column, _)| column)
        .collect()
}

fn selectors(members: Option<&Members>) -> Vec<&String> {
    match members {
        None => Vec::new(),
        Some(Members::Whole(selector)) => vec![selector],
        Some(Members::Columns(selectors)) => selectors.iter().collect(),
        Some(Members::Named(named)) => named.values().collect(),
    }
}

fn has_rest(members: Option<&Members>) -> bool {
    matches!(members, Some(Members::Columns(selectors)) if selectors.iter().any(|selector| selector == "*"))
}
fn problem(place: &str, problem: impl Into<String>) -> CaptureError {
    CaptureError::Mapping {
        place: place.to_owned(),
        problem: problem.into(),
    }
}
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn plan(mapping: &str, names: &[&str], table: bool) -> Result<Plan, CaptureError> {
        let names: Vec<String> = names.iter().copied().map(String::from).collect();
        Plan::resolve(&Mapping::parse(mapping).unwrap(), &names, table)
    }

    fn keys(plan: &Plan, role: &str) -> Vec<String> {
        for (name, shape) in &plan.structured {
            if let (true, Shape::Object(object)) = (*name == role, shape) {
                return object.iter().map(|(key, _)| key.clone()).collect();
            }
        }
        Vec::new()
    }

    #[test]
    fn names_come_before_patterns_and_the_star_takes_the_rest() {
        let plan = plan(
            r#"
            [columns]
            decision = "action"
            input = ["*"]
            context = ["tract_*"]
            output = ["rate", "tract_income"]
            exclude = ["lei", "tract_x"]
            "#,
            &[
                "lei",
                "action",
                "rate",
                "tract_a",
                "tract_income",
                "tract_x",
                "age",
                "sex",
            ],
            true,
        )
        .unwrap();
        assert_eq!(keys(&plan, "input"), ["age", "sex"]);
        assert_eq!(keys(&plan, "context"), ["tract_a"]);
        assert_eq!(keys(&plan, "output"), ["rate", "tract_income"]);
        assert_eq!(plan.unmapped, [0, 5]);
    }

    #[test]
    fn a_column_that_a_table_has_not_is_an_error_with_the_nearest_name() {
        let error = plan("columns.decision = 'actoin'", &["action"], true).unwrap_err();
        assert!(
            error.to_string().contains("did you mean \"action\"?"),
            "{error}"
        );
        assert!(plan("columns.input = ['b*']", &["action"], true).is_err());
        let lenient = plan("columns.decision = 'actoin'", &["action"], false).unwrap();
        assert!(lenient.absent.contains("actoin"));
    }

    #[test]
    fn two_values_of_one_name_are_refused() {
        assert!(plan("columns.input = ['a.x', 'b.x']", &["a", "b"], true).is_err());
        assert!(plan("columns.input = ['a', 'a*']", &["a"], false).is_ok());
    }
}
