//! Whether the models that decisions name are registered: what is not cannot be replayed or explained.

use super::{Check, State};
use crate::book;
use crate::config::Settings;
use crate::output::printable;

const NAME: &str = "models";
/// Versions that are named; `causebook model list` has all.
const NAMED: usize = 3;

/// None where no decision names a model, or where another check has said why the ledger cannot be asked.
pub(super) fn examine(settings: &Settings) -> Option<Check> {
    let versions = book::open(settings).and_then(|book| book.models()).ok()?;
    let decided = versions.iter().filter(|version| version.seen.decisions > 0);
    let decided: Vec<_> = decided.collect();
    let unfit: Vec<_> = decided
        .iter()
        .filter(|version| !version.warnings.is_empty())
        .collect();
    if decided.is_empty() {
        return None;
    }
    if unfit.is_empty() {
        let found = format!("{} versions decided, all registered", decided.len());
        return Some(Check::ok(NAME, found));
    }
    let decisions: u64 = unfit.iter().map(|version| version.seen.decisions).sum();
    let named = unfit.iter().take(NAMED).map(|version| {
        let name = printable(&version.name);
        format!("{name} {}", printable(&version.version))
    });
    let named: Vec<String> = named.collect();
    let more = unfit.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    let found = format!(
        "{decisions} decisions are by models that are not registered as they name them: {}{more}",
        named.join(", ")
    );
    Some(Check::new(NAME, State::Warning, found).fix(
        "`causebook model list` says what does not fit, `causebook model add` registers a model",
    ))
}
