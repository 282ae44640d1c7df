//! Canonical text and facts, as `docs/format.md` sections 1 and 2 define them: a tree of values, sorted and printed.

const NESTING_MAX: usize = 128;
const INPUT_BYTES_MAX: usize = 4 << 20;

pub enum Value {
    /// A number as it was spelled, or a word.
    Plain(String),
    Text(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

/// Reads a document; `None` for what must be refused.
pub fn read(bytes: &[u8]) -> Option<Value> {
    if bytes.len() > INPUT_BYTES_MAX {
        return None;
    }
    let mut reader = Reader {
        chars: std::str::from_utf8(bytes).ok()?.chars().collect(),
        at: 0,
    };
    let value = reader.value(0)?;
    reader.blanks();
    (reader.at == reader.chars.len()).then_some(value)
}

impl Value {
    pub fn print(&self) -> String {
        match self {
            Value::Plain(text) => text.clone(),
            Value::Text(text) => quote(text),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(Value::print).collect();
                format!("[{}]", items.join(","))
            }
            Value::Object(members) => {
                let mut members: Vec<&(String, Value)> = members.iter().collect();
                members.sort_by_key(|(key, _)| key.encode_utf16().collect::<Vec<u16>>());
                let members: Vec<String> = members
                    .iter()
                    .map(|(key, value)| format!("{}:{}", quote(key), value.print()))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// Paths and texts of the facts, sorted; an object is asked.
    pub fn facts(&self) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        self.descend("", 0, &mut facts);
        facts.sort();
        facts
    }

    fn descend(&self, path: &str, tokens: usize, facts: &mut Vec<(String, String)>) {
        match self {
            Value::Object(members) if !members.is_empty() && tokens < 16 => {
                for (key, value) in members {
                    let token = key.replace('~', "~0").replace('/', "~1");
                    value.descend(&format!("{path}/{token}"), tokens + 1, facts);
                }
            }
            other => facts.push((path.to_owned(), other.print())),
        }
    }
}

fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{9}' => quoted.push_str("\\t"),
            '\u{a}' => quoted.push_str("\\n"),
            '\u{c}' => quoted.push_str("\\f"),
            '\u{d}' => quoted.push_str("\\r"),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", control as u32)),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, open: usize) -> Option<Value> {
        self.blanks();
        match self.peek()? {
            '"' => self.string().map(Value::Text),
            '[' | '{' if open == NESTING_MAX => None,
            '[' => self.array(open + 1),
            '{' => self.object(open + 1),
            't' => self.word("true"),
            'f' => self.word("false"),
            'n' => self.word("null"),
            _ => self.digits(),
        }
    }

    fn word(&mut self, word: &str) -> Option<Value> {
        word.chars()
            .all(|character| self.take(character))
            .then(|| Value::Plain(word.to_owned()))
    }

    fn array(&mut self, open: usize) -> Option<Value> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.take(']') {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value(open)?);
            self.blanks();
            match self.next()? {
                ',' => {}
                ']' => return Some(Value::Array(items)),
                _ => return None,
            }
        }
    }

    fn object(&mut self, open: usize) -> Option<Value> {
        self.at += 1;
        let mut members: Vec<(String, Value)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        self.blanks();
        if self.take('}') {
            return Some(Value::Object(members));
        }
        loop {
            self.blanks();
            let key = self.string()?;
            if !seen.insert(key.clone()) {
                return None;
            }
            self.blanks();
            if !self.take(':') {
                return None;
            }
            members.push((key, self.value(open)?));
            self.blanks();
            match self.next()? {
                ',' => {}
                '}' => return Some(Value::Object(members)),
                _ => return None,
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        if !self.take('"') {
            return None;
        }
        let mut text = String::new();
        loop {
            match self.next()? {
                '"' => return Some(text),
                '\\' => text.push(self.escape()?),
                control if control < ' ' => return None,
                other => text.push(other),
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.next()? {
            '"' => '"',
            '\\' => '\\',
            '/' => '/',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let unit = self.unit()?;
                if let Some(character) = char::from_u32(unit) {
                    return Some(character);
                }
                // A high surrogate, then a low one.
                if !(0xd800..0xdc00).contains(&unit) || !self.take('\\') || !self.take('u') {
                    return None;
                }
                let low = self.unit().filter(|low| (0xdc00..0xe000).contains(low))?;
                char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))?
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |unit, _| Some(unit * 16 + self.next()?.to_digit(16)?))
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    fn digits(&mut self) -> Option<Value> {
        let start = self.at;
        self.take('-');
        if !self.take('0') {
            self.run_of_digits()?;
        }
        if self.take('.') {
            self.run_of_digits()?;
        }
        if self.take('e') || self.take('E') {
            let _ = self.take('+') || self.take('-');
            self.run_of_digits()?;
        }
        Some(Value::Plain(self.chars[start..self.at].iter().collect()))
    }

    fn run_of_digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some('0'..='9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}
