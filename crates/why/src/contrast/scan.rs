//! The exact scan: the distance of one decision to every decision of the history, block by block, in one pass that keeps the
//! nearest with another outcome, the nearest with the same, and the nearest at all.

use std::thread::{self, ScopedJoinHandle};

use super::column::{BLOCK, Sums, Value};
use super::history::{History, Standing, why_left_out};
use super::measure::Weights;
use crate::fields::Fields;

/// From this many decisions on two threads share the scan; below, starting one costs as much as it saves.
const SHARED: usize = 262_144;
/// Distances that are held against the worst of those kept before any is looked at by itself.
const STEP: usize = 32;

/// What is compared: the fields of one decision as the columns compare them.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    terms: Vec<Term>,
    /// A decision that has less than this of the weights is not compared.
    least_weight: f32,
}

#[derive(Clone, Copy, Debug)]
struct Term {
    column: usize,
    value: Value,
    weight: f32,
}

/// Which decisions are compared, and which outcomes count as the same.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// Of this version only.
    pub(super) version: Option<u16>,
    /// Not this one.
    pub(super) own: Option<usize>,
    /// By code of the decision.
    pub(super) class: Vec<Class>,
}

/// On which side a decision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    NotCompared = 0,
    Same = 1,
    Opposite = 2,
}

/// How many are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) opposite: usize,
    pub(super) same: usize,
    pub(super) all: usize,
}

/// What a scan found.
#[derive(Clone, Debug)]
pub(super) struct Scanned {
    pub(super) opposite: Nearest,
    pub(super) same: Nearest,
    pub(super) all: Nearest,
    pub(super) compared: u64,
}

/// The nearest of those that were offered, the nearest first; of equally near ones the earlier in the ledger.
#[derive(Clone, Debug)]
pub(super) struct Nearest {
    most: usize,
    pub(super) found: Vec<(f32, usize)>,
}

impl Probe {
    pub(super) fn new(history: &History, fields: &Fields, weights: &Weights) -> Self {
        let terms = fields.iter().filter_map(|(pointer, value)| {
            let column = *history.by_pointer.get(pointer)?;
            let value = history.columns[column].value(value);
            Some((column, value, weights.of(pointer) as f32))
        });
        Self::from_terms(history, terms)
    }

    /// The probe of a decision that is in the history itself.
    pub(super) fn of_row(history: &History, row: usize) -> Self {
        let columns = history.columns.iter().enumerate();
        Self::from_terms(
            history,
            columns.map(|(place, column)| (place, column.at(row), 1.0)),
        )
    }

    fn from_terms(history: &History, terms: impl Iterator<Item = (usize, Value, f32)>) -> Self {
        let used = |column: usize| {
            why_left_out(&history.pointers[column], &history.columns[column]).is_none()
        };
        let mut terms: Vec<Term> = terms
            .filter(|(column, value, weight)| {
                *value != Value::Missing && *weight > 0.0 && used(*column)
            })
            .map(|(column, value, weight)| Term {
                column,
                value,
                weight,
            })
            .collect();
        // One order of adding, whoever asks: sums of singles depend on it.
        terms.sort_by_key(|term| term.column);
        let all: f32 = terms.iter().map(|term| term.weight).sum();
        Self {
            terms,
            least_weight: all / 2.0,
        }
    }

    /// Distances to the decisions of a block; infinite where too little is known of one. As many as the block has.
    fn distances<'a>(&self, history: &History, block: usize, room: &'a mut Room) -> &'a mut [f32] {
        let length = BLOCK.min(history.index.len() - block * BLOCK);
        room.sums.differences.fill(0.0);
        room.sums.weights.fill(0.0);
        for term in &self.terms {
            let column = &history.columns[term.column];
            room.sums.add(column, block, term.value, term.weight);
        }
        let sums = room.sums.differences.iter().zip(&room.sums.weights);
        for (distance, (difference, weight)) in room.distances.iter_mut().zip(sums) {
            let enough = *weight >= self.least_weight;
            *distance = if enough {
                difference / weight
            } else {
                f32::INFINITY
            };
        }
        &mut room.distances[..length]
    }

    /// The least distance in a block, but to `own`.
    pub(super) fn least(&self, history: &History, block: usize, own: usize) -> f32 {
        if self.terms.is_empty() {
            return f32::INFINITY;
        }
        let mut room = Room::new();
        let distances = self.distances(history, block, &mut room);
        if let Some(distance) = own
            .checked_sub(block * BLOCK)
            .and_then(|place| distances.get_mut(place))
        {
            *distance = f32::INFINITY;
        }
        distances.iter().copied().fold(f32::INFINITY, f32::min)
    }

    /// Scans the whole history.
    pub(super) fn scan(&self, history: &History, choice: &Choice, wanted: Wanted) -> Scanned {
        let blocks = history.index.len().div_ceil(BLOCK);
        if self.terms.is_empty() {
            return Scanned::new(wanted);
        }
        if history.index.len() < SHARED {
            return self.scan_blocks(history, choice, wanted, 0..blocks);
        }
        let half = blocks / 2;
        thread::scope(|scope| {
            let second = thread::Builder::new().spawn_scoped(scope, || {
                self.scan_blocks(history, choice, wanted, half..blocks)
            });
            let mut found = self.scan_blocks(history, choice, wanted, 0..half);
            let second = second.map_or_else(
                // No thread is to be had: the same by this one.
                |_| self.scan_blocks(history, choice, wanted, half..blocks),
                joined,
            );
            found.merge(second);
            found
        })
    }

    fn scan_blocks(
        &self,
        history: &History,
        choice: &Choice,
        wanted: Wanted,
        blocks: std::ops::Range<usize>,
    ) -> Scanned {
        let mut found = Scanned::new(wanted);
        let mut room = Room::new();
        let mut classes = [Class::NotCompared; BLOCK];
        for block in blocks {
            let compared = choice.classes(history, block, &mut classes);
            if compared == 0 {
                continue;
            }
            let distances = self.distances(history, block, &mut room);
            found.offer(distances, &classes, block * BLOCK);
        }
        found
    }
}

/// A scan does not fail; should the thread have ended by a panic all the same, it goes on here.
fn joined(thread: ScopedJoinHandle<'_, Scanned>) -> Scanned {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

struct Room {
    sums: Sums,
    distances: [f32; BLOCK],
}

impl Room {
    fn new() -> Self {
        Self {
            sums: Sums {
                differences: [0.0; BLOCK],
                weights: [0.0; BLOCK],
            },
            distances: [0.0; BLOCK],
        }
    }
}

impl Choice {
    /// The class of every decision of a block, and how many are compared.
    fn classes(&self, history: &History, block: usize, classes: &mut [Class; BLOCK]) -> usize {
        let rows = block * BLOCK..history.index.len().min((block + 1) * BLOCK);
        let versions = &history.version[rows.clone()];
        let standings = &history.standing[rows.clone()];
        let decisions = &history.decision[rows.clone()];
        let all = versions.iter().zip(standings).zip(decisions);
        let mut compared = 0;
        for (class, ((version, standing), decision)) in classes.iter_mut().zip(all) {
            let counts = *standing == Standing::InForce
                && self.version.is_none_or(|wanted| wanted == *version);
            *class = if counts {
                self.class[usize::from(*decision)]
            } else {
                Class::NotCompared
            };
            compared += usize::from(*class != Class::NotCompared);
        }
        if let Some(own) = self.own
            && rows.contains(&own)
        {
            classes[own - rows.start] = Class::NotCompared;
        }
        compared
    }
}

impl Scanned {
    fn new(wanted: Wanted) -> Self {
        Self {
            opposite: Nearest::new(wanted.opposite),
            same: Nearest::new(wanted.same),
            all: Nearest::new(wanted.all),
            compared: 0,
        }
    }

    #[allow(
        clippy::needless_bitwise_bool,
        reason = "without a branch the loop is vectorised"
    )]
    fn offer(&mut self, distances: &[f32], classes: &[Class], first: usize) {
        let classes = &classes[..distances.len()];
        self.compared += compared(distances, classes);
        let chunks = distances.chunks(STEP).zip(classes.chunks(STEP));
        for (number, (distances, classes)) in chunks.enumerate() {
            let bound = self.bound();
            let near = distances
                .iter()
                .fold(false, |any, distance| any | (*distance <= bound));
            if !near {
                continue;
            }
            for (place, (distance, class)) in distances.iter().zip(classes).enumerate() {
                let row = first + number * STEP + place;
                match class {
                    Class::NotCompared => continue,
                    Class::Same => self.same.offer(*distance, row),
                    Class::Opposite => self.opposite.offer(*distance, row),
                }
                self.all.offer(*distance, row);
            }
        }
    }

    /// What is further is of no use to any of the lists.
    fn bound(&self) -> f32 {
        self.opposite
            .bound()
            .max(self.same.bound())
            .max(self.all.bound())
    }

    fn merge(&mut self, other: Scanned) {
        self.compared += other.compared;
        let lists = [
            (&mut self.opposite, other.opposite),
            (&mut self.same, other.same),
            (&mut self.all, other.all),
        ];
        for (list, other) in lists {
            for (distance, row) in other.found {
                list.offer(distance, row);
            }
        }
    }
}

#[allow(
    clippy::needless_bitwise_bool,
    reason = "without a branch the loop is vectorised"
)]
fn compared(distances: &[f32], classes: &[Class]) -> u64 {
    let both = distances.iter().zip(classes);
    let count = both.fold(0u32, |count, (distance, class)| {
        let one = distance.is_finite() & (*class as u8 != 0);
        count.wrapping_add(u32::from(one))
    });
    u64::from(count)
}

impl Nearest {
    fn new(most: usize) -> Self {
        Self {
            most,
            found: Vec::with_capacity(most.min(BLOCK) + 1),
        }
    }

    /// The greatest distance that would still be taken; less than none if none is.
    fn bound(&self) -> f32 {
        if self.most == 0 {
            f32::NEG_INFINITY
        } else if self.found.len() < self.most {
            f32::INFINITY
        } else {
            self.found.last().map_or(f32::INFINITY, |worst| worst.0)
        }
    }

    fn offer(&mut self, distance: f32, row: usize) {
        // Rows come in rising order, so that one that is as far as the worst is later than it.
        let room = self.found.len() < self.most;
        if !distance.is_finite() || !(room || distance < self.bound()) {
            return;
        }
        let place = self.found.partition_point(|kept| kept.0 <= distance);
        self.found.insert(place, (distance, row));
        self.found.truncate(self.most);
    }
}
