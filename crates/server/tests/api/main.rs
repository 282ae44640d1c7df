//! The server as its callers meet it: a real one on a free port, asked over HTTP.

mod allowed;
mod find;
mod limits;
mod live;
mod operate;
mod support;
mod tokens;
mod trail;
mod write;
