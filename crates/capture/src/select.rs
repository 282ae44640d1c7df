//! From the names in a mapping to places in a row: exact names, patterns with `*`, and paths into structured values.

use std::collections::HashMap;

/// One value of a row: a cell, or what lies at a path inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    pub(crate) column: usize,
    pub(crate) path: Vec<String>,
}

impl Pick {
    /// What the value is called: the last step to it.
    pub(crate) fn name<'a>(&'a self, names: &'a [String]) -> &'a str {
        self.path
            .last()
            .or_else(|| names.get(self.column))
            .map_or("", String::as_str)
    }
}

/// The names of a row, ready to be searched.
pub(crate) struct Names<'a> {
    names: &'a [String],
    places: HashMap<&'a str, usize>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(names: &'a [String]) -> Names<'a> {
        let places = names
            .iter()
            .enumerate()
            .map(|(place, name)| (name.as_str(), place))
            .collect();
        Names { names, places }
    }

    pub(crate) fn all(&self) -> &'a [String] {
        self.names
    }

    /// Whether a selector stands for any number of columns. A column whose name has a `*` in it is still a name.
    pub(crate) fn is_pattern(&self, selector: &str) -> bool {
        selector.contains('*') && !self.places.contains_key(selector)
    }

    /// The columns that a pattern matches.
    pub(crate) fn matching(&self, pattern: &str) -> Vec<usize> {
        self.names
            .iter()
            .enumerate()
            .filter(|(_, name)| matches(pattern, name))
            .map(|(place, _)| place)
            .collect()
    }

    /// The value that a selector names: a column of that name, else a JSON Pointer, else a dotted path whose
    /// beginning, the longer the better, is a column.
    pub(crate) fn find(&self, selector: &str) -> Option<Pick> {
        if let Some(column) = self.places.get(selector) {
            return Some(Pick {
                column: *column,
                path: Vec::new(),
            });
        }
        if let Some(pointer) = selector.strip_prefix('/') {
            let mut tokens = pointer
                .split('/')
                .map(|token| token.replace("~1", "/").replace("~0", "~"));
            let column = *self.places.get(tokens.next()?.as_str())?;
            return Some(Pick {
                column,
                path: tokens.collect(),
            });
        }
        selector.rmatch_indices('.').find_map(|(dot, _)| {
            let (column, rest) = selector.split_at_checked(dot)?;
            let column = *self.places.get(column)?;
            let path = rest.split('.').skip(1).map(String::from).collect();
            Some(Pick { column, path })
        })
    }
}

/// Whether `name` fits a pattern in which `*` stands for any run of characters.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        assert!(matches("applicant_*", "applicant_race-1"));
        assert!(!matches("applicant_*", "co-applicant_race-1"));
        assert!(matches("*_race-*", "co-applicant_race-1"));
        assert!(matches("*", ""));
        assert!(!matches("a*a", "a"));
        assert!(matches("a*b*c", "a-b-b-c"));
        assert!(!matches("a", "ab"));
    }

    #[test]
    fn a_name_comes_before_a_path_of_the_same_letters() {
        let names: Vec<String> = ["raw", "raw.age", "a/b"].map(String::from).to_vec();
        let names = Names::new(&names);
        let pick = |selector: &str| {
            names
                .find(selector)
                .map(|pick| (pick.column, pick.path.join("|")))
        };
        assert_eq!(pick("raw.age"), Some((1, String::new())));
        assert_eq!(pick("raw.age.years"), Some((1, "years".into())));
        assert_eq!(pick("raw.sex.code"), Some((0, "sex|code".into())));
        assert_eq!(pick("/raw/age"), Some((0, "age".into())));
        assert_eq!(pick("/a~1b/x~0y"), Some((2, "x~y".into())));
        assert_eq!(pick("nothing.here"), None);
    }
}
