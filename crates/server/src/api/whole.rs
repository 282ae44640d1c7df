//! Batches that are recorded whole or not at all.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use causebook_ledger::{AppendError, may_link};
use causebook_record::Draft;

use super::incoming::Incoming;
use super::item::header;
use super::media::NDJSON;
use super::write::{blocking, outcome, permit, receipt_json};
use crate::appender::VIA;
use crate::asking::Asking;
use crate::book::Book;
use crate::linked::Links;
use crate::problem::{Code, Fault, Problem};
use crate::state::App;

/// Most bytes of such a batch: it is held in memory until its last record is checked.
const BYTES_MAX: usize = 64 << 20;
/// Refused records that are told of one by one.
const FAULTS_MAX: usize = 100;

/// Appends all lines or none.
///
/// # Errors
/// The problem of the first line that is refused, with a fault for each that is: the pointer begins with the line.
pub(super) async fn append(
    app: &App,
    asking: &Asking,
    book: Arc<Book>,
    allow_missing: bool,
    incoming: Incoming,
) -> Result<Response, Problem> {
    let permit = app.batch_permit()?;
    let bytes = incoming.whole(BYTES_MAX).await?;
    let (app, asking) = (app.clone(), asking.clone());
    let text = blocking(move || {
        let is_linked = may_link(&bytes);
        let reviewing = is_linked.then(|| book.reviewing());
        let mut links = is_linked.then(|| Links::new(&app, &asking, &book, allow_missing));
        let (drafts, lines) = drafts(&app, &asking, &book, links.as_mut(), &bytes)?;
        let appended = book.ledger.append_all(drafts, asking.name(), VIA);
        drop(reviewing);
        let receipts = appended.map_err(|(position, error)| {
            let line = lines.get(position).copied().unwrap_or(0);
            let result = outcome(&Err(error.clone()));
            app.metrics.ingested(&book.name, result, 1);
            at_line(error, line)
        })?;
        let mut text = String::with_capacity(receipts.len() * 160);
        for (receipt, line) in receipts.iter().zip(lines) {
            let mut result = receipt_json(receipt);
            result["line"] = line.into();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{result}");
        }
        app.metrics
            .ingested(&book.name, "recorded", receipts.len() as u64);
        Ok(text)
    })
    .await?;
    drop(permit);
    Ok(([(header::CONTENT_TYPE, header(NDJSON))], text).into_response())
}

fn at_line(error: AppendError, line: usize) -> Problem {
    let mut problem = Problem::from(error);
    problem.detail = format!("nothing was recorded; line {line}: {}", problem.detail);
    for fault in &mut problem.faults {
        fault.pointer = format!("/{line}{}", fault.pointer);
    }
    problem
}

/// Every line read and checked, with its number; or what is wrong with those that cannot be.
fn drafts(
    app: &App,
    asking: &Asking,
    book: &Book,
    mut links: Option<&mut Links<'_>>,
    bytes: &[u8],
) -> Result<(Vec<Draft>, Vec<usize>), Problem> {
    let (mut drafts, mut lines, mut records) = (Vec::new(), Vec::new(), 0);
    let mut refused: Option<Problem> = None;
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let draft = Draft::parse(line).map_err(Problem::from).and_then(|draft| {
            permit(asking, &book.name, &draft)?;
            if let Some(links) = &mut links {
                links.check(&draft)?;
            }
            Ok(draft)
        });
        match draft {
            Ok(draft) => {
                drafts.push(draft);
                lines.push(number + 1);
            }
            Err(problem) => note(&mut refused, number + 1, problem),
        }
        records += 1;
        if records > app.config.limits.records {
            let detail = format!("a batch has at most {} records", app.config.limits.records);
            return Err(Problem::new(Code::TooLarge, detail));
        }
    }
    match refused {
        Some(problem) => Err(problem),
        None => Ok((drafts, lines)),
    }
}

fn note(refused: &mut Option<Problem>, line: usize, problem: Problem) {
    let pointer = problem
        .faults
        .first()
        .map_or("", |fault| fault.pointer.as_str());
    let fault = Fault {
        pointer: format!("/{line}{pointer}"),
        detail: problem.detail.clone(),
    };
    let first = refused.get_or_insert_with(|| Problem {
        detail: format!("nothing was recorded; line {line}: {}", problem.detail),
        faults: Vec::new(),
        ..problem
    });
    if first.faults.len() < FAULTS_MAX {
        first.faults.push(fault);
    }
}
