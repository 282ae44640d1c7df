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
    /// Where a server was asked: what was checked on this side.
    pub(crate) here: Option<CheckedHere>,
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

/// What needs no belief in a server, because it was checked on this side.
#[derive(Debug)]
pub(crate) struct CheckedHere {
    /// Keys that signed the head.
    pub(crate) keys: usize,
    /// They were seen for the first time: nothing was known to hold them against.
    pub(crate) first_seen: bool,
    /// Records whose evidence was checked.
    pub(crate) evidence: u64,
    /// Whether the server verified itself too.
    pub(crate) server_asked: bool,
}

impl Verdict {
    /// Nothing is wrong.
    pub(crate) fn is_intact(&self) -> bool {
        self.findings_total == 0
    }

    /// Adds something that is wrong.
    pub(crate) fn add(&mut self, found: Found) {
        self.findings_total += 1;
        self.findings.push(found);
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
        if let Some(here) = &self.here {
            text.push_str(&here.text(self.quick));
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
        let mut verdict = json!({
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
        });
        if let (Some(object), Some(here)) = (verdict.as_object_mut(), &self.here) {
            object.insert("checked_here".to_owned(), here.json());
        }
        verdict
    }
}

impl CheckedHere {
    fn text(&self, quick: bool) -> String {
        let keys = match self.keys {
            1 => "1 key".to_owned(),
            count => format!("{count} keys"),
        };
        let known = if self.first_seen {
            "seen for the first time and kept"
        } else {
            "known from before"
        };
        let mut text = format!("\n  here        the head is signed by {keys}, {known}");
        match self.evidence {
            0 => {}
            1 => text.push_str("\n              evidence of 1 record holds"),
            count => {
                let _ = write!(
                    text,
                    "\n              evidence of {} records, drawn at random, holds",
                    grouped(count)
                );
            }
        }
        if self.server_asked {
            let claim = if quick {
                "that its files fit this head"
            } else {
                "that every record is as it was signed"
            };
            let _ = write!(
                text,
                "\n  its word    {claim}: the server says so of itself"
            );
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        json!({
            "keys": self.keys,
            "keys_seen_first": self.first_seen,
            "evidence": self.evidence,
            "server_asked": self.server_asked,
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
