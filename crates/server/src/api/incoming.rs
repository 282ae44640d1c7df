//! Bodies as they arrive: decoded already, counted against a limit, and given up on when they pause for too long.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::BodyExt as _;

use crate::problem::{Code, Problem};
use crate::state::App;

/// Most bytes of a JSON body that is not a record.
pub(super) const JSON_BODY_BYTES_MAX: usize = 1 << 20;

/// A body that is being read.
#[derive(Debug)]
pub(super) struct Incoming {
    body: Body,
    idle: Duration,
    left: u64,
    limit: u64,
}

impl Incoming {
    pub(super) fn new(body: Body, app: &App) -> Self {
        let limit = app.config.limits.body_bytes;
        Self {
            body,
            idle: app.config.limits.body_idle,
            left: limit,
            limit,
        }
    }

    /// The next piece; nothing at the end.
    ///
    /// # Errors
    /// [`Code::RequestTimeout`], [`Code::TooLarge`], or [`Code::InvalidBody`] for a body that breaks off or cannot be
    /// decoded.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let frame = tokio::time::timeout(self.idle, self.body.frame()).await;
            let frame = frame.map_err(|_| {
                let detail = format!("the body paused for more than {} s", self.idle.as_secs());
                Problem::new(Code::RequestTimeout, detail)
            })?;
            let Some(frame) = frame else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| {
                Problem::new(
                    Code::InvalidBody,
                    format!("the body cannot be read: {error}"),
                )
            })?;
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            self.left = self.left.checked_sub(bytes.len() as u64).ok_or_else(|| {
                let detail = format!("a body has at most {} bytes, decoded", self.limit);
                Problem::new(Code::TooLarge, detail)
            })?;
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }

    /// All of it, if it has at most `max` bytes.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub(super) async fn whole(mut self, max: usize) -> Result<Vec<u8>, Problem> {
        let mut whole = Vec::new();
        while let Some(piece) = self.next().await? {
            if whole.len() + piece.len() > max {
                let detail = format!("at most {max} bytes are read here");
                return Err(Problem::new(Code::TooLarge, detail));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }
}
