//! Where the ledgers of a home lie: `<home>/ledgers/<name>/`, the table of each in `table/`. As the command line and the
//! server have it.

use std::path::{Path, PathBuf};

use crate::read::Fault;

const LEDGERS: &str = "ledgers";
const TABLE: &str = "table";
const NAME_BYTES_MAX: usize = 63;

/// Folder of a ledger.
///
/// # Errors
/// For a name that would lead elsewhere, or that a server would not take.
pub(crate) fn ledger_folder(home: &Path, name: &str) -> Result<PathBuf, Fault> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let starts = name.starts_with(plain);
    let rest = name.chars().all(|c| plain(c) || matches!(c, '-' | '_'));
    if starts && rest && name.len() <= NAME_BYTES_MAX {
        return Ok(home.join(LEDGERS).join(name));
    }
    let what = format!(
        "{name:?} is not the name of a ledger: it has 1 to {NAME_BYTES_MAX} lower-case letters, digits, - and _, and begins with a letter or a digit"
    );
    Err(Fault::setting("ledger", what))
}

/// Folder of its table.
pub(crate) fn table_folder(ledger: &Path) -> PathBuf {
    ledger.join(TABLE)
}
