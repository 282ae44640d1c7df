//! `causebook completions`: a script that completes commands and options.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::Outcome;

/// Print a completion script for a shell
///
/// For bash: causebook completions bash > ~/.local/share/bash-completion/completions/causebook
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "causebook", &mut script);
    context
        .output
        .line(String::from_utf8_lossy(&script).trim_end())
}
