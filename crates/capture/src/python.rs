//! Python's `repr` of plain data, to JSON text and back. Nothing is evaluated: what is no plain data is kept as its
//! text or refused.

mod read;
mod string;
mod write;

pub(crate) use read::read_value;
pub(crate) use write::write_value;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::text::quoted;
    use proptest::prelude::*;

    fn json(repr: &str) -> String {
        let (json, used) = read_value(repr).unwrap();
        assert_eq!(used, repr.len(), "{repr}");
        json
    }

    fn problem(repr: &str) -> String {
        read_value(repr).unwrap_err().to_string()
    }

    #[test]
    fn containers_nest_and_take_trailing_commas() {
        assert_eq!(
            json("{'a': [1, (2, 3,), {4, 5}, ()], 'b': {}, 'c': set(), 'd': (6), 'e': (7,), }"),
            r#"{"a":[1,[2,3],[4,5],[]],"b":{},"c":[],"d":6,"e":[7]}"#
        );
    }

    #[test]
    fn numbers_keep_their_digits() {
        for digits in [
            "0",
            "-17",
            "123456789012345678901234567890",
            "1e-05",
            "1.50",
            "-0.0",
            "1e+16",
        ] {
            assert_eq!(json(digits), digits);
        }
        assert_eq!(
            json("[nan, inf, -inf]"),
            r#"["NaN","Infinity","-Infinity"]"#
        );
        for not in ["007", "0x10", "1_000", ".5", "5.", "+1", "1j", "- 1", "1e"] {
            assert!(read_value(not).is_err(), "{not}");
        }
    }

    #[test]
    fn strings_take_every_quote_and_escape() {
        assert_eq!(json(r#"'it\'s "x"'"#), r#""it's \"x\"""#);
        assert_eq!(json(r#""it's""#), "\"it's\"");
        assert_eq!(json("'''a'b''c'''"), "\"a'b''c\"");
        assert_eq!(json("\"\"\"a\"b\"\"\""), r#""a\"b""#);
        assert_eq!(json("''"), "\"\"");
        assert_eq!(
            json(r"'\x41\u00e9\U0001f600\n\t\\\d\101\0'"),
            "\"Aé😀\\n\\t\\\\\\\\dA\\u0000\""
        );
        assert_eq!(json("u'old'"), "\"old\"");
        assert!(problem(r"'\N{BULLET}'").contains("\\N"));
        assert!(problem(r"'\ud83d\ude00'").contains("surrogate"));
        assert!(problem(r"'\x4'").contains("2 hexadecimal"));
        assert!(problem("'open").contains("not closed"));
        assert!(problem("r'raw'").contains("prefix"));
    }

    #[test]
    fn constants_bytes_and_calls_are_what_they_say() {
        assert_eq!(json("[None, True, False]"), "[null,true,false]");
        assert_eq!(json(r"b'\x00\xff\u'"), "\"base64:AP9cdQ==\"");
        assert_eq!(
            json("datetime.datetime(2024, 6, 1, tzinfo=tz(')'))"),
            "\"datetime.datetime(2024, 6, 1, tzinfo=tz(')'))\""
        );
        assert_eq!(json("Decimal('1.10')"), "\"Decimal('1.10')\"");
        assert_eq!(
            json("[np.float64(0.5), np.int64(3), np.str_('x'), np.True_, np.float64(nan)]"),
            r#"[0.5,3,"x",true,"NaN"]"#
        );
        assert!(problem("foo").contains("no Python value"));
        assert!(problem("f(").contains("not closed"));
    }

    #[test]
    fn keys_that_are_no_strings_become_their_text() {
        assert_eq!(
            json("{1: 'a', (1, 2): 'b', None: 'c', Decimal('1'): 'd'}"),
            r#"{"1":"a","(1, 2)":"b","None":"c","Decimal('1')":"d"}"#
        );
        assert!(problem("{1: 0, '1': 0}").contains("twice"));
    }

    #[test]
    fn nesting_is_limited() {
        assert!(read_value(&"[".repeat(100_000)).is_err());
        assert!(read_value(&format!("{}{}", "[".repeat(100), "]".repeat(100))).is_ok());
        assert!(write_value(&format!("{}{}", "[".repeat(200), "]".repeat(200))).is_err());
    }

    #[test]
    fn strings_are_written_as_python_writes_them() {
        let repr = |value: &str| write_value(&quoted(value)).unwrap();
        assert_eq!(repr("plain"), "'plain'");
        assert_eq!(repr("it's"), "\"it's\"");
        assert_eq!(repr("it's \"x\""), "'it\\'s \"x\"'");
        assert_eq!(
            repr("a\\\n\u{7f}\u{a0}\u{200b}\u{e000}é日\u{301}"),
            "'a\\\\\\n\\x7f\\xa0\\u200b\\ue000é日\u{301}'"
        );
        assert_eq!(repr("\u{10ffff}"), "'\\U0010ffff'");
    }

    /// JSON values of every shape, as compact text.
    fn any_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|value| value.to_string()),
            "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?(e-?[0-9]{1,3})?",
            any::<String>().prop_map(|value| quoted(&value)),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4)
                    .prop_map(|list| format!("[{}]", list.join(","))),
                proptest::collection::btree_map(any::<String>(), inner, 0..4).prop_map(|object| {
                    let members: Vec<String> = object
                        .iter()
                        .map(|(key, json)| format!("{}:{json}", quoted(key)))
                        .collect();
                    format!("{{{}}}", members.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(value in any_json()) {
            prop_assert_eq!(json(&write_value(&value).unwrap()), value);
        }

        #[test]
        fn no_text_makes_it_fail(text: String, likely in "[\\[\\](){}'\",:bu\\\\xN.0-9e\\- ]{0,30}") {
            let _ = read_value(&text);
            let _ = read_value(&likely);
            let _ = write_value(&text);
        }
    }
}
