//! Times as tables have them: counts since 1970, `06/01/2024 3:15 PM`, days alone. They become what a record takes, and
//! only where a mapping says how they are to be read; a time that says itself what it is passes through as it stands.

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde::{Deserialize, Serialize};

use crate::text;

/// How the time column is to be read, where it is not in the form of RFC 3339.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeRule {
    /// The column counts these since 1970-01-01T00:00:00Z.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<TimeUnit>,
    /// The column is written like this, in the letters of strftime: `%m/%d/%Y %H:%M`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// A unit of time counted since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Seconds, perhaps with a fraction.
    Seconds,
    /// Thousandths of a second.
    Milliseconds,
    /// Millionths of a second.
    Microseconds,
    /// Billionths of a second.
    Nanoseconds,
}

impl TimeRule {
    /// A time in the form that a record takes; `None` if what was given has it already, as far as can be seen.
    ///
    /// # Errors
    /// What is wrong, if the text is not what the rule says.
    pub(crate) fn read(&self, given: &str) -> Result<Option<String>, String> {
        if let Some(unit) = self.unit {
            return instant(given, unit).map(Some);
        }
        if let Some(format) = &self.format {
            return written(given, format).map(Some);
        }
        Ok(text::is_date(given).then(|| format!("{given}T00:00:00")))
    }
}

impl TimeUnit {
    /// The unit in which a count of so many digits is a time of our days.
    pub(crate) fn of_digits(digits: usize) -> Option<TimeUnit> {
        match digits {
            9..=10 => Some(TimeUnit::Seconds),
            12..=13 => Some(TimeUnit::Milliseconds),
            15..=16 => Some(TimeUnit::Microseconds),
            18..=19 => Some(TimeUnit::Nanoseconds),
            _ => None,
        }
    }

    /// Digits behind the point of a second that the unit has left for a fraction of its own.
    fn nanosecond_digits(self) -> usize {
        match self {
            TimeUnit::Seconds => 9,
            TimeUnit::Milliseconds => 6,
            TimeUnit::Microseconds => 3,
            TimeUnit::Nanoseconds => 0,
        }
    }
}

/// A count with its digits moved, not multiplied as a double, so that no nanosecond is lost.
fn instant(given: &str, unit: TimeUnit) -> Result<String, String> {
    let problem = || {
        format!(
            "not a count of time since 1970: {:?}",
            text::shortened(given)
        )
    };
    let (whole, fraction) = given.split_once('.').unwrap_or((given, ""));
    let fraction = fraction.trim_end_matches('0');
    let digits = unit.nanosecond_digits();
    let is_plain = crate::number::is_json(whole) && !whole.contains(['e', 'E']);
    if !is_plain || fraction.len() > digits || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(problem());
    }
    let nanoseconds: i128 = format!("{whole}{fraction:0<digits$}")
        .parse()
        .map_err(|_| problem())?;
    let timestamp = Timestamp::from_nanosecond(nanoseconds).map_err(|_| problem())?;
    Ok(timestamp.to_string())
}

fn written(given: &str, format: &str) -> Result<String, String> {
    let parts = strtime::parse(format, given).map_err(|error| {
        format!(
            "{:?} is not written as {format:?}: {error}",
            text::shortened(given)
        )
    })?;
    if parts.offset().is_some() {
        let timestamp = parts.to_timestamp().map_err(|error| error.to_string())?;
        return Ok(timestamp.to_string());
    }
    if parts.hour().is_some() {
        let time = parts.to_datetime().map_err(|error| error.to_string())?;
        return Ok(time.to_string());
    }
    let date = parts.to_date().map_err(|error| error.to_string())?;
    Ok(format!("{date}T00:00:00"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn count(given: &str, unit: TimeUnit) -> Result<String, String> {
        let rule = TimeRule {
            unit: Some(unit),
            format: None,
        };
        rule.read(given).map(Option::unwrap)
    }

    #[test]
    fn counts_become_instants_without_losing_a_nanosecond() {
        assert_eq!(
            count("1717243200", TimeUnit::Seconds).unwrap(),
            "2024-06-01T12:00:00Z"
        );
        assert_eq!(
            count("1717243200.123456789", TimeUnit::Seconds).unwrap(),
            "2024-06-01T12:00:00.123456789Z"
        );
        assert_eq!(
            count("1717243200250", TimeUnit::Milliseconds).unwrap(),
            "2024-06-01T12:00:00.25Z"
        );
        assert_eq!(
            count("1717243200000000001", TimeUnit::Nanoseconds).unwrap(),
            "2024-06-01T12:00:00.000000001Z"
        );
        assert_eq!(
            count("-1.5", TimeUnit::Seconds).unwrap(),
            "1969-12-31T23:59:58.5Z"
        );
        for not in [
            "",
            "soon",
            "1e9",
            "1.1234567891",
            "1.x",
            "99999999999999999999",
        ] {
            assert!(count(not, TimeUnit::Seconds).is_err(), "{not}");
        }
    }

    #[test]
    fn written_times_are_read_by_their_form() {
        let read = |given: &str, format: &str| {
            let rule = TimeRule {
                unit: None,
                format: Some(format.to_owned()),
            };
            rule.read(given).map(Option::unwrap)
        };
        assert_eq!(
            read("06/01/2024", "%m/%d/%Y").unwrap(),
            "2024-06-01T00:00:00"
        );
        assert_eq!(
            read("1 Jun 2024 03:15 PM", "%d %b %Y %I:%M %p").unwrap(),
            "2024-06-01T15:15:00"
        );
        assert_eq!(
            read("2024-06-01 12:00:00 +0200", "%Y-%m-%d %H:%M:%S %z").unwrap(),
            "2024-06-01T10:00:00Z"
        );
        assert!(
            read("13/01/2024", "%m/%d/%Y")
                .unwrap_err()
                .contains("not written as")
        );
        assert!(read("02/30/2024", "%m/%d/%Y").is_err());
    }

    #[test]
    fn what_says_itself_what_it_is_passes_through() {
        let rule = TimeRule::default();
        assert_eq!(
            rule.read("2024-06-01").unwrap().as_deref(),
            Some("2024-06-01T00:00:00")
        );
        assert_eq!(rule.read("2024-06-01T12:00:00Z").unwrap(), None);
        assert_eq!(rule.read("whenever").unwrap(), None);
    }
}
