//! Columns: from the Arrow `PyCapsule` interface, from buffers of numbers, from lists of texts.
//!
//! The C stream interface hands over a pointer: the one place of the package that cannot do without `unsafe`.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::ffi_stream::{ArrowArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, PrimitiveArray, RecordBatch,
    RecordBatchReader as _, StringArray,
};
use arrow_buffer::ScalarBuffer;
use arrow_schema::{ArrowError, DataType};
use pyo3::buffer::{Element, PyBuffer};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyFloat, PyInt, PyList, PyString};

/// A column of a batch.
#[pyclass(frozen)]
pub(crate) struct Column {
    array: ArrayRef,
}

impl Column {
    pub(super) fn slice(&self, start: usize, count: usize) -> ArrayRef {
        self.array.slice(start, count)
    }

    pub(super) fn len(&self) -> usize {
        self.array.len()
    }
}

#[pymethods]
impl Column {
    /// A one-dimensional contiguous buffer of numbers or truth values; None if it holds anything else.
    #[staticmethod]
    fn of_numbers(values: &Bound<'_, PyAny>) -> PyResult<Option<Column>> {
        let array = [
            numbers::<Float64Type>,
            numbers::<Int64Type>,
            numbers::<Float32Type>,
            numbers::<Int32Type>,
            numbers::<Int16Type>,
            numbers::<Int8Type>,
            numbers::<UInt64Type>,
            numbers::<UInt32Type>,
            numbers::<UInt16Type>,
            numbers::<UInt8Type>,
            truths,
        ]
        .into_iter()
        .find_map(|read| read(values).transpose())
        .transpose()?;
        Ok(array.map(|array| Column { array }))
    }

    /// Texts, None where there is none; None if something else is in the list.
    #[staticmethod]
    fn of_texts(values: &Bound<'_, PyList>) -> Option<Column> {
        let texts: Option<Vec<Option<String>>> = values
            .iter()
            .map(|value| {
                if value.is_none() {
                    return Some(None);
                }
                let text = value.cast_exact::<PyString>().ok()?;
                text.to_str().ok().map(|text| Some(text.to_owned()))
            })
            .collect();
        Some(Column {
            array: Arc::new(StringArray::from(texts?)),
        })
    }

    /// A list of numbers of one kind, None where there is none; None if something else is in the list.
    #[staticmethod]
    fn of_list(values: &Bound<'_, PyList>) -> Option<Column> {
        let whole: Option<Vec<Option<i64>>> = values
            .iter()
            .map(|value| number::<PyInt, _>(&value))
            .collect();
        let array: ArrayRef = if let Some(whole) = whole {
            Arc::new(Int64Array::from(whole))
        } else {
            let floats: Option<Vec<Option<f64>>> = values
                .iter()
                .map(|value| number::<PyFloat, _>(&value))
                .collect();
            Arc::new(Float64Array::from(floats?))
        };
        Some(Column { array })
    }

    fn __len__(&self) -> usize {
        self.array.len()
    }

    /// What the values are, where their JSON does not say it: the name of their type in typed documents.
    #[getter]
    fn kind(&self) -> Option<&'static str> {
        match self.array.data_type() {
            DataType::Float32 => Some("numpy.float32"),
            DataType::Float64 => {
                let numbers = self.array.as_primitive::<Float64Type>();
                let finite = numbers.iter().flatten().all(f64::is_finite);
                (!finite).then_some("float")
            }
            DataType::Date32 => Some("date"),
            DataType::Timestamp(..) => Some("datetime"),
            DataType::Decimal128(..) => Some("decimal"),
            _ => None,
        }
    }
}

/// The columns of a frame, by the Arrow `PyCapsule` interface. None if one of them has no place in a record as a column.
#[pyfunction]
pub(crate) fn columns_of(frame: &Bound<'_, PyAny>) -> PyResult<Option<Vec<(String, Column)>>> {
    let broken = |error: ArrowError| PyValueError::new_err(format!("no frame: {error}"));
    let capsule = frame.call_method0("__arrow_c_stream__")?;
    let reader = imported(capsule.cast::<PyCapsule>()?)?;
    let schema = reader.schema();
    if !schema.fields().iter().all(|field| fits(field.data_type())) {
        return Ok(None);
    }
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().map_err(broken)?;
    let whole = arrow_select::concat::concat_batches(&schema, &batches).map_err(broken)?;
    let columns = schema.fields().iter().zip(whole.columns());
    let named = columns.map(|(field, array)| {
        let array = Arc::clone(array);
        (field.name().clone(), Column { array })
    });
    Ok(Some(named.collect()))
}

fn imported(capsule: &Bound<'_, PyCapsule>) -> PyResult<ArrowArrayStreamReader> {
    let pointer = capsule.pointer_checked(Some(c"arrow_array_stream"))?;
    // SAFETY: a capsule of this name holds an ArrowArrayStream (the Arrow `PyCapsule` interface), which is moved out: what
    // is left says that it was released. The capsule lives until this function returns.
    #[allow(unsafe_code)]
    let stream = unsafe { FFI_ArrowArrayStream::from_raw(pointer.as_ptr().cast()) };
    ArrowArrayStreamReader::try_new(stream)
        .map_err(|error| PyValueError::new_err(format!("no frame: {error}")))
}

/// Whether values of this type have a form in a record, the same in a column as alone.
fn fits(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Timestamp(..)
        | DataType::Decimal128(..) => true,
        DataType::Dictionary(_, values) => {
            matches!(
                **values,
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
            )
        }
        _ => false,
    }
}

/// A value of exactly this type, or none; `None` if it is anything else, or too large.
#[allow(clippy::option_option, reason = "no number, no value, or one")]
fn number<'a, 'py, T, N>(value: &'a Bound<'py, PyAny>) -> Option<Option<N>>
where
    T: pyo3::type_object::PyTypeInfo,
    N: FromPyObject<'a, 'py>,
{
    if value.is_none() {
        return Some(None);
    }
    if !value.is_exact_instance_of::<T>() {
        return None;
    }
    value.extract().ok().map(Some)
}

/// The numbers of a buffer, if it holds numbers of this type.
fn numbers<T: ArrowPrimitiveType>(values: &Bound<'_, PyAny>) -> PyResult<Option<ArrayRef>>
where
    T::Native: Element,
{
    let Ok(buffer) = PyBuffer::<T::Native>::get(values) else {
        return Ok(None);
    };
    if buffer.dimensions() != 1 {
        return Ok(None);
    }
    let copied = buffer.to_vec(values.py())?;
    let array = PrimitiveArray::<T>::new(ScalarBuffer::from(copied), None);
    Ok(Some(Arc::new(array)))
}

/// Truth values: a byte each, which the caller has made of them.
fn truths(values: &Bound<'_, PyAny>) -> PyResult<Option<ArrayRef>> {
    let Ok(list) = values.cast_exact::<PyList>() else {
        return Ok(None);
    };
    let truths: Vec<Option<bool>> = list.extract()?;
    Ok(Some(Arc::new(BooleanArray::from(truths))))
}
