//! Functions over the columns of a record that SQL has no words for: the tests of a filter, and values as text.
//!
//! They answer with the code that [`Filter::matches`](causebook_filter::Filter::matches) uses on a record's text, so that
//! a filter has one meaning. They are not registered: no statement can call them.

use std::any::Any;
use std::borrow::Cow;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use causebook_filter::{Decimal, Glob, Test, holds_text};
use causebook_record::{Mask, string_text, string_value, value_at};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use jiff::Timestamp;

use crate::place::Place;

/// Whether a column of strings is one of these words.
pub(crate) fn is_word(column: Expr, words: &[Glob]) -> Expr {
    call(Question::Words(words.to_vec()), vec![column])
}

/// Whether the value at a place answers a test.
pub(crate) fn holds(place: &Place, test: &Test) -> Expr {
    let question = Question::Value(place.clone(), test.clone());
    call(question, place.columns())
}

/// Whether a text is somewhere in columns, given with the place of a record that each stands for.
pub(crate) fn searched(glob: &Glob, mask: &Mask, places: Vec<Searched>) -> Expr {
    let columns = places.iter().map(|place| place.column.clone()).collect();
    let places = places.iter().map(|place| (place.path.clone(), place.raw));
    let question = Question::Search(glob.clone(), mask.clone(), places.collect());
    call(question, columns)
}

/// A column in which text is looked for.
pub(crate) struct Searched {
    pub(crate) column: Expr,
    pub(crate) path: String,
    /// It holds strings themselves, not JSON text.
    pub(crate) raw: bool,
}

/// The value at a place as a filter would write it; null for what is no single value.
pub(crate) fn shown(place: &Place) -> Expr {
    call(Question::Show(place.clone()), place.columns())
}

/// `name@version`, or as much of it as there is.
pub(crate) fn model(name: Expr, version: Expr) -> Expr {
    call(Question::Model, vec![name, version])
}

fn call(question: Question, columns: Vec<Expr>) -> Expr {
    Arc::new(ScalarUDF::from(Asked::new(question))).call(columns)
}

#[derive(Clone, Debug)]
enum Question {
    Words(Vec<Glob>),
    Value(Place, Test),
    Search(Glob, Mask, Vec<(String, bool)>),
    Show(Place),
    Model,
}

/// A question as a function. Two are the same when they read the same.
#[derive(Debug)]
struct Asked {
    question: Question,
    written: String,
    signature: Signature,
}

impl Asked {
    fn new(question: Question) -> Self {
        Self {
            written: format!("{question:?}"),
            question,
            signature: Signature::variadic_any(Volatility::Immutable),
        }
    }

    fn gives_text(&self) -> bool {
        matches!(self.question, Question::Show(_) | Question::Model)
    }
}

impl PartialEq for Asked {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Asked {}

impl Hash for Asked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.written.hash(state);
    }
}

impl ScalarUDFImpl for Asked {
    fn name(&self) -> &'static str {
        "asked"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(if self.gives_text() {
            DataType::Utf8
        } else {
            DataType::Boolean
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let single = arguments
            .args
            .iter()
            .all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if single { 1 } else { arguments.number_rows };
        let columns = arguments
            .args
            .iter()
            .map(|argument| argument.to_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let answers = self.answer(&columns, rows)?;
        if single {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &answers, 0,
            )?));
        }
        Ok(ColumnarValue::Array(answers))
    }
}

impl Asked {
    fn answer(&self, columns: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        match &self.question {
            Question::Words(words) => {
                let [column] = texts(columns)?;
                let column = column.as_string::<i32>();
                let holds = |text: &str| words.iter().any(|glob| glob.matches(text));
                Ok(booleans(rows, |row| {
                    text_at(column, row).is_some_and(holds)
                }))
            }
            Question::Value(place, test) => {
                let values = Values::of(place, columns)?;
                Ok(booleans(rows, |row| match test {
                    Test::Words(_) => {
                        let value = values.json(row);
                        test.holds_word(value.as_deref().and_then(string_value).as_deref())
                    }
                    test => test.holds_value(values.json(row).as_deref()),
                }))
            }
            Question::Search(glob, mask, places) => {
                let columns = columns
                    .iter()
                    .map(|column| Ok(cast(column, &DataType::Utf8)?))
                    .collect::<Result<Vec<_>>>()?;
                let searched = columns.iter().zip(places);
                let searched: Vec<(&StringArray, &(String, bool))> = searched
                    .map(|(column, place)| (column.as_string(), place))
                    .collect();
                Ok(booleans(rows, |row| {
                    searched.iter().any(|(column, (path, raw))| {
                        text_at(column, row).is_some_and(|text| {
                            if *raw {
                                glob.is_in_any_case(text)
                            } else {
                                holds_text(glob, path, text, mask)
                            }
                        })
                    })
                }))
            }
            Question::Show(place) => {
                let values = Values::of(place, columns)?;
                let shown = (0..rows).map(|row| values.json(row).and_then(shown_value));
                Ok(Arc::new(shown.collect::<StringArray>()))
            }
            Question::Model => {
                let [names, versions] = texts(columns)?;
                let (names, versions) = (names.as_string::<i32>(), versions.as_string::<i32>());
                let models =
                    (0..rows).map(|row| match (text_at(names, row), text_at(versions, row)) {
                        (Some(name), Some(version)) => {
                            Some(Cow::Owned(format!("{name}@{version}")))
                        }
                        (Some(name), None) => Some(Cow::Borrowed(name)),
                        (None, Some(version)) => Some(Cow::Owned(format!("@{version}"))),
                        (None, None) => None,
                    });
                Ok(Arc::new(models.collect::<StringArray>()))
            }
        }
    }
}

/// The columns of a place.
struct Values<'a> {
    place: &'a Place,
    column: ArrayRef,
    lifted: Option<ArrayRef>,
}

impl<'a> Values<'a> {
    fn of(place: &'a Place, columns: &[ArrayRef]) -> Result<Self> {
        let Some((column, lifted)) = columns.split_first() else {
            return exec_err!("a place has a column");
        };
        Ok(Self {
            place,
            column: cast(column, &DataType::Utf8)?,
            lifted: lifted.first().cloned(),
        })
    }

    /// The value as canonical JSON text.
    fn json(&self, row: usize) -> Option<Cow<'_, str>> {
        let text = text_at(self.column.as_string::<i32>(), row);
        match self.place {
            Place::Text(_) => text.map(string_text).map(Cow::Owned),
            Place::Json { inside, .. } => {
                let found = text.and_then(|text| value_at(text, inside));
                found
                    .map(Cow::Borrowed)
                    .or_else(|| lifted_json(self.lifted.as_ref()?, row).map(Cow::Owned))
            }
        }
    }
}

/// A lifted value as it stands in the record.
fn lifted_json(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    let any: &dyn Any = column.as_any();
    if any.is::<StringArray>() {
        return Some(string_text(column.as_string::<i32>().value(row)));
    }
    if let Some(numbers) = column.as_primitive_opt::<Int64Type>() {
        return Some(numbers.value(row).to_string());
    }
    if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
        return Some(numbers.value(row).to_string());
    }
    let times = column.as_primitive_opt::<TimestampMicrosecondType>()?;
    let time = Timestamp::from_microsecond(times.value(row)).ok()?;
    Some(string_text(&time.to_string()))
}

fn shown_value(json: Cow<'_, str>) -> Option<String> {
    match json.as_bytes().first()? {
        b'"' => string_value(&json).map(Cow::into_owned),
        b'{' | b'[' | b'n' => None,
        b't' | b'f' => Some(json.into_owned()),
        // Written alike for equal numbers, which a filter does not tell apart.
        _ => Decimal::parse(&json).map(|number| number.to_string()),
    }
}

fn texts<const N: usize>(columns: &[ArrayRef]) -> Result<[ArrayRef; N]> {
    let texts = columns
        .iter()
        .map(|column| Ok(cast(column, &DataType::Utf8)?))
        .collect::<Result<Vec<_>>>()?;
    texts
        .try_into()
        .map_err(|_| exec_datafusion_err!("another number of columns is asked about"))
}

fn text_at(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

fn booleans(rows: usize, answer: impl Fn(usize) -> bool) -> ArrayRef {
    let answers: Vec<bool> = (0..rows).map(answer).collect();
    Arc::new(BooleanArray::from(answers))
}
