//! Attachments: files beside the ledger, named by what they hold.

use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use causebook_access::Permission;
use causebook_ledger::{BlobContent, LedgerError};
use futures::stream::{self, Stream};
use serde_json::json;
use tokio::sync::mpsc;

use super::extract::Path;
use super::incoming::Incoming;
use super::item::header;
use super::media::{JSON, content_type};
use super::read::access;
use super::schema::{AttachmentBody, Refusals};
use super::shapes;
use super::write::blocking;
use crate::asking::Asking;
use crate::book::Book;
use crate::problem::{Code, Problem};
use crate::state::App;

const BYTES: &str = "application/octet-stream";
/// Most bytes of an attachment that is read twice: once to check it, and once to send it.
const CHECKED_FIRST_BYTES_MAX: u64 = 8 << 20;

/// Store an attachment, to be named in `attachments` of a record.
#[utoipa::path(
    post, path = "/v1/ledgers/{ledger}/attachments", tag = "attachments", operation_id = "putAttachment",
    params(("ledger" = String, Path, description = "Name of the ledger")),
    request_body(content = shapes::Bytes, content_type = "application/octet-stream", description = "Its bytes"),
    responses((status = 201, description = "It is stored", body = AttachmentBody), Refusals),
)]
pub(crate) async fn put(
    State(app): State<App>,
    asking: Asking,
    Path(ledger): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if content_type(&headers) != BYTES {
        let detail = format!("attachments are sent as {BYTES}, whatever they hold");
        return Err(Problem::new(Code::UnsupportedMediaType, detail).at("content-type"));
    }
    let book = app.book(&asking, &ledger, Permission::Attach).await?;
    let incoming = Incoming::new(body, &app);
    let (pieces, arriving) = mpsc::channel(4);
    let storing = blocking(move || {
        let mut content = Arriving::new(arriving);
        let stored = book.ledger.put_blob(&mut content);
        match content.problem {
            Some(problem) => Err(problem),
            None => Ok(stored?),
        }
    });
    // A task of its own: given up together with this request, it would look like the end of the body.
    tokio::spawn(forward(incoming, pieces));
    let blob = storing.await?;
    let body = json!({"digest": blob.digest, "size": blob.size}).to_string();
    let location = format!("/v1/ledgers/{ledger}/attachments/{}", blob.digest);
    let head = [
        (header::CONTENT_TYPE, header(JSON)),
        (header::LOCATION, header(&location)),
    ];
    Ok((StatusCode::CREATED, head, body).into_response())
}

/// Get an attachment by its digest.
#[utoipa::path(
    get, path = "/v1/ledgers/{ledger}/attachments/{digest}", tag = "attachments", operation_id = "getAttachment",
    params(
        ("ledger" = String, Path, description = "Name of the ledger"),
        ("digest" = String, Path, description = "sha256: and 64 hexadecimal digits"),
    ),
    responses((status = 200, description = "Its bytes", content_type = "application/octet-stream", body = shapes::Bytes), Refusals),
)]
pub(crate) async fn get(
    State(app): State<App>,
    asking: Asking,
    Path((ledger, digest)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let book = app
        .book(&asking, &ledger, Permission::ReadAttachment)
        .await?;
    let (reading, wanted) = (Arc::clone(&book), digest.clone());
    let found = blocking(move || open(&reading, &wanted)).await;
    if let Err(problem) = &found
        && problem.code != Code::NoAttachment
    {
        app.metrics.attachment_failed(&ledger);
    }
    let noted = access("attachment", &ledger, &digest, &found);
    app.trail.note(&asking, &noted).await?;
    let content = found?;
    let head = [
        // Never shown as what it may claim to be.
        (header::CONTENT_TYPE, header(BYTES)),
        (header::CONTENT_DISPOSITION, header("attachment")),
        (header::CONTENT_LENGTH, HeaderValue::from(content.size())),
        // A part of it could not be held against the digest of the whole.
        (header::ACCEPT_RANGES, header("none")),
        (header::ETAG, header(&format!("\"{digest}\""))),
    ];
    let sending = Sending {
        app,
        ledger,
        digest,
        request_id: asking.request_id,
    };
    Ok((head, Body::from_stream(sending.pieces(content))).into_response())
}

/// Opens an attachment. A small one is checked before a byte of it is sent, so that what is wrong can be told.
fn open(book: &Book, digest: &str) -> Result<BlobContent, Problem> {
    let problem = |error: LedgerError| match error {
        LedgerError::NotFound { .. } => Problem::new(
            Code::NoAttachment,
            format!("there is no attachment {digest:?}"),
        ),
        LedgerError::Foreign { what } => {
            tracing::error!(ledger = book.name, what, "an attachment has changed");
            let detail = format!("what is stored as {digest} has another digest");
            Problem::new(Code::AttachmentChanged, detail)
        }
        error => error.into(),
    };
    let mut content = book.reader.open_blob(digest).map_err(problem)?;
    if content.size() <= CHECKED_FIRST_BYTES_MAX {
        content.check().map_err(problem)?;
    }
    Ok(content)
}

/// An attachment under way.
struct Sending {
    app: App,
    ledger: String,
    digest: String,
    request_id: String,
}

impl Sending {
    /// The pieces, each read when the one before has gone: a reader who is slow holds one piece and no thread. An error
    /// makes the answer end before its length, which no client takes for the whole.
    fn pieces(self, content: BlobContent) -> impl Stream<Item = Result<Bytes, io::Error>> {
        stream::try_unfold((self, content), |(sending, mut content)| async move {
            let read = tokio::task::spawn_blocking(move || {
                let piece = content.next_piece();
                (piece, content)
            });
            let (piece, content) = read.await.map_err(io::Error::other)?;
            let piece = piece.map_err(|error| sending.failed(&error))?;
            Ok(piece.map(|piece| (Bytes::from(piece), (sending, content))))
        })
    }

    fn failed(&self, error: &LedgerError) -> io::Error {
        let (ledger, digest, request_id) = (&self.ledger, &self.digest, &self.request_id);
        tracing::error!(%error, ledger, digest, request_id, "an attachment was cut off");
        self.app.metrics.attachment_failed(ledger);
        io::Error::other("the attachment cannot be trusted")
    }
}

/// Hands a body to a reader on another thread.
pub(super) async fn forward(mut incoming: Incoming, pieces: mpsc::Sender<Result<Bytes, Problem>>) {
    while let Some(piece) = incoming.next().await.transpose() {
        let failed = piece.is_err();
        if pieces.send(piece).await.is_err() || failed {
            return;
        }
    }
}

/// A body as a blocking reader, which keeps what was wrong with it.
pub(super) struct Arriving {
    pieces: mpsc::Receiver<Result<Bytes, Problem>>,
    piece: Bytes,
    pub(super) problem: Option<Problem>,
}

impl Arriving {
    pub(super) fn new(pieces: mpsc::Receiver<Result<Bytes, Problem>>) -> Self {
        Self {
            pieces,
            piece: Bytes::new(),
            problem: None,
        }
    }
}

impl std::io::Read for Arriving {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(problem)) => {
                    let detail = problem.detail.clone();
                    self.problem = Some(problem);
                    return Err(std::io::Error::other(detail));
                }
            }
        }
        let count = self.piece.len().min(buffer.len());
        let taken = self.piece.split_to(count);
        if let Some(buffer) = buffer.get_mut(..count) {
            buffer.copy_from_slice(&taken);
        }
        Ok(count)
    }
}
