//! What the client promises, held against a server that does what it likes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batch;
mod deliver;
mod failures;
mod heads;
mod reading;
mod server;
mod tail;
