//! One cell of a worksheet in its own type: what a number, a date or an error there is as JSON.

use std::borrow::Cow;

use calamine::{Cell as SheetCell, DataRef, ExcelDateTime};

use crate::row::Cell;
use crate::text::quoted;
use crate::{ReadOptions, number};

/// A cell in its type; or why it cannot be taken.
pub(super) fn typed(
    cell: &SheetCell<DataRef<'_>>,
    options: &ReadOptions,
) -> Result<Cell<'static>, String> {
    let json = match cell.get_value() {
        DataRef::Empty => return Ok(Cell::Missing(None)),
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) => number_text(*value)?,
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(value) => quoted(&date_text(*value)?),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => quoted(text),
        DataRef::Error(error) => quoted(&error.to_string()),
        DataRef::String(text) => return Ok(string_cell(text, options)),
        DataRef::SharedString(text) => return Ok(string_cell(text, options)),
    };
    Ok(Cell::Json(Cow::Owned(json)))
}

fn string_cell(text: &str, options: &ReadOptions) -> Cell<'static> {
    if text.is_empty() || options.missing.iter().any(|word| word == text) {
        return Cell::Missing(Some(Cow::Owned(text.to_owned())));
    }
    Cell::Json(Cow::Owned(quoted(text)))
}

/// A worksheet number: a double, which says nothing of how it was typed, so that 5.0 is 5.
fn number_text(value: f64) -> Result<String, String> {
    if !value.is_finite() {
        return Err("not a finite number".to_owned());
    }
    if value.abs() > DOUBLE_EXACT_MAX && value.abs() < 1e21 {
        return Err(format!(
            "{value} is beyond 2^53, where a worksheet's numbers lose digits; store it as text"
        ));
    }
    if value.fract() == 0.0 && value.abs() <= DOUBLE_EXACT_MAX {
        return Ok(format!("{value:.0}"));
    }
    Ok(number::from_f64(value).into_owned())
}

/// A date, a time of day, a date with time or a duration, by what the number behind the format says.
fn date_text(value: ExcelDateTime) -> Result<String, String> {
    let days = value.as_f64();
    if value.is_duration() {
        let milliseconds = (days * 86_400_000.0).round();
        if !milliseconds.is_finite() || milliseconds.abs() > 9e15 {
            return Err(format!("{days} days is no duration"));
        }
        return Ok(format!("PT{}S", number_text(milliseconds / 1000.0)?));
    }
    if !(0.0..EXCEL_DAYS_END).contains(&days) {
        return Err(format!("{days} is no day of a worksheet's calendar"));
    }
    let (year, month, day, hour, minute, second, millisecond) = value.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let mut time = format!("{hour:02}:{minute:02}:{second:02}");
    if millisecond > 0 {
        time = format!("{time}.{millisecond:03}");
    }
    Ok(if days < 1.0 {
        time
    } else if days.fract() == 0.0 {
        date
    } else {
        format!("{date}T{time}")
    })
}
const DOUBLE_EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Behind 9999-12-31, the last day that a worksheet knows.
const EXCEL_DAYS_END: f64 = 2_958_466.0;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    #[test]
    fn numbers_beyond_what_a_double_holds_are_not_taken_for_exact() {
        assert_eq!(number_text(5.0).unwrap(), "5");
        assert_eq!(number_text(0.1).unwrap(), "0.1");
        assert_eq!(number_text(-1_234_567.25).unwrap(), "-1234567.25");
        assert_eq!(
            number_text(9_007_199_254_740_992.0).unwrap(),
            "9007199254740992"
        );
        assert!(number_text(1e18).is_err());
        assert_eq!(number_text(1e300).unwrap(), "1e300");
    }

    #[test]
    fn dates_are_what_the_number_says() {
        let date = |days: f64, kind| date_text(ExcelDateTime::new(days, kind, false));
        assert_eq!(
            date(45_444.0, ExcelDateTimeType::DateTime).unwrap(),
            "2024-06-01"
        );
        assert_eq!(
            date(45_444.5, ExcelDateTimeType::DateTime).unwrap(),
            "2024-06-01T12:00:00"
        );
        assert_eq!(date(0.75, ExcelDateTimeType::DateTime).unwrap(), "18:00:00");
        assert_eq!(
            date(1.5, ExcelDateTimeType::TimeDelta).unwrap(),
            "PT129600S"
        );
        assert!(date(-1.0, ExcelDateTimeType::DateTime).is_err());
        assert!(date(3e6, ExcelDateTimeType::DateTime).is_err());
        assert!(date(f64::NAN, ExcelDateTimeType::TimeDelta).is_err());
    }
}
