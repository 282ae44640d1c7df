//! The server as its callers meet it: a real one on a free port, asked over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::format_push_string
)]

mod allowed;
mod find;
mod limits;
mod live;
mod operate;
mod refusals;
mod reviews;
mod support;
mod tokens;
mod trail;
mod why;
mod write;
