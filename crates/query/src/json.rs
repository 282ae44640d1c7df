//! The JSON operators: `->` gives the JSON text of a member or element, `->>` its text, both null where there is none.
//!
//! They cut the stored text and never parse numbers, so digits stay as they were recorded. A string key looks in an
//! object, a number looks in an array and counts from 0. Compared with a number, the text of `->>` is read as one, and
//! what is not a number compares as null: text order would put "9" above "30".

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, AsArray as _, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use causebook_record::{string_value, value_at};
use datafusion::common::{DFSchema, Result, exec_err, plan_err};
use datafusion::execution::FunctionRegistry as _;
use datafusion::logical_expr::expr::{Alias, ScalarFunction};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable as _, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, lit, try_cast,
};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::BinaryOperator;

use crate::records::json_field;

/// Registers the operators, and the functions `json_get` and `json_text` that they stand for.
pub(crate) fn register(context: &mut SessionContext) -> Result<()> {
    context.register_udf(Arc::clone(&GET))?;
    context.register_udf(Arc::clone(&TEXT))?;
    context.register_expr_planner(Arc::new(Operators))
}

/// `json -> 'key'`
pub(crate) fn get(json: Expr, key: &str) -> Expr {
    GET.call(vec![json, lit(key)])
}

/// `json ->> 'key'`
pub(crate) fn text(json: Expr, key: &str) -> Expr {
    TEXT.call(vec![json, lit(key)])
}

static GET: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Cut::new(false))));
static TEXT: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Arc::new(ScalarUDF::from(Cut::new(true))));

/// `json_get(json, key)` or `json_text(json, key)`.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Cut {
    as_text: bool,
    signature: Signature,
}

impl Cut {
    fn new(as_text: bool) -> Self {
        Self {
            as_text,
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Cut {
    fn name(&self) -> &str {
        if self.as_text {
            "json_text"
        } else {
            "json_get"
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [json, key] = arguments else {
            return plan_err!("{} takes a JSON text and a key", self.name());
        };
        if !(json.is_string() || json.is_null()) {
            return plan_err!("-> and ->> look into JSON text, not {json}");
        }
        let key = match key {
            key if key.is_string() || key.is_null() => DataType::Utf8,
            key if key.is_integer() => DataType::Int64,
            other => return plan_err!("a key is a string or a whole number, not {other}"),
        };
        Ok(vec![DataType::Utf8, key])
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn return_field_from_args(&self, _arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let field = Field::new(self.name(), DataType::Utf8, true);
        Ok(Arc::new(if self.as_text {
            field
        } else {
            json_field(field)
        }))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let [json, key] = arguments.args.as_slice() else {
            return exec_err!("{} takes a JSON text and a key", self.name());
        };
        let single = matches!(
            (json, key),
            (ColumnarValue::Scalar(_), ColumnarValue::Scalar(_))
        );
        let rows = if single { 1 } else { rows };
        let json = cast(&json.to_array(rows)?, &DataType::Utf8)?;
        let json = json.as_string::<i32>();
        let cut = match key {
            ColumnarValue::Scalar(key) => {
                let key = key.to_array()?;
                let key = key_at(&key, 0);
                cut_all(json, self.as_text, |_| key.clone())
            }
            ColumnarValue::Array(keys) => cut_all(json, self.as_text, |row| key_at(keys, row)),
        };
        let array: Arc<dyn Array> = Arc::new(cut);
        if single {
            let value = datafusion::common::ScalarValue::try_from_array(&array, 0)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Array(array))
    }
}

/// A key as the first byte of the value that it looks into, and the pointer to what it names.
#[derive(Clone)]
struct Key {
    opens: u8,
    pointer: String,
}

fn key_at(keys: &dyn Array, row: usize) -> Option<Key> {
    if keys.is_null(row) {
        return None;
    }
    if let Some(names) = keys.as_string_opt::<i32>() {
        let escaped = names.value(row).replace('~', "~0").replace('/', "~1");
        return Some(Key {
            opens: b'{',
            pointer: format!("/{escaped}"),
        });
    }
    let positions = keys.as_primitive_opt::<Int64Type>()?;
    Some(Key {
        opens: b'[',
        pointer: format!("/{}", positions.value(row)),
    })
}

fn cut_all(json: &StringArray, as_text: bool, key: impl Fn(usize) -> Option<Key>) -> StringArray {
    let rows = json.iter().enumerate();
    rows.map(|(row, json)| cut(json?, &key(row)?, as_text))
        .collect()
}

fn cut<'a>(json: &'a str, key: &Key, as_text: bool) -> Option<Cow<'a, str>> {
    if json.as_bytes().first() != Some(&key.opens) {
        return None;
    }
    let value = value_at(json, &key.pointer)?;
    match value.as_bytes().first()? {
        b'n' if as_text => None,
        b'"' if as_text => string_value(value),
        _ => Some(Cow::Borrowed(value)),
    }
}

/// Plans `->` and `->>`, and comparisons of what `->>` gives with numbers.
#[derive(Debug)]
struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(
        &self,
        binary: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let function = match binary.op {
            BinaryOperator::Arrow => &GET,
            BinaryOperator::LongArrow => &TEXT,
            _ => return Ok(PlannerResult::Original(with_numbers(binary, schema))),
        };
        // The column of an answer is called as it was written, and a chain reads as one name.
        let name = format!(
            "{}{}{}",
            written(&binary.left),
            binary.op,
            written(&binary.right)
        );
        let call = ScalarFunction {
            func: Arc::clone(function),
            args: vec![binary.left, binary.right],
        };
        let call = Expr::ScalarFunction(call);
        Ok(PlannerResult::Planned(Expr::Alias(Alias::new(
            call,
            None::<&str>,
            name,
        ))))
    }
}

fn with_numbers(mut binary: RawBinaryExpr, schema: &DFSchema) -> RawBinaryExpr {
    let numeric = |side: &Expr| side.get_type(schema).is_ok_and(|kind| kind.is_numeric());
    if is_text_of_json(&binary.left) && numeric(&binary.right) {
        binary.left = try_cast(binary.left, DataType::Float64);
    } else if is_text_of_json(&binary.right) && numeric(&binary.left) {
        binary.right = try_cast(binary.right, DataType::Float64);
    }
    binary
}

fn is_text_of_json(side: &Expr) -> bool {
    match side {
        Expr::Alias(alias) => is_text_of_json(&alias.expr),
        Expr::ScalarFunction(call) => call.func.name() == TEXT.name(),
        _ => false,
    }
}

fn written(side: &Expr) -> String {
    match side {
        Expr::Column(column) => column.name.clone(),
        Expr::Alias(alias) => alias.name.clone(),
        Expr::Literal(value, _) => match value.try_as_str() {
            Some(Some(text)) => format!("'{text}'"),
            _ => value.to_string(),
        },
        other => other.to_string(),
    }
}
