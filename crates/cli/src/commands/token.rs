//! `causebook token`: the tokens that let services and people into a server on this home.

use causebook_access::{AccessError, DEFAULT_DAYS, Grant, Ledgers, NewToken, Role, Token};
use clap::Subcommand;
use serde_json::{Value, json};

use crate::book::tokens::Tokens;
use crate::config::Settings;
use crate::context::Context;
use crate::failure::Outcome;
use crate::grid::{Column, Grid};
use crate::output::{Format, Output};
use crate::store;
use crate::units::second;

/// Make, list and revoke the tokens of a server
///
/// They are kept in the home, as hashes. A server that runs on the same home heeds every change at once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a token and print it, this one time
    Create(Create),
    /// List tokens, without their secrets
    Ls,
    /// Take a token back, at once and for good
    Revoke {
        /// Its id, as `causebook token ls` shows it
        id: String,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Who will hold it, as it will stand in records after `token:`
    #[arg(long, value_name = "NAME")]
    name: String,

    /// What it may do: ingest, engineer, compliance, auditor or admin. May be given more than once
    #[arg(long, value_name = "ROLE", required = true, value_parser = role)]
    role: Vec<Role>,

    /// Only on this ledger. May be given more than once. Without, on all of them
    #[arg(long, value_name = "LEDGER")]
    on_ledger: Vec<String>,

    /// Days that it lives, at most 366
    #[arg(long, value_name = "DAYS", default_value_t = DEFAULT_DAYS)]
    expires_days: u32,

    /// Let it live longer than 366 days
    #[arg(long)]
    long_lived: bool,
}

const LIST_FORMATS: [Format; 5] = [
    Format::Table,
    Format::Json,
    Format::Ndjson,
    Format::Csv,
    Format::Markdown,
];

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    match &args.act {
        Act::Create(args) => create(args, context),
        Act::Ls => list(context),
        Act::Revoke { id } => revoke(id, context),
    }
}

fn create(args: &Create, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format(
        "token create",
        &[Format::Table, Format::Json],
        Format::Table,
    )?;
    let settings = context.settings()?;
    let ledgers = match args.on_ledger.as_slice() {
        [] => Ledgers::All,
        names => Ledgers::named(names),
    };
    let wanted = NewToken {
        name: args.name.clone(),
        grant: Grant::new(ledgers, args.role.iter().copied())?,
        days: args.expires_days,
        long_lived: args.long_lived,
    };
    warn_of_absent_ledgers(&args.on_ledger, &settings, output);
    let made = Tokens::open(&settings)?.create(&wanted, &settings.by.value)?;
    if format == Format::Json {
        let mut described = described(&made.token);
        if let Some(members) = described.as_object_mut() {
            members.insert("token".to_owned(), json!(made.text));
        }
        return output.line(format_args!("{described:#}"));
    }
    output.line(&made.text)?;
    let token = &made.token;
    output.say(format_args!(
        "\nThis token is {} on {}, until {} UTC. It is not shown again: only its hash is kept.",
        roles(token),
        ledgers_text(token),
        second(token.expires)
    ));
    output.hint(format_args!(
        "causebook token revoke {} takes it back",
        token.id
    ));
    Ok(())
}

fn list(context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("token ls", &LIST_FORMATS, output.rows_default())?;
    let listed = Tokens::open(&context.settings()?)?.list()?;
    match format {
        Format::Json => {
            let listed: Vec<Value> = listed.iter().map(described).collect();
            output.line(format_args!("{:#}", json!(listed)))
        }
        Format::Markdown => output.line(grid(&listed).markdown()),
        Format::Csv => output.line(grid(&listed).csv()),
        Format::Table if listed.is_empty() => {
            output.say("no tokens");
            output.hint("causebook token create --name NAME --role ROLE makes one");
            Ok(())
        }
        Format::Table => output.line(grid(&listed).table(output.width(), output.paint())),
        _ => {
            for token in &listed {
                output.line(described(token))?;
            }
            Ok(())
        }
    }
}

fn revoke(id: &str, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format(
        "token revoke",
        &[Format::Table, Format::Json],
        Format::Table,
    )?;
    let token = Tokens::open(&context.settings()?)?.revoke(id)?;
    if format == Format::Json {
        return output.line(format_args!("{:#}", described(&token)));
    }
    output.line(format_args!("Revoked {} ({})", token.id, token.name))
}

/// A ledger may be made later, so a name that is none yet is only worth a word.
fn warn_of_absent_ledgers(names: &[String], settings: &Settings, output: &Output) {
    if settings.remote.is_some() {
        return;
    }
    let present = store::ledgers(&settings.home.value);
    for name in names.iter().filter(|name| !present.contains(name)) {
        output.warn(format_args!("there is no ledger {name:?} here yet"));
    }
}

/// As the server's API lists it.
fn described(token: &Token) -> Value {
    let ledgers = match token.grant.ledgers() {
        Ledgers::All => json!("*"),
        Ledgers::Named(names) => json!(names),
    };
    json!({
        "id": token.id,
        "name": token.name,
        "roles": token.grant.roles(),
        "ledgers": ledgers,
        "state": token.state(store::now()).to_string(),
        "created": token.created,
        "created_by": token.created_by,
        "expires": token.expires,
        "revoked": token.revoked,
        "last_used": token.last_used,
    })
}

fn grid(tokens: &[Token]) -> Grid {
    let columns = vec![
        Column::new("ID", false, 0),
        Column::new("NAME", false, 0),
        Column::new("ROLES", false, 0),
        Column::new("LEDGERS", false, 1),
        Column::new("STATE", false, 0),
        Column::new("EXPIRES", false, 3),
        Column::new("LAST USED", false, 2),
        Column::new("CREATED BY", false, 4),
    ];
    let now = store::now();
    let cells = |token: &Token| {
        vec![
            token.id.clone(),
            token.name.clone(),
            roles(token),
            ledgers_text(token),
            token.state(now).to_string(),
            second(token.expires),
            token.last_used.map(second).unwrap_or_default(),
            token.created_by.clone(),
        ]
    };
    Grid {
        columns,
        rows: tokens.iter().map(cells).collect(),
    }
}

fn roles(token: &Token) -> String {
    let names: Vec<&str> = token
        .grant
        .roles()
        .iter()
        .map(|role| role.as_str())
        .collect();
    names.join(", ")
}

fn ledgers_text(token: &Token) -> String {
    match token.grant.ledgers() {
        Ledgers::All => "all ledgers".to_owned(),
        Ledgers::Named(names) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            names.join(", ")
        }
    }
}

fn role(text: &str) -> Result<Role, String> {
    text.parse()
        .map_err(|error: AccessError| error.hint().unwrap_or_else(|| error.to_string()))
}
