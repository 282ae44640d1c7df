//! The commands, one file each, and the one place that calls them.

use crate::args::Command;
use crate::context::Context;
use crate::failure::Outcome;

pub(crate) mod attach;
pub(crate) mod check;
pub(crate) mod completions;
mod compose;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod erase;
pub(crate) mod export;
pub(crate) mod help;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod model;
pub(crate) mod notice;
pub(crate) mod parse;
pub(crate) mod prove;
pub(crate) mod record;
pub(crate) mod replay;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod sql;
pub(crate) mod tail;
pub(crate) mod token;
pub(crate) mod verify;
pub(crate) mod why;

/// Does what was asked.
pub(crate) fn run(command: Command, context: &Context) -> Outcome {
    match command {
        Command::Init(args) => init::run(&args, context),
        Command::Record(args) => record::run(&args, context),
        Command::Import(args) => import::run(&args, context),
        Command::Attach(args) => attach::run(&args, context),
        Command::Ls(args) => ls::run(&args, context),
        Command::Show(args) => show::run(&args, context),
        Command::Why(args) => why::run(&args, context),
        Command::Notice(args) => notice::run(&args, context),
        Command::Replay(args) => replay::run(&args, context),
        Command::Model(args) => model::run(&args, context),
        Command::Diff(args) => diff::run(&args, context),
        Command::Tail(args) => tail::run(&args, context),
        Command::Sql(args) => sql::run(&args, context),
        Command::Export(args) => export::run(&args, context),
        Command::Verify(args) => verify::run(&args, context),
        Command::Prove(args) => prove::run(&args, context),
        Command::Check(args) => check::run(&args, context),
        Command::Erase(args) => erase::run(&args, context),
        Command::Serve(args) => serve::run(&args, context),
        Command::Token(args) => token::run(&args, context),
        Command::Demo(args) => demo::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Config(args) => config::run(&args, context),
        Command::Completions(args) => completions::run(&args, context),
        Command::Man(args) => man::run(&args, context),
        Command::Help(args) => help::run(&args, context),
    }
}
