//! Times in filters: dates, instants and ages, as microseconds since 1970, which is what is compared.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

pub(crate) const MICROSECONDS_A_DAY: i64 = 86_400_000_000;
/// 0001-01-01T00:00:00Z: no record is of an earlier time.
const FIRST: i64 = -62_135_596_800_000_000;

/// An instant as filters compare it: to the microsecond, like the columns of the table.
pub fn microseconds(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// The microseconds that a date or an instant stands for: from the first to before the second.
pub(crate) fn read(text: &str) -> Option<(i64, i64)> {
    let (start, length) = match date(text) {
        Some(midnight) => (midnight, MICROSECONDS_A_DAY),
        None => (instant(text)?, 1),
    };
    // The end has to be an instant too, so that it can be written.
    let end = start.checked_add(length)?;
    Timestamp::from_microsecond(end).ok()?;
    Some((start, end))
}

/// The instant that a date, an instant or an age (`30m`, `12h`, `7d`) stands for.
pub(crate) fn read_moment(text: &str, now: Timestamp) -> Option<i64> {
    if let Some(age) = age(text) {
        let then = now.checked_sub(age).unwrap_or(Timestamp::MIN);
        return Some(microseconds(then).max(FIRST));
    }
    read(text).map(|(start, _)| start)
}

/// The instant as it is written in filters: a date where it is midnight and stands for the beginning of that day.
pub(crate) fn print(microsecond: i64, begins: bool) -> String {
    let time = Timestamp::from_microsecond(microsecond).unwrap_or(Timestamp::MAX);
    let text = time.to_string();
    match text.strip_suffix("T00:00:00Z") {
        Some(date) if begins => date.to_owned(),
        _ => text,
    }
}

pub(crate) const EXPECTED: &str =
    "write a date (2026-06-01) or a time (2026-06-01T12:00:00Z), to the microsecond at most";
pub(crate) const EXPECTED_MOMENT: &str =
    "write a date (2026-06-01), a time (2026-06-01T12:00:00Z) or an age (30m, 12h, 7d)";

/// Only the spelled-out form, so that a long number is not taken for a day.
fn date(text: &str) -> Option<i64> {
    let spelled = text.len() == 10 && text.as_bytes().get(4) == Some(&b'-');
    let date: Date = spelled.then(|| text.parse().ok())??;
    let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    Some(microseconds(midnight))
}

fn instant(text: &str) -> Option<i64> {
    let spelled = text.len() > 10 && text.as_bytes().get(4) == Some(&b'-');
    let time = if let Ok(time) = spelled.then(|| text.parse::<Timestamp>())? {
        time
    } else {
        let civil: DateTime = text.parse().ok()?;
        TimeZone::UTC.to_timestamp(civil).ok()?
    };
    (time.as_nanosecond() % 1000 == 0).then(|| microseconds(time))
}

fn age(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let digits = text.strip_suffix(unit)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: i64 = plain.then(|| digits.parse().ok())??;
    Some(SignedDuration::from_secs(count.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        microseconds(text.parse().unwrap())
    }

    #[test]
    fn a_date_is_a_day_and_a_time_an_instant() {
        let day = (at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z"));
        assert_eq!(read("2026-11-01"), Some(day));
        for text in [
            "2026-11-01T01:00:00+01:00",
            "2026-11-01 00:00",
            "2026-11-01T00:00:00",
        ] {
            assert_eq!(read(text), Some((day.0, day.0 + 1)), "{text}");
        }
        for text in [
            "",
            "20261101",
            "1717243200",
            "2026-13-01",
            "soon",
            "7d",
            "2026-11-01T00:00:00.0000001Z",
            "ü026-11-01",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn an_age_ends_now() {
        let now = "2026-11-08T12:00:00Z".parse().unwrap();
        assert_eq!(read_moment("7d", now), Some(at("2026-11-01T12:00:00Z")));
        assert_eq!(read_moment("90s", now), Some(at("2026-11-08T11:58:30Z")));
        assert_eq!(read_moment("99999999999d", now), Some(FIRST));
        for text in ["-5m", "5", "d", "5w", "99999999999999999999d"] {
            assert_eq!(read_moment(text, now), None, "{text}");
        }
    }

    #[test]
    fn an_instant_is_printed_as_it_is_read() {
        for text in ["2026-11-01T00:00:00.000001Z", "0001-01-01T00:00:00Z"] {
            assert_eq!(print(at(text), false), text);
        }
        assert_eq!(print(at("2026-11-01T00:00:00Z"), true), "2026-11-01");
        assert_eq!(read("9999-12-30"), None);
    }
}
