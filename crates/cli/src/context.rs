//! What every command is given: its output and the settings, read when first asked for.

use crate::args::Global;
use crate::config::Settings;
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// What a command works in.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) output: Output,
    pub(crate) global: Global,
}

impl Context {
    pub(crate) fn new(global: Global, output: Output) -> Context {
        Context { output, global }
    }

    /// The same for a command that works on a home and on nothing else.
    pub(crate) fn home_settings(&self, command: &str) -> Outcome<Settings> {
        let settings = self.settings()?;
        match &settings.remote {
            None => Ok(settings),
            Some(remote) => Err(Failure::usage(format!(
                "`causebook {command}` works on a home, not on a server"
            ))
            .place(remote.url.origin.to_string())
            .hint("--home DIR names a home")),
        }
    }

    /// Settings of this folder, user and command line. Commands that need none work beside a broken settings file.
    pub(crate) fn settings(&self) -> Outcome<Settings> {
        let settings = Settings::load(&self.global)?;
        for (key, value, origin) in settings.entries() {
            self.output
                .detail(format_args!("{key} = {value} ({origin})"));
        }
        Ok(settings)
    }
}
