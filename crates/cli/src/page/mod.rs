//! One record as a page for people: the outcome in a sentence, then why, by what, from what, and what came of it.

use std::fmt::Write as _;

use causebook_client::Item;
use causebook_record::Fields;
use serde_json::{Map, Value};

use crate::paint::Paint;
use crate::words::{self, Dictionary};
use crate::{rows, units};

mod why;

/// Everything a page shows.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    pub(crate) item: &'a Item,
    pub(crate) value: &'a Value,
    pub(crate) dictionary: &'a Dictionary,
    /// Records about this one, in the order they were recorded.
    pub(crate) about: &'a [Item],
    /// What is known about its place in the log, a line each.
    pub(crate) integrity: &'a [String],
    pub(crate) paint: Paint,
}

/// Width of the column that names things.
const NAMES: usize = 32;

impl Page<'_> {
    /// The outcome, why, and what came of it: what fits on a screen.
    pub(crate) fn summary(&self) -> String {
        let fields = self.item.fields();
        let mut page = self.headline(&fields);
        self.why(&mut page);
        self.links(&mut page, &fields);
        page
    }

    /// The whole page, without a final newline.
    pub(crate) fn text(&self) -> String {
        let fields = self.item.fields();
        let mut page = self.headline(&fields);
        match &self.item.text {
            Some(text) if self.item.erased_facts > 0 => {
                let erased = self.item.erased_facts;
                let remaining = causebook_record::facts(text).map_or(0, |facts| facts.len() as u64);
                let count = erased + remaining;
                let _ = write!(page, "\n\n  {erased} of {count} facts were erased.");
            }
            Some(_) => {}
            None => {
                page.push_str("\n\n  Its content was erased. Its digest is still in the log.");
            }
        }
        self.why(&mut page);
        self.model(&mut page);
        self.members(&mut page, "Input", "input", true);
        self.members(&mut page, "Output", "output", false);
        self.members(&mut page, "Parameters", "parameters", false);
        for member in [
            "outcome",
            "review",
            "notice",
            "correction",
            "erasure",
            "hold",
            "access",
            "gap",
            "config",
        ] {
            self.members(&mut page, &capital(member), member, false);
        }
        self.members(&mut page, "Data", "data", false);
        self.circumstances(&mut page, &fields);
        self.links(&mut page, &fields);
        self.section(&mut page, "Integrity");
        for line in self.integrity {
            let _ = write!(page, "\n  {line}");
        }
        page
    }

    fn headline(&self, fields: &Fields) -> String {
        let id = fields.id.as_deref().map_or_else(
            || format!("index {}", self.item.index),
            crate::output::printable,
        );
        let kind = fields.kind.map_or("record", |kind| kind.as_str());
        let time = fields
            .time
            .map(|time| format!(", {} UTC", units::second(time)))
            .unwrap_or_default();
        let mut headline = format!("{} ({kind}{time})", self.paint.strong(&id));
        if let Some(sentence) = words::sentence(self.value, self.dictionary) {
            let _ = write!(headline, "\n\n  {}", self.paint.strong(&sentence));
        }
        headline
    }

    fn model(&self, page: &mut String) {
        let Some(model) = self.value.get("model").and_then(Value::as_object) else {
            return;
        };
        self.section(page, "Model");
        let part = |name: &str| model.get(name).map(words::text_of);
        let named: Vec<String> = ["name", "version"].into_iter().filter_map(part).collect();
        let framework = part("framework")
            .map(|framework| format!(" ({framework})"))
            .unwrap_or_default();
        if !named.is_empty() || !framework.is_empty() {
            let _ = write!(page, "\n  {}{framework}", named.join(" "));
        }
        if let Some(digest) = part("digest") {
            let _ = write!(page, "\n  {}", self.paint.faint(&digest));
        }
    }

    /// A member of the record as names and values, or as a single value.
    fn members(&self, page: &mut String, title: &str, member: &str, with_words: bool) {
        let Some(value) = self.value.get(member) else {
            return;
        };
        self.section(page, title);
        let Some(object) = value.as_object() else {
            let _ = write!(page, "\n  {}", words::text_of(value));
            return;
        };
        for (name, value) in words::leaves(object, "") {
            let (label, meaning) = if with_words {
                (
                    self.dictionary.attribute(&name),
                    self.dictionary.meaning(&name, value),
                )
            } else {
                (name, words::text_of(value))
            };
            let _ = write!(page, "\n  {label:<NAMES$} {meaning}");
        }
    }

    fn circumstances(&self, page: &mut String, fields: &Fields) {
        let members = ["subject", "actor", "automation", "context", "source"];
        let found: Map<String, Value> = members
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), self.value.get(name)?.clone())))
            .collect();
        let recorded = fields.recorded_at.map(|at| {
            let by = fields.recorded_by.as_deref().unwrap_or("unknown");
            let via = fields.recorded_via.as_deref().unwrap_or("unknown");
            format!("{} UTC by {by}, through {via}", units::second(at))
        });
        if found.is_empty() && recorded.is_none() {
            return;
        }
        self.section(page, "Circumstances");
        for (name, value) in words::leaves(&found, "") {
            let _ = write!(page, "\n  {name:<NAMES$} {}", words::text_of(value));
        }
        if let Some(recorded) = recorded {
            let _ = write!(
                page,
                "\n  {:<NAMES$} {}",
                "recorded",
                crate::output::printable(&recorded)
            );
        }
    }

    fn links(&self, page: &mut String, fields: &Fields) {
        if self.about.is_empty() && fields.refers_to.is_none() {
            return;
        }
        self.section(page, "Linked records");
        if let Some(id) = &fields.refers_to {
            let _ = write!(page, "\n  about {}", crate::output::printable(id));
        }
        for item in self.about {
            let linked = item.fields();
            let id = linked
                .id
                .as_deref()
                .map(crate::output::printable)
                .unwrap_or_default();
            let kind = linked.kind.map_or("erased", |kind| kind.as_str());
            let time = linked.time.map(units::second).unwrap_or_default();
            let gist = rows::value(item)
                .ok()
                .and_then(|value| gist(&value, kind))
                .unwrap_or_default();
            let _ = write!(page, "\n  {id:<24} {kind:<12} {time}  {gist}");
        }
    }

    fn section(&self, page: &mut String, title: &str) {
        let _ = write!(page, "\n\n{}", self.paint.strong(title));
    }
}

/// What a linked record says, in a few words: the values of its own member.
fn gist(record: &Value, kind: &str) -> Option<String> {
    let object = record.get(kind)?.as_object()?;
    let parts: Vec<String> = words::leaves(object, "")
        .iter()
        .take(4)
        .map(|(_, value)| words::text_of(value))
        .collect();
    Some(parts.join(", "))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}
