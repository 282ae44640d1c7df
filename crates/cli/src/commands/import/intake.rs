//! Rows on their way into the ledger, a chunk at a time: each is recorded, repeated or rejected, and counted once.

use std::fs::File;
use std::io::BufWriter;
use std::ops::ControlFlow;
use std::path::Path;

use causebook_capture::{Import, Imported, ImportedRow, Rejected, RejectsFormat, RejectsWriter};
use causebook_record::Draft;

use crate::book::Pen;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, printable};
use crate::progress::Progress;

/// Rows given to the ledger at a time.
const CHUNK: usize = 1000;
/// Rejected rows named one by one when there is no rejects file.
const REJECTS_SHOWN: u64 = 5;

/// What became of the rows: `read` is the sum of the others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) read: u64,
    pub(super) recorded: u64,
    pub(super) repeated: u64,
    pub(super) rejected: u64,
}

/// Where rejected rows go: a file, or the first few to standard error.
pub(super) struct Rejects<'a> {
    writer: Option<RejectsWriter<BufWriter<File>>>,
    path: Option<&'a Path>,
    shown: u64,
    output: &'a Output,
}

impl<'a> Rejects<'a> {
    pub(super) fn new(path: Option<&'a Path>, output: &'a Output) -> Outcome<Rejects<'a>> {
        let writer = match path {
            None => None,
            Some(path) => {
                let file =
                    File::create(path).map_err(|error| Failure::io("write", path, &error))?;
                let extension = path
                    .extension()
                    .and_then(|it| it.to_str())
                    .unwrap_or_default();
                Some(RejectsWriter::new(
                    BufWriter::new(file),
                    extension.parse().unwrap_or(RejectsFormat::Csv),
                ))
            }
        };
        Ok(Rejects {
            writer,
            path,
            shown: 0,
            output,
        })
    }

    fn add(&mut self, rejected: &Rejected) -> Outcome {
        if let (Some(writer), Some(path)) = (&mut self.writer, self.path) {
            return writer
                .write(rejected)
                .map_err(|error| Failure::io("write", path, &error));
        }
        self.shown += 1;
        if self.shown <= REJECTS_SHOWN {
            let reason = printable(&rejected.reason.to_string());
            self.output.warn(format_args!(
                "line {} was rejected: {reason}",
                rejected.line
            ));
        } else if self.shown == REJECTS_SHOWN + 1 {
            self.output
                .warn("more rows were rejected; --rejects FILE collects them all");
        }
        Ok(())
    }

    fn finish(self) -> Outcome {
        match (self.writer, self.path) {
            (Some(writer), Some(path)) => match writer.finish() {
                Ok(_) => Ok(()),
                Err(error) => Err(Failure::io("write", path, &error)),
            },
            _ => Ok(()),
        }
    }
}

/// Takes rows in, a chunk at a time.
pub(super) struct Intake<'a> {
    /// `None` when nothing is to be recorded.
    pen: Option<&'a dyn Pen>,
    rejects: Rejects<'a>,
    counts: Counts,
    pending: Vec<(ImportedRow, Draft)>,
    failed: Option<Failure>,
}

impl<'a> Intake<'a> {
    pub(super) fn new(pen: Option<&'a dyn Pen>, rejects: Rejects<'a>) -> Intake<'a> {
        Intake {
            pen,
            rejects,
            counts: Counts::default(),
            pending: Vec::new(),
            failed: None,
        }
    }

    pub(super) fn run(mut self, import: &Import, after: u64, output: &Output) -> Outcome<Counts> {
        let outcome = self.take(import, after, output);
        self.rejects.finish()?;
        outcome.map(|()| self.counts)
    }

    fn take(&mut self, import: &Import, after: u64, output: &Output) -> Outcome {
        let progress = Progress::new(
            output,
            if self.pen.is_some() {
                "recording"
            } else {
                "checking"
            },
            "rows",
        );
        let total = import.rows().saturating_sub(after);
        let summary = import.run(after, &mut |row| {
            let taken = self.row(row);
            if self.counts.read.is_multiple_of(CHUNK as u64) {
                progress.at(self.counts.read, total);
            }
            match taken {
                Ok(()) => ControlFlow::Continue(()),
                Err(failure) => {
                    self.failed = Some(failure);
                    ControlFlow::Break(())
                }
            }
        });
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        summary?;
        self.append()
    }

    fn row(&mut self, row: Imported) -> Outcome {
        self.counts.read += 1;
        match row {
            Imported::Rejected(rejected) => self.reject(&rejected),
            Imported::Record(row) => match Draft::parse(&row.record) {
                Ok(draft) => {
                    self.pending.push((row, draft));
                    if self.pending.len() == CHUNK {
                        self.append()
                    } else {
                        Ok(())
                    }
                }
                Err(error) => self.reject(&row.reject(error.to_string())),
            },
        }
    }

    fn append(&mut self) -> Outcome {
        let (rows, drafts): (Vec<ImportedRow>, Vec<Draft>) =
            std::mem::take(&mut self.pending).into_iter().unzip();
        let Some(pen) = self.pen else {
            self.counts.recorded += rows.len() as u64;
            return Ok(());
        };
        let mut failed = None;
        for (result, row) in pen.append_batch(drafts).into_iter().zip(rows) {
            match result {
                Ok(receipt) if receipt.repeated => self.counts.repeated += 1,
                Ok(_) => self.counts.recorded += 1,
                Err(error) if error.ends => {
                    failed = failed.or(Some(error.failure.place(format!("row {}", row.row))));
                }
                Err(error) => self.reject(&row.reject(error.failure.title))?,
            }
        }
        failed.map_or(Ok(()), Err)
    }

    fn reject(&mut self, rejected: &Rejected) -> Outcome {
        self.counts.rejected += 1;
        self.rejects.add(rejected)
    }
}
