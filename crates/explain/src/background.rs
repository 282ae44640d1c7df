//! What contributions are counted from: recorded applicants near the cut-off, all of them, or a set that was registered.

use std::sync::Arc;

use causebook_model::Value;
use causebook_model::attribute::Background;
use causebook_why::Baseline;
use causebook_why::contrast::History;
use causebook_why::registration::{BackgroundSet, Policy};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::answer::{Answer, Runs};
use crate::loaded::{BackgroundKey, Made, hexadecimal};
use crate::register::BACKGROUND;

/// Rows of a background that is taken from history, where the registration does not say how many.
const ROWS: usize = 100;
/// Fewer rows near the cut-off than this are no baseline: all applicants are then taken.
const ROWS_MIN: usize = 20;
/// Rows of a background that was registered.
const ROWS_MAX: usize = 10_000;
/// A background is made anew when the history has grown by this part of it.
const GROWTH: usize = 20;

/// The rows of a background before they are encoded.
struct Chosen {
    name: String,
    digest: String,
    rows: Vec<Vec<Value>>,
}

/// The background for a decision, or why there is none.
pub(crate) fn background(answer: &Answer<'_>, runs: &Runs) -> Result<Arc<Made>, String> {
    let registration = answer.registration().ok_or("the model is not registered")?;
    let set = registration.background.clone();
    let set = set.unwrap_or(BackgroundSet::NearCutoff(ROWS));
    let history = answer.history();
    let version = answer.model.version.clone().unwrap_or_default();
    let key = BackgroundKey {
        artefact: runs.artefact.clone(),
        set: set.clone(),
        policy: registration.policy.clone(),
        features: registration.features.clone(),
        version,
    };
    let size = history.map_or(0, History::len);
    let held = answer.explainer.loaded().background(&key);
    if let Some(made) = held
        && made.erasures == answer.kept.erasures
        && size <= made.history + made.history / GROWTH
    {
        return Ok(made);
    }
    let chosen = choose(answer, runs, &set)?;
    let rows = chosen.rows.len();
    let background =
        Background::new(&runs.model, chosen.rows).map_err(|error| error.to_string())?;
    let made = Arc::new(Made {
        background,
        baseline: Baseline {
            name: chosen.name,
            rows: Some(rows),
            digest: Some(chosen.digest),
        },
        history: size,
        erasures: answer.kept.erasures,
    });
    answer
        .explainer
        .loaded()
        .keep_background(key, Arc::clone(&made));
    Ok(made)
}

fn choose(answer: &Answer<'_>, runs: &Runs, set: &BackgroundSet) -> Result<Chosen, String> {
    match set {
        BackgroundSet::Attached => attached(answer, runs),
        BackgroundSet::All(rows) => recorded(answer, runs, None, *rows),
        BackgroundSet::NearCutoff(rows) => {
            let policy = answer.registration().and_then(|it| it.policy.as_ref());
            let near = policy.map(|policy| recorded(answer, runs, Some(policy), *rows));
            match near {
                Some(Ok(chosen)) if chosen.rows.len() >= ROWS_MIN.min(*rows) => Ok(chosen),
                _ => recorded(answer, runs, None, *rows),
            }
        }
    }
}

/// Rows from the ledger: those that passed nearest to the cut-off, or a sample of all.
fn recorded(
    answer: &Answer<'_>,
    runs: &Runs,
    policy: Option<&Policy>,
    wanted: usize,
) -> Result<Chosen, String> {
    let history = answer
        .history()
        .ok_or("no decision of this model is in the history")?;
    let version = answer.model.version.as_deref().unwrap_or_default();
    let (name, positions) = match policy {
        Some(policy) => {
            let passed = |decision: &str| !policy.is_adverse(decision);
            let cutoffs = policy.cutoffs();
            let near = history.nearest_to_score(version, &cutoffs, passed, wanted);
            (
                "recorded applicants who passed nearest to the cut-off",
                near,
            )
        }
        None => ("all recorded applicants", history.sample(version, wanted)),
    };
    let registration = answer.registration().ok_or("the model is not registered")?;
    let mut digest = Sha256::new();
    let mut rows = Vec::with_capacity(positions.len());
    for position in positions {
        let row = answer
            .explainer
            .reader
            .get(position)
            .map_err(|error| error.to_string())?;
        let Some(text) = row.as_ref().and_then(|row| row.record.text()) else {
            continue;
        };
        // A decision that does not fit the mapping is no baseline for those that do.
        let Ok(encoded) = runs.encoder.row(&registration.fields(text)) else {
            continue;
        };
        digest.update(position.to_be_bytes());
        rows.push(encoded);
    }
    if rows.is_empty() {
        return Err("no recorded decision of this version can serve as a baseline".to_owned());
    }
    Ok(Chosen {
        name: name.to_owned(),
        digest: hexadecimal(&digest.finalize()),
        rows,
    })
}

/// The rows of the attachment `background.ndjson` of the `model` record: each an input as decisions have it.
fn attached(answer: &Answer<'_>, runs: &Runs) -> Result<Chosen, String> {
    let standing = answer
        .standing
        .as_ref()
        .ok_or("the model is not registered")?;
    let attachments = standing
        .registered
        .record
        .get("attachments")
        .and_then(Json::as_array);
    let named = |entry: &&Json| entry.get("name").and_then(Json::as_str) == Some(BACKGROUND);
    let digest = attachments
        .and_then(|all| all.iter().find(named)?.get("digest")?.as_str())
        .ok_or_else(|| format!("the registration has no attachment {BACKGROUND}"))?;
    let reader = &answer.explainer.reader;
    let bytes = reader.blob(digest).map_err(|error| error.to_string())?;
    let text = std::str::from_utf8(&bytes).map_err(|error| format!("{BACKGROUND}: {error}"))?;
    let mut rows = Vec::new();
    for (number, line) in text.lines().enumerate().take(ROWS_MAX) {
        let place = |problem: String| format!("{BACKGROUND}, line {}: {problem}", number + 1);
        // As a record has it, so that the same pointers hold.
        let record = format!("{{\"input\":{line}}}");
        let fields = standing.registration().fields(&record);
        rows.push(
            runs.encoder
                .row(&fields)
                .map_err(|error| place(error.to_string()))?,
        );
    }
    Ok(Chosen {
        name: format!("the registered set {BACKGROUND}"),
        digest: digest.to_owned(),
        rows,
    })
}
