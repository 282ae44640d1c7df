//! Numbers and times as text, written straight into a buffer. The forms are those that [`number`](crate::number) lists.

use std::fmt::Write as _;

use arrow::datatypes::TimeUnit;

/// Appends what prints itself. Printing into a string does not fail.
pub(super) fn push_shown(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

/// Appends a decimal: `digits` (with a sign, if it is negative) times ten to the power of `-scale`.
pub(super) fn push_decimal(out: &mut String, digits: &str, scale: i8) {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", digits),
    };
    out.push_str(sign);
    let zeros = |out: &mut String, count: usize| out.extend(std::iter::repeat_n('0', count));
    let places = usize::from(scale.unsigned_abs());
    if scale <= 0 {
        out.push_str(digits);
        if digits != "0" {
            zeros(out, places);
        }
        return;
    }
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(places));
    out.push_str(if whole.is_empty() { "0" } else { whole });
    out.push('.');
    zeros(out, places - fraction.len());
    out.push_str(fraction);
}

/// Appends a date, given in days since 1970, in quotes.
pub(super) fn push_date(out: &mut String, days: i64) -> Result<(), String> {
    let date = Civil::of(days).ok_or_else(|| out_of_range(days, "days"))?;
    out.push('"');
    date.push(out);
    out.push('"');
    Ok(())
}

/// Appends a date with time in RFC 3339, in quotes, with as many digits of the second as the unit has, and with `Z` if
/// it is an instant.
pub(super) fn push_date_time(
    out: &mut String,
    count: i64,
    unit: TimeUnit,
    is_instant: bool,
) -> Result<(), String> {
    let per_second = per_second(unit);
    let seconds = count.div_euclid(per_second);
    let date = Civil::of(seconds.div_euclid(DAY_S))
        .ok_or_else(|| out_of_range(count, "units of its type"))?;
    out.push('"');
    date.push(out);
    out.push('T');
    push_clock(
        out,
        seconds.rem_euclid(DAY_S),
        count.rem_euclid(per_second),
        unit,
    );
    out.push_str(if is_instant { "Z\"" } else { "\"" });
    Ok(())
}

/// Appends a time of day, in quotes.
pub(super) fn push_time(out: &mut String, count: i64, unit: TimeUnit) -> Result<(), String> {
    let per_second = per_second(unit);
    let seconds = count.div_euclid(per_second);
    if !(0..DAY_S).contains(&seconds) {
        return Err(format!("{count} is no time of day"));
    }
    out.push('"');
    push_clock(out, seconds, count.rem_euclid(per_second), unit);
    out.push('"');
    Ok(())
}

/// Appends a duration in ISO 8601 seconds, in quotes.
pub(super) fn push_duration(out: &mut String, count: i64, unit: TimeUnit) {
    let per_second = per_second(unit).unsigned_abs();
    let size = count.unsigned_abs();
    out.push_str(if count < 0 { "\"-PT" } else { "\"PT" });
    push_shown(out, size / per_second);
    push_fraction(out, size % per_second, unit);
    out.push_str("S\"");
}

fn push_clock(out: &mut String, second_of_day: i64, fraction: i64, unit: TimeUnit) {
    push_padded(out, (second_of_day / 3600).unsigned_abs(), 2);
    out.push(':');
    push_padded(out, (second_of_day / 60 % 60).unsigned_abs(), 2);
    out.push(':');
    push_padded(out, (second_of_day % 60).unsigned_abs(), 2);
    push_fraction(out, fraction.unsigned_abs(), unit);
}

fn push_fraction(out: &mut String, fraction: u64, unit: TimeUnit) {
    let digits = match unit {
        TimeUnit::Second => return,
        TimeUnit::Millisecond => 3,
        TimeUnit::Microsecond => 6,
        TimeUnit::Nanosecond => 9,
    };
    out.push('.');
    push_padded(out, fraction, digits);
}

fn push_padded(out: &mut String, value: u64, width: u32) {
    for place in (0..width).rev() {
        let digit = (value / 10_u64.pow(place) % 10) as u8;
        out.push(char::from(b'0' + digit));
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

fn out_of_range(count: i64, of: &str) -> String {
    format!("{count} {of} from 1970 is not within the years 0000 to 9999, which RFC 3339 has")
}

/// A day of the Gregorian calendar.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
}

impl Civil {
    /// The day that lies this many days after 1970-01-01, if RFC 3339 has a form for it.
    ///
    /// Counts from 0000-03-01, so that the day that leap years have is the last of a year, in eras of 400 years.
    fn of(days: i64) -> Option<Self> {
        if !(YEAR_0000..YEAR_10000).contains(&days) {
            return None;
        }
        let from_march = days + DAYS_TO_1970;
        let era = from_march.div_euclid(ERA_DAYS);
        let day_of_era = from_march.rem_euclid(ERA_DAYS);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Some(Self {
            year: year.unsigned_abs(),
            month: month.unsigned_abs(),
            day: day.unsigned_abs(),
        })
    }

    fn push(&self, out: &mut String) {
        push_padded(out, self.year, 4);
        out.push('-');
        push_padded(out, self.month, 2);
        out.push('-');
        push_padded(out, self.day, 2);
    }
}

const DAY_S: i64 = 86_400;
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
/// 0000-01-01 and 10000-01-01, in days since 1970.
const YEAR_0000: i64 = -719_528;
const YEAR_10000: i64 = 2_932_897;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    fn date_time(count: i64, unit: TimeUnit) -> Result<String, String> {
        let mut out = String::new();
        push_date_time(&mut out, count, unit, false)?;
        Ok(out)
    }

    #[test]
    fn times_keep_the_digits_of_their_unit() {
        for (count, unit, text) in [
            (0, TimeUnit::Second, "\"1970-01-01T00:00:00\""),
            (-1, TimeUnit::Millisecond, "\"1969-12-31T23:59:59.999\""),
            (
                1_717_243_200_000_001,
                TimeUnit::Microsecond,
                "\"2024-06-01T12:00:00.000001\"",
            ),
            (-62_167_219_200, TimeUnit::Second, "\"0000-01-01T00:00:00\""),
            (253_402_300_799, TimeUnit::Second, "\"9999-12-31T23:59:59\""),
        ] {
            assert_eq!(date_time(count, unit).unwrap(), text);
        }
        for count in [-62_167_219_201, 253_402_300_800, i64::MIN, i64::MAX] {
            assert!(date_time(count, TimeUnit::Second).is_err(), "{count}");
        }
        let clock = |count, unit| {
            let mut out = String::new();
            push_time(&mut out, count, unit).map(|()| out)
        };
        assert_eq!(
            clock(45_296_000_000_001, TimeUnit::Nanosecond).unwrap(),
            "\"12:34:56.000000001\""
        );
        assert!(clock(86_400, TimeUnit::Second).is_err());
        assert!(clock(-1, TimeUnit::Second).is_err());
    }

    #[test]
    fn durations_are_seconds() {
        for (count, unit, text) in [
            (-1_500, TimeUnit::Millisecond, "\"-PT1.500S\""),
            (90, TimeUnit::Second, "\"PT90S\""),
            (
                i64::MIN,
                TimeUnit::Nanosecond,
                "\"-PT9223372036.854775808S\"",
            ),
        ] {
            assert_eq!(written(|out| push_duration(out, count, unit)), text);
        }
    }

    #[test]
    fn decimals_keep_every_digit_and_their_scale() {
        for (digits, scale, text) in [
            ("123", 2, "1.23"),
            ("-5", 2, "-0.05"),
            ("0", 3, "0.000"),
            ("12", 0, "12"),
            ("-12", -3, "-12000"),
            ("0", -3, "0"),
            ("-1234567890123456789012", 5, "-12345678901234567.89012"),
        ] {
            assert_eq!(written(|out| push_decimal(out, digits, scale)), text);
        }
    }

    proptest! {
        #[test]
        fn dates_are_those_of_another_calendar(second in -62_135_596_800_i64..253_402_200_000) {
            let other = Timestamp::from_second(second).unwrap();
            let text = date_time(second, TimeUnit::Second).unwrap();
            let other_text = other.to_string();
            prop_assert_eq!(text.trim_matches('"'), other_text.trim_end_matches('Z'));
            let day = written(|out| push_date(out, second.div_euclid(DAY_S)).unwrap());
            prop_assert_eq!(day.trim_matches('"'), other.strftime("%Y-%m-%d").to_string());
        }

        #[test]
        fn no_count_makes_it_fail(count: i64) {
            for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
                let _ = date_time(count, unit);
                let _ = push_time(&mut String::new(), count, unit);
                push_duration(&mut String::new(), count, unit);
            }
            let _ = push_date(&mut String::new(), count);
        }
    }
}
