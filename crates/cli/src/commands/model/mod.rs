//! `causebook model`: registered models, and what decisions name that is not registered.

use clap::Subcommand;

use crate::context::Context;
use crate::failure::Outcome;

mod add;
mod list;
mod set;

/// Register models, so that their decisions can be replayed and explained
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    Add(add::Args),
    List(list::Args),
    Show(list::ShowArgs),
    Set(set::Args),
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    match &args.act {
        Act::Add(args) => add::run(args, context),
        Act::List(args) => list::run(args, context),
        Act::Show(args) => list::show(args, context),
        Act::Set(args) => set::run(args, context),
    }
}
