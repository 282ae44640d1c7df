//! PostgreSQL with a hash chain: a throwaway cluster on the disk of the comparison, reached by its local socket.
//!
//! The chain's head is kept by the one application that writes, so that callers can commit at the same time and share
//! syncs as the server is built to; a caller is answered once everything before its record is committed too, because only
//! then is its place fixed.

pub(crate) mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use causebook_load::{Archive, Entry, Failure, Store, System, processor_seconds, size_of};
use postgres::binary_copy::BinaryCopyInWriter;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{ToSql, Type};
use postgres::{Client, Statement};

use self::server::Server;
use super::{ChainCheck, Hash, chained};

/// Connections of the writer: one for each caller of the closed loop, as a pool would be sized.
const CONNECTIONS: usize = 64;
const SCHEMA: &str = "CREATE TABLE decisions (
    seq bigint PRIMARY KEY, id text NOT NULL UNIQUE, recorded_at timestamptz NOT NULL DEFAULT now(), body text NOT NULL,
    prev bytea NOT NULL, hash bytea NOT NULL)";
const INSERT: &str =
    "INSERT INTO decisions (seq, id, body, prev, hash) VALUES ($1, $2, $3, $4, $5)";
const COPY: &str = "COPY decisions (seq, id, body, prev, hash) FROM STDIN BINARY";
const COLUMNS: [Type; 5] = [Type::INT8, Type::TEXT, Type::TEXT, Type::BYTEA, Type::BYTEA];

pub(crate) struct Postgres {
    /// Where `initdb` and `postgres` are.
    pub(crate) binaries: PathBuf,
}

impl Postgres {
    fn start(&self, folder: &Path) -> Result<Server, Failure> {
        Server::start(&self.binaries, folder)
    }

    /// Starts a server for writing: what is measured must be what was asked for.
    pub(crate) fn start_checked(&self, folder: &Path) -> Result<Server, Failure> {
        let server = self.start(folder)?;
        server::check_durability(&mut server.connect()?)?;
        Ok(server)
    }
}

impl System for Postgres {
    fn create(&self, folder: &Path) -> Result<(), Failure> {
        server::create_cluster(&self.binaries, folder)?;
        let server = self.start(folder)?;
        server.connect()?.batch_execute(SCHEMA)?;
        server.stop()
    }

    fn open(&self, folder: &Path) -> Result<Box<dyn Store>, Failure> {
        let server = self.start_checked(folder)?;
        let mut clients = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let mut client = server.connect()?;
            let insert = client.prepare(INSERT)?;
            clients.push(Connection { client, insert });
        }
        let mut client = server.connect()?;
        let last = client.query_opt(
            "SELECT seq + 1, hash FROM decisions ORDER BY seq DESC LIMIT 1",
            &[],
        )?;
        let (next, hash) = match last {
            Some(row) => (
                row.try_get(0)?,
                Hash::try_from(row.try_get::<_, &[u8]>(1)?)?,
            ),
            None => (0, Hash::default()),
        };
        Ok(Box::new(Writer {
            idle: Mutex::new(clients),
            returned: Condvar::new(),
            head: Mutex::new(Head { next, hash }),
            committed: Mutex::new(Committed {
                until: next,
                beyond: BTreeSet::new(),
                broken: false,
            }),
            advanced: Condvar::new(),
            settler: Mutex::new(client),
            server,
        }))
    }

    fn read(&self, folder: &Path) -> Result<Box<dyn Archive>, Failure> {
        let server = self.start(folder)?;
        let mut client = server.connect()?;
        let find = client.prepare("SELECT body FROM decisions WHERE id = $1")?;
        Ok(Box::new(Reader {
            client: Mutex::new(client),
            find,
            _server: server,
        }))
    }

    /// Table, its indexes and its out-of-line values; the write-ahead log and the catalogue are no part of them.
    fn bytes(&self, folder: &Path) -> Result<BTreeMap<String, u64>, Failure> {
        let server = self.start(folder)?;
        let mut client = server.connect()?;
        let row = client.query_one(
            "SELECT pg_table_size('decisions'), pg_indexes_size('decisions')",
            &[],
        )?;
        let (table, indexes): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        drop(client);
        server.stop()?;
        let whole = size_of(folder)?;
        if whole < (table + indexes) as u64 {
            return Err("the table is larger than its folder".into());
        }
        Ok(BTreeMap::from([
            ("table".to_owned(), table as u64),
            ("indexes".to_owned(), indexes as u64),
        ]))
    }
}

struct Connection {
    client: Client,
    insert: Statement,
}

struct Head {
    next: i64,
    hash: Hash,
}

/// Positions that are committed: all below `until`, and those `beyond`, as first and end.
struct Committed {
    until: i64,
    beyond: BTreeSet<(i64, i64)>,
    /// A record could not be committed: the chain has a gap, and nothing behind it gets a fixed place.
    broken: bool,
}

struct Writer {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
    head: Mutex<Head>,
    committed: Mutex<Committed>,
    advanced: Condvar,
    settler: Mutex<Client>,
    // Last, so that connections end before the server does.
    server: Server,
}

/// A record with its place in the chain.
struct Placed<'a> {
    seq: i64,
    entry: Entry<'a>,
    before: Hash,
    hash: Hash,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    fn place<'a>(&self, entries: &[Entry<'a>]) -> Vec<Placed<'a>> {
        let mut head = lock(&self.head);
        let place = |entry: &Entry<'a>| {
            let before = head.hash;
            let hash = chained(&before, *entry);
            let seq = head.next;
            *head = Head {
                next: seq + 1,
                hash,
            };
            Placed {
                seq,
                entry: *entry,
                before,
                hash,
            }
        };
        entries.iter().map(place).collect()
    }

    /// Lends a connection. If what is done with it fails, the chain has a gap.
    fn with_connection<T>(
        &self,
        act: impl FnOnce(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut idle = lock(&self.idle);
        let mut connection = loop {
            if let Some(connection) = idle.pop() {
                break connection;
            }
            idle = self
                .returned
                .wait(idle)
                .unwrap_or_else(PoisonError::into_inner);
        };
        drop(idle);
        let outcome = act(&mut connection);
        lock(&self.idle).push(connection);
        self.returned.notify_one();
        outcome.inspect_err(|_| {
            lock(&self.committed).broken = true;
            self.advanced.notify_all();
        })
    }

    /// Notes a commit and waits until everything before it is committed.
    fn wait_for_place(&self, first: i64, end: i64) -> Result<(), Failure> {
        let mut committed = lock(&self.committed);
        committed.beyond.insert((first, end));
        while let Some(range) = committed
            .beyond
            .first()
            .copied()
            .filter(|range| range.0 == committed.until)
        {
            committed.beyond.remove(&range);
            committed.until = range.1;
            self.advanced.notify_all();
        }
        while committed.until < end {
            if committed.broken {
                return Err("a record before this one could not be committed".into());
            }
            committed = self
                .advanced
                .wait(committed)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

impl Store for Writer {
    fn append_batch(&self, entries: &[Entry<'_>]) -> Result<(), Failure> {
        let placed = self.place(entries);
        self.with_connection(|connection| {
            let copy = connection.client.copy_in(COPY)?;
            let mut writer = BinaryCopyInWriter::new(copy, &COLUMNS);
            for Placed {
                seq,
                entry,
                before,
                hash,
            } in &placed
            {
                let (before, hash) = (before.as_slice(), hash.as_slice());
                let row: [&(dyn ToSql + Sync); 5] = [seq, &entry.id, &entry.json, &before, &hash];
                writer.write(&row)?;
            }
            // A COPY on its own is one transaction: this commits.
            Ok(writer.finish()?)
        })?;
        if let (Some(first), Some(last)) = (placed.first(), placed.last()) {
            self.wait_for_place(first.seq, last.seq + 1)?;
        }
        Ok(())
    }

    fn append_one(&self, entry: Entry<'_>) -> Result<u64, Failure> {
        // A connection first, so that records are placed in about the order in which they are committed.
        let placed = self.with_connection(|connection| {
            let placed = self.place(&[entry]).pop().ok_or("a record got no place")?;
            let (before, hash) = (placed.before.as_slice(), placed.hash.as_slice());
            connection.client.execute(
                &connection.insert,
                &[&placed.seq, &entry.id, &entry.json, &before, &hash],
            )?;
            Ok(placed)
        })?;
        self.wait_for_place(placed.seq, placed.seq + 1)?;
        Ok(placed.seq as u64)
    }

    /// The server shares syncs among commits at the same time; but a row, a commit and a round trip for every record stay,
    /// so it is measured with a writer thread as well.
    fn gathers_callers(&self) -> bool {
        false
    }

    fn processor_seconds(&self) -> Result<f64, Failure> {
        Ok(processor_seconds("self")? + self.server.processor_seconds()?)
    }

    fn settle(&self) -> Result<(), Failure> {
        Ok(lock(&self.settler).batch_execute("CHECKPOINT")?)
    }

    fn close(self: Box<Self>) -> Result<(), Failure> {
        let writer = *self;
        drop((writer.idle, writer.settler));
        writer.server.stop()
    }
}

struct Reader {
    client: Mutex<Client>,
    find: Statement,
    // Last, so that the connection ends before the server does.
    _server: Server,
}

impl Archive for Reader {
    fn verify(&self) -> Result<Option<u64>, Failure> {
        let mut check = ChainCheck::default();
        let mut client = lock(&self.client);
        let parameters: [&(dyn ToSql + Sync); 0] = [];
        let mut rows = client.query_raw(
            "SELECT seq, id, body, prev, hash FROM decisions ORDER BY seq",
            parameters,
        )?;
        while let Some(row) = rows.next()? {
            let entry = Entry {
                id: row.try_get(1)?,
                json: row.try_get(2)?,
            };
            check.next(row.try_get(0)?, entry, row.try_get(3)?, row.try_get(4)?)?;
        }
        Ok(Some(check.records()))
    }

    fn find(&self, id: &str) -> Option<Result<usize, Failure>> {
        let row = lock(&self.client).query_one(&self.find, &[&id]);
        let length = row.and_then(|row| Ok(row.try_get::<_, &str>(0)?.len()));
        Some(length.map_err(Failure::from))
    }
}
