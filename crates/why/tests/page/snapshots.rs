//! What pages look like, word by word.

use causebook_why::page::{Audience, Look, html, text};
use insta::assert_snapshot;

use crate::examples::{all, by_language_model, credit, words};

fn look(width: usize, colour: bool, unicode: bool) -> Look {
    Look {
        width,
        colour,
        unicode,
        words: words(),
    }
}

#[test]
fn the_text_of_every_example_at_a_usual_width() {
    for (name, why) in all() {
        assert_snapshot!(format!("text-{name}"), text(&why, &look(100, false, true)));
    }
}

#[test]
fn the_text_on_narrow_and_on_wide_terminals() {
    for width in [50, 60, 160] {
        assert_snapshot!(
            format!("text-credit-{width}"),
            text(&credit(), &look(width, false, true))
        );
    }
}

#[test]
fn the_text_without_unicode_and_with_colour() {
    assert_snapshot!(
        "text-credit-ascii",
        text(&credit(), &look(80, false, false))
    );
    assert_snapshot!(
        "text-language-model-ascii",
        text(&by_language_model(), &look(60, false, false))
    );
    let coloured = text(&credit(), &look(100, true, true));
    assert_snapshot!("text-credit-colour", coloured.replace('\x1b', "␛"));
}

#[test]
fn the_pages_of_both_audiences() {
    assert_snapshot!(
        "html-authority",
        html(&credit(), Audience::Authority, &words())
    );
    assert_snapshot!("html-subject", html(&credit(), Audience::SUBJECT, &words()));
    assert_snapshot!(
        "html-language-model",
        html(&by_language_model(), Audience::Authority, &words())
    );
}

#[test]
fn no_line_of_the_text_is_longer_than_the_terminal() {
    use unicode_width::UnicodeWidthStr;
    for (name, why) in all() {
        for width in 50..=200 {
            for unicode in [true, false] {
                let page = text(&why, &look(width, false, unicode));
                for line in page.lines() {
                    assert!(line.width() <= width, "{name} at {width}: {line}");
                    assert_eq!(line, line.trim_end());
                }
            }
        }
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    for (_, why) in all() {
        let plain = text(&why, &look(100, false, true));
        let coloured = text(&why, &look(100, true, true));
        let mut without = String::new();
        for (place, part) in coloured.split("\x1b[").enumerate() {
            let part = if place == 0 {
                part
            } else {
                part.split_once('m').unwrap().1
            };
            without.push_str(part);
        }
        assert_eq!(without, plain);
    }
}
