//! JSON text of strings and numbers, and tokens of JSON Pointers.

/// Appends `text` as a JSON string.
pub(crate) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[written..at]);
        written = at + 1;
        escape(byte, out);
    }
    out.extend_from_slice(&bytes[written..]);
    out.push(b'"');
}

/// As canonical text has it, `docs/format.md` section 1.
fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends the shortest text that reads back as `number`, which is finite.
pub(super) fn double(number: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(ryu::Buffer::new().format_finite(number).as_bytes());
}

/// Appends the shortest text that reads back as `number`, which is finite, also by way of a double.
pub(super) fn single(number: f32, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let short = buffer.format_finite(number);
    // Readers round to a double first. Rounding twice is not always rounding once.
    let survives = short
        .parse::<f64>()
        .is_ok_and(|double| (double as f32).to_bits() == number.to_bits());
    if survives {
        out.extend_from_slice(short.as_bytes());
    } else {
        double(f64::from(number), out);
    }
}

/// How a number that is not finite is called.
pub(super) fn not_finite(number: f64) -> &'static str {
    if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

pub(super) fn integer(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

pub(super) fn unsigned(number: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends `/` and a key, as RFC 6901 escapes it.
pub(super) fn token(key: &str, pointer: &mut String) {
    pointer.push('/');
    if key.bytes().any(|byte| byte == b'~' || byte == b'/') {
        for character in key.chars() {
            match character {
                '~' => pointer.push_str("~0"),
                '/' => pointer.push_str("~1"),
                other => pointer.push(other),
            }
        }
    } else {
        pointer.push_str(key);
    }
}

/// Appends `/` and the number of an element.
pub(super) fn element(index: usize, pointer: &mut String) {
    pointer.push('/');
    pointer.push_str(itoa::Buffer::new().format(index));
}

/// Whether `text` is a number by the grammar of JSON.
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|part| digits(part.strip_prefix(['+', '-']).unwrap_or(part)))
}
