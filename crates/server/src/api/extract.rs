//! Paths, parameters and JSON bodies, read strictly; what cannot be read is a problem that says where.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::incoming::{Incoming, JSON_BODY_BYTES_MAX};
use super::media::is_json;
use crate::problem::{Code, Problem};
use crate::state::App;

const REASON_LENGTH_MAX: usize = 1000;

/// Parts of the path.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|rejection: PathRejection| {
                Problem::new(Code::NoSuchPath, rejection.body_text())
            })
    }
}

/// Parameters behind the question mark. Structs that deny unknown fields refuse a parameter that nobody knows.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection: QueryRejection| {
                Problem::new(Code::InvalidParameter, rejection.body_text())
            })
    }
}

/// A JSON body of ours, not a record: small, and of exactly the members that are known.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(
                Code::UnsupportedMediaType,
                "expected Content-Type: application/json",
            ));
        }
        let bytes = Incoming::new(request.into_body(), app)
            .whole(JSON_BODY_BYTES_MAX)
            .await?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Problem::new(Code::InvalidBody, error.to_string()))
    }
}

/// A parameter that can be read, and does not fit what there is.
pub(super) fn unfit_parameter(name: &str, problem: impl Into<String>) -> Problem {
    Problem::new(Code::UnfitParameter, problem).at(name)
}

/// A member of a body that can be read, and does not fit.
pub(super) fn unfit_body(pointer: &str, problem: impl Into<String>) -> Problem {
    Problem::new(Code::UnfitBody, problem).at(pointer)
}

/// Why something is done, as it will stand in a record, without the spaces around it.
///
/// # Errors
/// [`Code::InvalidBody`] for one of another length, [`Code::UnfitBody`] for one of spaces alone.
pub(super) fn reason(given: &str) -> Result<&str, Problem> {
    if !(1..=REASON_LENGTH_MAX).contains(&given.chars().count()) {
        let detail = format!("reason has 1 to {REASON_LENGTH_MAX} characters");
        return Err(Problem::new(Code::InvalidBody, detail).at("/reason"));
    }
    let reason = given.trim();
    if reason.is_empty() {
        return Err(unfit_body("/reason", "reason is blank: say why"));
    }
    Ok(reason)
}

/// A whole number, which JSON may also write as `36.0`.
///
/// # Errors
/// For what is no number, or has a fraction, or is below 0.
pub(super) fn whole_number<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    use serde::Deserialize as _;
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let whole = number.as_u64().or_else(|| {
        let number = number.as_f64()?;
        let fits = number.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&number);
        fits.then_some(number as u64)
    });
    whole
        .map(Some)
        .ok_or_else(|| serde::de::Error::custom(format!("expected a whole number, found {number}")))
}

/// A parameter that is not what it should be.
pub(super) fn bad_parameter(name: &str, problem: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidParameter, problem).at(name)
}

/// A list that may be left out, but is one where it is given: null by a slip must not stand for everything.
pub(super) fn list<'de, D: serde::Deserializer<'de>>(
    given: D,
) -> Result<Option<Vec<String>>, D::Error> {
    serde::Deserialize::deserialize(given).map(Some)
}
