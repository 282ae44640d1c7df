//! Recorded text that does nothing to whoever reads it.

/// Control characters, marks that reorder text and characters that nobody sees are written as escapes: on a terminal they
/// would act, on a page they would make text look like another.
pub(super) fn harmless(text: &str) -> String {
    if !text.chars().any(acts) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if acts(c) {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Every line of a text, made harmless; a tab is four spaces.
pub(super) fn harmless_lines(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| harmless(&line.replace('\t', "    ")))
        .collect()
}

fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_is_shown_and_not_obeyed() {
        assert_eq!(
            harmless("a\x1b[2Jb\n\u{202e}c\u{9b}"),
            "a\\u{1b}[2Jb\\n\\u{202e}c\\u{9b}"
        );
        assert_eq!(harmless("Grüße, 你好"), "Grüße, 你好");
        assert_eq!(harmless_lines("a\tb\r\nc\u{7}"), ["a    b", "c\\u{7}"]);
    }
}
