//! Decimal numbers of any length, compared by value: no digit of a JSON number is rounded away.
//!
//! Exponents beyond ±10^18 are taken as that: such numbers are as large or as small as any other of them.

use std::cmp::Ordering;
use std::fmt;

const EXPONENT_MAX: i64 = 1_000_000_000_000_000_000;
/// Exponents are read so far, because digits before the point or zeros behind it may bring them back within the bound.
const EXPONENT_READ_MAX: i64 = 4 * EXPONENT_MAX;

/// `0.d₁d₂d₃… × 10^exponent`, with the sign; zero has no digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    /// Neither the first nor the last is 0.
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads a JSON number (RFC 8259, section 6).
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
            Some(at) => (&unsigned[..at], exponent(&unsigned[at + 1..])?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return None,
            None => (mantissa, ""),
        };
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let canonical = !whole.is_empty() && (whole == "0" || !whole.starts_with('0'));
        if !(canonical && are_digits(whole) && are_digits(fraction)) {
            return None;
        }
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        let leading = (all.len() - significant.len()) as i64;
        Some(Self {
            negative,
            digits: significant.trim_end_matches('0').to_owned(),
            exponent: (exponent + whole.len() as i64 - leading).clamp(-EXPONENT_MAX, EXPONENT_MAX),
        })
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self
                .exponent
                .cmp(&other.exponent)
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A JSON number, the same text for the same value: plain where that is short, else with an exponent.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        if self.negative {
            f.write_str("-")?;
        }
        let (digits, length) = (&self.digits, self.digits.len() as i64);
        match self.exponent {
            1..=PLAIN_DIGITS if self.exponent >= length => {
                let zeros = (self.exponent - length) as usize;
                write!(f, "{digits}{:0<zeros$}", "")
            }
            1..=PLAIN_DIGITS => {
                let (whole, fraction) = digits.split_at(self.exponent as usize);
                write!(f, "{whole}.{fraction}")
            }
            -6..=0 => {
                let zeros = -self.exponent as usize;
                write!(f, "0.{:0<zeros$}{digits}", "")
            }
            exponent => {
                let (first, rest) = digits.split_at(1);
                let point = if rest.is_empty() { "" } else { "." };
                write!(f, "{first}{point}{rest}e{}", exponent - 1)
            }
        }
    }
}

/// Numbers with more digits before the point are written with an exponent.
const PLAIN_DIGITS: i64 = 30;

fn exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value = digits
        .parse::<i64>()
        .unwrap_or(EXPONENT_READ_MAX)
        .min(EXPONENT_READ_MAX);
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn a_number_at_the_bound_is_printed_as_itself() {
        for text in [
            "999e999999999999999999999",
            "0.001e-999999999999999999999",
            "1e1000000000000000000",
            "-1e-1000000000000000000",
            "12345e-1000000000000000003",
        ] {
            let number = decimal(text);
            assert_eq!(decimal(&number.to_string()), number, "{text}");
        }
    }

    #[test]
    fn numbers_compare_by_value_to_the_last_digit() {
        let ascending = [
            "-1e400",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-1e-400",
            "0",
            "1e-400",
            "0.1",
            "0.10000000000000000001",
            "1",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e400",
            "1e999999999999999999999",
        ];
        for (nth, low) in ascending.iter().enumerate() {
            for high in &ascending[nth + 1..] {
                assert!(decimal(low) < decimal(high), "{low} {high}");
            }
        }
        for (one, other) in [
            ("0", "-0.0"),
            ("1", "1.0"),
            ("30", "3e1"),
            ("0.05", "5E-2"),
            ("0e9", "0"),
            ("100", "1e+2"),
        ] {
            assert_eq!(decimal(one), decimal(other));
        }
    }

    #[test]
    fn what_is_not_a_json_number_is_none() {
        for text in [
            "", "-", "+1", "01", "1.", ".5", "1e", "1e+", "0x1", "1_0", "NaN", "1 ", "--1",
            "1.2.3", "٣",
        ] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_is_printed_short_and_read_back() {
        for (text, printed) in [
            ("0.50", "0.5"),
            ("30", "30"),
            ("3e1", "30"),
            ("-0.0000005", "-0.0000005"),
            ("0.00000005", "5e-8"),
            ("1e400", "1e400"),
            ("12.5e-1", "1.25"),
            ("9007199254740993", "9007199254740993"),
            ("-0", "0"),
            ("1.25e100", "1.25e100"),
        ] {
            assert_eq!(decimal(text).to_string(), printed);
            assert_eq!(decimal(printed), decimal(text));
        }
    }
}
