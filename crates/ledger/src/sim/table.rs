//! A table in memory: the contract of [`TableSink`] without files. What it holds survives a simulated power cut, as a
//! committed table would.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::SimDisk;
use super::operation::OperationKind;
use crate::table::{ColumnFault, Row, Scan, ScannedRow, TableError, TableSink, TableView, Visit};

/// A table of rows in memory. Clones are the same handle of the same table.
#[derive(Clone, Debug, Default)]
pub struct MemoryTable {
    state: Arc<Mutex<State>>,
    /// How far the handle sees: it learns of what another one appended when it is refreshed.
    seen: Arc<AtomicU64>,
    /// Whose operations those of the table count among.
    disk: Option<SimDisk>,
}

#[derive(Debug, Default)]
struct State {
    rows: Vec<ScannedRow>,
    covered: u64,
    appends_failing: u32,
    acknowledgements_failing: u32,
}

impl MemoryTable {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another handle of the same table, as another process would have.
    #[must_use]
    pub fn reopened(&self) -> Self {
        let covered = self.state().covered;
        Self {
            state: Arc::clone(&self.state),
            seen: Arc::new(AtomicU64::new(covered)),
            disk: self.disk.clone(),
        }
    }

    /// The table as it is found on `disk`, which is told of what happens to the table from now on, and can make it
    /// fail. What happens to the table that this is a copy of no longer matters.
    #[must_use]
    pub fn copy_to(&self, disk: &SimDisk) -> Self {
        let state = self.state();
        let copy = State {
            rows: state.rows.clone(),
            covered: state.covered,
            ..State::default()
        };
        Self {
            seen: Arc::new(AtomicU64::new(copy.covered)),
            state: Arc::new(Mutex::new(copy)),
            disk: Some(disk.clone()),
        }
    }

    /// Rows as they are stored, seen without that counting as an operation.
    pub fn rows(&self) -> Vec<Row> {
        let state = self.state();
        let rows = state.rows.iter().map(|scanned| scanned.row.clone());
        rows.collect()
    }

    /// Makes the next `count` appends fail without a trace.
    pub fn fail_appends(&self, count: u32) {
        self.state().appends_failing = count;
    }

    /// Makes the next `count` appends take place but report failure, as a commit whose answer was lost.
    pub fn fail_acknowledgements(&self, count: u32) {
        self.state().acknowledgements_failing = count;
    }

    /// Changes the stored rows behind the engine's back.
    pub fn tamper(&self, change: impl FnOnce(&mut Vec<Row>)) {
        let mut state = self.state();
        let mut rows: Vec<Row> = state.rows.drain(..).map(|scanned| scanned.row).collect();
        change(&mut rows);
        state.rows = rows
            .into_iter()
            .map(|row| ScannedRow {
                row,
                column_fault: None,
            })
            .collect();
    }

    /// Makes a typed column of the row at `position` disagree with its sealed text.
    pub fn tamper_column(&self, position: usize, fault: ColumnFault) {
        if let Some(scanned) = self.state().rows.get_mut(position) {
            scanned.column_fault = Some(fault);
        }
    }

    /// All rows become part of the table, or none does.
    fn commit(&self, rows: &[Row]) -> Result<(), TableError> {
        let mut state = self.state();
        if state.appends_failing > 0 {
            state.appends_failing -= 1;
            return Err(failure());
        }
        for (row, expected) in rows.iter().zip(state.covered..) {
            if row.index != expected {
                return Err(TableError::OutOfOrder {
                    covered: state.covered,
                    offered: row.index,
                });
            }
        }
        state.covered += rows.len() as u64;
        state.rows.extend(rows.iter().map(|row| ScannedRow {
            row: row.clone(),
            column_fault: None,
        }));
        if state.acknowledgements_failing > 0 {
            state.acknowledgements_failing -= 1;
            return Err(failure());
        }
        Ok(())
    }

    /// All rows are exchanged for others, or none is.
    fn exchange(&self, rows: &[Row]) -> Result<(), TableError> {
        let mut state = self.state();
        for row in rows {
            let missing = || TableError::Damaged {
                what: format!("no row at index {}", row.index),
            };
            let place = state
                .rows
                .iter_mut()
                .find(|scanned| scanned.row.index == row.index)
                .ok_or_else(missing)?;
            place.row = row.clone();
        }
        Ok(())
    }

    fn announce(&self, kind: OperationKind) -> Result<(), TableError> {
        let disk = self.disk.as_ref();
        disk.map_or(Ok(()), |disk| disk.announce(kind, "table"))
            .map_err(|source| TableError::Storage {
                doing: format!("{kind:?}"),
                source: Box::new(source),
            })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failure() -> TableError {
    TableError::Storage {
        doing: "committing".to_owned(),
        source: "simulated failure".into(),
    }
}

struct MemoryView {
    rows: Vec<ScannedRow>,
    covered: u64,
}

impl TableView for MemoryView {
    fn covered(&self) -> u64 {
        self.covered
    }

    fn scan(&self, scan: &Scan, visit: Visit<'_>) -> Result<(), TableError> {
        let wanted = |scanned: &&ScannedRow| scan.indexes.contains(&scanned.row.index);
        for scanned in self.rows.iter().filter(wanted) {
            let mut scanned = scanned.clone();
            if !scan.check_columns {
                scanned.column_fault = None;
            }
            if let ControlFlow::Break(()) = visit(scanned) {
                break;
            }
        }
        Ok(())
    }
}

impl TableSink for MemoryTable {
    fn covered(&self) -> u64 {
        self.seen.load(Ordering::Acquire)
    }

    fn append(&self, rows: &[Row]) -> Result<(), TableError> {
        self.announce(OperationKind::TableCommit)?;
        self.commit(rows)?;
        self.announce(OperationKind::TableAcknowledge)?;
        self.seen.store(self.state().covered, Ordering::Release);
        Ok(())
    }

    fn get(&self, index: u64) -> Result<Option<Row>, TableError> {
        self.announce(OperationKind::TableGet)?;
        Ok(self
            .state()
            .rows
            .iter()
            .find(|scanned| scanned.row.index == index)
            .map(|scanned| scanned.row.clone()))
    }

    fn find_prefix(&self, prefix: &str, limit: usize) -> Result<Vec<(String, u64)>, TableError> {
        self.announce(OperationKind::TableGet)?;
        let state = self.state();
        let found = state.rows.iter().filter_map(|scanned| {
            let id = scanned
                .row
                .record
                .fields()
                .id
                .filter(|id| id.starts_with(prefix))?;
            Some((id, scanned.row.index))
        });
        Ok(found.take(limit).collect())
    }

    fn view(&self) -> Box<dyn TableView + '_> {
        // Looking at memory cannot fail, but others may act before it.
        let _ = self.announce(OperationKind::TableView);
        let (state, seen) = (self.state(), self.covered());
        let is_newest = state.covered == seen;
        let rows = state
            .rows
            .iter()
            .filter(|scanned| is_newest || scanned.row.index < seen);
        Box::new(MemoryView {
            rows: rows.cloned().collect(),
            covered: seen,
        })
    }

    fn replace(&self, rows: &[Row]) -> Result<(), TableError> {
        self.announce(OperationKind::TableCommit)?;
        self.exchange(rows)?;
        self.announce(OperationKind::TableAcknowledge)
    }

    fn compact(&self) -> Result<(), TableError> {
        self.announce(OperationKind::TableCompact)
    }

    fn tidy(&self) -> Result<(), TableError> {
        Ok(())
    }

    fn refresh(&self) -> Result<(), TableError> {
        self.announce(OperationKind::TableRefresh)?;
        self.seen.store(self.state().covered, Ordering::Release);
        Ok(())
    }
}
