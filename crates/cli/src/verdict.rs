//! A verification and what it came to: in words, as JSON, and with what to do about it.

use std::fmt::Write as _;
use std::time::Duration;

use causebook_ledger::{
    Clock, Depth, Fault, Finding, HeadMemory, LedgerError, Reader, RealDisk, RememberedHead,
    SystemClock, VerifyReport, VerifyRequest,
};
use serde_json::json;

use crate::config;
use crate::failure::Outcome;
use crate::output::{Output, printable};
use crate::paint::Paint;
use crate::progress::Progress;
use crate::units::{duration, grouped, second};

/// Findings printed one by one; the rest is counted.
const FINDINGS_SHOWN: usize = 10;

/// The heads this user saw, in their state folder.
pub(crate) struct Memory {
    disk: RealDisk,
}

impl Memory {
    /// `None` where the user has no folder to remember in.
    pub(crate) fn of_user() -> Option<Memory> {
        Some(Memory {
            disk: RealDisk::new(&config::state_folder()?.join("heads")),
        })
    }

    fn recall(&self, origin: &str) -> Result<Option<RememberedHead>, LedgerError> {
        HeadMemory::new(&self.disk).recall(origin)
    }
}

/// What a verification came to.
pub(crate) struct Verdict {
    pub(crate) report: VerifyReport,
    took: Duration,
    depth: Depth,
}

/// Verifies, compares with the head seen last, and remembers the new one if all is well.
pub(crate) fn reach(
    reader: &Reader,
    depth: Depth,
    memory: Option<&Memory>,
    output: &Output,
) -> Outcome<Verdict> {
    let clock = SystemClock::new();
    let identity = reader.identity();
    let remembered = match memory {
        Some(memory) => memory.recall(&identity.origin)?,
        None => None,
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let request = VerifyRequest {
        depth: depth.clone(),
        remembered: remembered.as_ref(),
        threads,
    };
    let progress = Progress::new(output, "verifying", "records");
    let report = reader.verify(&request, &mut |done, total| progress.at(done, total))?;
    drop(progress);
    if let Some(memory) = memory.filter(|_| report.is_intact()) {
        let remembered =
            HeadMemory::new(&memory.disk).remember(identity, reader.checkpoint().as_ref());
        if let Err(error) = remembered {
            output.warn(format_args!("this head could not be remembered: {error}"));
        }
    }
    Ok(Verdict {
        report,
        took: clock.monotonic(),
        depth,
    })
}

impl Verdict {
    /// The verdict for people.
    pub(crate) fn text(&self, reader: &Reader, paint: Paint) -> String {
        let mut text = if self.report.is_intact() {
            self.intact(paint)
        } else {
            self.broken(paint)
        };
        let identity = reader.identity();
        let _ = write!(
            text,
            "\n  ledger      {} ({})",
            identity.name,
            printable(&identity.origin)
        );
        if let Some(signed) = reader.checkpoint() {
            let time = signed
                .time
                .and_then(|seconds| jiff::Timestamp::from_second(seconds as i64).ok());
            let time =
                time.map_or_else(String::new, |time| format!(", signed {} UTC", second(time)));
            let _ = write!(
                text,
                "\n  checkpoint  {} records{time}",
                grouped(signed.checkpoint.size)
            );
            let _ = write!(text, "\n  root        {}", signed.checkpoint.root);
        }
        if let Some(size) = self.report.continues {
            let _ = write!(
                text,
                "\n  seen before the log continues the {} records you last saw",
                grouped(size)
            );
        }
        if self.report.redacted + self.report.erased > 0 {
            let (redacted, erased) = (self.report.redacted, self.report.erased);
            let _ = write!(
                text,
                "\n  erased      {redacted} in part, {erased} in whole, each on record; the rest is intact"
            );
        }
        if self.report.beyond_checkpoint > 0 {
            let _ = write!(
                text,
                "\n  not signed  {} acknowledged since the checkpoint",
                self.report.beyond_checkpoint
            );
        }
        text
    }

    fn intact(&self, paint: Paint) -> String {
        let took = duration(self.took);
        let word = paint.good("INTACT");
        match self.depth {
            Depth::Quick => format!("{word}  the log's head is sound (no record was read; {took})"),
            _ if self.report.records_checked == 1 => {
                format!("{word}  1 record is as it was signed ({took})")
            }
            _ => format!(
                "{word}  {} records are as they were signed ({took})",
                grouped(self.report.records_checked)
            ),
        }
    }

    fn broken(&self, paint: Paint) -> String {
        let report = &self.report;
        let count = report.findings_total;
        let things = if count == 1 {
            "one thing is"
        } else {
            &format!("{} things are", grouped(count))
        };
        let mut text = format!("{}  {things} not as signed\n", paint.bad("TAMPERED"));
        for finding in report.findings.iter().take(FINDINGS_SHOWN) {
            let _ = write!(text, "\n  {}", describe(finding, paint));
        }
        let more = count.saturating_sub(FINDINGS_SHOWN as u64);
        if more > 0 {
            let _ = write!(
                text,
                "\n  and {} more (--format json lists them)",
                grouped(more)
            );
        }
        text.push('\n');
        text
    }

    /// What to do about a broken ledger.
    pub(crate) fn advise(&self, output: &Output) {
        let first = self.report.findings.first();
        let has = |fault: Fault| {
            self.report
                .findings
                .iter()
                .any(|finding| finding.fault == fault)
        };
        if has(Fault::RolledBack) || has(Fault::Forked) {
            output.hint("the signed head that you saw before is kept in your state folder: it proves what the log once said");
        } else if let Some(id) = first.and_then(|finding| finding.id.as_ref()) {
            output.hint(format_args!(
                "evidence made earlier still proves what {} said; compare with a backup",
                printable(id)
            ));
        } else {
            output
                .hint("compare with a backup; do not write to this ledger before it is understood");
        }
    }

    /// The verdict for programs.
    pub(crate) fn json(&self, reader: &Reader) -> serde_json::Value {
        let report = &self.report;
        let finding = |finding: &Finding| json!({ "fault": finding.fault.as_str(), "index": finding.index, "id": finding.id, "what": finding.what });
        let checkpoint = report.checkpoint.as_ref().map(|checkpoint| {
            json!({ "origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.to_string() })
        });
        json!({
            "intact": report.is_intact(),
            "ledger": reader.identity().name,
            "checkpoint": checkpoint,
            "records_stored": report.records_stored,
            "records_checked": report.records_checked,
            "erased_in_part": report.redacted,
            "erased_in_whole": report.erased,
            "beyond_checkpoint": report.beyond_checkpoint,
            "continues": report.continues,
            "findings_total": report.findings_total,
            "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
            "seconds": self.took.as_secs_f64(),
        })
    }
}

fn describe(finding: &Finding, paint: Paint) -> String {
    let place = match (finding.index, &finding.id) {
        (Some(index), Some(id)) => format!("index {index}, id {}", printable(id)),
        (Some(index), None) => format!("index {index}"),
        (None, _) => "the log".to_owned(),
    };
    format!(
        "{}  {}: {}",
        paint.strong(&place),
        finding.fault.as_str(),
        printable(&finding.what)
    )
}
