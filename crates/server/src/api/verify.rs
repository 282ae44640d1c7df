//! Verification by the server itself. Whoever does not trust the server checks proofs of its own: this finds what an
//! operator must know of his disk.

use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_ledger::{Depth, Finding, VerifyReport, VerifyRequest};
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{Json, Path};
use super::item::header;
use super::media::JSON;
use super::schema::{Refusals, VerifyReportBody};
use super::write::blocking;
use crate::asking::Asking;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::trail::Access;

/// One at a time: it uses every core.
static RUNNING: AtomicBool = AtomicBool::new(false);

/// How much to verify.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyBody {
    #[serde(default)]
    #[schema(inline)]
    depth: VerifyDepth,
}

/// `full`: every record. `quick`: the checkpoint, the sizes and the tree's edge.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum VerifyDepth {
    #[default]
    Full,
    Quick,
}

/// Have the server verify a ledger.
#[utoipa::path(
    post, path = "/v1/ledgers/{ledger}/verify", tag = "proofs", operation_id = "verifyLedger",
    params(("ledger" = String, Path, description = "Name of the ledger")),
    request_body = VerifyBody,
    responses((status = 200, description = "The report", body = VerifyReportBody), Refusals),
)]
pub(crate) async fn verify(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    Json(body): Json<VerifyBody>,
) -> Result<Response, Problem> {
    let book = app.book(&asking, &ledger, Permission::Verify).await?;
    app.trail
        .note(&asking, &Access::of("verify", &ledger))
        .await?;
    let turn = Turn::take()?;
    let name = ledger.clone();
    let report = blocking(move || {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let request = VerifyRequest {
            depth: match body.depth {
                VerifyDepth::Full => Depth::Full,
                VerifyDepth::Quick => Depth::Quick,
            },
            remembered: None,
            threads,
        };
        let report = book.reader.verify(&request, &mut |_, _| {})?;
        drop(turn);
        Ok(report)
    })
    .await?;
    if !report.is_intact() {
        app.metrics.verify_failed(&name);
        tracing::error!(
            ledger = name,
            findings = report.findings_total,
            "verification failed"
        );
    }
    let body = to_json(&ledger, &report).to_string();
    Ok(([(header::CONTENT_TYPE, header(JSON))], body).into_response())
}

struct Turn;

impl Turn {
    fn take() -> Result<Self, Problem> {
        if RUNNING.swap(true, Ordering::AcqRel) {
            let problem = Problem::new(Code::Busy, "another verification is running");
            return Err(problem.retry_after(10));
        }
        Ok(Self)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        RUNNING.store(false, Ordering::Release);
    }
}

fn to_json(ledger: &str, report: &VerifyReport) -> Value {
    let finding = |finding: &Finding| json!({"fault": finding.fault.as_str(), "index": finding.index, "id": finding.id, "what": finding.what});
    let checkpoint = report.checkpoint.as_ref().map(
        |head| json!({"origin": head.origin, "size": head.size, "root": head.root.to_string()}),
    );
    json!({
        "intact": report.is_intact(),
        "ledger": ledger,
        "checkpoint": checkpoint,
        "records_stored": report.records_stored,
        "records_checked": report.records_checked,
        "erased_in_part": report.redacted,
        "erased_in_whole": report.erased,
        "beyond_checkpoint": report.beyond_checkpoint,
        "findings_total": report.findings_total,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
    })
}
