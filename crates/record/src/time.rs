//! Times: RFC 3339 as callers write it, and the two liberties taken with it.
//!
//! The digits of the fraction are kept as given. A space or `t` between date and time becomes `T`,
//! `z` becomes `Z`; a time without a zone is read as UTC, gets a `Z`, and the record is marked so.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// A time that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Time<'a> {
    /// As it goes into the record.
    pub(crate) text: Cow<'a, str>,
    pub(crate) instant: Timestamp,
    /// Whether it came without a zone.
    pub(crate) zone_assumed: bool,
}

/// Why a time was not understood: what is wrong, and what to write.
pub(crate) type TimeFault = (&'static str, Option<&'static str>);

/// Reads a time as a caller gives it.
pub(crate) fn read_time(given: &str) -> Result<Time<'_>, TimeFault> {
    let bytes = given.as_bytes();
    let (Some(whole), Some(tail)) = (bytes.get(..19), bytes.get(19..)) else {
        return Err(not_rfc_3339(given));
    };
    let shaped = whole
        .iter()
        .zip(b"0000-00-00T00:00:00")
        .all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't' | b' '),
            _ => byte == form,
        });
    if !shaped {
        return Err(not_rfc_3339(given));
    }
    let (nanosecond, zone) = read_fraction(tail).ok_or_else(|| not_rfc_3339(given))?;
    let (offset_seconds, zone_assumed) = match zone {
        b"" => (0, true),
        b"Z" | b"z" => (0, false),
        _ => (read_offset(zone).ok_or_else(|| not_rfc_3339(given))?, false),
    };
    let instant = instant(whole, nanosecond, offset_seconds)?;
    Ok(Time {
        text: normalised(given, zone_assumed),
        instant,
        zone_assumed,
    })
}

/// The instant of a time as it stands in a record.
pub(crate) fn recorded_instant(text: &str) -> Option<Timestamp> {
    let time = read_time(text).ok()?;
    (time.text == text).then_some(time.instant)
}

fn instant(whole: &[u8], nanosecond: i32, offset_seconds: i32) -> Result<Timestamp, TimeFault> {
    let number = |from: usize, to: usize| {
        whole[from..to]
            .iter()
            .fold(0_i16, |sum, byte| sum * 10 + i16::from(byte - b'0'))
    };
    let small = |from: usize| number(from, from + 2) as i8;
    if small(17) == 60 {
        return Err(("leap seconds cannot be recorded", Some("write second 59")));
    }
    let civil = DateTime::new(
        number(0, 4),
        small(5),
        small(8),
        small(11),
        small(14),
        small(17),
        nanosecond,
    )
    .map_err(|_| ("not a real date or time of day", None))?;
    let timestamp =
        Offset::from_seconds(offset_seconds).and_then(|offset| offset.to_timestamp(civil));
    match timestamp {
        Ok(timestamp) if (FIRST_SECOND..END_SECOND).contains(&timestamp.as_second()) => {
            Ok(timestamp)
        }
        _ => Err(("outside 0001-01-01T00:00:00Z to 9999-12-30T22:00:00Z", None)),
    }
}

/// Reads `.` and 1 to 9 digits, if there are any, as nanoseconds; and gives what follows.
fn read_fraction(tail: &[u8]) -> Option<(i32, &[u8])> {
    let Some(rest) = tail.strip_prefix(b".") else {
        return Some((0, tail));
    };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, zone) = rest.split_at_checked(count)?;
    if !(1..=9).contains(&count) {
        return None;
    }
    let nanosecond = (0..9).fold(0, |sum, nth| {
        sum * 10 + digits.get(nth).map_or(0, |digit| i32::from(digit - b'0'))
    });
    Some((nanosecond, zone))
}

/// Reads `+hh:mm` or `-hh:mm` as seconds.
fn read_offset(zone: &[u8]) -> Option<i32> {
    let &[sign @ (b'+' | b'-'), h1, h0, b':', m1, m0] = zone else {
        return None;
    };
    if ![h1, h0, m1, m0].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let two = |tens: u8, ones: u8| i32::from(tens - b'0') * 10 + i32::from(ones - b'0');
    let (hours, minutes) = (two(h1, h0), two(m1, m0));
    let seconds = hours * 3600 + minutes * 60;
    (hours < 24 && minutes < 60).then_some(if sign == b'-' { -seconds } else { seconds })
}

fn normalised(given: &str, zone_assumed: bool) -> Cow<'_, str> {
    let (date, rest) = given.split_at(10);
    let mut text = Cow::Borrowed(given);
    if !rest.starts_with('T') {
        text = Cow::Owned(format!("{date}T{}", &rest[1..]));
    }
    if zone_assumed {
        text.to_mut().push('Z');
    } else if text.ends_with('z') {
        text.to_mut().pop();
        text.to_mut().push('Z');
    }
    text
}

fn not_rfc_3339(given: &str) -> TimeFault {
    let looks_numeric = !given.is_empty()
        && given
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let advice = if looks_numeric {
        EPOCH_ADVICE
    } else {
        "write it like 2024-06-01T12:00:00.123Z or 2024-06-01T12:00:00+02:00"
    };
    ("not a time in RFC 3339 form", Some(advice))
}

/// What to write instead of seconds since 1970.
pub(crate) const EPOCH_ADVICE: &str =
    "numbers do not say their unit: write it like 2024-06-01T12:00:00.123Z";

/// 0001-01-01T00:00:00Z in seconds from 1970.
const FIRST_SECOND: i64 = -62_135_596_800;
/// 9999-12-30T22:00:00Z, where the range of the time library ends.
const END_SECOND: i64 = 253_402_207_200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_as_given_up_to_separator_and_zone() {
        for (given, text, zone_assumed) in [
            ("2024-06-01T12:00:00Z", "2024-06-01T12:00:00Z", false),
            (
                "2024-06-01T12:00:00.1200+02:00",
                "2024-06-01T12:00:00.1200+02:00",
                false,
            ),
            ("2024-06-01 12:00:00", "2024-06-01T12:00:00Z", true),
            (
                "2024-06-01t12:00:00.123456789z",
                "2024-06-01T12:00:00.123456789Z",
                false,
            ),
            ("2024-06-01T12:00:00.5", "2024-06-01T12:00:00.5Z", true),
            (
                "2024-06-01 12:00:00-00:00",
                "2024-06-01T12:00:00-00:00",
                false,
            ),
        ] {
            let time = read_time(given).unwrap();
            assert_eq!(
                (time.text.as_ref(), time.zone_assumed),
                (text, zone_assumed),
                "{given}"
            );
            assert_eq!(recorded_instant(text), Some(time.instant));
        }
        assert_eq!(recorded_instant("2024-06-01 12:00:00Z"), None);
    }

    #[test]
    fn the_instant_takes_fraction_and_offset_into_account() {
        let time = read_time("2024-06-01T01:30:00.25+05:30").unwrap();
        assert_eq!(time.instant.to_string(), "2024-05-31T20:00:00.25Z");
        assert_eq!(
            read_time("0001-01-01T00:00:00Z")
                .unwrap()
                .instant
                .as_second(),
            FIRST_SECOND
        );
    }

    #[test]
    fn other_forms_and_unreal_instants_are_refused() {
        for given in [
            "",
            "now",
            "1717243200",
            "2024-06-01",
            "2024-06-01T12:00Z",
            "2024-06-01T12:00:00.Z",
            "2024-06-01T12:00:00,5Z",
            "2024-06-01T12:00:00.1234567890Z",
            "2024-06-01T12:00:00+0200",
            "2024-06-01T12:00:00+02",
            "2024-06-01T12:00:00+24:00",
            "2024-06-01T12:00:00+01:60",
            "2024-06-01T12:00:00 Z",
            "2024-06-01T12:00:00ZZ",
            "2024-06-01_12:00:00Z",
            "24-06-01T12:00:00Z",
            "2024-02-30T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-06-01T24:00:00Z",
            "2024-06-01T12:60:00Z",
            "2016-12-31T23:59:60Z",
            "0000-12-31T23:59:59Z",
            "9999-12-30T22:00:00Z",
            "0001-01-01T00:00:00+00:01",
            "２024-06-01T12:00:00Z",
        ] {
            assert!(read_time(given).is_err(), "{given}");
        }
        assert_eq!(read_time("1717243200.5").unwrap_err().1, Some(EPOCH_ADVICE));
        assert!(read_time("9999-12-30T21:59:59.999999999Z").is_ok());
    }
}
