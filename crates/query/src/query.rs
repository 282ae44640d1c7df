//! Answering a statement: one consistent state, one session, limits on time, memory and rows.
//!
//! The buffer is read before the table, so that a flush between the two shows a row in both and the rule "the table
//! covers it" drops it from the buffer. Every statement has its own session and leaves nothing behind; spilling to disk
//! is off, because an answer's intermediate rows hold payload.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use causebook_lake::{DeltaTable, TableFile};
use causebook_ledger::{Row, TableSink as _};
use causebook_record::Mask;
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, config::Dialect};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{DataFrame, SQLOptions, SessionConfig, SessionContext};
use futures::StreamExt as _;
use tokio::runtime::Runtime;

use crate::answer::Answer;
use crate::error::{QueryError, check_reads_only, explain};
use crate::json;
use crate::masked::masked;
use crate::records::Records;
use crate::views::{RECORDS, views};

/// Threads that a statement runs on.
const THREADS: usize = 2;

/// What one statement may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time. Default 30 s.
    pub time: Duration,
    /// Memory of the answer, and again of what it takes to find it. Default 1 GiB.
    pub memory_bytes: usize,
    /// Rows of the answer; the rest is cut off and said so. Default: no limit.
    pub rows_max: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(30),
            memory_bytes: 1 << 30,
            rows_max: None,
        }
    }
}

type Buffered = Box<dyn Fn() -> Vec<Row> + Send + Sync>;

/// SQL over the rows of one ledger. Callers are plain threads; inside an async runtime, call it from a blocking task.
pub struct Query {
    table: Arc<DeltaTable>,
    buffered: Buffered,
    limits: Limits,
    runtime: Option<Runtime>,
}

impl Query {
    /// SQL over a table and the rows that it does not cover yet, which `buffered` gives whenever a statement is run.
    ///
    /// # Errors
    /// If the threads for it cannot be started.
    pub fn open(
        table: Arc<DeltaTable>,
        buffered: impl Fn() -> Vec<Row> + Send + Sync + 'static,
        limits: Limits,
    ) -> Result<Self, QueryError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("causebook-query")
            .enable_time()
            .build()
            .map_err(|why| QueryError::Engine {
                problem: why.to_string(),
            })?;
        Ok(Self {
            table,
            buffered: Box::new(buffered),
            limits,
            runtime: Some(runtime),
        })
    }

    /// Answers one statement.
    ///
    /// # Errors
    /// [`QueryError`] says which part of the statement is at fault, or which limit it met.
    pub fn run(&self, sql: &str) -> Result<Answer, QueryError> {
        self.run_masked(sql, &Mask::default())
    }

    /// Answers one statement for a reader with a mask: to it, what is masked is null in typed columns and `"••••"` in
    /// JSON, in every table and view and before any condition is asked.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_masked(&self, sql: &str, mask: &Mask) -> Result<Answer, QueryError> {
        self.on_a_state(|state| {
            let records = state.records(0..u64::MAX)?;
            let context = self.session(records, mask)?;
            self.limited(self.collect(&context, sql))
        })
    }

    /// Asks one consistent state; again if the files moved under the question.
    pub(crate) fn on_a_state<T>(
        &self,
        ask: impl Fn(&State) -> Result<T, QueryError>,
    ) -> Result<T, QueryError> {
        let before = self.table.table_snapshot();
        let outcome = self.state().and_then(|state| ask(&state));
        if matches!(outcome, Err(QueryError::Invalid { .. })) {
            // A writer may have merged or rewritten the files under this reader.
            self.table.refresh()?;
            if self.table.table_snapshot() != before {
                return self.state().and_then(|state| ask(&state));
            }
        }
        outcome
    }

    fn state(&self) -> Result<State, QueryError> {
        let mut buffer = (self.buffered)();
        let snapshot = self.table.table_snapshot();
        buffer.retain(|row| row.index >= snapshot.covered);
        let size = buffer
            .last()
            .map_or(snapshot.covered, |row| row.index.saturating_add(1));
        let buffer = if buffer.is_empty() {
            None
        } else {
            Some(DeltaTable::batch(&buffer)?)
        };
        Ok(State {
            files: snapshot.files,
            buffer,
            covered: snapshot.covered,
            size,
            memory_bytes: self.limits.memory_bytes,
        })
    }

    /// Waits for an answer, for as long as the limit allows.
    pub(crate) fn limited<T>(
        &self,
        asking: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let Some(runtime) = &self.runtime else {
            return Err(QueryError::Engine {
                problem: "it was shut down".to_owned(),
            });
        };
        runtime.block_on(async {
            let answer = tokio::time::timeout(self.limits.time, asking).await;
            answer.map_err(|_| QueryError::Time {
                limit: self.limits.time,
            })?
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn collect(&self, context: &SessionContext, sql: &str) -> Result<Answer, QueryError> {
        let explained = |why: DataFusionError| explained(&why, self.limits.memory_bytes);
        let plan = context
            .state()
            .create_logical_plan(sql)
            .await
            .map_err(explained)?;
        let reading = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        check_reads_only(reading.verify_plan(&plan), sql)?;
        let frame = context
            .execute_logical_plan(plan)
            .await
            .map_err(explained)?;
        self.drain(frame).await
    }

    /// All rows of a frame, within the limits.
    pub(crate) async fn drain(&self, frame: DataFrame) -> Result<Answer, QueryError> {
        let explained = |why: DataFusionError| explained(&why, self.limits.memory_bytes);
        let mut stream = frame.execute_stream().await.map_err(explained)?;
        let mut answer = Answer {
            schema: stream.schema(),
            batches: Vec::new(),
            truncated: false,
        };
        let mut bytes = 0;
        let mut room = self.limits.rows_max.unwrap_or(usize::MAX);
        while let Some(batch) = stream.next().await {
            let mut batch: RecordBatch = batch.map_err(explained)?;
            if batch.num_rows() > room {
                answer.truncated = true;
                batch = batch.slice(0, room);
            }
            room -= batch.num_rows();
            bytes += batch.get_array_memory_size();
            if bytes > self.limits.memory_bytes {
                return Err(QueryError::Memory {
                    limit_bytes: self.limits.memory_bytes,
                });
            }
            if batch.num_rows() > 0 {
                answer.batches.push(batch);
            }
            if answer.truncated {
                break;
            }
        }
        Ok(answer)
    }

    fn session(&self, records: Records, mask: &Mask) -> Result<SessionContext, QueryError> {
        let explained = |why: DataFusionError| explained(&why, self.limits.memory_bytes);
        let mut context = self.bare_session()?;
        json::register(&mut context).map_err(explained)?;
        let records: Arc<dyn TableProvider> = Arc::new(records);
        let records = if mask.is_empty() {
            records
        } else {
            Arc::new(masked(records, mask).map_err(explained)?)
        };
        for (name, view) in views(&records).map_err(explained)? {
            context
                .register_table(name, Arc::new(view))
                .map_err(explained)?;
        }
        context
            .register_table(RECORDS, records)
            .map_err(explained)?;
        Ok(context)
    }

    /// A session with the limits and without tables.
    pub(crate) fn bare_session(&self) -> Result<SessionContext, QueryError> {
        let mut config = SessionConfig::new()
            .with_target_partitions(THREADS)
            .with_information_schema(true)
            .with_default_catalog_and_schema("causebook", "ledger");
        let options = config.options_mut();
        // In this dialect `->` binds tighter than `=`, as everyone expects.
        options.sql_parser.dialect = Dialect::PostgreSQL;
        options.sql_parser.collect_spans = true;
        options.execution.parquet.pushdown_filters = true;
        options.execution.parquet.reorder_filters = true;
        options.execution.parquet.enable_page_index = true;
        options.execution.parquet.bloom_filter_on_read = true;
        options.execution.parquet.schema_force_view_types = false;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_limit(self.limits.memory_bytes, 1.0)
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
            )
            .build_arc()
            .map_err(|why| explained(&why, self.limits.memory_bytes))?;
        Ok(SessionContext::new_with_config_rt(config, runtime))
    }
}

/// What one question is asked of: the files of one committed state, and the rows that follow them.
pub(crate) struct State {
    files: Vec<TableFile>,
    buffer: Option<RecordBatch>,
    /// Positions below this are in the files.
    covered: u64,
    /// Positions are below this.
    pub(crate) size: u64,
    memory_bytes: usize,
}

impl State {
    /// The rows of files, and of the buffer, that reach into a range of positions.
    pub(crate) fn records(&self, range: Range<u64>) -> Result<Records, QueryError> {
        let reaches = |file: &&TableFile| {
            let end = file.first_index.saturating_add(file.rows);
            file.first_index < range.end && range.start < end
        };
        let files: Vec<TableFile> = self.files.iter().filter(reaches).cloned().collect();
        let buffer = self.buffer.as_ref().filter(|_| range.end > self.covered);
        Records::new(files, buffer).map_err(|why| explained(&why, self.memory_bytes))
    }
}

/// What an error of the engine means to whoever asked.
pub(crate) fn explained(why: &DataFusionError, memory_bytes: usize) -> QueryError {
    explain(why, &table_names(), memory_bytes)
}

impl Drop for Query {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A statement that ran out of time may still be on a thread; nobody waits for it.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Query")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn table_names() -> Vec<String> {
    crate::views::names()
        .into_iter()
        .chain([RECORDS])
        .map(str::to_owned)
        .collect()
}
