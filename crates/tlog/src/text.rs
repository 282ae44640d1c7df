//! Small strict readers shared by the text formats. Each accepts exactly one spelling of a value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::TlogError;

/// Reads an ASCII decimal as the C2SP formats write it: digits only, no sign, no leading zero but `0` itself, at most
/// `u64::MAX`.
///
/// ```
/// use causebook_tlog::parse_decimal;
/// assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
/// for other in ["", "+1", "-0", "01", "1 ", "0x1", "18446744073709551616"] {
///     assert_eq!(parse_decimal(other), None);
/// }
/// ```
pub fn parse_decimal(text: &str) -> Option<u64> {
    let digits = text.as_bytes();
    let canonical = match digits {
        [b'0'] => true,
        [b'1'..=b'9', rest @ ..] => rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if canonical { text.parse().ok() } else { None }
}

/// Reads standard base64 with padding and zero trailing bits, of at most `bytes_max` decoded bytes.
pub(crate) fn parse_base64(text: &str, bytes_max: usize) -> Result<Vec<u8>, TlogError> {
    if text.len() > bytes_max.div_ceil(3) * 4 {
        return Err(TlogError::TooLong {
            what: "base64 field",
            limit: bytes_max,
        });
    }
    STANDARD.decode(text).map_err(|_| TlogError::Base64)
}

pub(crate) fn print_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
