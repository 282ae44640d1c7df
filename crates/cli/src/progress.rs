//! A progress bar on standard error, for people, and only for work that takes long enough to be waited for.

use std::time::Duration;

use causebook_ledger::{Clock, SystemClock};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// A bar that counts towards a total which may become known later.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    wanted: bool,
    clock: SystemClock,
}

/// Work done sooner than this shows no bar.
const PATIENCE: Duration = Duration::from_millis(500);

impl Progress {
    /// A bar that says what is done, and to what: "verifying", "records".
    pub(crate) fn new(output: &Output, doing: &str, what: &str) -> Progress {
        let template =
            format!("{doing} [{{bar:30}}] {{human_pos}} of {{human_len}} {what}, {{eta}} left");
        let style = ProgressStyle::with_template(&template).map_or_else(
            |_| ProgressStyle::default_bar(),
            |style| style.progress_chars("=> "),
        );
        let bar = ProgressBar::hidden().with_style(style);
        Progress {
            bar,
            wanted: output.shows_progress(),
            clock: SystemClock::new(),
        }
    }

    /// `done` of `total` are done; 0 if the total is not known yet.
    pub(crate) fn at(&self, done: u64, total: u64) {
        if self.wanted && self.bar.is_hidden() && self.clock.monotonic() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_length(total.max(done));
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
