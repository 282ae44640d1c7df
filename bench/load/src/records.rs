//! Records that look like real ones.

use std::fmt::Write;

use crate::random::Random;

/// A loan decision of about 1 KB in 25 facts, as JSON.
pub fn loan_decision(id: &str, random: &mut Random) -> String {
    let mut n = |bound| random.below(bound);
    format!(
        concat!(
            r#"{{"id":"{}","time":"2026-03-01T10:{:02}:{:02}.{:06}Z","model":{{"name":"credit-risk","version":"v{}","#,
            r#""digest":"sha256:a2740f34facc266ebb72db2f00397e412034ea2912795005cc05856d86b9ec11"}},"#,
            r#""input":{{"status":"A1{}","duration":{},"credit_history":"A3{}","purpose":"A4{}","credit_amount":{}.{:02},"#,
            r#""savings":"A6{}","employment":"A7{}","installment_rate":{},"property":"A12{}","age":{},"housing":"A15{}","#,
            r#""existing_credits":{},"job":"A17{}","notes":"{}"}},"output":{{"probability":0.{:09},"margin":-{}.{:06}}},"#,
            r#""decision":"{}","score":0.{:09},"subject":"applicant-{:08}","parameters":{{"deny":0.5,"refer":0.4}},"#,
            r#""context":{{"trace_id":"{:016x}{:016x}","environment":"prod","purpose":"consumer credit"}}}}"#
        ),
        id,
        n(60),
        n(60),
        n(1_000_000),
        n(3),
        n(4),
        n(72),
        n(5),
        n(10),
        n(20_000),
        n(100),
        n(5),
        n(5),
        n(4),
        n(4),
        18 + n(60),
        n(3),
        n(4),
        n(4),
        NOTE,
        n(1_000_000_000),
        n(3),
        n(1_000_000),
        if n(3) == 0 { "deny" } else { "approve" },
        n(1_000_000_000),
        n(1_000_000),
        n(u64::MAX),
        n(u64::MAX),
    )
}

const NOTE: &str = "Applicant asked for a longer term at the branch; income statement and employment letter were seen by \
the clerk and match what was declared on the form. No other obligations were named. Existing account in good order.";

const WORDS: usize = 20_000;
const SYSTEM_WORDS: usize = 300;
const QUESTION_WORDS: u64 = 2_200;
const ANSWER_WORDS: u64 = 800;
const SENTENCE_WORDS: u64 = 22;
const SYLLABLES: [&str; 40] = [
    "ta", "re", "in", "on", "al", "ment", "ing", "er", "con", "de", "pro", "st", "li", "no", "ca",
    "per", "ta", "ble", "or", "ex", "un", "ver", "tion", "ous", "ma", "pre", "is", "ol", "em",
    "sub", "ri", "ant", "co", "ful", "ne", "sa", "tri", "ge", "ul", "ism",
];

/// An invented language: words drawn by Zipf's law, so that text compresses about as far as real text does, neither like
/// noise nor like a repeated phrase.
#[derive(Debug)]
pub(crate) struct Language {
    words: Vec<String>,
    /// Running sums of the words' weights.
    weights: Vec<f64>,
    system: String,
}

impl Language {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut sum = 0.0;
        let mut language = Self {
            words: Vec::with_capacity(WORDS),
            weights: Vec::with_capacity(WORDS),
            system: String::new(),
        };
        for rank in 0..WORDS {
            // Frequent words are short.
            let syllables = 1 + (rank as f64 + 1.0).log10() as u64 / 2 + random.below(2);
            let syllable = |_| {
                SYLLABLES
                    .get(random.below(40) as usize)
                    .copied()
                    .unwrap_or("a")
            };
            language.words.push((0..syllables).map(syllable).collect());
            sum += 1.0 / (rank as f64 + 2.7);
            language.weights.push(sum);
        }
        language.system = language.text(SYSTEM_WORDS, &mut random);
        language
    }

    fn word(&self, random: &mut Random) -> &str {
        let total = self.weights.last().copied().unwrap_or(0.0);
        let point = total * random.below(1 << 53) as f64 / (1_u64 << 53) as f64;
        let rank = self.weights.partition_point(|sum| *sum < point);
        self.words.get(rank).map_or("a", String::as_str)
    }

    /// Sentences, now and then with a number or a line of its own.
    fn text(&self, words: usize, random: &mut Random) -> String {
        let mut text = String::new();
        let mut left = 0;
        for _ in 0..words {
            if left == 0 {
                if !text.is_empty() {
                    text.push_str(if random.below(5) == 0 {
                        ".\\n\\n"
                    } else {
                        ". "
                    });
                }
                left = 4 + random.below(SENTENCE_WORDS);
            } else {
                text.push_str(if random.below(14) == 0 { ", " } else { " " });
            }
            left -= 1;
            if random.below(40) == 0 {
                // Writing to a string does not fail.
                let _ = write!(text, "{}", random.below(100_000));
            } else {
                text.push_str(self.word(random));
            }
        }
        text
    }

    /// An exchange with a language model of about 20 KB, as JSON. The system's words are the same in every exchange.
    pub(crate) fn exchange(&self, id: &str, random: &mut Random) -> String {
        let vary = |words: u64, random: &mut Random| (words / 2 + random.below(words)) as usize;
        let question = self.text(vary(QUESTION_WORDS, random), random);
        let answer = self.text(vary(ANSWER_WORDS, random), random);
        let mut n = |bound| random.below(bound);
        format!(
            concat!(
                r#"{{"id":"{}","time":"2026-03-01T10:{:02}:{:02}.{:06}Z","model":{{"name":"assistant","version":"2026-01"}},"#,
                r#""input":{{"messages":[{{"role":"system","content":"{}"}},{{"role":"user","content":"{}"}}]}},"#,
                r#""output":{{"message":{{"role":"assistant","content":"{}"}},"finish_reason":"stop","#,
                r#""usage":{{"input_tokens":{},"output_tokens":{}}}}},"decision":"answered","subject":"user-{:06}","#,
                r#""parameters":{{"temperature":0.2,"max_tokens":4096,"seed":{}}},"#,
                r#""context":{{"trace_id":"{:016x}{:016x}","environment":"prod"}}}}"#
            ),
            id,
            n(60),
            n(60),
            n(1_000_000),
            self.system,
            question,
            answer,
            question.len() / 4,
            answer.len() / 4,
            n(100_000),
            n(1 << 31),
            n(u64::MAX),
            n(u64::MAX),
        )
    }
}
