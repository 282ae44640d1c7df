//! The ledgers of a home, all open: found at the start, made through the API.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use causebook_ledger::{Clock as _, LedgerError, SystemClock};

use crate::book::{self, Book};
use crate::config::Sql;
use crate::error::ServerError;
use crate::problem::{Code, Problem};

/// The ledger of access records: written by the server alone.
pub(crate) const ACCESS: &str = "access";
const NAME_BYTES_MAX: usize = 63;
const ORIGIN_BYTES_MAX: usize = 200;
/// Each open ledger holds threads, files and a buffer.
const LEDGERS_MAX: usize = 256;

/// The open ledgers.
#[derive(Debug)]
pub(crate) struct Books {
    folder: PathBuf,
    sql: Sql,
    open: RwLock<BTreeMap<String, Arc<Book>>>,
    /// Held while a ledger is being made.
    making: Mutex<()>,
}

impl Books {
    /// Opens every ledger of `<home>/ledgers`, and makes the one for access records if it is not there.
    ///
    /// # Errors
    /// [`ServerError::Ledger`] names the ledger that cannot be opened: a server that shows some of its ledgers would be
    /// taken for one that has no others.
    pub(crate) fn open(home: &std::path::Path, sql: &Sql) -> Result<Self, ServerError> {
        let folder = home.join("ledgers");
        let books = Self {
            folder,
            sql: sql.clone(),
            open: RwLock::default(),
            making: Mutex::default(),
        };
        let failed = |name: &str| {
            let ledger = name.to_owned();
            move |source: LedgerError| ServerError::Ledger {
                ledger,
                source: Box::new(source),
            }
        };
        for name in books.on_disk()? {
            let book = Book::open(&books.folder.join(&name), sql).map_err(failed(&name))?;
            books.insert(name, book);
        }
        if books.get(ACCESS).is_none() {
            books.make(ACCESS, None).map_err(failed(ACCESS))?;
        }
        Ok(books)
    }

    fn on_disk(&self) -> Result<Vec<String>, ServerError> {
        let failed = |source| ServerError::Home {
            path: self.folder.clone(),
            source,
        };
        std::fs::create_dir_all(&self.folder).map_err(failed)?;
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // A folder without an identity is what an interrupted creation left, or not ours.
            if entry.path().join("ledger.json").is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn insert(&self, name: String, book: Book) -> Arc<Book> {
        let book = Arc::new(book);
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        open.insert(name, Arc::clone(&book));
        book
    }

    /// The ledger of a name.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Book>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.get(name).map(Arc::clone)
    }

    /// All, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Book>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.values().map(Arc::clone).collect()
    }

    /// Makes a ledger and opens it. Blocking.
    ///
    /// # Errors
    /// A name or origin that cannot be, [`Code::LedgerExists`], or what the disk fails with.
    pub(crate) fn create(&self, name: &str, origin: Option<&str>) -> Result<Arc<Book>, Problem> {
        check_name(name)?;
        origin.map_or(Ok(()), check_origin)?;
        let making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.get(name).is_some() {
            return Err(Problem::new(
                Code::LedgerExists,
                format!("there is a ledger {name:?}"),
            ));
        }
        if self.all().len() >= LEDGERS_MAX {
            let detail = format!("a server holds at most {LEDGERS_MAX} ledgers");
            return Err(Problem::new(Code::Unfit, detail));
        }
        let book = self.make(name, origin)?;
        drop(making);
        Ok(book)
    }

    fn make(&self, name: &str, origin: Option<&str>) -> Result<Arc<Book>, LedgerError> {
        let folder = self.folder.join(name);
        let origin = origin.map_or_else(|| default_origin(name), str::to_owned);
        book::create(&folder, name, &origin)?;
        let book = Book::open(&folder, &self.sql)?;
        Ok(self.insert(name.to_owned(), book))
    }

    /// Closes every ledger: what was acknowledged is under a checkpoint. Blocking.
    pub(crate) fn close(&self) {
        for book in self.all() {
            if let Err(error) = book.ledger.clone().close() {
                tracing::error!(ledger = book.name, %error, "closing failed");
            }
        }
    }
}

/// Lower-case letters, digits, `-` and `_`, not first: the name is a folder's and part of a path.
fn check_name(name: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let starts = name.starts_with(plain);
    let rest = name.chars().all(|c| plain(c) || matches!(c, '-' | '_'));
    if starts && rest && name.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    let detail = format!(
        "a name has 1 to {NAME_BYTES_MAX} lower-case letters, digits, - and _, and begins with a letter or a digit"
    );
    Err(Problem::new(Code::InvalidBody, detail).at("/name"))
}

/// What the ledger's signatures carry as a key's name: C2SP signed-note allows neither spaces nor `+` there.
fn check_origin(origin: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_ascii_graphic() && c != '+';
    if (1..=ORIGIN_BYTES_MAX).contains(&origin.len()) && origin.chars().all(plain) {
        return Ok(());
    }
    let detail = format!(
        "an origin has 1 to {ORIGIN_BYTES_MAX} ASCII characters without spaces and +, such as risk.example.com/loans"
    );
    Err(Problem::new(Code::InvalidBody, detail).at("/origin"))
}

/// `host/ledger/20261123T124800.123Z`: no two ledgers get the same by chance.
fn default_origin(name: &str) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let host: String = host.trim().chars().filter(plain).collect();
    let host = if host.is_empty() { "localhost" } else { &host };
    let now = SystemClock::new().now();
    format!("{host}/{name}/{}", now.strftime("%Y%m%dT%H%M%S.%3fZ"))
}
