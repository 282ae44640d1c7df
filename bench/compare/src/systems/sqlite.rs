//! SQLite with a hash chain. Set as its documentation advises for durable writing: write-ahead log, `synchronous=FULL` (a
//! sync for every transaction), prepared statements, one transaction a batch, one connection that writes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use causebook_load::{Archive, Entry, Failure, Store, System, size_of};
use rusqlite::{Connection, OptionalExtension, params};

use super::{ChainCheck, Hash, chained};

const FILE: &str = "audit.db";
/// The same memory as the ledger may take for its buffer; the default of 2 MB would make every index page a read.
const CACHE_KIB: i64 = 256 << 10;
const SCHEMA: &str = "CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL, recorded_at TEXT NOT NULL, body TEXT NOT NULL,
    prev BLOB NOT NULL, hash BLOB NOT NULL);
    CREATE UNIQUE INDEX decisions_id ON decisions (id);";
const INSERT: &str =
    "INSERT INTO decisions VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%fZ'), ?3, ?4, ?5)";

pub(crate) struct Sqlite;

fn connect(folder: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open(folder.join(FILE))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if (mode.as_str(), synchronous) != ("wal", 2) {
        return Err(
            format!("SQLite runs with journal_mode={mode}, synchronous={synchronous}").into(),
        );
    }
    Ok(connection)
}

impl System for Sqlite {
    fn create(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(folder)?;
        Ok(connect(folder)?.execute_batch(SCHEMA)?)
    }

    fn open(&self, folder: &Path) -> Result<Box<dyn Store>, Failure> {
        let connection = connect(folder)?;
        let last = connection
            .query_row(
                "SELECT seq + 1, hash FROM decisions ORDER BY seq DESC LIMIT 1",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let (next, hash) = last.unwrap_or((0, Hash::default()));
        Ok(Box::new(Writer(Mutex::new(Chain {
            connection,
            next,
            hash,
        }))))
    }

    fn read(&self, folder: &Path) -> Result<Box<dyn Archive>, Failure> {
        Ok(Box::new(Reader(connect(folder)?)))
    }

    fn bytes(&self, folder: &Path) -> Result<BTreeMap<String, u64>, Failure> {
        Ok(BTreeMap::from([(
            "database".to_owned(),
            size_of(&folder.join(FILE))?,
        )]))
    }
}

struct Chain {
    connection: Connection,
    next: i64,
    hash: Hash,
}

impl Chain {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<(), Failure> {
        let (mut next, mut hash) = (self.next, self.hash);
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached(INSERT)?;
            for entry in entries {
                let before = hash;
                hash = chained(&before, *entry);
                insert.execute(params![next, entry.id, entry.json, before, hash])?;
                next += 1;
            }
        }
        transaction.commit()?;
        (self.next, self.hash) = (next, hash);
        Ok(())
    }
}

struct Writer(Mutex<Chain>);

impl Store for Writer {
    fn append_batch(&self, entries: &[Entry<'_>]) -> Result<(), Failure> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(entries)
    }

    fn append_one(&self, entry: Entry<'_>) -> Result<u64, Failure> {
        let mut chain = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chain.append(&[entry])?;
        Ok(chain.next as u64 - 1)
    }

    fn gathers_callers(&self) -> bool {
        false
    }

    fn settle(&self) -> Result<(), Failure> {
        let chain = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let busy: i64 =
            chain
                .connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 {
            Ok(())
        } else {
            Err("the write-ahead log could not be checkpointed".into())
        }
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        let chain = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(chain.connection.close().map_err(|(_, error)| error)?)
    }
}

struct Reader(Connection);

impl Archive for Reader {
    fn verify(&self) -> Result<Option<u64>, Failure> {
        let mut check = ChainCheck::default();
        let mut select = self
            .0
            .prepare("SELECT seq, id, body, prev, hash FROM decisions ORDER BY seq")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let entry = Entry {
                id: row.get_ref(1)?.as_str()?,
                json: row.get_ref(2)?.as_str()?,
            };
            check.next(
                row.get(0)?,
                entry,
                row.get_ref(3)?.as_blob()?,
                row.get_ref(4)?.as_blob()?,
            )?;
        }
        Ok(Some(check.records()))
    }

    fn find(&self, id: &str) -> Option<Result<usize, Failure>> {
        let find = || -> Result<usize, Failure> {
            let mut select = self
                .0
                .prepare_cached("SELECT body FROM decisions WHERE id = ?1")?;
            Ok(select.query_row([id], |row| row.get::<_, String>(0))?.len())
        };
        Some(find())
    }
}
