//! One value of an Arrow array as JSON text, of whatever type: nothing is rounded, and what JSON has no form for says
//! what it was.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;

use crate::arrow::value::push_single;
use crate::text::push_string;
use crate::{NESTING_MAX, number};

/// Appends the JSON text of one value of an array; or says why there is none.
pub(super) fn push_value(
    out: &mut String,
    array: &dyn Array,
    index: usize,
    depth: usize,
) -> Result<(), String> {
    if depth > NESTING_MAX {
        return Err(format!("nested more than {NESTING_MAX} deep"));
    }
    if array.is_null(index) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        DataType::Binary => {
            out.push_str(&number::from_bytes(array.as_binary::<i32>().value(index)));
        }
        DataType::LargeBinary => {
            out.push_str(&number::from_bytes(array.as_binary::<i64>().value(index)));
        }
        DataType::BinaryView => {
            out.push_str(&number::from_bytes(array.as_binary_view().value(index)));
        }
        DataType::FixedSizeBinary(_) => {
            out.push_str(&number::from_bytes(
                array.as_fixed_size_binary().value(index),
            ));
        }
        DataType::Interval(_) => {
            let text = array_value_to_string(array, index).map_err(|error| error.to_string())?;
            push_string(out, &text);
        }
        DataType::List(_) => push_list(out, &array.as_list::<i32>().value(index), depth)?,
        DataType::LargeList(_) => push_list(out, &array.as_list::<i64>().value(index), depth)?,
        DataType::ListView(_) => push_list(out, &array.as_list_view::<i32>().value(index), depth)?,
        DataType::LargeListView(_) => {
            push_list(out, &array.as_list_view::<i64>().value(index), depth)?;
        }
        DataType::FixedSizeList(..) => {
            push_list(out, &array.as_fixed_size_list().value(index), depth)?;
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns();
            out.push('{');
            for (place, (field, column)) in fields.iter().zip(columns).enumerate() {
                if place > 0 {
                    out.push(',');
                }
                push_string(out, field.name());
                out.push(':');
                push_value(out, column, index, depth + 1)?;
            }
            out.push('}');
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let entries = map.value(index);
            let [keys, values] = entries.columns() else {
                return Err("a map without keys and values".to_owned());
            };
            push_map(out, keys, values, depth)?;
        }
        DataType::Dictionary(_, values) => {
            let one = cast(&array.slice(index, 1), values).map_err(|error| error.to_string())?;
            push_value(out, &one, 0, depth + 1)?;
        }
        DataType::RunEndEncoded(_, values) => {
            let one = cast(&array.slice(index, 1), values.data_type())
                .map_err(|error| error.to_string())?;
            push_value(out, &one, 0, depth + 1)?;
        }
        _ if push_single(out, array, index)? => {}
        _ => out.push_str("null"),
    }
    Ok(())
}

fn push_list(out: &mut String, values: &ArrayRef, depth: usize) -> Result<(), String> {
    out.push('[');
    for index in 0..values.len() {
        if index > 0 {
            out.push(',');
        }
        push_value(out, values, index, depth + 1)?;
    }
    out.push(']');
    Ok(())
}

/// A map with texts for keys is an object; any other is a list of `{"key":..,"value":..}`.
fn push_map(
    out: &mut String,
    keys: &ArrayRef,
    values: &ArrayRef,
    depth: usize,
) -> Result<(), String> {
    let is_object = matches!(
        keys.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    );
    out.push(if is_object { '{' } else { '[' });
    for index in 0..keys.len() {
        if index > 0 {
            out.push(',');
        }
        if !is_object {
            out.push_str("{\"key\":");
        }
        push_value(out, keys, index, depth + 1)?;
        out.push_str(if is_object { ":" } else { ",\"value\":" });
        push_value(out, values, index, depth + 1)?;
        if !is_object {
            out.push('}');
        }
    }
    out.push(if is_object { '}' } else { ']' });
    Ok(())
}
