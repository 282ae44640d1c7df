//! The `causebook` binary, run as its users run it: a real process, a real folder, its exit code and what it prints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod demo;
mod filter;
mod find;
mod harness;
mod import;
mod prove;
mod readme;
mod record;
mod reference;
mod remote;
mod server;
mod settings;
mod token;
mod why;
