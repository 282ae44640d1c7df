//! A column as text: the values of some hundred rows one behind the other, and where each ends. What a type asks is asked
//! once a column, not once a value.

use std::cell::Cell;
use std::ops::Range;

use arrow::array::{Array, AsArray as _, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::RowFault;
use super::decode::Dictionaries;
use super::form::Form;
use super::plan::Leaf;
use super::text::{push_date_time, push_shown};
use super::value::{Problem, Writer, Written, push_bool, string};
use crate::ROW_BYTES_MAX;
use crate::number::{push_f32, push_f64};

/// The text came to more than there is room for: fewer rows at a time are needed.
#[derive(Debug)]
pub(super) struct Overflow;

/// The texts of a column's values. An empty one stands for a value that is not there.
#[derive(Debug, Default)]
pub(super) struct Cells {
    text: String,
    ends: Vec<usize>,
    /// Values looked at inside those of the column.
    steps: usize,
}

impl Cells {
    /// The text of a row, counted from the first one that was filled in.
    pub(super) fn get(&self, row: usize) -> &str {
        let end = |row: usize| self.ends.get(row).copied().unwrap_or_default();
        let start = row.checked_sub(1).map_or(0, end);
        self.text.get(start..end(row)).unwrap_or_default()
    }

    /// What it took: bytes of text, and values looked at.
    pub(super) fn work(&self) -> usize {
        self.text.len() + self.ends.len() + self.steps
    }

    /// Forgets the texts, and keeps no more memory than this.
    pub(super) fn clear(&mut self, keep_bytes: usize) {
        self.text.clear();
        self.text.shrink_to(keep_bytes);
        self.ends.clear();
        self.steps = 0;
    }

    /// Fills in the values of some rows, after [`clear`](Self::clear). Of one row, everything is taken; of more, as much
    /// as there is `room` for.
    pub(super) fn fill(
        &mut self,
        leaf: &Leaf,
        array: &dyn Array,
        rows: Range<usize>,
        dictionaries: &Dictionaries,
        room: usize,
        faults: &mut [Option<RowFault>],
    ) -> Result<(), Overflow> {
        let mut column = Column {
            cells: self,
            leaf,
            array,
            rows,
            room,
            faults,
        };
        if !matches!(leaf.form, Form::Single) {
            return column.any(dictionaries);
        }
        match array.data_type() {
            DataType::Boolean => {
                let values = array.as_boolean();
                column.each(|out, index, _| {
                    push_bool(out, values.value(index));
                    Ok(true)
                })
            }
            DataType::Int8 => column.numbers::<Int8Type>(push_shown),
            DataType::Int16 => column.numbers::<Int16Type>(push_shown),
            DataType::Int32 => column.numbers::<Int32Type>(push_shown),
            DataType::Int64 => column.numbers::<Int64Type>(push_shown),
            DataType::UInt8 => column.numbers::<UInt8Type>(push_shown),
            DataType::UInt16 => column.numbers::<UInt16Type>(push_shown),
            DataType::UInt32 => column.numbers::<UInt32Type>(push_shown),
            DataType::UInt64 => column.numbers::<UInt64Type>(push_shown),
            DataType::Float32 => column.numbers::<Float32Type>(push_f32),
            DataType::Float64 => column.numbers::<Float64Type>(push_f64),
            DataType::Utf8 => {
                let values = array.as_string::<i32>();
                column.texts(|index| values.value(index))
            }
            DataType::LargeUtf8 => {
                let values = array.as_string::<i64>();
                column.texts(|index| values.value(index))
            }
            DataType::Utf8View => {
                let values = array.as_string_view();
                column.texts(|index| values.value(index))
            }
            DataType::Timestamp(TimeUnit::Millisecond, zone) => {
                column.times::<TimestampMillisecondType>(TimeUnit::Millisecond, zone.is_some())
            }
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                column.times::<TimestampMicrosecondType>(TimeUnit::Microsecond, zone.is_some())
            }
            DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
                column.times::<TimestampNanosecondType>(TimeUnit::Nanosecond, zone.is_some())
            }
            _ => column.any(dictionaries),
        }
    }
}

/// A column that is being filled in.
struct Column<'a> {
    cells: &'a mut Cells,
    leaf: &'a Leaf,
    array: &'a dyn Array,
    rows: Range<usize>,
    room: usize,
    faults: &'a mut [Option<RowFault>],
}

impl<'a> Column<'a> {
    fn numbers<T: ArrowPrimitiveType>(
        &mut self,
        push: impl Fn(&mut String, T::Native),
    ) -> Result<(), Overflow> {
        let values: &PrimitiveArray<T> = self.array.as_primitive();
        self.each(|out, index, _| {
            push(out, values.value(index));
            Ok(true)
        })
    }

    fn times<T: ArrowPrimitiveType<Native = i64>>(
        &mut self,
        unit: TimeUnit,
        is_instant: bool,
    ) -> Result<(), Overflow> {
        let values: &PrimitiveArray<T> = self.array.as_primitive();
        self.each(|out, index, _| {
            push_date_time(out, values.value(index), unit, is_instant)?;
            Ok(true)
        })
    }

    fn texts(&mut self, value: impl Fn(usize) -> &'a str) -> Result<(), Overflow> {
        self.each(|out, index, end| string(out, end, value(index)).map(|()| true))
    }

    fn any(&mut self, dictionaries: &Dictionaries) -> Result<(), Overflow> {
        let (leaf, array) = (self.leaf, self.array);
        let steps = Cell::new(0);
        let filled = self.each_counted(&steps, |out, index, end| {
            let writer = Writer {
                dictionaries,
                keeps_nulls: leaf.keeps_nulls,
                steps: &steps,
                steps_end: steps.get() + ROW_BYTES_MAX,
            };
            writer.push(out, end, &leaf.form, array, index)
        });
        self.cells.steps = steps.get();
        filled
    }

    /// Appends each row's value by `push`, which is given the row and the length that the text may come to.
    fn each(
        &mut self,
        push: impl FnMut(&mut String, usize, usize) -> Written,
    ) -> Result<(), Overflow> {
        self.each_counted(&Cell::new(0), push)
    }

    /// The same, where values have parts, which are counted.
    fn each_counted(
        &mut self,
        steps: &Cell<usize>,
        mut push: impl FnMut(&mut String, usize, usize) -> Written,
    ) -> Result<(), Overflow> {
        let nulls = self.array.nulls();
        let many = self.rows.len() > 1;
        let Cells { text, ends, .. } = &mut *self.cells;
        for (row, index) in self.rows.clone().enumerate() {
            let start = text.len();
            let is_null = nulls.is_some_and(|nulls| nulls.is_null(index));
            let written = if is_null {
                Ok(false)
            } else {
                push(text, index, start + ROW_BYTES_MAX)
            };
            match written {
                Ok(false) if self.leaf.shows_null => text.push_str("null"),
                Ok(_) => {}
                Err(problem) => {
                    text.truncate(start);
                    if let Some(fault) = self.faults.get_mut(row) {
                        fault.get_or_insert_with(|| fault_of(self.leaf, problem));
                    }
                }
            }
            if many && text.len() + steps.get() > self.room {
                return Err(Overflow);
            }
            ends.push(text.len());
        }
        Ok(())
    }
}

fn fault_of(leaf: &Leaf, problem: Problem) -> RowFault {
    match problem {
        Problem::TooLong => RowFault::TooLong {
            limit: ROW_BYTES_MAX,
        },
        Problem::Value(problem) => RowFault::Value {
            column: leaf.column.clone(),
            pointer: leaf.pointer.clone(),
            problem,
        },
    }
}
