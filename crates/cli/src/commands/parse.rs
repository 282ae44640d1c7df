//! Values of options that are more than a word: times, kinds, names with values.

use causebook_filter::Filter;
use causebook_record::Kind;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::store;
use crate::suggest::nearest;

/// A point in time as given on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// That instant.
    At(Timestamp),
    /// That long ago.
    Ago(SignedDuration),
}

/// 0001-01-01T00:00:00Z: no record is of an earlier time, and no filter asks for one.
const FIRST: Timestamp = Timestamp::constant(-62_135_596_800, 0);

impl Moment {
    /// The instant, if it is `now`.
    pub(crate) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::At(time) => time,
            Moment::Ago(age) => now.checked_sub(age).unwrap_or(FIRST),
        }
    }

    /// The same as a filter takes it: to the microsecond.
    pub(crate) fn in_filter(self, now: Timestamp) -> String {
        let time = self.before(now).max(FIRST);
        let whole = Timestamp::from_microsecond(time.as_microsecond());
        whole.unwrap_or(time).to_string()
    }
}

/// Reads `2026-06-01`, `2026-06-01 12:00` (both UTC), RFC 3339, or an age: `90s`, `30m`, `12h`, `7d`.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    if let Some(age) = age(text) {
        return Ok(Moment::Ago(age));
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Moment::At(time));
    }
    let civil = text.parse::<DateTime>().ok();
    match civil.and_then(|civil| TimeZone::UTC.to_timestamp(civil).ok()) {
        Some(time) => Ok(Moment::At(time)),
        None => Err(
            "give a date (2026-06-01), a time (2026-06-01T12:00:00Z) or an age (30m, 12h, 7d)"
                .to_owned(),
        ),
    }
}

fn age(text: &str) -> Option<SignedDuration> {
    let unit = text.chars().last()?;
    let count: i64 = text
        .strip_suffix(unit)?
        .parse()
        .ok()
        .filter(|count| *count >= 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    Some(SignedDuration::from_secs(count.checked_mul(seconds)?))
}

/// Reads the name of a kind of record.
pub(crate) fn kind(text: &str) -> Result<Kind, String> {
    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    text.parse()
        .map_err(|_| match nearest(text, names.iter().copied()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("the kinds are {}", names.join(", ")),
        })
}

/// Reads a filter.
pub(crate) fn filter(text: &str) -> Result<Filter, String> {
    Filter::parse(text, store::now()).map_err(|error| match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => format!("{error}; `causebook help filter` explains"),
    })
}

/// Reads `name=value` into a name and the JSON text of the value. A value that is JSON by itself (a number, `true`,
/// `null`, an array, a quoted string) is taken as it stands; anything else is a string.
pub(crate) fn member(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), json_or_string(value)))
}

/// JSON text as it stands, or the text as a JSON string.
pub(crate) fn json_or_string(value: &str) -> String {
    match causebook_record::canonicalize(value.as_bytes()) {
        Ok(canonical) => canonical,
        Err(_) => causebook_record::string_text(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let at = |text: &str| Moment::At(text.parse().unwrap());
        assert_eq!(moment("2026-06-01"), Ok(at("2026-06-01T00:00:00Z")));
        assert_eq!(moment("2026-06-01 12:30"), Ok(at("2026-06-01T12:30:00Z")));
        assert_eq!(
            moment("2026-06-01T12:30:00+02:00"),
            Ok(at("2026-06-01T10:30:00Z"))
        );
        assert_eq!(
            moment("7d"),
            Ok(Moment::Ago(SignedDuration::from_hours(168)))
        );
        assert!(moment("2026-02-30").is_err());
        assert!(moment("soon").is_err());
        assert!(moment("-5m").is_err());
    }

    #[test]
    fn every_time_is_one_that_a_filter_takes() {
        let now: Timestamp = "2026-06-08T12:00:00.123456789Z".parse().unwrap();
        for (text, expected) in [
            ("2026-06-01", "2026-06-01T00:00:00Z"),
            ("7d", "2026-06-01T12:00:00.123456Z"),
            ("2026-06-01T12:00:00.0000009Z", "2026-06-01T12:00:00Z"),
            ("9999999d", "0001-01-01T00:00:00Z"),
            ("99999999999d", "0001-01-01T00:00:00Z"),
        ] {
            let written = moment(text).unwrap().in_filter(now);
            assert_eq!(written, expected);
            assert!(Filter::parse(&format!("since:\"{written}\""), now).is_ok());
        }
    }

    #[test]
    fn values_keep_their_type_and_their_digits() {
        assert_eq!(member("age=30"), Ok(("age".to_owned(), "30".to_owned())));
        assert_eq!(
            member("amount=10.50"),
            Ok(("amount".to_owned(), "10.50".to_owned()))
        );
        assert_eq!(
            member("code=007"),
            Ok(("code".to_owned(), "\"007\"".to_owned()))
        );
        assert_eq!(
            member("note=a=b"),
            Ok(("note".to_owned(), "\"a=b\"".to_owned()))
        );
        assert!(member("age").is_err());
    }
}
