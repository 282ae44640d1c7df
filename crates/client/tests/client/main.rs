//! What the client promises, held against a server that does what it likes.

mod batch;
mod failures;
mod heads;
mod reading;
mod server;
mod tail;
