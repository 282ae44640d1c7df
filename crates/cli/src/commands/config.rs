//! `causebook config`: the settings as they are here, and where each was said.

use clap::Subcommand;
use serde_json::json;

use crate::config;
use crate::context::Context;
use crate::failure::Outcome;
use crate::output::Format;

/// Show settings and where they come from
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Print every setting
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
    /// Print the settings files that are looked for, strongest first
    Path,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let settings = context.settings()?;
    let output = &context.output;
    let format = output.format("config", &[Format::Table, Format::Json], Format::Table)?;
    match (&args.act, format) {
        (Act::Show { .. }, Format::Json) => {
            let describe = |(key, value, origin): (&str, String, &config::Origin)| json!({ "key": key, "value": value, "origin": origin.to_string() });
            let entries: Vec<_> = settings.entries().into_iter().map(describe).collect();
            output.line(format_args!("{:#}", json!(entries)))
        }
        (
            Act::Show {
                origin: with_origin,
            },
            _,
        ) => {
            for (key, value, origin) in settings.entries() {
                match with_origin {
                    true => output.line(format_args!("{key:<16} {value:<24} {origin}"))?,
                    false => output.line(format_args!("{key:<16} {value}"))?,
                }
            }
            Ok(())
        }
        (Act::Path, Format::Json) => {
            let describe = |(path, there)| json!({ "path": path, "exists": there });
            let files: Vec<_> = config::files(&settings).into_iter().map(describe).collect();
            output.line(format_args!("{:#}", json!(files)))
        }
        (Act::Path, _) => {
            for (path, there) in config::files(&settings) {
                let absence = if there { "" } else { "  (not there)" };
                output.line(format_args!("{}{absence}", path.display()))?;
            }
            Ok(())
        }
    }
}
