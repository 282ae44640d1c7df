//! A connection that has to go on: whoever connects and does not say what it speaks, or asks and does not take the answer, is
//! let go, or a few idle connections would keep everybody else out.

use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What HTTP/2 begins with (RFC 9113 section 3.4). While what came may still be the beginning of it, nobody else waits with
/// a limit for what follows.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream that has to say in time which version of HTTP it speaks, and to take what is written to it.
pub(crate) struct Prompt<S> {
    stream: S,
    /// Until it is known what is spoken.
    deadline: Option<Pin<Box<Sleep>>>,
    /// Bytes of the preface that came.
    begun: usize,
    /// Longest that a write waits.
    patience: Duration,
    /// While a write waits.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Prompt<S> {
    /// `first` is the longest until it is known what is spoken, `patience` the longest that a write waits.
    pub(crate) fn new(stream: S, first: Duration, patience: Duration) -> Self {
        Self {
            stream,
            deadline: Some(Box::pin(tokio::time::sleep(first))),
            begun: 0,
            patience,
            stalled: None,
        }
    }

    /// Takes note of bytes that came before it was known what is spoken.
    fn note(&mut self, came: &[u8]) {
        let expected = PREFACE.get(self.begun..).unwrap_or_default();
        if came.len() < expected.len() && expected.starts_with(came) && !came.is_empty() {
            self.begun += came.len();
        } else {
            self.deadline = None;
        }
    }

    /// A write's outcome, or an error if it waited too long.
    fn timed<T>(
        &mut self,
        context: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prompt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some(deadline) = self.deadline.as_mut() else {
            return read;
        };
        if read.is_ready() {
            let came = buffer.filled().get(before..).unwrap_or_default();
            self.note(came);
            return read;
        }
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prompt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.timed(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.timed(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
