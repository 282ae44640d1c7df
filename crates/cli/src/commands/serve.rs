//! `causebook serve`: every ledger of a home over HTTP, until told to stop.
//!
//! Each setting of the server is a flag, an environment variable and a key of the settings file; all three are made from
//! one table, so this command has no list of its own.

use std::collections::BTreeMap;
use std::path::Path;

use causebook_server::{Config, ConfigError, KEYS, Server, ServerError, ValueKind};
use clap::{Arg, ArgMatches, Command, FromArgMatches};

use crate::config::Settings;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};

/// Answer over HTTP: record, find, prove, ask and follow, for whoever is allowed to
///
/// Opens every ledger of the home. Without a token the server answers this machine alone; `causebook token create`
/// makes the first one.
#[derive(Debug)]
pub(crate) struct Args {
    /// Settings that flags give, by name.
    given: BTreeMap<String, String>,
}

impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = KEYS.iter().filter_map(|key| {
            let value = matches.get_one::<String>(key.name)?;
            Some((key.name.to_owned(), value.clone()))
        });
        Ok(Self {
            given: given.collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Args {
    fn augment_args(command: Command) -> Command {
        let command = command
            .about("Answer over HTTP: record, find, prove, ask and follow, for whoever is allowed to")
            .long_about(
                "Answer over HTTP: record, find, prove, ask and follow, for whoever is allowed to\n\n\
                 Opens every ledger of the home. Until the first token is made (`causebook token create`), \
                 the server answers this machine alone, and whoever asks there.",
            )
            .next_help_heading("Settings, also keys under [server] in causebook.toml");
        KEYS.iter().fold(command, |command, key| {
            let value = match key.kind {
                ValueKind::Text => "TEXT",
                ValueKind::Path => "FILE",
                ValueKind::Number => "NUMBER",
                ValueKind::Switch => "true|false",
                ValueKind::List => "LIST",
            };
            let default = match key.default {
                "" => String::new(),
                // Spaces, so that a long list can be broken.
                default => format!(" [default: {}]", default.replace(',', ", ")),
            };
            let help = format!("{} [env: {}]{default}", key.help, key.variable());
            command.arg(
                Arg::new(key.name)
                    .long(key.flag())
                    .value_name(value)
                    .help(help),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let settings = context.home_settings("serve")?;
    let config = config(args, &settings)?;
    let log = (
        value(args, &settings, "log.format"),
        value(args, &settings, "log.level"),
    );
    causebook_server::start_log(&log.0, &log.1).map_err(|error| refused(&error, &settings))?;
    let say = |server: &Server| {
        let scheme = server.scheme();
        context
            .output
            .say(format_args!("listening at {scheme}://{}", server.address()));
        if server.is_open() {
            context.output.warn(
                "no token was made yet: whoever is on this machine may do everything; `causebook token create` changes that",
            );
        }
    };
    causebook_server::run(config, say).map_err(|error| failure(error, &settings.home.value))
}

fn config(args: &Args, settings: &Settings) -> Outcome<Config> {
    let mut values: BTreeMap<String, String> = settings
        .server
        .iter()
        .map(|(name, setting)| (name.clone(), setting.value.clone()))
        .collect();
    values.extend(args.given.clone());
    Config::new(settings.home.value.clone(), &values).map_err(|error| refused(&error, settings))
}

/// A setting that the server does not take part in reading.
fn value(args: &Args, settings: &Settings, name: &str) -> String {
    let given = args.given.get(name).cloned();
    let given = given.or_else(|| Some(settings.server.get(name)?.value.clone()));
    let default = KEYS.iter().find(|key| key.name == name);
    given.unwrap_or_else(|| default.map_or("", |key| key.default).to_owned())
}

fn refused(error: &ConfigError, settings: &Settings) -> Failure {
    let failure = Failure::new(Exit::Usage, "config-invalid", error.to_string());
    match settings.server.get(&error.key) {
        Some(setting) => failure.place(setting.origin.to_string()),
        None => failure,
    }
}

fn failure(error: ServerError, home: &Path) -> Failure {
    let title = error.to_string();
    match error {
        ServerError::Ledger { source, ledger } => {
            let failure = Failure::from(*source);
            let place = home.join("ledgers").join(ledger);
            failure.place(place.display().to_string())
        }
        ServerError::Open { .. } | ServerError::Published { .. } => {
            Failure::new(Exit::Usage, "open-to-all", title)
                .hint("make a token first: causebook token create --name NAME --role admin")
        }
        ServerError::Listen { .. } => {
            Failure::new(Exit::Failure, "listen", title).hint("--listen names another address")
        }
        _ => Failure::new(Exit::Failure, "server", title),
    }
}
