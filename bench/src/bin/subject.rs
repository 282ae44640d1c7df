//! Runs Causebook for the comparison: `subject plan FILE`, `subject growth FILE`. What it does with a record is all that
//! it ever does: canonical text, commitments, tree, signed checkpoints, table, index.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use causebook_bench::{Failure, create_ledger, open_ledger, open_reader};
use causebook_ledger::{Depth, Ledger, Options, Reader, VerifyRequest};
use causebook_load::{Archive, Entry, Store, System, run_task, size_of, task};
use causebook_record::Draft;

const WRITTEN_BY: &str = "bench";
const CHECKPOINT_WAIT_MAX: Duration = Duration::from_secs(30);
const VERIFY_THREADS: usize = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match task(&arguments).and_then(|task| run_task(&Causebook, &task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            // Nobody listening is no reason to stop.
            let _ = writeln!(std::io::stderr(), "causebook: {error}");
            ExitCode::FAILURE
        }
    }
}

struct Causebook;

impl System for Causebook {
    fn create(&self, folder: &Path) -> Result<(), Failure> {
        Ok(create_ledger(folder)?)
    }

    fn open(&self, folder: &Path) -> Result<Box<dyn Store>, Failure> {
        Ok(Box::new(Writer(open_ledger(folder, Options::default())?)))
    }

    fn read(&self, folder: &Path) -> Result<Box<dyn Archive>, Failure> {
        Ok(Box::new(Book(open_reader(folder)?)))
    }

    fn bytes(&self, folder: &Path) -> Result<BTreeMap<String, u64>, Failure> {
        let mut parts = BTreeMap::new();
        for part in ["table", "log", "index"] {
            parts.insert(part.to_owned(), size_of(&folder.join(part))?);
        }
        Ok(parts)
    }
}

struct Writer(Ledger);

impl Store for Writer {
    fn append_batch(&self, entries: &[Entry<'_>]) -> Result<(), Failure> {
        let drafts = entries
            .iter()
            .map(|entry| Draft::parse(entry.json.as_bytes()))
            .collect::<Result<Vec<_>, _>>()?;
        for result in self.0.append_batch(drafts, WRITTEN_BY, WRITTEN_BY) {
            result?;
        }
        Ok(())
    }

    fn append_one(&self, entry: Entry<'_>) -> Result<u64, Failure> {
        let draft = Draft::parse(entry.json.as_bytes())?;
        Ok(self.0.append(draft, WRITTEN_BY, WRITTEN_BY)?.index)
    }

    fn gathers_callers(&self) -> bool {
        true
    }

    fn wait_checkpoint(&self, size: u64) -> Option<Result<u64, Failure>> {
        let signed = self.0.wait_checkpoint(size, CHECKPOINT_WAIT_MAX);
        Some(
            signed
                .map(|signed| signed.checkpoint.size)
                .map_err(Failure::from),
        )
    }

    fn settle(&self) -> Result<(), Failure> {
        Ok(self.0.flush()?)
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        Ok(self.0.close()?)
    }
}

struct Book(Reader);

impl Archive for Book {
    fn verify(&self) -> Result<Option<u64>, Failure> {
        let request = VerifyRequest {
            depth: Depth::Full,
            remembered: None,
            threads: VERIFY_THREADS,
        };
        let report = self.0.verify(&request, &mut |_, _| {})?;
        match report.findings.first() {
            None if report.is_intact() => Ok(Some(report.records_checked)),
            finding => Err(format!("the ledger is not intact: {finding:?}").into()),
        }
    }

    fn find(&self, id: &str) -> Option<Result<usize, Failure>> {
        Some(match self.0.find_exact(id) {
            Ok(Some(row)) => Ok(row.record.text().map_or(0, str::len)),
            Ok(None) => Err("not found".into()),
            Err(error) => Err(error.into()),
        })
    }

    fn index_memory_bytes(&self) -> Option<u64> {
        Some(self.0.index_memory_bytes())
    }
}
