//! Filters as text that is read back as the same filter. Ages are written as the instants that they were.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::filter::{Filter, Node, Term};
use crate::parse::{ends_word, is_or};
use crate::time::{self, MICROSECONDS_A_DAY};
use crate::{Decimal, Field, Glob, ModelGlob, Span, Test, ValueTest};

impl Display for Filter {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write_node(formatter, &self.root)
    }
}

fn write_node(out: &mut Formatter<'_>, node: &Node) -> fmt::Result {
    match node {
        Node::All(nodes) => write_list(out, nodes, " ", |node| matches!(node, Node::Any(_))),
        Node::Any(nodes) => write_list(out, nodes, " or ", |_| false),
        Node::Not(node) => {
            out.write_char('-')?;
            write_inner(out, node, matches!(**node, Node::All(_) | Node::Any(_)))
        }
        Node::Term(Term::Text(glob)) => out.write_str(&free(glob)),
        Node::Term(Term::Field { field, test }) => {
            write!(out, "{}:{}", field_name(field), values(test).join(","))
        }
    }
}

fn write_list(
    out: &mut Formatter<'_>,
    nodes: &[Node],
    between: &str,
    enclosed: impl Fn(&Node) -> bool,
) -> fmt::Result {
    for (nth, node) in nodes.iter().enumerate() {
        if nth > 0 {
            out.write_str(between)?;
        }
        write_inner(out, node, enclosed(node))?;
    }
    Ok(())
}

fn write_inner(out: &mut Formatter<'_>, node: &Node, enclosed: bool) -> fmt::Result {
    if !enclosed {
        return write_node(out, node);
    }
    out.write_char('(')?;
    write_node(out, node)?;
    out.write_char(')')
}

fn free(glob: &Glob) -> String {
    let bare = |word: &str| is_bare(word) && !word.contains(':') && !word.starts_with('-');
    match glob.as_exact() {
        Some(word) if bare(word) && !is_or(word) => word.to_owned(),
        Some(word) => quoted(word),
        None => glob.parts().join("*"),
    }
}

fn field_name(field: &Field) -> String {
    let name = field.to_string();
    if is_bare(&name) && !name.contains(':') && !name.starts_with('-') {
        name
    } else {
        quoted(&name)
    }
}

fn values(test: &Test) -> Vec<String> {
    match test {
        Test::Present => vec!["*".to_owned()],
        Test::Words(words) => words.iter().map(word).collect(),
        Test::Models(models) => models.iter().map(model).collect(),
        Test::Times(spans) => spans.iter().map(times).collect(),
        Test::Whole(spans) => spans.iter().map(|s| span(s, u64::to_string)).collect(),
        Test::Doubles(spans) => spans
            .iter()
            .map(|s| span(s, |bound| double(*bound)))
            .collect(),
        Test::Values(values) => values.iter().map(value).collect(),
    }
}

fn word(glob: &Glob) -> String {
    match glob.as_exact() {
        Some(word) if is_bare_value(word) => word.to_owned(),
        Some(word) => quoted(word),
        None => glob.parts().join("*"),
    }
}

fn model(model: &ModelGlob) -> String {
    let sides = [&model.name, &model.version].map(|side| {
        let parts = side.iter().flat_map(Glob::parts);
        parts.cloned().collect::<Vec<_>>().join("*")
    });
    let [name, version] = sides;
    let text = match version.as_str() {
        // By itself `*` would ask for a version, too.
        "" if name == "*" => "*@".to_owned(),
        "" => name,
        version => format!("{name}@{version}"),
    };
    let exact = [&model.name, &model.version]
        .into_iter()
        .flatten()
        .all(|glob| glob.as_exact().is_some());
    if exact && !is_bare_value(&text) {
        quoted(&text)
    } else {
        text
    }
}

fn value(value: &ValueTest) -> String {
    match value {
        ValueTest::Text(text) => {
            let other = Decimal::parse(text).is_some()
                || matches!(text.as_str(), "true" | "false" | "null");
            if is_bare_value(text) && !other && !text.contains("..") {
                text.clone()
            } else {
                quoted(text)
            }
        }
        ValueTest::Pattern(glob) => glob.parts().join("*"),
        ValueTest::Literal { text, .. } => text.clone(),
        ValueTest::Number(numbers) => span(numbers, Decimal::to_string),
    }
}

fn span<T: PartialOrd + Clone>(span: &Span<T>, print: impl Fn(&T) -> String) -> String {
    if let Some(value) = span.single() {
        return print(value);
    }
    match (&span.low, &span.high) {
        (Some((low, true)), None) => format!(">={}", print(low)),
        (Some((low, false)), None) => format!(">{}", print(low)),
        (None, Some((high, true))) => format!("<={}", print(high)),
        (None, Some((high, false))) => format!("<{}", print(high)),
        (Some((low, _)), Some((high, _))) => format!("{}..{}", print(low), print(high)),
        (None, None) => "*".to_owned(),
    }
}

fn times(span: &Span<i64>) -> String {
    match (&span.low, &span.high) {
        (Some((low, _)), None) => format!(">={}", time::print(*low, true)),
        (None, Some((high, _))) => format!("<{}", time::print(*high, true)),
        (Some((low, _)), Some((high, _))) if high - low == 1 => time::print(*low, false),
        (Some((low, _)), Some((high, _))) => {
            let first = time::print(*low, true);
            let last = if high.rem_euclid(MICROSECONDS_A_DAY) == 0 {
                time::print(high - MICROSECONDS_A_DAY, true)
            } else {
                time::print(high - 1, false)
            };
            if first == last {
                first
            } else {
                format!("{first}..{last}")
            }
        }
        (None, None) => "*".to_owned(),
    }
}

/// The shorter of the plain form and that with an exponent; both are read as the same double.
fn double(value: f64) -> String {
    let (plain, scientific) = (value.to_string(), format!("{value:e}"));
    if plain.len() <= scientific.len() + 4 {
        plain
    } else {
        scientific
    }
}

/// Whether a word is read as itself where it stands, at least as free text.
fn is_bare(word: &str) -> bool {
    !word.is_empty() && !word.contains(|ch: char| ends_word(ch) || ch.is_control() || ch == '*')
}

fn is_bare_value(word: &str) -> bool {
    is_bare(word) && !word.contains(',') && !word.starts_with(['<', '>'])
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for ch in text.chars() {
        match ch {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ => out.push(ch),
        }
    }
    out.push('"');
    out
}
