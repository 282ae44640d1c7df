//! Arrow values as Python has them, for whoever has neither pandas nor polars nor pyarrow.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DurationMicrosecondType, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

/// The value of a row.
pub(crate) fn value<'py>(
    py: Python<'py>,
    array: &ArrayRef,
    row: usize,
) -> PyResult<Bound<'py, PyAny>> {
    if array.is_null(row) {
        return Ok(py.None().into_bound(py));
    }
    let any = match array.data_type() {
        DataType::Null => py.None().into_bound(py),
        DataType::Boolean => array
            .as_boolean()
            .value(row)
            .into_pyobject(py)?
            .to_owned()
            .into_any(),
        DataType::Int8 => number::<Int8Type>(array, row).into_pyobject(py)?.into_any(),
        DataType::Int16 => number::<Int16Type>(array, row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Int32 => number::<Int32Type>(array, row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Int64 => number::<Int64Type>(array, row)
            .into_pyobject(py)?
            .into_any(),
        DataType::UInt8 => number::<UInt8Type>(array, row)
            .into_pyobject(py)?
            .into_any(),
        DataType::UInt16 => number::<UInt16Type>(array, row)
            .into_pyobject(py)?
            .into_any(),
        DataType::UInt32 => number::<UInt32Type>(array, row)
            .into_pyobject(py)?
            .into_any(),
        DataType::UInt64 => number::<UInt64Type>(array, row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Float16 => {
            let float = f32::from(number::<Float16Type>(array, row));
            float.into_pyobject(py)?.into_any()
        }
        DataType::Float32 => number::<Float32Type>(array, row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Float64 => number::<Float64Type>(array, row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Utf8 => array
            .as_string::<i32>()
            .value(row)
            .into_pyobject(py)?
            .into_any(),
        DataType::LargeUtf8 => array
            .as_string::<i64>()
            .value(row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Utf8View => array
            .as_string_view()
            .value(row)
            .into_pyobject(py)?
            .into_any(),
        DataType::Binary => PyBytes::new(py, array.as_binary::<i32>().value(row)).into_any(),
        DataType::LargeBinary => PyBytes::new(py, array.as_binary::<i64>().value(row)).into_any(),
        DataType::BinaryView => PyBytes::new(py, array.as_binary_view().value(row)).into_any(),
        DataType::Decimal128(..) => {
            let text = array.as_primitive::<Decimal128Type>().value_as_string(row);
            py.import("decimal")?.getattr("Decimal")?.call1((text,))?
        }
        DataType::Date32 => {
            let days = number::<Date32Type>(array, row);
            let date = py.import("datetime")?.getattr("date")?;
            date.call_method1("fromordinal", (719_163 + i64::from(days),))?
        }
        DataType::Timestamp(unit, zone) => moment(py, array, row, *unit, zone.is_some())?,
        DataType::Duration(TimeUnit::Microsecond) => {
            delta(py, number::<DurationMicrosecondType>(array, row))?
        }
        DataType::List(_) => list(py, &array.as_list::<i32>().value(row))?,
        DataType::LargeList(_) => list(py, &array.as_list::<i64>().value(row))?,
        DataType::Struct(fields) => {
            let dict = PyDict::new(py);
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                dict.set_item(field.name(), value(py, column, row)?)?;
            }
            dict.into_any()
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let key = dictionary.normalized_keys().get(row).copied();
            value(py, dictionary.values(), key.unwrap_or_default())?
        }
        other => {
            return Err(PyTypeError::new_err(format!(
                "a column of type {other} has no plain form in Python; use to_arrow(), to_polars() or to_pandas()"
            )));
        }
    };
    Ok(any)
}

fn number<T: ArrowPrimitiveType>(array: &ArrayRef, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

fn list<'py>(py: Python<'py>, items: &ArrayRef) -> PyResult<Bound<'py, PyAny>> {
    let values: PyResult<Vec<_>> = (0..items.len()).map(|row| value(py, items, row)).collect();
    Ok(PyList::new(py, values?)?.into_any())
}

/// A `datetime` has microseconds: what is below is cut off.
fn moment<'py>(
    py: Python<'py>,
    array: &ArrayRef,
    row: usize,
    unit: TimeUnit,
    zoned: bool,
) -> PyResult<Bound<'py, PyAny>> {
    use arrow_array::types::{
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType,
    };
    let microseconds = match unit {
        TimeUnit::Second => number::<TimestampSecondType>(array, row).saturating_mul(1_000_000),
        TimeUnit::Millisecond => {
            number::<TimestampMillisecondType>(array, row).saturating_mul(1000)
        }
        TimeUnit::Microsecond => number::<TimestampMicrosecondType>(array, row),
        TimeUnit::Nanosecond => number::<TimestampNanosecondType>(array, row).div_euclid(1000),
    };
    let module = py.import("datetime")?;
    let zone = if zoned {
        module.getattr("timezone")?.getattr("utc")?
    } else {
        py.None().into_bound(py)
    };
    let epoch = module
        .getattr("datetime")?
        .call1((1970, 1, 1, 0, 0, 0, 0, zone))?;
    epoch.call_method1("__add__", (delta(py, microseconds)?,))
}

fn delta(py: Python<'_>, microseconds: i64) -> PyResult<Bound<'_, PyAny>> {
    let class = py.import("datetime")?.getattr("timedelta")?;
    class.call1((0, 0, microseconds))
}
