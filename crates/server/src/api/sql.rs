//! Questions in SQL: read-only, bounded, and over what the reader may see.

use std::sync::Arc;

use arrow::ipc::writer::StreamWriter;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_query::output::{Format, Options, write};
use causebook_query::{Answer, QueryError};
use serde::Deserialize;
use serde_json::json;

use super::extract::{Json, Path, whole_number};
use super::item::header;
use super::media::{ARROW, CSV, JSON, NDJSON, accepted};
use super::schema::{AnswerBody, Refusals};
use super::shapes::Bytes;
use super::write::blocking;
use crate::asking::Asking;
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::trail::Access;

const STATEMENT_BYTES_MAX: usize = 64 << 10;
const ROWS_MAX: usize = 1_000_000;
const ROWS_DEFAULT: u64 = 10_000;

/// A question.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlBody {
    /// One statement that reads: `select decision, count(*) from decisions group by 1`.
    #[schema(min_length = 1, max_length = 65536)]
    sql: String,
    /// Most rows of the answer; the rest is cut off and said so.
    #[serde(default, deserialize_with = "whole_number")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    rows_max: Option<u64>,
}

/// Ask in SQL.
///
/// One table, `records`, and a view for each kind of record; members by `->` and `->>`. Statements only read. What the
/// reader's roles do not see is masked before the statement sees it.
#[utoipa::path(
    post, path = "/v1/ledgers/{ledger}/sql", tag = "records", operation_id = "runSql",
    params(("ledger" = String, Path, description = "Name of the ledger")),
    request_body = SqlBody,
    responses(
        (status = 200, description = "The answer", content(
            (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
            (Bytes = "application/vnd.apache.arrow.stream"))),
        Refusals,
    ),
)]
pub(crate) async fn sql(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    headers: HeaderMap,
    Json(body): Json<SqlBody>,
) -> Result<Response, Problem> {
    let form = accepted(&headers, &[JSON, NDJSON, CSV, ARROW])?;
    let book = app.book(&asking, &ledger, Permission::Sql).await?;
    let mask = app.mask(&asking, &ledger);
    let rows_max = usize::try_from(body.rows_max.unwrap_or(ROWS_DEFAULT)).unwrap_or(usize::MAX);
    if !(1..=ROWS_MAX).contains(&rows_max) {
        let detail = format!("rows_max is from 1 to {ROWS_MAX}");
        return Err(Problem::new(Code::InvalidBody, detail).at("/rows_max"));
    }
    if body.sql.len() > STATEMENT_BYTES_MAX {
        let detail = format!("a statement has at most {STATEMENT_BYTES_MAX} bytes");
        return Err(Problem::new(Code::InvalidSql, detail).at("/sql"));
    }
    let statement: Arc<str> = Arc::from(body.sql.as_str());
    let asked = Arc::clone(&statement);
    let permit = app.query_permit().await?;
    let answered = blocking(move || {
        let answer = cut(book.query.run_masked(&asked, &mask)?, rows_max);
        drop(permit);
        Ok((written(form, &answer)?, answer.truncated, answer.rows()))
    })
    .await;
    let access = Access {
        object: Some(&statement),
        result: answered
            .as_ref()
            .map_or_else(|problem| problem.code.name(), |_| "ok"),
        records: answered.as_ref().ok().map(|(_, _, rows)| *rows as u64),
        ..Access::of("sql", &ledger)
    };
    app.trail.note(&asking, &access).await?;
    let (body, truncated, _) = answered?;
    let head = [
        (header::CONTENT_TYPE, header(form)),
        (
            HeaderName::from_static("causebook-truncated"),
            header(if truncated { "true" } else { "false" }),
        ),
    ];
    Ok((head, body).into_response())
}

/// The first rows of an answer.
fn cut(mut answer: Answer, rows_max: usize) -> Answer {
    let mut room = rows_max;
    for batch in &mut answer.batches {
        if batch.num_rows() > room {
            *batch = batch.slice(0, room);
            answer.truncated = true;
        }
        room -= batch.num_rows();
    }
    answer
}

fn written(form: &str, answer: &Answer) -> Result<Vec<u8>, QueryError> {
    let mut bytes = Vec::new();
    match form {
        NDJSON => write(Format::Ndjson, answer, Options::default(), &mut bytes)?,
        CSV => write(Format::Csv, answer, Options::default(), &mut bytes)?,
        ARROW => arrow_stream(answer, &mut bytes).map_err(|error| QueryError::Output {
            format: "arrow",
            problem: error.to_string(),
        })?,
        _ => {
            let columns = answer.schema.fields().iter();
            let columns: Vec<_> = columns
                .map(|field| json!({"name": field.name(), "type": field.data_type().to_string()}))
                .collect();
            let columns = serde_json::Value::from(columns);
            bytes.extend(format!("{{\"columns\":{columns},\"rows\":").into_bytes());
            write(Format::Json, answer, Options::default(), &mut bytes)?;
            bytes.extend(format!(",\"truncated\":{}}}", answer.truncated).into_bytes());
        }
    }
    Ok(bytes)
}

fn arrow_stream(answer: &Answer, bytes: &mut Vec<u8>) -> Result<(), arrow::error::ArrowError> {
    let mut writer = StreamWriter::try_new(bytes, &answer.schema)?;
    for batch in &answer.batches {
        writer.write(batch)?;
    }
    writer.finish()
}
