//! Lines of `name=value`: the header and each tree's block.

use super::malformed;
use crate::{Limits, ModelError};

/// A block of lines, as it stands in the file.
pub(super) struct Block<'a> {
    /// What it is, for errors.
    pub(super) place: String,
    lines: Vec<(&'a str, &'a str)>,
}

/// Lines of a tree that LightGBM reads; it would overlook what follows them.
const LINES_MOST: usize = 22;

impl<'a> Block<'a> {
    /// Takes a name once; LightGBM would take the last.
    fn new(place: String, mut lines: Vec<(&'a str, &'a str)>) -> Result<Self, ModelError> {
        lines.sort_unstable();
        let mut neighbours = lines.iter().zip(lines.iter().skip(1));
        match neighbours.find(|(one, other)| one.0 == other.0) {
            Some(((name, _), _)) => Err(malformed(place, format!("{name:?} comes twice"))),
            None => Ok(Self { place, lines }),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.lines.binary_search_by(|line| line.0.cmp(name));
        found
            .ok()
            .and_then(|at| self.lines.get(at))
            .map(|line| line.1)
    }

    pub(super) fn wrong(&self, name: &str, problem: impl Into<String>) -> ModelError {
        malformed(format!("{}{name}", self.place), problem)
    }

    pub(super) fn required(&self, name: &str) -> Result<&'a str, ModelError> {
        self.get(name)
            .ok_or_else(|| self.wrong(name, "it is not there"))
    }

    pub(super) fn count(&self, name: &str) -> Result<u64, ModelError> {
        let count = self.required(name)?.trim().parse();
        count.map_err(|_| self.wrong(name, "not a count"))
    }

    /// Numbers of a line, which must be so many.
    pub(super) fn numbers<T: std::str::FromStr>(
        &self,
        name: &str,
        count: usize,
    ) -> Result<Vec<T>, ModelError> {
        let words = self
            .required(name)?
            .split(' ')
            .filter(|word| !word.is_empty());
        let numbers: Result<Vec<T>, _> = words.map(str::parse).collect();
        let numbers = numbers.map_err(|_| self.wrong(name, "not numbers"))?;
        if numbers.len() != count {
            let found = numbers.len();
            return Err(self.wrong(name, format!("{found} numbers, there must be {count}")));
        }
        Ok(numbers)
    }

    /// As [`numbers`](Self::numbers), for a line that older versions do not write.
    pub(super) fn numbers_if_there<T: std::str::FromStr>(
        &self,
        name: &str,
        count: usize,
    ) -> Result<Option<Vec<T>>, ModelError> {
        self.get(name)
            .map(|_| self.numbers(name, count))
            .transpose()
    }
}

/// The header, and a block for every tree.
pub(super) struct Blocks<'a> {
    pub(super) header: Block<'a>,
    pub(super) trees: Vec<Block<'a>>,
}

/// Cuts a file into blocks. Where the header says how long the trees are, LightGBM goes by that, so it must be true.
pub(super) fn blocks<'a>(text: &'a str, limits: &Limits) -> Result<Blocks<'a>, ModelError> {
    let mut lines = Lines { rest: text, at: 0 };
    if lines.next().map(|(_, line)| line) != Some("tree") {
        return Err(malformed("line 1", "not \"tree\""));
    }
    let mut header = Vec::new();
    let mut open = None;
    for (at, line) in lines.by_ref() {
        if line.starts_with("Tree=") {
            open = Some(at);
            break;
        }
        header.extend(pair(line));
    }
    let header = Block::new(String::new(), header)?;
    let (mut trees, mut starts) = (Vec::new(), Vec::new());
    while let Some(at) = open.take() {
        starts.push(at);
        let place = format!("Tree={}.", trees.len());
        Limits::check("trees", starts.len() as u64, limits.trees)?;
        let mut block = Vec::new();
        for (_, line) in lines.by_ref() {
            if line.is_empty() {
                break;
            }
            let pair = pair(line).ok_or_else(|| malformed(&place, "a line without \"=\""))?;
            block.push(pair);
            if block.len() > LINES_MOST {
                return Err(malformed(&place, format!("more than {LINES_MOST} lines")));
            }
        }
        trees.push(Block::new(place, block)?);
        let next = lines.by_ref().find(|(_, line)| !line.is_empty());
        open = next
            .filter(|(_, line)| line.starts_with("Tree="))
            .map(|(at, _)| at);
    }
    check_sizes(&header, &starts)?;
    Ok(Blocks { header, trees })
}

fn check_sizes(header: &Block<'_>, starts: &[usize]) -> Result<(), ModelError> {
    let sizes: Option<Vec<usize>> = header.numbers_if_there("tree_sizes", starts.len())?;
    let Some(sizes) = sizes else {
        return Ok(());
    };
    let mut expected = starts.first().copied();
    for (size, start) in sizes.iter().zip(starts) {
        if expected != Some(*start) {
            return Err(malformed(
                "tree_sizes",
                "not where the trees begin (are line ends as LightGBM wrote them?)",
            ));
        }
        expected = start.checked_add(*size);
    }
    Ok(())
}

/// `name=value`; a name alone stands for itself.
fn pair(line: &str) -> Option<(&str, &str)> {
    match line.split_once('=') {
        Some(pair) => Some(pair),
        None => (line == "average_output").then_some((line, "")),
    }
}

/// Lines with the byte that each begins at.
struct Lines<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let start = self.at;
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.at += self.rest.len() - rest.len();
        self.rest = rest;
        Some((start, line.strip_suffix('\r').unwrap_or(line)))
    }
}
