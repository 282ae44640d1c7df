//! The `causebook` command.
//!
//! `main` reads the command line, runs one command and turns what came of it into an exit code; [`args`] says what can
//! be asked, [`commands`] does it, one file each, and [`store`] is the only place that knows how a ledger is opened.

#![allow(
    clippy::doc_markdown,
    reason = "doc comments of arguments are help texts, printed as they stand"
)]

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{Format, Output, Volume};
use crate::paint::Color;

mod answers;
mod args;
mod book;
mod commands;
mod config;
mod context;
mod documents;
mod failure;
mod grid;
mod json;
mod memory;
mod output;
mod page;
mod paint;
mod progress;
mod refusals;
mod rows;
mod store;
mod suggest;
mod units;
mod verdict;
mod words;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&arguments, &error),
    };
    let output = Output::new(cli.global.format, cli.global.volume(), cli.global.color);
    let context = Context::new(cli.global, output);
    let outcome = commands::run(cli.command, &context);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            context.output.failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}

/// A command line that cannot be read: the parser's own words to people, one object to programs. Help and version are
/// asked for the same way and end well.
fn refuse(arguments: &[OsString], error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || !asks_for_json(arguments) {
        let _ = error.print();
        return ExitCode::from(if error.use_stderr() {
            Exit::Usage as u8
        } else {
            0
        });
    }
    let text = error.render().to_string();
    let title = text
        .lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ");
    let failure = Failure::usage(title).hint("causebook help COMMAND");
    Output::new(Some(Format::Json), Volume::Normal, Color::Never).failure(&failure);
    ExitCode::from(Exit::Usage as u8)
}

fn asks_for_json(arguments: &[OsString]) -> bool {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    words.contains(&"--format=json") || words.windows(2).any(|pair| pair == ["--format", "json"])
}
