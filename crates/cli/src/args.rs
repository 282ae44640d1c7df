//! The command line: global options and one variant a command. What a command takes stands beside the command.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    attach, check, completions, config, demo, diff, doctor, erase, export, help, import, init, ls,
    man, model, notice, prove, record, replay, serve, show, sql, tail, token, verify, why,
};
use crate::output::{Format, Volume};
use crate::paint::Color;

/// The audit trail for model decisions: captured, proven, explained.
///
/// Records every decision a model makes, keeps the record provable, and answers why.
#[derive(Debug, Parser)]
#[command(
    name = "causebook",
    version,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Start with `causebook demo`. More: `causebook help COMMAND`, `causebook help exit-codes`."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// Options that every command takes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Folder that holds the ledgers [env: CAUSEBOOK_HOME] [default: causebook]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,

    /// Server that has the ledgers, instead of a folder [env: CAUSEBOOK_URL]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "home")]
    pub(crate) url: Option<String>,

    /// Ledger to work on [env: CAUSEBOOK_LEDGER] [default: main]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) ledger: Option<String>,

    /// Form of the output; by default rows are a table on a terminal and NDJSON elsewhere
    #[arg(
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        value_name = "FORMAT"
    )]
    pub(crate) format: Option<Format>,

    /// Say nothing but errors on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say more on standard error
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,

    /// When to use colour; NO_COLOR and CLICOLOR_FORCE are heeded
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: Color,
}

impl Global {
    pub(crate) fn volume(&self) -> Volume {
        match (self.quiet, self.verbose) {
            (true, _) => Volume::Quiet,
            (false, true) => Volume::Verbose,
            (false, false) => Volume::Normal,
        }
    }
}

/// What to do. Each command is described where it is defined.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(init::Args),
    Record(record::Args),
    Import(import::Args),
    Attach(attach::Args),
    Ls(ls::Args),
    Show(show::Args),
    Why(why::Args),
    Diff(diff::Args),
    Tail(tail::Args),
    Sql(sql::Args),
    Export(export::Args),
    Verify(verify::Args),
    Prove(prove::Args),
    Check(check::Args),
    Model(model::Args),
    Notice(notice::Args),
    Replay(replay::Args),
    Erase(erase::Args),
    Serve(serve::Args),
    Token(token::Args),
    Demo(demo::Args),
    Doctor(doctor::Args),
    Config(config::Args),
    Completions(completions::Args),
    Man(man::Args),
    Help(help::Args),
}
