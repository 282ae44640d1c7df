//! `causebook doctor`: what could go wrong here, looked at one by one, each with what to do about it.

use serde_json::json;

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::paint::Paint;

mod checks;
mod models;
mod server;

/// Look for what could go wrong here
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Ok,
    Warning,
    Failed,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "failed",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Check {
    name: &'static str,
    state: State,
    found: String,
    fix: Option<String>,
}

impl Check {
    fn new(name: &'static str, state: State, found: impl Into<String>) -> Check {
        Check {
            name,
            state,
            found: found.into(),
            fix: None,
        }
    }

    fn ok(name: &'static str, found: impl Into<String>) -> Check {
        Check::new(name, State::Ok, found)
    }

    fn fix(mut self, fix: impl Into<String>) -> Check {
        self.fix = Some(fix.into());
        self
    }
}

pub(crate) fn run(_: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("doctor", &[Format::Table, Format::Json], Format::Table)?;
    let settings = context.settings()?;
    let mut checks = match &settings.remote {
        None => checks::examine(&settings),
        Some(server) => server::examine(&settings, server),
    };
    checks.extend(models::examine(&settings));
    if format == Format::Json {
        let describe = |check: &Check| json!({ "check": check.name, "state": check.state.word(), "found": check.found, "fix": check.fix });
        let described: Vec<_> = checks.iter().map(describe).collect();
        output.line(format_args!("{:#}", json!(described)))?;
    } else {
        for check in &checks {
            output.line(line(check, output.paint()))?;
        }
    }
    match checks.iter().map(|check| check.state).max() {
        Some(State::Failed) => Err(Failure::reported(Exit::Failure)),
        _ => Ok(()),
    }
}

fn line(check: &Check, paint: Paint) -> String {
    let word = format!("{:<8}", check.state.word());
    let word = match check.state {
        State::Ok => paint.good(&word),
        State::Warning => paint.warn(&word),
        State::Failed => paint.bad(&word),
    };
    let fix = check
        .fix
        .as_ref()
        .map(|fix| format!("\n         {:<12} {} {fix}", "", paint.note("fix:")));
    format!(
        "{word} {:<12} {}{}",
        check.name,
        check.found,
        fix.unwrap_or_default()
    )
}
