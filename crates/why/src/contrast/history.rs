//! The decisions of one model, column by column, as they are compared: numbers as `f32`, words as codes.
//!
//! It is a cache of what is in the ledger, for distances and counts only. What is shown of a decision is read from its
//! record. It grows by one decision at a time, in the order of the ledger, and depends on nothing but what was added,
//! marked and removed, in that order: the same ledger gives the same answer.

use std::collections::BTreeMap;

use super::column::Column;
use super::limits::{HistoryError, Limits, MOST_CODES};
use crate::fields::Fields;

/// The decisions of one model, all versions.
#[derive(Clone, Debug)]
pub struct History {
    pub(super) limits: Limits,
    pub(super) index: Vec<u64>,
    pub(super) version: Vec<u16>,
    pub(super) decision: Vec<u16>,
    pub(super) score: Vec<f64>,
    pub(super) standing: Vec<Standing>,
    pub(super) versions: Names,
    pub(super) decisions: Names,
    pub(super) pointers: Vec<String>,
    pub(super) columns: Vec<Column>,
    pub(super) by_pointer: BTreeMap<String, usize>,
    pub(super) covered: u64,
    /// Fields beyond the limit came.
    pub(super) more_fields: bool,
    pub(super) growth: Growth,
    /// Hardly any decision is further from its nearest than this.
    pub(super) familiar: Option<f32>,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Standing {
    /// It stands.
    #[default]
    InForce = 0,
    /// A later decision took its place.
    Superseded = 1,
    /// A person decided otherwise.
    Overridden = 2,
    /// It was erased: nothing of it is left here.
    Removed = 3,
}

/// When what is taken from the whole history is next taken anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Growth {
    pub(super) spread_at: usize,
    pub(super) familiar_at: usize,
}

/// Names with codes; 0 is none. Empty where the last decision that had it was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) names: Vec<String>,
    codes: BTreeMap<String, u16>,
}

/// Longest pointer, version or decision that is taken, in bytes.
pub(super) const NAME_BYTES_MAX: usize = 1024;

impl History {
    /// Without decisions.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            index: Vec::new(),
            version: Vec::new(),
            decision: Vec::new(),
            score: Vec::new(),
            standing: Vec::new(),
            versions: Names::default(),
            decisions: Names::default(),
            pointers: Vec::new(),
            columns: Vec::new(),
            by_pointer: BTreeMap::new(),
            covered: 0,
            more_fields: false,
            growth: Growth::default(),
            familiar: None,
        }
    }

    /// Adds a decision: its place in the ledger, the model's version (empty if there is none), the decision as the model made
    /// it (empty if there is none), its score, and its fields.
    ///
    /// # Errors
    /// [`HistoryError::OutOfOrder`] unless it stands after all others, [`HistoryError::Full`].
    pub fn push(
        &mut self,
        index: u64,
        version: &str,
        decision: &str,
        score: Option<f64>,
        fields: &Fields,
    ) -> Result<(), HistoryError> {
        if let Some(last) = self.index.last().filter(|last| **last >= index) {
            return Err(HistoryError::OutOfOrder { index, last: *last });
        }
        let row = self.index.len();
        if row >= self.limits.decisions {
            return Err(full("decisions", row + 1, self.limits.decisions));
        }
        let version = self.versions.code_for(version, "versions")?;
        let decision = self.decisions.code_for(decision, "distinct decisions")?;
        self.index.push(index);
        self.version.push(version);
        self.decision.push(decision);
        self.score.push(score.unwrap_or(f64::NAN));
        self.standing.push(Standing::InForce);
        self.covered = self.covered.max(index.saturating_add(1));
        for (pointer, value) in fields {
            if let Some(column) = self.column_for(pointer) {
                self.columns[column].push(row, value, &self.limits);
            }
        }
        self.grown();
        Ok(())
    }

    fn column_for(&mut self, pointer: &str) -> Option<usize> {
        if let Some(column) = self.by_pointer.get(pointer) {
            return Some(*column);
        }
        if self.columns.len() >= self.limits.fields || pointer.len() > NAME_BYTES_MAX {
            self.more_fields = true;
            return None;
        }
        self.by_pointer
            .insert(pointer.to_owned(), self.columns.len());
        self.pointers.push(pointer.to_owned());
        self.columns.push(Column::default());
        Some(self.columns.len() - 1)
    }

    /// Says what became of a decision. `false` if it is not here. What was removed stays removed.
    pub fn mark(&mut self, index: u64, standing: Standing) -> bool {
        let Some(row) = self.row(index) else {
            return false;
        };
        match (self.standing[row], standing) {
            (Standing::Removed, _) => {}
            (_, Standing::Removed) => self.clear(row),
            _ => self.standing[row] = standing,
        }
        true
    }

    /// Forgets a decision that was erased, with the words that only it had. `false` if it is not here.
    pub fn remove(&mut self, index: u64) -> bool {
        self.mark(index, Standing::Removed)
    }

    fn clear(&mut self, row: usize) {
        self.standing[row] = Standing::Removed;
        self.score[row] = f64::NAN;
        let decision = std::mem::take(&mut self.decision[row]);
        if !self.decision.contains(&decision) {
            self.decisions.forget(decision);
        }
        for column in &mut self.columns {
            column.remove(row);
        }
    }

    /// How many decisions were added, those that were removed too.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Nothing was added.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Records of the ledger that were looked at to make it: the next to add is at this index or later.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Says that the ledger's records below `covered` were looked at, of whatever kind and model they are.
    pub fn cover(&mut self, covered: u64) {
        self.covered = self.covered.max(covered);
    }

    /// Fields that are left out of distances, with why.
    pub fn left_out(&self) -> Vec<(String, String)> {
        let columns = self.pointers.iter().zip(&self.columns);
        let mut left: Vec<_> = columns
            .filter_map(|(pointer, column)| {
                Some((pointer.clone(), why_left_out(pointer, column)?.to_owned()))
            })
            .collect();
        if self.more_fields {
            let most = self.limits.fields;
            left.push((
                String::new(),
                format!("fields beyond the first {most}, or with a name of more than {NAME_BYTES_MAX} bytes"),
            ));
        }
        left.sort();
        left
    }

    /// Bytes of memory that it takes, nearly.
    pub fn memory(&self) -> usize {
        let rows = self.index.capacity() * 8
            + self.score.capacity() * 8
            + self.version.capacity() * 2
            + self.decision.capacity() * 2
            + self.standing.capacity();
        rows + self.columns.iter().map(Column::memory).sum::<usize>()
    }

    pub(super) fn row(&self, index: u64) -> Option<usize> {
        self.index.binary_search(&index).ok()
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

/// Why a column is left out of distances, if it is.
pub(super) fn why_left_out(pointer: &str, column: &Column) -> Option<&'static str> {
    if names_identifier(pointer) {
        Some("its name is that of an identifier")
    } else if column.free_text {
        Some("free text: too many distinct words")
    } else if column.nearly_unique {
        Some("free text: nearly every decision has a word of its own")
    } else {
        None
    }
}

/// Whether the last part of a pointer is a name that people give to identifiers.
pub(crate) fn names_identifier(pointer: &str) -> bool {
    let name = pointer.rsplit('/').next().unwrap_or(pointer);
    let lower = name.to_ascii_lowercase();
    matches!(lower.as_str(), "id" | "uuid" | "guid")
        || lower.ends_with("_id")
        || lower.ends_with("-id")
        || lower.ends_with("uuid")
        || (name.ends_with("Id") && name.len() > 2)
}

impl Names {
    fn code_for(&mut self, name: &str, what: &'static str) -> Result<u16, HistoryError> {
        if name.is_empty() {
            return Ok(0);
        }
        if let Some(code) = self.codes.get(name) {
            return Ok(*code);
        }
        if name.len() > NAME_BYTES_MAX {
            return Err(full(
                "bytes in a version or decision",
                name.len(),
                NAME_BYTES_MAX,
            ));
        }
        self.add(name.to_owned())
            .ok_or_else(|| full(what, self.names.len() + 1, MOST_CODES))
    }

    /// None if it is there already, or there are too many. An empty name is the place of one that was forgotten.
    pub(super) fn add(&mut self, name: String) -> Option<u16> {
        if self.names.len() >= MOST_CODES || self.codes.contains_key(&name) {
            return None;
        }
        let code = self.names.len() as u16 + 1;
        if !name.is_empty() {
            self.codes.insert(name.clone(), code);
        }
        self.names.push(name);
        Some(code)
    }

    fn forget(&mut self, code: u16) {
        let place = usize::from(code).checked_sub(1);
        if let Some(name) = place.and_then(|place| self.names.get_mut(place)) {
            self.codes.remove(name);
            name.clear();
        }
    }

    /// The code of a name; none for one that has not occurred. The empty name is 0.
    pub(super) fn find(&self, name: &str) -> Option<u16> {
        if name.is_empty() {
            return Some(0);
        }
        self.codes.get(name).copied()
    }

    pub(super) fn name(&self, code: u16) -> &str {
        usize::from(code)
            .checked_sub(1)
            .and_then(|place| self.names.get(place))
            .map_or("", String::as_str)
    }
}

fn full(what: &'static str, found: usize, most: usize) -> HistoryError {
    HistoryError::Full {
        what,
        found: found as u64,
        most: most as u64,
    }
}
