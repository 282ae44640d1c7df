//! One value of an Arrow array as JSON text, of whatever type: nothing is rounded, and what JSON has no form for says
//! what it was.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::array_value_to_string;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::text::{push_string, quoted};
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
    macro_rules! value {
        ($type:ty) => {
            array.as_primitive::<$type>().value(index)
        };
    }
    macro_rules! digits {
        ($type:ty) => {
            out.push_str(&value!($type).to_string())
        };
    }
    macro_rules! decimal {
        ($type:ty) => {
            out.push_str(&array.as_primitive::<$type>().value_as_string(index))
        };
    }
    match array.data_type() {
        DataType::Null => out.push_str("null"),
        DataType::Boolean => out.push_str(if array.as_boolean().value(index) {
            "true"
        } else {
            "false"
        }),
        DataType::Int8 => digits!(Int8Type),
        DataType::Int16 => digits!(Int16Type),
        DataType::Int32 => digits!(Int32Type),
        DataType::Int64 => digits!(Int64Type),
        DataType::UInt8 => digits!(UInt8Type),
        DataType::UInt16 => digits!(UInt16Type),
        DataType::UInt32 => digits!(UInt32Type),
        DataType::UInt64 => digits!(UInt64Type),
        DataType::Float16 => out.push_str(&number::from_f32(value!(Float16Type).to_f32())),
        DataType::Float32 => out.push_str(&number::from_f32(value!(Float32Type))),
        DataType::Float64 => out.push_str(&number::from_f64(value!(Float64Type))),
        DataType::Decimal32(..) => decimal!(Decimal32Type),
        DataType::Decimal64(..) => decimal!(Decimal64Type),
        DataType::Decimal128(..) => decimal!(Decimal128Type),
        DataType::Decimal256(..) => decimal!(Decimal256Type),
        DataType::Utf8 => push_string(out, array.as_string::<i32>().value(index)),
        DataType::LargeUtf8 => push_string(out, array.as_string::<i64>().value(index)),
        DataType::Utf8View => push_string(out, array.as_string_view().value(index)),
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
        DataType::Date32 => push_string(out, &date(i64::from(value!(Date32Type)) * 86_400)?),
        DataType::Date64 => push_string(out, &date(value!(Date64Type).div_euclid(1_000))?),
        DataType::Timestamp(unit, zone) => {
            let count = match unit {
                TimeUnit::Second => value!(TimestampSecondType),
                TimeUnit::Millisecond => value!(TimestampMillisecondType),
                TimeUnit::Microsecond => value!(TimestampMicrosecondType),
                TimeUnit::Nanosecond => value!(TimestampNanosecondType),
            };
            let mut text = date_time(count, *unit)?;
            if zone.is_some() {
                text.push('Z');
            }
            push_string(out, &text);
        }
        DataType::Time32(TimeUnit::Second) => {
            push_time(out, i64::from(value!(Time32SecondType)), TimeUnit::Second)?;
        }
        DataType::Time32(_) => push_time(
            out,
            i64::from(value!(Time32MillisecondType)),
            TimeUnit::Millisecond,
        )?,
        DataType::Time64(TimeUnit::Microsecond) => {
            push_time(out, value!(Time64MicrosecondType), TimeUnit::Microsecond)?;
        }
        DataType::Time64(_) => push_time(out, value!(Time64NanosecondType), TimeUnit::Nanosecond)?,
        DataType::Duration(unit) => {
            let count = match unit {
                TimeUnit::Second => value!(DurationSecondType),
                TimeUnit::Millisecond => value!(DurationMillisecondType),
                TimeUnit::Microsecond => value!(DurationMicrosecondType),
                TimeUnit::Nanosecond => value!(DurationNanosecondType),
            };
            push_string(out, &duration(count, *unit));
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
        other @ DataType::Union(..) => return Err(format!("type {other} has no form in JSON")),
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

fn date(seconds: i64) -> Result<String, String> {
    let text = date_time(seconds, TimeUnit::Second)?;
    Ok(text.split('T').next().unwrap_or_default().to_owned())
}

/// RFC 3339 without a zone, with as many digits of the second as the unit has.
fn date_time(count: i64, unit: TimeUnit) -> Result<String, String> {
    let timestamp = match unit {
        TimeUnit::Second => Timestamp::from_second(count),
        TimeUnit::Millisecond => Timestamp::from_millisecond(count),
        TimeUnit::Microsecond => Timestamp::from_microsecond(count),
        TimeUnit::Nanosecond => Timestamp::from_nanosecond(i128::from(count)),
    };
    let timestamp =
        timestamp.map_err(|_| format!("{count} is no time between the years -9999 and 9999"))?;
    let civil = TimeZone::UTC.to_datetime(timestamp);
    if civil.year() < 0 {
        return Err(format!("the year {} has no form in RFC 3339", civil.year()));
    }
    let whole = civil.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let nanoseconds = format!("{:09}", civil.subsec_nanosecond());
    Ok(with_fraction(whole, &nanoseconds, unit))
}

fn push_time(out: &mut String, count: i64, unit: TimeUnit) -> Result<(), String> {
    let per_second = per_second(unit);
    let seconds = count.div_euclid(per_second);
    if !(0..86_400).contains(&seconds) {
        return Err(format!("{count} is no time of day"));
    }
    let whole = format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    let nanoseconds = format!(
        "{:09}",
        count.rem_euclid(per_second) * (1_000_000_000 / per_second)
    );
    out.push_str(&quoted(&with_fraction(whole, &nanoseconds, unit)));
    Ok(())
}

fn duration(count: i64, unit: TimeUnit) -> String {
    let per_second = i128::from(per_second(unit));
    let count = i128::from(count);
    let sign = if count < 0 { "-" } else { "" };
    let nanoseconds = format!(
        "{:09}",
        count.abs() % per_second * (1_000_000_000 / per_second)
    );
    let whole = format!("{sign}PT{}", count.abs() / per_second);
    format!("{}S", with_fraction(whole, &nanoseconds, unit))
}

fn with_fraction(whole: String, nanoseconds: &str, unit: TimeUnit) -> String {
    let digits = match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    match nanoseconds.get(..digits) {
        Some(fraction) if !fraction.is_empty() => format!("{whole}.{fraction}"),
        _ => whole,
    }
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_the_digits_of_their_unit() {
        assert_eq!(
            date_time(0, TimeUnit::Second).unwrap(),
            "1970-01-01T00:00:00"
        );
        assert_eq!(
            date_time(-1, TimeUnit::Millisecond).unwrap(),
            "1969-12-31T23:59:59.999"
        );
        assert_eq!(
            date_time(1_717_243_200_000_001, TimeUnit::Microsecond).unwrap(),
            "2024-06-01T12:00:00.000001"
        );
        assert!(date_time(i64::MAX, TimeUnit::Second).is_err());
        assert_eq!(date(-86_400).unwrap(), "1969-12-31");
        let mut out = String::new();
        push_time(&mut out, 45_296_000_000_001, TimeUnit::Nanosecond).unwrap();
        assert_eq!(out, "\"12:34:56.000000001\"");
        assert!(push_time(&mut out, 86_400, TimeUnit::Second).is_err());
        assert_eq!(duration(-1_500, TimeUnit::Millisecond), "-PT1.500S");
        assert_eq!(duration(90, TimeUnit::Second), "PT90S");
    }
}
