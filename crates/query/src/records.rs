//! The table `records`: the files of one committed state, and the buffered rows that follow it, as one.
//!
//! Filters reach the files as page statistics and bloom filters and as row filters; columns that are not asked for are
//! not read. The opening keys stay out of SQL: who has a key can test guesses against what erasure left in the log.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Date32Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};
use async_trait::async_trait;
use causebook_lake::{DeltaTable, TableFile};
use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{DFSchema, Result, ScalarValue, exec_datafusion_err};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::union::UnionExec;

/// Key of the field metadata that marks a text column as canonical JSON.
pub const JSON_METADATA: &str = "causebook.json";
const HIDDEN: &str = "opening_key";
const PARTITION: &str = "recorded_date";
const JSON_COLUMNS: [&str; 12] = [
    "model",
    "input",
    "output",
    "parameters",
    "data",
    "explanation",
    "context",
    "source",
    "attachments",
    "actor",
    "rest",
    "erased",
];
const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// Whether a column of an answer holds JSON text.
pub fn is_json(field: &Field) -> bool {
    field.metadata().contains_key(JSON_METADATA)
}

pub(crate) fn json_field(field: Field) -> Field {
    field.with_metadata([(JSON_METADATA.to_owned(), "true".to_owned())].into())
}

/// One consistent state of the ledger's rows.
#[derive(Debug)]
pub(crate) struct Records {
    files: Vec<TableFile>,
    buffer: Option<RecordBatch>,
    /// Columns of the files that SQL shows.
    file_schema: SchemaRef,
    schema: SchemaRef,
}

impl Records {
    /// `buffer` is in the table's schema and holds the rows after those of `files`.
    pub(crate) fn new(files: Vec<TableFile>, buffer: Option<&RecordBatch>) -> Result<Self> {
        let table = DeltaTable::arrow_schema();
        let shown = table.fields().iter().filter(|field| field.name() != HIDDEN);
        let fields: Vec<Field> = shown
            .map(|field| {
                let json = JSON_COLUMNS.contains(&field.name().as_str());
                let field = field.as_ref().clone();
                if json { json_field(field) } else { field }
            })
            .collect();
        let file_schema = Arc::new(Schema::new(fields.clone()));
        let partition = Field::new(PARTITION, DataType::Date32, true);
        let schema = Arc::new(Schema::new([fields, vec![partition]].concat()));
        let buffer = buffer.map(|rows| shown_rows(rows, &schema)).transpose()?;
        Ok(Self {
            files,
            buffer,
            file_schema,
            schema,
        })
    }

    fn scan_files(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let partition = Arc::new(Field::new(PARTITION, DataType::Date32, true));
        let schema = TableSchema::builder(Arc::clone(&self.file_schema))
            .with_table_partition_cols(vec![partition])
            .build();
        let mut options = TableParquetOptions::new();
        options.global = state.config_options().execution.parquet.clone();
        let mut source = ParquetSource::new(schema).with_table_parquet_options(options);
        if let Some(filter) = conjunction(filters.iter().cloned()) {
            let columns = DFSchema::try_from(Arc::clone(&self.schema))?;
            source = source.with_predicate(state.create_physical_expr(filter, &columns)?);
        }
        let files = self
            .files
            .iter()
            .map(partitioned_file)
            .collect::<Result<Vec<_>>>()?;
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let config =
            FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
                .with_file_groups(groups)
                .with_projection_indices(projection.cloned())?
                .with_limit(limit)
                .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

#[async_trait]
impl TableProvider for Records {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut parts = Vec::new();
        if !self.files.is_empty() {
            parts.push(self.scan_files(state, projection, filters, limit)?);
        }
        if self.buffer.is_some() || parts.is_empty() {
            let rows: Vec<RecordBatch> = self.buffer.iter().cloned().collect();
            let schema = Arc::clone(&self.schema);
            let part: Arc<dyn ExecutionPlan> =
                MemorySourceConfig::try_new_exec(&[rows], schema, projection.cloned())?;
            parts.push(part);
        }
        match <[_; 1]>::try_from(parts) {
            Ok([only]) => Ok(only),
            Err(parts) => UnionExec::try_new(parts),
        }
    }
}

fn partitioned_file(file: &TableFile) -> Result<PartitionedFile> {
    let path = datafusion::object_store::path::Path::from_absolute_path(&file.path)
        .map_err(|why| exec_datafusion_err!("{}: {why}", file.path.display()))?;
    let date = ScalarValue::Utf8(file.recorded_date.clone()).cast_to(&DataType::Date32)?;
    let mut partitioned = PartitionedFile::new(String::new(), file.bytes);
    partitioned.object_meta.location = path;
    Ok(partitioned.with_partition_values(vec![date]))
}

/// Buffered rows with the columns that SQL shows, among them the date that their file will be filed under.
fn shown_rows(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| {
        let column = rows.column_by_name(field.name()).cloned();
        column.unwrap_or_else(|| recorded_date(rows))
    });
    let columns: Vec<ArrayRef> = columns.collect();
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn recorded_date(rows: &RecordBatch) -> ArrayRef {
    let times = rows
        .column_by_name("recorded_at")
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let days: Date32Array = match times {
        Some(times) => times
            .iter()
            .map(|time| i32::try_from(time?.div_euclid(MICROSECONDS_A_DAY)).ok())
            .collect(),
        None => std::iter::repeat_n(None::<i32>, rows.num_rows()).collect(),
    };
    Arc::new(days)
}
