//! Ledgers opened and verified as the product's commands do it.

use std::path::Path;

use causebook_ledger::{
    Depth, LedgerError, Reader, RememberedHead, TableError, VerifyReport, VerifyRequest,
};

/// Verifies everything.
///
/// # Errors
/// If verification could not be carried through.
pub fn verify(
    reader: &Reader,
    remembered: Option<&RememberedHead>,
) -> Result<VerifyReport, LedgerError> {
    let request = VerifyRequest {
        depth: Depth::Full,
        remembered,
        threads: 1,
    };
    reader.verify(&request, &mut |_, _| {})
}

/// What somebody who sees a ledger now will remember.
pub fn head_of(reader: &Reader) -> Option<RememberedHead> {
    reader.checkpoint().map(|signed| RememberedHead {
        keys: reader.identity().keys.clone(),
        size: signed.checkpoint.size,
        root: signed.checkpoint.root,
        note: signed.note,
    })
}

/// What somebody who verifies gets to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Intact.
    Green,
    /// Something is wrong: names of the faults, without repetition, and the first in words.
    Red {
        /// Stable names.
        names: Vec<String>,
        /// The first finding or the error, as it is told.
        told: String,
        /// It says where: a position, a file, or what part of the log.
        named: bool,
    },
}

impl Sight {
    /// Nothing is wrong.
    pub fn is_green(&self) -> bool {
        *self == Self::Green
    }

    fn of_error(error: &LedgerError) -> Self {
        let told = error.to_string();
        Self::Red {
            names: vec![name_of(error)],
            named: true,
            told,
        }
    }
}

impl std::fmt::Display for Sight {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Green => formatter.write_str("intact"),
            Self::Red { told, .. } => formatter.write_str(told),
        }
    }
}

/// Opens the ledger in a folder and verifies it, without and with a head seen before.
pub fn look(folder: &Path, remembered: &RememberedHead) -> (Sight, Sight, Option<Reader>) {
    let reader = match causebook_bench::open_reader(folder) {
        Ok(reader) => reader,
        Err(error) => {
            let sight = Sight::of_error(&error);
            return (sight.clone(), sight, None);
        }
    };
    let see = |remembered| match verify(&reader, remembered) {
        Ok(report) => sight(&report),
        Err(error) => Sight::of_error(&error),
    };
    (see(None), see(Some(remembered)), Some(reader))
}

fn sight(report: &VerifyReport) -> Sight {
    let Some(first) = report.findings.first() else {
        return Sight::Green;
    };
    let mut names: Vec<String> = Vec::new();
    for finding in &report.findings {
        let name = finding.fault.as_str().to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let named = report
        .findings
        .iter()
        .any(|finding| finding.index.is_some() || !finding.what.is_empty());
    Sight::Red {
        names,
        told: first.to_string(),
        named,
    }
}

/// A short stable name of an error that kept a ledger from being read.
pub fn name_of(error: &LedgerError) -> String {
    let name = match error {
        LedgerError::Tampered(finding) => finding.fault.as_str(),
        LedgerError::DamagedLog { .. } | LedgerError::Table(TableError::Damaged { .. }) => {
            "damaged-file"
        }
        LedgerError::Table(_) => "table-unreadable",
        LedgerError::Disk { .. } => "unreadable-file",
        LedgerError::Foreign { .. } => "not-a-ledger",
        LedgerError::NewerFormat { .. } => "newer-format",
        LedgerError::NoLedger => "no-ledger",
        LedgerError::Key { .. } => "signing-key",
        LedgerError::Log(_) => "changed-log",
        LedgerError::Poisoned { .. } => "stopped",
        _ => "other",
    };
    name.to_owned()
}
