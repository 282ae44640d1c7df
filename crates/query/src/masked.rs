//! The table `records` as a reader with a mask sees it: a projection in which masked values are covered.
//!
//! A typed column of a masked value is null, and its JSON says `"••••"`. The projection stands under every view, so no
//! statement reaches what is below. What erasure left of a record gives the salts of its other facts, with which guesses
//! could be tested against the log; it is covered too, where anything is masked.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use causebook_record::{MASKED, Mask};
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, ident, lit,
};

use crate::place::{DERIVED, JSONS, LIFTED, TEXTS};
use crate::records::json_field;
use crate::views::RECORDS;

/// The table as it is seen through a mask.
pub(crate) fn masked(records: Arc<dyn TableProvider>, mask: &Mask) -> Result<ViewTable> {
    let columns = columns(&records.schema(), mask)?;
    let plan = LogicalPlanBuilder::scan(RECORDS, provider_as_source(records), None)?
        .project(columns)?
        .build()?;
    Ok(ViewTable::new(plan, None))
}

/// The columns of the table as they are seen through a mask.
pub(crate) fn columns(schema: &Schema, mask: &Mask) -> Result<Vec<Expr>> {
    let fields = schema.fields().iter();
    fields.map(|field| seen(field, mask)).collect()
}

fn seen(field: &Field, mask: &Mask) -> Result<Expr> {
    let name = field.name().as_str();
    let column = ident(name);
    let typed = LIFTED.into_iter().chain(DERIVED);
    let stands_at = typed
        .clone()
        .find(|(_, column)| *column == name)
        .map(|(place, _)| place.to_owned())
        .or_else(|| TEXTS.contains(&name).then(|| format!("/{name}")));
    if let Some(place) = stands_at {
        if mask.covers_path(&place) {
            return Ok(lit(ScalarValue::try_new_null(field.data_type())?).alias(name));
        }
        return Ok(column);
    }
    let covering = match name {
        "erased" if !mask.is_empty() => Covering::Redaction,
        "rest" => Covering::Members(String::new()),
        name if JSONS.contains(&name) => Covering::Members(format!("/{name}")),
        _ => return Ok(column),
    };
    if let Covering::Members(place) = &covering
        && !mask.covers_path(place)
        && !mask.reaches_under(place)
    {
        return Ok(column);
    }
    let cover = Cover {
        covering,
        mask: mask.clone(),
        signature: Signature::any(1, Volatility::Immutable),
    };
    Ok(Arc::new(ScalarUDF::from(cover))
        .call(vec![column])
        .alias(name))
}

/// Covers what is masked in a column of JSON text.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Cover {
    covering: Covering,
    mask: Mask,
    signature: Signature,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Covering {
    /// A value that stands at this place of a record.
    Members(String),
    /// What erasure left.
    Redaction,
}

impl Cover {
    fn apply(&self, text: &str) -> String {
        match &self.covering {
            Covering::Members(place) => self.mask.apply_at(place, text).into_owned(),
            Covering::Redaction if text == PAYLOAD_ERASED => text.to_owned(),
            Covering::Redaction => MASKED.to_owned(),
        }
    }
}

/// What the column says where the whole payload is gone; it tells nothing of it.
const PAYLOAD_ERASED: &str = r#"{"payload":true}"#;

impl ScalarUDFImpl for Cover {
    fn name(&self) -> &'static str {
        "masked"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = Field::new(self.name(), DataType::Utf8, true);
        Ok(Arc::new(json_field(field)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [column] = arguments.args.as_slice() else {
            return exec_err!("one column is masked at a time");
        };
        let column = cast(&column.to_array(arguments.number_rows)?, &DataType::Utf8)?;
        let covered: StringArray = column
            .as_string::<i32>()
            .iter()
            .map(|text| text.map(|text| self.apply(text)))
            .collect();
        let covered: ArrayRef = Arc::new(covered);
        Ok(ColumnarValue::Array(covered))
    }
}
