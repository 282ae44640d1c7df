//! Canonical JSON text laid out for reading, with every digit left as it was recorded.
//!
//! Going through a JSON value would be shorter, but would rewrite exponents; text that was sealed is shown as sealed.

/// `text`, which is valid JSON without white space, on several lines with two spaces an indent.
pub(crate) fn pretty(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut quoted = false;
    let mut escaped = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if quoted {
            out.push(c);
            quoted = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => {
                quoted = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                if let Some(close) = chars.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(close);
                } else {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(c),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn layout_changes_nothing_but_white_space() {
        let text = r#"{"a":[1E5,-0,{}],"b":"x\":{,\\","c":[]}"#;
        let laid_out = "{\n  \"a\": [\n    1E5,\n    -0,\n    {}\n  ],\n  \"b\": \"x\\\":{,\\\\\",\n  \"c\": []\n}";
        assert_eq!(pretty(text), laid_out);
    }
}
