//! Answering a statement: one consistent state, one session, limits on time, memory and rows.
//!
//! The buffer is read before the table, so that a flush between the two shows a row in both and the rule "the table
//! covers it" drops it from the buffer. Every statement has its own session and leaves nothing behind; spilling to disk
//! is off, because an answer's intermediate rows hold payload.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use causebook_lake::DeltaTable;
use causebook_ledger::{Row, TableSink as _};
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, config::Dialect};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use futures::StreamExt as _;
use tokio::runtime::Runtime;

use crate::answer::Answer;
use crate::error::{QueryError, check_reads_only, explain};
use crate::json;
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
        let before = self.table.table_snapshot();
        let outcome = self.answer(sql);
        if matches!(outcome, Err(QueryError::Invalid { .. })) {
            // A writer may have merged or rewritten the files under this reader.
            self.table.refresh()?;
            if self.table.table_snapshot() != before {
                return self.answer(sql);
            }
        }
        outcome
    }

    fn answer(&self, sql: &str) -> Result<Answer, QueryError> {
        let mut buffer = (self.buffered)();
        let snapshot = self.table.table_snapshot();
        buffer.retain(|row| row.index >= snapshot.covered);
        let batch = if buffer.is_empty() {
            None
        } else {
            Some(DeltaTable::batch(&buffer)?)
        };
        let explained =
            |why: DataFusionError| explain(&why, &table_names(), self.limits.memory_bytes);
        let records = Records::new(snapshot.files, batch.as_ref()).map_err(explained)?;
        let context = self.session(Arc::new(records)).map_err(explained)?;
        let Some(runtime) = &self.runtime else {
            return Err(QueryError::Engine {
                problem: "it was shut down".to_owned(),
            });
        };
        let limited = tokio::time::timeout;
        runtime.block_on(async {
            let answer = limited(self.limits.time, self.collect(&context, sql)).await;
            answer.map_err(|_| QueryError::Time {
                limit: self.limits.time,
            })?
        })
    }

    async fn collect(&self, context: &SessionContext, sql: &str) -> Result<Answer, QueryError> {
        let explained =
            |why: DataFusionError| explain(&why, &table_names(), self.limits.memory_bytes);
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

    fn session(&self, records: Arc<dyn TableProvider>) -> Result<SessionContext, DataFusionError> {
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
            .build_arc()?;
        let mut context = SessionContext::new_with_config_rt(config, runtime);
        json::register(&mut context)?;
        for (name, view) in views(&records)? {
            context.register_table(name, Arc::new(view))?;
        }
        context.register_table(RECORDS, records)?;
        Ok(context)
    }
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
