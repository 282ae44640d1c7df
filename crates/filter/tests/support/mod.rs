//! Records and filters made up from a seed, of few names and values, so that they often meet.

#![allow(dead_code)]

/// A small seeded generator (splitmix64): same seed, same choices.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

/// Words that need care somewhere: in SQL, in JSON, in patterns, in the grammar, in case folding.
const WORDS: [&str; 22] = [
    "deny",
    "approve",
    "a'b",
    "50%",
    "a_b",
    "a\\b",
    "a\"b",
    "Thin File",
    "thin",
    "ÜBER",
    "über",
    "",
    "x*y",
    "or",
    "-x",
    "a,b",
    "(a)",
    "30",
    "true",
    "null",
    "Kelvin \u{212a}",
    "a\nb",
];
const NUMBERS: [&str; 16] = [
    "0",
    "-0.0",
    "1",
    "0.4",
    "0.40",
    "30",
    "3e1",
    "9007199254740992",
    "9007199254740993",
    "123456789012345678901234567890",
    "1e400",
    "-1e400",
    "0.1",
    "0.10000000000000000001",
    "-5",
    "2.5",
];
const TIMES: [&str; 6] = [
    "2026-11-01T00:00:00Z",
    "2026-11-01T01:00:00+01:00",
    "2026-11-01T23:59:59.999999Z",
    "2026-11-02T00:00:00.000000001Z",
    "2026-10-31T23:30:00.5-01:00",
    "0001-01-01T00:00:00Z",
];
const IDS: [&str; 6] = ["r-1", "r-2", "r-3", "R-1", "r'4", "ü"];
const KINDS: [&str; 4] = ["decision", "outcome", "review", "model"];
const KEYS: [&str; 7] = ["age", "a.b", "a/b", "note", "Größe", "x y", "list"];

/// A draft of a record that the door takes. `nth` makes its id its own.
pub(crate) fn draft(random: &mut Random, nth: usize) -> String {
    let kind = if random.one_in(4) {
        random.pick(&KINDS)
    } else {
        "decision"
    };
    let mut members = vec![
        format!("\"id\":{}", string(&format!("{}-{nth}", random.pick(&IDS)))),
        format!("\"kind\":\"{kind}\""),
    ];
    let mut add = |name: &str, value: String| members.push(format!("\"{name}\":{value}"));
    if !random.one_in(4) {
        add("time", string(random.pick(&TIMES)));
    }
    let label = |random: &mut Random| loop {
        let word = random.pick(&WORDS);
        if !word.is_empty() {
            break string(word);
        }
    };
    if kind == "decision" {
        add("output", value(random, 1));
        if random.one_in(2) {
            add("decision", label(random));
        }
        if random.one_in(2) {
            add("score", random.pick(&NUMBERS).to_owned());
        }
        if random.one_in(2) {
            add("input", object(random, 2));
        }
    }
    if kind != "decision" || random.one_in(4) {
        add("refers_to", string(random.pick(&IDS)));
    }
    match kind {
        "outcome" => add("outcome", format!("{{\"label\":{}}}", label(random))),
        "review" => add(
            "review",
            "{\"action\":\"confirm\",\"who\":\"ada\",\"role\":\"officer\",\"reason\":\"Thin file\"}".to_owned(),
        ),
        _ => {}
    }
    if kind == "model" || kind == "decision" || random.one_in(3) {
        add("model", model(random, kind == "model"));
    }
    if random.one_in(2) {
        add("subject", label(random));
    }
    if random.one_in(3) {
        add(
            "automation",
            string(random.pick(&["sole", "assisted", "human"])),
        );
    }
    if random.one_in(3) {
        let actor = if random.one_in(2) {
            label(random)
        } else {
            object(random, 1)
        };
        add("actor", actor);
    }
    if random.one_in(2) {
        let trace = format!("\"trace_id\":{}", label(random));
        let env = format!("\"env\":{}", value(random, 1));
        add("context", format!("{{{trace},{env}}}"));
    }
    if random.one_in(2) {
        let (run, seq) = (
            label(random),
            random.pick(&["0", "1", "30", "9007199254740991"]),
        );
        add(
            "source",
            format!("{{\"name\":{},\"run\":{run},\"seq\":{seq}}}", label(random)),
        );
    }
    format!("{{{}}}", members.join(","))
}

fn model(random: &mut Random, whole: bool) -> String {
    let name = random.pick(&["credit-risk", "fraud", "a'b", "m"]);
    let version = random.pick(&["3.1", "3.10.2", "1", "x*y"]);
    if whole || random.one_in(2) {
        format!(
            "{{\"name\":{},\"version\":{},\"digest\":\"sha256:{:064x}\"}}",
            string(name),
            string(version),
            7
        )
    } else {
        format!("{{\"name\":{}}}", string(name))
    }
}

fn object(random: &mut Random, depth: usize) -> String {
    let members: Vec<String> = KEYS
        .iter()
        .filter_map(|key| {
            let there = random.one_in(2);
            there.then(|| format!("{}:{}", string(key), value(random, depth)))
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

fn value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 6 } else { 8 }) {
        0 | 1 => string(random.pick(&WORDS)),
        2 | 3 => random.pick(&NUMBERS).to_owned(),
        4 => random.pick(&["true", "false"]).to_owned(),
        5 => "null".to_owned(),
        6 => {
            let elements: Vec<String> = (0..random.below(4))
                .map(|_| value(random, depth - 1))
                .collect();
            format!("[{}]", elements.join(","))
        }
        _ => object(random, depth - 1),
    }
}

pub(crate) fn string(value: &str) -> String {
    causebook_record::string_text(value)
}

/// The text of a filter.
pub(crate) fn filter(random: &mut Random, depth: usize) -> String {
    let terms: Vec<String> = (0..=random.below(3)).map(|_| term(random, depth)).collect();
    terms.join(random.pick(&[" ", " ", "  ", " or "]))
}

fn term(random: &mut Random, depth: usize) -> String {
    let minus = if random.one_in(4) { "-" } else { "" };
    if depth > 0 && random.one_in(4) {
        return format!("{minus}({})", filter(random, depth - 1));
    }
    if random.one_in(5) {
        return format!("{minus}{}", free(random));
    }
    let (name, values): (String, fn(&mut Random) -> String) = match random.below(12) {
        0 => ("index".to_owned(), whole),
        1 => ("seq".to_owned(), whole),
        2 => ("score".to_owned(), number),
        3 | 4 => (random.pick(&["time", "recorded"]).to_owned(), time),
        5 => ("model".to_owned(), |random| {
            random
                .pick(&[
                    "credit-risk",
                    "credit*",
                    "*@3.*",
                    "@1",
                    "fraud@3.1",
                    "\"a'b\"",
                    "\"m@x*y\"",
                    "*",
                ])
                .to_owned()
        }),
        6 => ("kind".to_owned(), |random| {
            random.pick(&["decision", "review", "*e*", "*"]).to_owned()
        }),
        7 | 8 => {
            let fields = [
                "id",
                "subject",
                "decision",
                "refers_to",
                "trace",
                "source",
                "run",
                "by",
                "via",
                "automation",
            ];
            (random.pick(&fields).to_owned(), word)
        }
        _ => (member(random), member_value),
    };
    let mut values: Vec<String> = (0..=random.below(2)).map(|_| values(random)).collect();
    if values.iter().any(|value| value == "*") {
        values = vec!["*".to_owned()];
    }
    format!("{minus}{name}:{}", values.join(","))
}

fn free(random: &mut Random) -> String {
    loop {
        let word = random.pick(&WORDS);
        if !word.is_empty() {
            return match random.below(3) {
                0 => quoted(&word.to_uppercase()),
                1 => "th*f*".to_owned(),
                _ => quoted(word),
            };
        }
    }
}

fn member(random: &mut Random) -> String {
    let fixed = [
        "input.age",
        "input.note",
        "input",
        "actor",
        "actor.age",
        "/subject",
        "/score",
        "/time",
        "/input/a.b",
        "/input/a~1b",
        "\"/input/x y\"",
        "/input/list/0",
        "input.Größe",
        "output",
        "context.env",
        "context.trace_id",
        "context",
        "/source",
        "source.seq",
        "/source/name",
        "outcome.label",
        "review",
        "recorded.via",
        "/recorded/at",
        "model.version",
        "/kind",
        "/id",
        "/nothing",
        "time_assumed",
    ];
    random.pick(&fixed).to_owned()
}

fn whole(random: &mut Random) -> String {
    random
        .pick(&[
            "0",
            "1",
            ">1",
            "<=30",
            "1..30",
            "5..",
            "9007199254740991",
            "*",
        ])
        .to_owned()
}

fn number(random: &mut Random) -> String {
    let one = loop {
        let one = random.pick(&NUMBERS);
        if !one.contains("e4") {
            break one;
        }
    };
    match random.below(7) {
        0 => "*".to_owned(),
        1 => format!("<{one}"),
        2 => format!(">{one}"),
        3 => format!("<={one}"),
        4 => format!(">={one}"),
        5 => format!("-1..{}", one.trim_start_matches('-')),
        _ => one.to_owned(),
    }
}

fn time(random: &mut Random) -> String {
    let one = random.pick(&[
        "2026-11-01",
        "2026-11-02",
        "2026-11-01T00:00:00Z",
        "2026-10-31T23:00:00-01:00",
        "2026-11-01T23:59:59.999999Z",
        "\"2026-11-01 00:30\"",
    ]);
    match random.below(7) {
        0 => "*".to_owned(),
        1 => format!("<{one}"),
        2 => format!(">{one}"),
        3 => format!("<={one}"),
        4 => format!(">={one}"),
        5 => "2026-10-31T23:00:00Z..2026-11-01".to_owned(),
        _ => one.to_owned(),
    }
}

fn word(random: &mut Random) -> String {
    match random.below(6) {
        0 => "*".to_owned(),
        1 => random
            .pick(&["a*b", "r-*", "*e*", "*%", "test*", "Thin*", "ass*"])
            .to_owned(),
        _ => {
            let words = [WORDS.as_slice(), &IDS, &["sole", "human", "tester", "test"]].concat();
            quoted(random.pick(&words))
        }
    }
}

fn member_value(random: &mut Random) -> String {
    match random.below(8) {
        0 => random
            .pick(&["true", "false", "null", "30", "30.00", "0", "x"])
            .to_owned(),
        1 | 2 => word(random),
        3 => format!(
            "{}{}",
            random.pick(&["<", ">", "<=", ">="]),
            random.pick(&NUMBERS)
        ),
        4 => "-1e400..9007199254740992".to_owned(),
        5 => random.pick(&NUMBERS).to_owned(),
        6 => quoted(random.pick(&TIMES)),
        _ => quoted(random.pick(&WORDS)),
    }
}

/// As the grammar quotes.
pub(crate) fn quoted(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}

/// A mask over nothing, or over some of what filters ask about.
pub(crate) fn mask(random: &mut Random) -> causebook_record::Mask {
    let places = [
        "/subject",
        "/input/age",
        "/input",
        "/score",
        "/time",
        "/model/name",
        "/model",
        "/decision",
        "/context/trace_id",
        "/source",
        "/refers_to",
        "/input/x y",
        "/actor/age",
        "/outcome/label",
        "/automation",
    ];
    let chosen: Vec<_> = (0..random.below(4))
        .map(|_| random.pick(&places).parse().unwrap())
        .collect();
    causebook_record::Mask::new(chosen).unwrap()
}
