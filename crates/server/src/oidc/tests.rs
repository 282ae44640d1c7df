//! Logging in against a small provider of our own, which can be made to lie. `cargo xtask oidc` does the same against one
//! that is not ours.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use causebook_access::{Permission, Role};
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tower::ServiceExt as _;
use url::form_urlencoded;

use super::*;

mod login;
mod peer;
mod place;
mod provider;
mod session;
mod token;
mod trail;

use place::{Kept, Place};
use provider::{Forge, encoded, honest, key, signed};

const BASE: &str = "https://causebook.bank.example";
const CLIENT: &str = "causebook";
const SECRET: &str = "a secret / with+signs";
