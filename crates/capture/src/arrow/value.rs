//! One value of an array as JSON text, whatever its form. Columns of plain numbers and texts are written by
//! [`cells`](super::cells) without coming here.

use std::cell::Cell;

use arrow::array::{Array, AsArray as _, RunArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    RunEndIndexType, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::decode::Dictionaries;
use super::form::Form;
use super::text::{push_date, push_date_time, push_decimal, push_duration, push_shown, push_time};
use crate::number::{push_f32, push_f64};
use crate::text::push_string;

/// Why a value cannot be written.
#[derive(Debug)]
pub(super) enum Problem {
    /// Longer than a record, or of more parts than it has bytes.
    TooLong,
    /// What is wrong, and what to do.
    Value(String),
}

impl From<String> for Problem {
    fn from(problem: String) -> Self {
        Self::Value(problem)
    }
}

/// Writes values.
pub(super) struct Writer<'a> {
    pub(super) dictionaries: &'a Dictionaries,
    /// Whether a null inside a value is written or left out. In a list it is always written.
    pub(super) keeps_nulls: bool,
    /// How many values were looked at: nulls that are left out take time and give no text.
    pub(super) steps: &'a Cell<usize>,
    /// How many may be.
    pub(super) steps_end: usize,
}

/// `false` if the value is null; nothing is appended then.
pub(super) type Written = Result<bool, Problem>;

impl Writer<'_> {
    /// Appends a value; `end` is the length that the text may come to.
    pub(super) fn push(
        &self,
        out: &mut String,
        end: usize,
        form: &Form,
        array: &dyn Array,
        index: usize,
    ) -> Written {
        self.steps.set(self.steps.get() + 1);
        if out.len() > end || self.steps.get() > self.steps_end {
            return Err(Problem::TooLong);
        }
        if array.is_null(index) {
            return Ok(false);
        }
        match form {
            Form::Single => single(out, end, array, index),
            Form::Json => json(out, end, text_of(array, index)?).map(|()| true),
            Form::Dictionary { id, values } => {
                let key = key(array, index)?;
                let dictionary = self.dictionaries.get(*id);
                let place = dictionary.and_then(|dictionary| dictionary.at(key));
                let Some((part, place)) = place else {
                    let len = dictionary.map_or(0, super::decode::Dictionary::len);
                    return Err(format!("key {key} of a dictionary of {len} values").into());
                };
                self.push(out, end, values, part, place)
            }
            Form::Runs(values) => {
                let (array, place) = run(array, index)?;
                self.push(out, end, values, array, place)
            }
            Form::List(item) => self.list(out, end, item, array, index),
            Form::Map {
                is_object,
                keys,
                values,
            } => {
                let forms = [keys.as_ref(), values.as_ref()];
                self.map(out, end, *is_object, forms, array, index)
            }
            Form::Struct(members) => self.object(out, end, members, array, index),
        }
    }

    fn list(
        &self,
        out: &mut String,
        end: usize,
        form: &Form,
        array: &dyn Array,
        index: usize,
    ) -> Written {
        let (items, range) = items(array, index)?;
        out.push('[');
        for nth in range.clone() {
            if nth > range.start {
                out.push(',');
            }
            if !self.push(out, end, form, items, nth)? {
                out.push_str("null");
            }
        }
        out.push(']');
        Ok(true)
    }

    /// A map with texts for keys is an object; any other is a list of `{"key":..,"value":..}`.
    fn map(
        &self,
        out: &mut String,
        end: usize,
        is_object: bool,
        [key_form, value_form]: [&Form; 2],
        array: &dyn Array,
        index: usize,
    ) -> Written {
        let map = array.as_map();
        let range = range(map.value_offsets(), index)?;
        out.push(if is_object { '{' } else { '[' });
        let mut is_first = true;
        for nth in range {
            let start = out.len();
            if !is_first {
                out.push(',');
            }
            out.push_str(if is_object { "" } else { "{\"key\":" });
            if !self.push(out, end, key_form, map.keys(), nth)? {
                return Err("a key of a map is null".to_owned().into());
            }
            let behind_key = out.len();
            out.push_str(if is_object { ":" } else { ",\"value\":" });
            if !self.push(out, end, value_form, map.values(), nth)? {
                match (self.keeps_nulls, is_object) {
                    (true, _) => out.push_str("null"),
                    (false, true) => {
                        out.truncate(start);
                        continue;
                    }
                    (false, false) => out.truncate(behind_key),
                }
            }
            out.push_str(if is_object { "" } else { "}" });
            is_first = false;
        }
        out.push(if is_object { '}' } else { ']' });
        Ok(true)
    }

    fn object(
        &self,
        out: &mut String,
        end: usize,
        members: &[(String, Form)],
        array: &dyn Array,
        index: usize,
    ) -> Written {
        out.push('{');
        let mut is_first = true;
        for ((key, form), column) in members.iter().zip(array.as_struct().columns()) {
            let start = out.len();
            if !is_first {
                out.push(',');
            }
            out.push_str(key);
            if !self.push(out, end, form, column, index)? {
                if !self.keeps_nulls {
                    out.truncate(start);
                    continue;
                }
                out.push_str("null");
            }
            is_first = false;
        }
        out.push('}');
        Ok(true)
    }
}

/// Appends a JSON document as it stands. It must be one: else it could end the record's own object.
pub(super) fn json(out: &mut String, end: usize, text: &str) -> Result<(), Problem> {
    if out.len().saturating_add(text.len()) > end {
        return Err(Problem::TooLong);
    }
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|error| Problem::Value(format!("not JSON: {error}")))?;
    out.push_str(text);
    Ok(())
}

/// Appends a text.
pub(super) fn string(out: &mut String, end: usize, text: &str) -> Result<(), Problem> {
    if out.len().saturating_add(text.len()) > end {
        return Err(Problem::TooLong);
    }
    push_string(out, text);
    Ok(())
}

/// Appends a value without parts, of any length; `false` if it is null.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn push_single(
    out: &mut String,
    array: &dyn Array,
    index: usize,
) -> Result<bool, String> {
    single(out, usize::MAX, array, index).map_err(|problem| match problem {
        Problem::TooLong => "it is too long".to_owned(),
        Problem::Value(problem) => problem,
    })
}

fn single(out: &mut String, end: usize, array: &dyn Array, index: usize) -> Written {
    macro_rules! value {
        ($type:ty) => {
            array.as_primitive::<$type>().value(index)
        };
    }
    macro_rules! decimal {
        ($type:ty, $scale:expr) => {
            push_decimal(out, &value!($type).to_string(), *$scale)
        };
    }
    match array.data_type() {
        DataType::Null => return Ok(false),
        DataType::Boolean => push_bool(out, array.as_boolean().value(index)),
        DataType::Int8 => push_shown(out, value!(Int8Type)),
        DataType::Int16 => push_shown(out, value!(Int16Type)),
        DataType::Int32 => push_shown(out, value!(Int32Type)),
        DataType::Int64 => push_shown(out, value!(Int64Type)),
        DataType::UInt8 => push_shown(out, value!(UInt8Type)),
        DataType::UInt16 => push_shown(out, value!(UInt16Type)),
        DataType::UInt32 => push_shown(out, value!(UInt32Type)),
        DataType::UInt64 => push_shown(out, value!(UInt64Type)),
        DataType::Float16 => push_f32(out, value!(Float16Type).to_f32()),
        DataType::Float32 => push_f32(out, value!(Float32Type)),
        DataType::Float64 => push_f64(out, value!(Float64Type)),
        DataType::Decimal32(_, scale) => decimal!(Decimal32Type, scale),
        DataType::Decimal64(_, scale) => decimal!(Decimal64Type, scale),
        DataType::Decimal128(_, scale) => decimal!(Decimal128Type, scale),
        DataType::Decimal256(_, scale) => decimal!(Decimal256Type, scale),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            string(out, end, text_of(array, index)?)?;
        }
        DataType::Date32 => push_date(out, i64::from(value!(Date32Type)))?,
        DataType::Date64 => push_date(out, value!(Date64Type).div_euclid(DAY_MS))?,
        DataType::Timestamp(unit, zone) => {
            let count = match unit {
                TimeUnit::Second => value!(TimestampSecondType),
                TimeUnit::Millisecond => value!(TimestampMillisecondType),
                TimeUnit::Microsecond => value!(TimestampMicrosecondType),
                TimeUnit::Nanosecond => value!(TimestampNanosecondType),
            };
            push_date_time(out, count, *unit, zone.is_some())?;
        }
        DataType::Time32(TimeUnit::Second) => {
            push_time(out, i64::from(value!(Time32SecondType)), TimeUnit::Second)?;
        }
        DataType::Time32(TimeUnit::Millisecond) => {
            let count = i64::from(value!(Time32MillisecondType));
            push_time(out, count, TimeUnit::Millisecond)?;
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            push_time(out, value!(Time64MicrosecondType), TimeUnit::Microsecond)?;
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            push_time(out, value!(Time64NanosecondType), TimeUnit::Nanosecond)?;
        }
        DataType::Duration(unit) => {
            let count = match unit {
                TimeUnit::Second => value!(DurationSecondType),
                TimeUnit::Millisecond => value!(DurationMillisecondType),
                TimeUnit::Microsecond => value!(DurationMicrosecondType),
                TimeUnit::Nanosecond => value!(DurationNanosecondType),
            };
            push_duration(out, count, *unit);
        }
        other => return Err(format!("type {other} has no form in JSON").into()),
    }
    Ok(true)
}

pub(super) fn push_bool(out: &mut String, value: bool) {
    out.push_str(if value { "true" } else { "false" });
}

fn text_of(array: &dyn Array, index: usize) -> Result<&str, Problem> {
    match array.data_type() {
        DataType::Utf8 => Ok(array.as_string::<i32>().value(index)),
        DataType::LargeUtf8 => Ok(array.as_string::<i64>().value(index)),
        DataType::Utf8View => Ok(array.as_string_view().value(index)),
        other => Err(format!("type {other} is not text").into()),
    }
}

/// The key of a dictionary's value.
fn key(array: &dyn Array, index: usize) -> Result<usize, Problem> {
    macro_rules! key {
        ($type:ty) => {{
            let key = array.as_primitive::<$type>().value(index);
            usize::try_from(key).map_err(|_| format!("key {key} of a dictionary").into())
        }};
    }
    match array.data_type() {
        DataType::Int8 => key!(Int8Type),
        DataType::Int16 => key!(Int16Type),
        DataType::Int32 => key!(Int32Type),
        DataType::Int64 => key!(Int64Type),
        DataType::UInt8 => key!(UInt8Type),
        DataType::UInt16 => key!(UInt16Type),
        DataType::UInt32 => key!(UInt32Type),
        DataType::UInt64 => key!(UInt64Type),
        other => Err(format!("type {other} is no key of a dictionary").into()),
    }
}

/// The array and the place of a value that stands in a run.
fn run(array: &dyn Array, index: usize) -> Result<(&dyn Array, usize), Problem> {
    fn find<T: RunEndIndexType>(array: &dyn Array, index: usize) -> Option<(&dyn Array, usize)> {
        let runs: &RunArray<T> = array.as_any().downcast_ref()?;
        let place = runs.get_physical_index(index);
        Some((runs.values().as_ref(), place))
    }
    find::<Int16Type>(array, index)
        .or_else(|| find::<Int32Type>(array, index))
        .or_else(|| find::<Int64Type>(array, index))
        .ok_or_else(|| Problem::Value("its runs are damaged".to_owned()))
}

/// The array that holds a list's items, and where in it they are.
fn items(array: &dyn Array, index: usize) -> Result<(&dyn Array, std::ops::Range<usize>), Problem> {
    macro_rules! view {
        ($list:expr) => {{
            let list = $list;
            let start = whole(list.value_offsets()[index])?;
            let size = whole(list.value_sizes()[index])?;
            Ok((list.values().as_ref(), start..start + size))
        }};
    }
    match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            Ok((list.values().as_ref(), range(list.value_offsets(), index)?))
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            Ok((list.values().as_ref(), range(list.value_offsets(), index)?))
        }
        DataType::ListView(_) => view!(array.as_list_view::<i32>()),
        DataType::LargeListView(_) => view!(array.as_list_view::<i64>()),
        DataType::FixedSizeList(..) => {
            let list = array.as_fixed_size_list();
            let size = whole(list.value_length())?;
            let start = size * index;
            Ok((list.values().as_ref(), start..start + size))
        }
        other => Err(format!("type {other} is no list").into()),
    }
}

fn range<T: Copy + TryInto<usize>>(
    offsets: &[T],
    index: usize,
) -> Result<std::ops::Range<usize>, Problem> {
    Ok(whole(offsets[index])?..whole(offsets[index + 1])?)
}

fn whole<T: TryInto<usize>>(number: T) -> Result<usize, Problem> {
    let damaged = || Problem::Value("an offset is damaged".to_owned());
    number.try_into().map_err(|_| damaged())
}

const DAY_MS: i64 = 86_400_000;
