//! What is on record of a decision by a language model or agent: prompts, messages, retrieved texts, tools, log-probabilities,
//! judges and guardrails.
//!
//! Programs record the request and the answer of whatever provider they use, so what is looked for is forms, not one schema:
//! messages with roles (`OpenAI`, Anthropic, Mistral, Cohere), items of the Responses API, contents and parts (Gemini), converse
//! blocks (Bedrock), parts of OpenTelemetry's `gen_ai` attributes, steps of agents. Anything else is passed over. Words that
//! other records have too, such as `text` or `sources`, count only beside such a form.

mod checks;
mod messages;
mod parameters;
mod walk;

use serde_json::Value as Json;

use crate::document::{Basis, Block, Conversation, Step};
use walk::{Side, Walk};

/// The conversation in a decision's record; absent if there is none in it.
pub fn conversation(record: &Json) -> Block<Conversation> {
    let mut walk = Walk::default();
    for (member, side) in [
        ("parameters", Side::Around),
        ("context", Side::Around),
        ("data", Side::Around),
        ("input", Side::Before),
        ("output", Side::After),
        ("explanation", Side::After),
    ] {
        if let Some(value) = record.get(member) {
            walk.value(value, side, 0);
        }
    }
    if !walk.is_conversation {
        return Block::absent(
            "no messages, prompts or tool calls are recorded: this is no decision by a language model or agent, or they were \
             not captured",
        );
    }
    if let Some(Json::String(text)) = record.get("output") {
        walk.perhaps_after.push(message("assistant", text));
    }
    if let Some(Json::String(text)) = record.get("input") {
        walk.perhaps_before.push(message("user", text));
    }
    let (steps, has_own_account) = walk.steps();
    let mut notes = Vec::new();
    if walk.passed_over > 0 {
        notes.push(format!(
            "{} further parts of the record were not looked at for messages: it is too large",
            walk.passed_over
        ));
    }
    if has_own_account {
        notes.push(
            "what a model says of its own reasons need not be how it came to its answer: it is no evidence of why"
                .to_owned(),
        );
    }
    Block::Present {
        basis: Basis::Recorded,
        content: Conversation {
            steps,
            parameters: walk.parameters,
        },
        notes,
    }
}

/// A step without details.
fn step(kind: &str, who: Option<&str>, text: impl Into<String>) -> Step {
    Step {
        kind: kind.to_owned(),
        who: who.map(str::to_owned),
        text: text.into(),
        details: std::collections::BTreeMap::new(),
        own_account: false,
    }
}

fn message(who: &str, text: &str) -> Step {
    step("message", Some(who), text)
}

/// The model's own account of why.
fn own_account(text: &str) -> Step {
    Step {
        own_account: true,
        ..step("own_account", None, text)
    }
}

/// A value as text: strings as they are, the rest as JSON.
fn text_of(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The first of these members that is a text.
fn first_text<'a>(object: &'a serde_json::Map<String, Json>, names: &[&str]) -> Option<&'a str> {
    names
        .iter()
        .find_map(|name| object.get(*name).and_then(Json::as_str))
}

/// The first of these members that is there and not null.
fn first<'a>(object: &'a serde_json::Map<String, Json>, names: &[&str]) -> Option<&'a Json> {
    names
        .iter()
        .find_map(|name| object.get(*name).filter(|value| !value.is_null()))
}
