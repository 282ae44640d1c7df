//! Who you are, and tokens: made, listed, revoked.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use causebook_access::{
    AccessError, DEFAULT_DAYS, Grant, Ledgers, NewToken, Permission, Role, Token,
};
use causebook_ledger::Clock as _;
use causebook_record::Mask;
use serde::Deserialize;
use serde_json::{Value, json};

use super::extract::{Json, Path, list, whole_number};
use super::item::header;
use super::media::JSON;
use super::schema::{MeBody, Refusals, TokenBody, TokensBody};
use super::shapes::LedgerName;
use super::write::blocking;
use crate::asking::{Asking, check};
use crate::problem::{Code, Problem};
use crate::state::App;
use crate::trail::{Access, SERVER};

impl App {
    /// What whoever is asking sees masked on a ledger.
    pub(crate) fn mask(&self, asking: &Asking, ledger: &str) -> Mask {
        let principal = asking.principal.as_ref();
        let places = principal.map(|principal| self.config.masks.of(principal, ledger));
        // A policy holds no place that a mask refuses, so this is never the fallback.
        Mask::new(places.unwrap_or_default()).unwrap_or_default()
    }
}

/// Show who you are to this server, and what you may see.
#[utoipa::path(
    get, path = "/v1/me", tag = "access", operation_id = "getMe",
    responses((status = 200, description = "You", body = MeBody), Refusals),
)]
pub(crate) async fn me(State(app): State<App>, asking: Asking) -> Result<Response, Problem> {
    let principal = asking.known()?;
    let mut roles: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut masks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for book in app.books.all() {
        let held = principal.roles(&book.name);
        if held.is_empty() {
            continue;
        }
        roles.insert(
            book.name.clone(),
            held.iter().map(|role| role.as_str()).collect(),
        );
        let places = app.config.masks.of(principal, &book.name);
        masks.insert(
            book.name.clone(),
            places.iter().map(ToString::to_string).collect(),
        );
    }
    let via = principal.via().to_string();
    let body = json!({"principal": principal.name(), "via": via, "roles": roles, "masks": masks});
    Ok(([(header::CONTENT_TYPE, header(JSON))], body.to_string()).into_response())
}

/// List tokens, without their texts.
#[utoipa::path(
    get, path = "/v1/tokens", tag = "access", operation_id = "listTokens",
    responses((status = 200, description = "Tokens, oldest first", body = TokensBody), Refusals),
)]
pub(crate) async fn tokens(State(app): State<App>, asking: Asking) -> Result<Response, Problem> {
    app.manages_tokens(&asking).await?;
    let reading = app.clone();
    let tokens = blocking(move || Ok(reading.tokens.list()?)).await?;
    app.trail
        .note(&asking, &Access::of("list-tokens", SERVER))
        .await?;
    let body = json!({"tokens": tokens.iter().map(describe).collect::<Vec<_>>()});
    Ok(([(header::CONTENT_TYPE, header(JSON))], body.to_string()).into_response())
}

/// A token to make.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTokenBody {
    /// Who will hold it.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$")]
    name: String,
    /// Roles that it gives: ingest, engineer, compliance, auditor, admin.
    #[schema(min_items = 1, value_type = Vec<RoleName>)]
    roles: Vec<String>,
    /// Ledgers that it is for; none: all, and the server itself.
    #[serde(default, deserialize_with = "list")]
    #[schema(min_items = 1, value_type = Vec<LedgerName>, required = false)]
    ledgers: Option<Vec<String>>,
    /// Days that it lives.
    #[serde(default, deserialize_with = "whole_number")]
    #[schema(minimum = 1, maximum = 366)]
    expires_days: Option<u64>,
}

/// The roles that there are.
#[derive(utoipa::ToSchema)]
#[schema(as = Role, rename_all = "lowercase")]
#[allow(dead_code, reason = "read by the description of the API alone")]
enum RoleName {
    Ingest,
    Engineer,
    Compliance,
    Auditor,
    Admin,
}

/// Make a token. Its text is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v1/tokens", tag = "access", operation_id = "createToken",
    request_body = NewTokenBody,
    responses((status = 201, description = "The token, with its text in `token`", body = TokenBody), Refusals),
)]
pub(crate) async fn create_token(
    State(app): State<App>,
    asking: Asking,
    Json(body): Json<NewTokenBody>,
) -> Result<Response, Problem> {
    app.manages_tokens(&asking).await?;
    let wanted = wanted(body)?;
    let (making, by) = (app.clone(), asking.name().to_owned());
    let created = blocking(move || {
        let now = making.clock.now();
        Ok(making.tokens.create(&wanted, &by, now)?)
    })
    .await?;
    let access = Access {
        object: Some(&created.token.id),
        ..Access::of("create-token", SERVER)
    };
    app.trail.note(&asking, &access).await?;
    let mut body = describe(&created.token);
    if let Some(members) = body.as_object_mut() {
        members.insert("token".to_owned(), json!(created.text.expose()));
    }
    let head = [(header::CONTENT_TYPE, header(JSON))];
    Ok((StatusCode::CREATED, head, body.to_string()).into_response())
}

/// Revoke a token, at once.
#[utoipa::path(
    delete, path = "/v1/tokens/{id}", tag = "access", operation_id = "revokeToken",
    params(("id" = String, Path, description = "Id of the token")),
    responses((status = 204, description = "It is refused from now on"), Refusals),
)]
pub(crate) async fn revoke_token(
    State(app): State<App>,
    asking: Asking,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    app.manages_tokens(&asking).await?;
    let (revoking, revoked) = (app.clone(), id.clone());
    blocking(move || {
        let now = revoking.clock.now();
        Ok(revoking.tokens.revoke(&revoked, now)?)
    })
    .await?;
    let access = Access {
        object: Some(&id),
        ..Access::of("revoke-token", SERVER)
    };
    app.trail.note(&asking, &access).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

impl App {
    async fn manages_tokens(&self, asking: &Asking) -> Result<(), Problem> {
        let checked = check(asking, SERVER, Permission::ManageTokens);
        if let Err(problem) = &checked
            && asking.principal.is_some()
        {
            let access = Access {
                result: problem.code.name(),
                ..Access::of("manage-tokens", SERVER)
            };
            self.trail.note(asking, &access).await?;
        }
        checked
    }
}

fn wanted(body: NewTokenBody) -> Result<NewToken, Problem> {
    let lists = [
        ("/roles", body.roles.is_empty(), "name at least one"),
        (
            "/ledgers",
            body.ledgers.as_ref().is_some_and(Vec::is_empty),
            "name at least one, or leave it out for all",
        ),
    ];
    for (pointer, is_empty, advice) in lists {
        if is_empty {
            let name = pointer.trim_start_matches('/');
            let detail = format!("{name} is empty: {advice}");
            return Err(Problem::new(Code::InvalidBody, detail).at(pointer));
        }
    }
    let mut roles = Vec::with_capacity(body.roles.len());
    for (number, role) in body.roles.iter().enumerate() {
        let role = role.parse::<Role>().map_err(|error| {
            Problem::new(Code::InvalidBody, error.to_string()).at(format!("/roles/{number}"))
        })?;
        roles.push(role);
    }
    let ledgers = body.ledgers.map_or(Ledgers::All, |names| {
        Ledgers::Named(names.into_iter().collect())
    });
    Ok(NewToken {
        name: body.name,
        grant: Grant::new(ledgers, roles)?,
        days: body
            .expires_days
            .map_or(DEFAULT_DAYS, |days| u32::try_from(days).unwrap_or(u32::MAX)),
        long_lived: false,
    })
}

fn describe(token: &Token) -> Value {
    let ledgers = match token.grant.ledgers() {
        Ledgers::All => json!("*"),
        Ledgers::Named(names) => json!(names),
    };
    let roles: Vec<&str> = token
        .grant
        .roles()
        .iter()
        .map(|role| role.as_str())
        .collect();
    json!({
        "id": token.id,
        "name": token.name,
        "roles": roles,
        "ledgers": ledgers,
        "created": token.created.to_string(),
        "created_by": token.created_by,
        "expires": token.expires.to_string(),
        "last_used": token.last_used.map(|time| time.to_string()),
        "revoked": token.revoked.map(|time| time.to_string()),
    })
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let detail = error.to_string();
        match error {
            AccessError::NoSuchToken { .. } => Self::new(Code::NoToken, detail),
            AccessError::Damaged { .. }
            | AccessError::NewerFormat { .. }
            | AccessError::Exposed { .. }
            | AccessError::Disk { .. }
            | AccessError::NoHome { .. } => Self::internal(&detail),
            AccessError::Locked { .. } => Self::new(Code::Busy, detail).retry_after(1),
            AccessError::TooManyTokens => Self::new(Code::Unfit, detail),
            AccessError::ReservedLedger => Self::new(Code::UnfitBody, detail).at("/ledgers"),
            AccessError::LedgerName { .. } => Self::new(Code::InvalidBody, detail).at("/ledgers"),
            AccessError::TokenName { .. } => Self::new(Code::InvalidBody, detail).at("/name"),
            AccessError::TokenLife { .. } => {
                Self::new(Code::InvalidBody, detail).at("/expires_days")
            }
            _ => Self::new(Code::InvalidBody, detail),
        }
    }
}
