//! JSON values as Python's `repr` writes them; numbers keep their digits.

use crate::text::{elements, members};
use crate::{NESTING_MAX, Reason};

/// Python's `repr` of a JSON value; numbers keep their digits.
///
/// # Errors
/// [`Reason::Json`] for text that is not JSON, [`Reason::Value`] for nesting beyond the limit.
pub(crate) fn write_value(json: &str) -> Result<String, Reason> {
    let mut out = String::new();
    write(&mut out, json.trim(), 0)?;
    Ok(out)
}

fn write(out: &mut String, json: &str, depth: usize) -> Result<(), Reason> {
    if depth > NESTING_MAX {
        return Err(Reason::Json {
            problem: format!("nested more than {NESTING_MAX} deep"),
        });
    }
    match json.bytes().next() {
        Some(b'{') => {
            out.push('{');
            for (index, (name, value)) in members(json)?.into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_string(out, &name);
                out.push_str(": ");
                write(out, value, depth + 1)?;
            }
            out.push('}');
        }
        Some(b'[') => {
            out.push('[');
            for (index, value) in elements(json).unwrap_or_default().into_iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write(out, value, depth + 1)?;
            }
            out.push(']');
        }
        Some(b'"') => {
            let value: String = serde_json::from_str(json).map_err(|error| Reason::Json {
                problem: error.to_string(),
            })?;
            write_string(out, &value);
        }
        Some(b'n') => out.push_str("None"),
        Some(b't') => out.push_str("True"),
        Some(b'f') => out.push_str("False"),
        _ => out.push_str(json),
    }
    Ok(())
}

/// Python's `repr` of a string: single quotes unless it holds one and no double quote; what does not print is escaped.
fn write_string(out: &mut String, value: &str) {
    let quote = if value.contains('\'') && !value.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for character in value.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if character == quote => {
                out.push('\\');
                out.push(quote);
            }
            _ if prints(character) => out.push(character),
            _ => match u32::from(character) {
                code @ ..=0xff => push_hex(out, "\\x", code, 2),
                code @ ..=0xffff => push_hex(out, "\\u", code, 4),
                code => push_hex(out, "\\U", code, 8),
            },
        }
    }
    out.push(quote);
}

fn push_hex(out: &mut String, escape: &str, code: u32, digits: u32) {
    out.push_str(escape);
    for place in (0..digits).rev() {
        out.extend(char::from_digit(code >> (4 * place) & 15, 16));
    }
}

/// Whether Python's `str.isprintable` says yes, as far as the standard library's table of printable characters agrees
/// with Python's. Behind another character, so that combining marks are judged as text, not as the start of one.
fn prints(character: char) -> bool {
    if matches!(character, ' '..='~') {
        return true;
    }
    let mut probe = String::from("a");
    probe.push(character);
    probe.escape_debug().nth(1) == Some(character)
}
