//! Causebook over HTTP: decisions in, decisions out to whoever is allowed to see them, live.
//!
//! [`Server::start`] opens every ledger of a home and answers until it is told to stop. A request goes through
//! `serve` (connections, TLS, limits), `front` (request id, limits, problems, metrics) with `authentication` (who is
//! asking), and the handler in `api` that its path names. What is read is itself recorded (`trail`) before it is
//! answered; what is written goes to the ledger's engine and is answered when it is durable (`book`, `appender`).

mod allowance;
mod api;
mod appender;
mod asking;
mod authentication;
mod book;
mod books;
mod config;
mod docs_page;
mod error;
mod front;
mod gaps;
mod linked;
mod metrics;
pub mod oidc;
mod openapi;
mod otlp;
mod problem;
mod prompt;
mod run;
mod serve;
mod settings;
mod state;
pub mod tls;
mod trail;

pub use config::{Config, ConfigError, Limits};
pub use error::ServerError;
pub use openapi::document as openapi;
pub use run::{run, start_log};
pub use serve::Server;
pub use settings::{KEYS, Key, ValueKind};
