//! `causebook man`: manual pages, made from the same definitions as `--help`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::CommandFactory;
use clap_mangen::Man;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// Print or write the manual pages
///
/// causebook man | man -l -
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Command to print the page of, instead of the page of `causebook` itself
    command: Option<String>,

    /// Write every page into a folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let mut root = Cli::command();
    root.build();
    if let Some(dir) = &args.dir {
        fs::create_dir_all(dir).map_err(|error| Failure::io("make the folder", dir, &error))?;
        clap_mangen::generate_to(root, dir)
            .map_err(|error| Failure::io("write into", dir, &error))?;
        context
            .output
            .say(format_args!("wrote the manual pages to {}", dir.display()));
        return Ok(());
    }
    let command = match &args.command {
        Some(name) => super::help::find(&root, name)?.clone(),
        None => root,
    };
    let mut out = context.output.stdout();
    Man::new(command).render(&mut out)?;
    Ok(out.flush()?)
}
