//! What a verification came to: in words, as JSON, and with what to do about it.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::output::{Output, printable};
use crate::paint::Paint;
use crate::units::{duration, grouped, second};

/// Findings printed one by one; the rest is counted.
const FINDINGS_SHOWN: usize = 10;

/// What a verification came to.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// Name of the ledger.
    pub(crate) name: String,
    /// Its origin.
    pub(crate) origin: String,
    /// The head that everything was held against.
    pub(crate) signed: Option<SignedHead>,
    /// Whether only the head was looked at.
    pub(crate) quick: bool,
    pub(crate) records_stored: u64,
    pub(crate) records_checked: u64,
    /// Of these, intact with some facts erased on record.
    pub(crate) redacted: u64,
    /// Of these, intact with all content erased on record.
    pub(crate) erased: u64,
    /// Acknowledged records that no head covers yet.
    pub(crate) beyond_checkpoint: u64,
    /// Size of the remembered head that the log was found to continue.
    pub(crate) continues: Option<u64>,
    /// What is wrong, by position; not all of it where there is much.
    pub(crate) findings: Vec<Found>,
    pub(crate) findings_total: u64,
    pub(crate) took: Duration,
}

/// A signed head.
#[derive(Debug)]
pub(crate) struct SignedHead {
    pub(crate) origin: String,
    pub(crate) size: u64,
    pub(crate) root: String,
    pub(crate) time: Option<u64>,
}

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) fault: String,
    pub(crate) index: Option<u64>,
    pub(crate) id: Option<String>,
    pub(crate) what: String,
}

impl Verdict {
    /// Nothing is wrong.
    pub(crate) fn is_intact(&self) -> bool {
        self.findings_total == 0
    }

    /// The verdict for people.
    pub(crate) fn text(&self, paint: Paint) -> String {
        let mut text = if self.is_intact() {
            self.intact(paint)
        } else {
            self.broken(paint)
        };
        let _ = write!(
            text,
            "\n  ledger      {} ({})",
            self.name,
            printable(&self.origin)
        );
        if let Some(signed) = &self.signed {
            let time = signed
                .time
                .and_then(|seconds| jiff::Timestamp::from_second(seconds as i64).ok());
            let time =
                time.map_or_else(String::new, |time| format!(", signed {} UTC", second(time)));
            let _ = write!(
                text,
                "\n  checkpoint  {} records{time}",
                grouped(signed.size)
            );
            let _ = write!(text, "\n  root        {}", printable(&signed.root));
        }
        if let Some(size) = self.continues {
            let _ = write!(
                text,
                "\n  seen before the log continues the {} records you last saw",
                grouped(size)
            );
        }
        if self.redacted + self.erased > 0 {
            let (redacted, erased) = (self.redacted, self.erased);
            let _ = write!(
                text,
                "\n  erased      {redacted} in part, {erased} in whole, each on record; the rest is intact"
            );
        }
        if self.beyond_checkpoint > 0 {
            let _ = write!(
                text,
                "\n  not signed  {} acknowledged since the checkpoint",
                self.beyond_checkpoint
            );
        }
        text
    }

    fn intact(&self, paint: Paint) -> String {
        let took = duration(self.took);
        let word = paint.good("INTACT");
        match self.records_checked {
            _ if self.quick => {
                format!("{word}  the log's head is sound (no record was read; {took})")
            }
            1 => format!("{word}  1 record is as it was signed ({took})"),
            checked => format!(
                "{word}  {} records are as they were signed ({took})",
                grouped(checked)
            ),
        }
    }

    fn broken(&self, paint: Paint) -> String {
        let count = self.findings_total;
        let things = if count == 1 {
            "one thing is"
        } else {
            &format!("{} things are", grouped(count))
        };
        let mut text = format!("{}  {things} not as signed\n", paint.bad("TAMPERED"));
        for found in self.findings.iter().take(FINDINGS_SHOWN) {
            let _ = write!(text, "\n  {}", describe(found, paint));
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
        let has = |fault: &str| self.findings.iter().any(|found| found.fault == fault);
        let first = self.findings.first();
        if has("rolled-back") || has("forked") {
            output.hint("the signed head that you saw before is kept in your state folder: it proves what the log once said");
        } else if let Some(id) = first.and_then(|found| found.id.as_ref()) {
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
    pub(crate) fn json(&self) -> serde_json::Value {
        let found = |found: &Found| json!({ "fault": found.fault, "index": found.index, "id": found.id, "what": found.what });
        let checkpoint = self.signed.as_ref().map(
            |signed| json!({ "origin": signed.origin, "size": signed.size, "root": signed.root }),
        );
        json!({
            "intact": self.is_intact(),
            "ledger": self.name,
            "checkpoint": checkpoint,
            "records_stored": self.records_stored,
            "records_checked": self.records_checked,
            "erased_in_part": self.redacted,
            "erased_in_whole": self.erased,
            "beyond_checkpoint": self.beyond_checkpoint,
            "continues": self.continues,
            "findings_total": self.findings_total,
            "findings": self.findings.iter().map(found).collect::<Vec<_>>(),
            "seconds": self.took.as_secs_f64(),
        })
    }
}

fn describe(found: &Found, paint: Paint) -> String {
    let place = match (found.index, &found.id) {
        (Some(index), Some(id)) => format!("index {index}, id {}", printable(id)),
        (Some(index), None) => format!("index {index}"),
        (None, _) => "the log".to_owned(),
    };
    format!(
        "{}  {}: {}",
        paint.strong(&place),
        printable(&found.fault),
        printable(&found.what)
    )
}
