//! Verification of a ledger in a folder.

use causebook_ledger::{Clock as _, Depth, Reader, SystemClock, VerifyReport, VerifyRequest};

use super::{Question, Scope};
use crate::commands::parse;
use crate::failure::{Failure, Outcome};
use crate::memory::Memory;
use crate::output::Output;
use crate::progress::Progress;
use crate::store;
use crate::verdict::{Found, SignedHead, Verdict};

/// Verifies, compares with the head seen last, and remembers the new one if all is well.
pub(super) fn reach(reader: &Reader, question: &Question, output: &Output) -> Outcome<Verdict> {
    let clock = SystemClock::new();
    let depth = depth(&question.scope, reader)?;
    let identity = reader.identity();
    let memory = Memory::of_user().filter(|_| question.remembering);
    let remembered = match &memory {
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
    if let Some(memory) = memory.filter(|_| report.is_intact())
        && let Err(error) = memory.remember(identity, reader.checkpoint().as_ref())
    {
        output.warn(format_args!("this head could not be remembered: {error}"));
    }
    Ok(Verdict {
        quick: depth == Depth::Quick,
        took: clock.monotonic(),
        ..verdict(reader, report)
    })
}

fn verdict(reader: &Reader, report: VerifyReport) -> Verdict {
    let identity = reader.identity();
    let time = reader.checkpoint().and_then(|signed| signed.time);
    let signed = report.checkpoint.map(|checkpoint| SignedHead {
        origin: checkpoint.origin,
        size: checkpoint.size,
        root: checkpoint.root.to_string(),
        time,
    });
    let findings = report.findings.into_iter().map(|finding| Found {
        fault: finding.fault.as_str().to_owned(),
        index: finding.index,
        id: finding.id,
        what: finding.what,
    });
    Verdict {
        name: identity.name.clone(),
        origin: identity.origin.clone(),
        signed,
        records_stored: report.records_stored,
        records_checked: report.records_checked,
        redacted: report.redacted,
        erased: report.erased,
        beyond_checkpoint: report.beyond_checkpoint,
        continues: report.continues,
        findings: findings.collect(),
        findings_total: report.findings_total,
        ..Verdict::default()
    }
}

fn depth(scope: &Scope, reader: &Reader) -> Outcome<Depth> {
    let since = match scope {
        Scope::Quick => return Ok(Depth::Quick),
        Scope::Full => return Ok(Depth::Full),
        Scope::One(id) => return Ok(Depth::One(reader.find(id)?.index)),
        Scope::Since(since) => since,
    };
    if let Ok(index) = since.parse::<u64>() {
        if index >= reader.size() && index > 0 {
            let title = format!(
                "--since {index}: the ledger ends before, it has {} records",
                reader.size()
            );
            return Err(Failure::usage(title));
        }
        return Ok(Depth::Since(index));
    }
    let moment = parse::moment(since)
        .map_err(|problem| Failure::usage(format!("--since {since}: {problem}, or an index")))?;
    Ok(Depth::Since(first_recorded(
        reader,
        moment.before(store::now()),
    )?))
}

/// The first record that was recorded at `time` or later. Times of recording rise with the index, or nearly.
fn first_recorded(reader: &Reader, time: jiff::Timestamp) -> Outcome<u64> {
    let (mut low, mut high) = (0, reader.size());
    while low < high {
        let middle = low + (high - low) / 2;
        let recorded = reader
            .get(middle)?
            .and_then(|row| row.record.fields().recorded_at);
        if recorded.is_some_and(|recorded| recorded < time) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
