//! The tokens of a home, or of the server that works on one.

use causebook_access::{Grant, Ledgers, NewToken, Token, TokenStore};
use causebook_client::{Client, TokenInfo};
use jiff::Timestamp;
use serde_json::Value;

use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};
use crate::store;

/// Where tokens are made, listed and taken back.
pub(crate) enum Tokens {
    Home(Box<TokenStore>),
    Server(Client),
}

/// A token with its text, which is told once.
pub(crate) struct Made {
    pub(crate) token: Token,
    pub(crate) text: String,
}

impl Tokens {
    pub(crate) fn open(settings: &Settings) -> Outcome<Tokens> {
        Ok(match &settings.remote {
            None => Tokens::Home(Box::new(TokenStore::open(&settings.home.value)?)),
            Some(remote) => Tokens::Server(remote.connect()?),
        })
    }

    pub(crate) fn create(&self, wanted: &NewToken, by: &str) -> Outcome<Made> {
        let client = match self {
            Tokens::Home(tokens) => {
                let made = tokens.create(wanted, by, store::now())?;
                return Ok(Made {
                    token: made.token,
                    text: made.text.expose().to_owned(),
                });
            }
            Tokens::Server(client) => client,
        };
        if wanted.long_lived {
            return Err(
                Failure::usage("a server makes no token that lives longer than 366 days")
                    .hint("leave out --long-lived, or make it in the home with --home"),
            );
        }
        let roles: Vec<String> = wanted
            .grant
            .roles()
            .iter()
            .map(|role| role.as_str().to_owned())
            .collect();
        let ledgers: Option<Vec<String>> = match wanted.grant.ledgers() {
            Ledgers::All => None,
            Ledgers::Named(names) => Some(names.iter().cloned().collect()),
        };
        let days = Some(wanted.days);
        let made = client.create_token(&wanted.name, &roles, ledgers.as_deref(), days)?;
        Ok(Made {
            token: found(client, &made.id)?,
            text: made.token,
        })
    }

    pub(crate) fn list(&self) -> Outcome<Vec<Token>> {
        match self {
            Tokens::Home(tokens) => Ok(tokens.list()?),
            Tokens::Server(client) => client.tokens()?.iter().map(token).collect(),
        }
    }

    pub(crate) fn revoke(&self, id: &str) -> Outcome<Token> {
        match self {
            Tokens::Home(tokens) => Ok(tokens.revoke(id, store::now())?),
            Tokens::Server(client) => {
                client.revoke_token(id)?;
                found(client, id)
            }
        }
    }
}

fn found(client: &Client, id: &str) -> Outcome<Token> {
    let tokens = client.tokens()?;
    let info = tokens.iter().find(|info| info.id == id);
    token(info.ok_or_else(|| strange("a token that is not in its list"))?)
}

/// A token as the server lists it.
fn token(info: &TokenInfo) -> Outcome<Token> {
    let time = |value: &Value| -> Outcome<Option<Timestamp>> {
        let Some(text) = value.as_str() else {
            return Ok(None);
        };
        let time = text.parse().map_err(|_| strange("a time that is none"))?;
        Ok(Some(time))
    };
    let always = |value: &Value| time(value)?.ok_or_else(|| strange("a token without its times"));
    let ledgers = match info.ledgers.as_array() {
        Some(names) => Ledgers::named(names.iter().filter_map(Value::as_str)),
        None => Ledgers::All,
    };
    let roles = info.roles.iter().map(|role| role.parse());
    let roles = roles.collect::<Result<Vec<_>, _>>()?;
    Ok(Token {
        id: info.id.clone(),
        name: info.name.clone(),
        grant: Grant::new(ledgers, roles)?,
        created: always(&info.created)?,
        created_by: info.created_by.clone(),
        expires: always(&info.expires)?,
        revoked: time(&info.revoked)?,
        last_used: time(&info.last_used)?,
    })
}

fn strange(what: &str) -> Failure {
    let title = format!("the server tells of {what}");
    Failure::new(Exit::Failure, "not-this-api", title)
}
