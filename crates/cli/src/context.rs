//! What every command is given: its output and the settings, read when first asked for.

use crate::args::Global;
use crate::config::Settings;
use crate::failure::Outcome;
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
