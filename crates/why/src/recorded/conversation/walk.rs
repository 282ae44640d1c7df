//! A walk through a record's members in search of forms that are known.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::document::Step;
use crate::recorded::conversation::{first_text, message, own_account, parameters};

/// Most levels that are descended.
const DEPTH_MAX: usize = 24;
/// Most values that are looked at: a record of 1 MiB has fewer unless it is made to be slow.
const VALUES_MAX: usize = 100_000;
/// Most steps that an answer has.
const STEPS_MAX: usize = 2_000;

/// Instructions, which stand before what is said.
const INSTRUCTIONS: [&str; 6] = [
    "system",
    "instructions",
    "system_prompt",
    "system_instruction",
    "system_instructions",
    "developer_prompt",
];
/// Texts that are prompts whatever else is there.
const PROMPTS: [&str; 4] = ["prompt", "user_prompt", "input_text", "rendered_prompt"];
/// Texts that are prompts beside messages or parameters of a language model.
const PERHAPS_PROMPTS: [&str; 5] = ["message", "question", "query", "text", "input"];
/// Texts that are answers whatever else is there.
const ANSWERS: [&str; 4] = ["completion", "generation", "output_text", "response_text"];
/// Texts that are answers beside them.
const PERHAPS_ANSWERS: [&str; 5] = ["answer", "response", "text", "content", "message"];
/// What a model says of its own reasons, in a structured answer.
const OWN_ACCOUNTS: [&str; 12] = [
    "reasoning",
    "reasoning_content",
    "thinking",
    "thoughts",
    "thought",
    "chain_of_thought",
    "rationale",
    "justification",
    "reason",
    "explanation",
    "analysis",
    "scratchpad",
];

/// Where in the decision a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// What the model was given.
    Before,
    /// What surrounds it.
    Around,
    /// What it gave.
    After,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// A form was found that nothing but a conversation has.
    pub(super) is_conversation: bool,
    pub(super) before: Vec<Step>,
    pub(super) perhaps_before: Vec<Step>,
    pub(super) retrieved: Vec<Step>,
    pub(super) after: Vec<Step>,
    pub(super) perhaps_after: Vec<Step>,
    pub(super) own_accounts: Vec<Step>,
    pub(super) log_probabilities: Vec<Step>,
    pub(super) checks: Vec<Step>,
    pub(super) parameters: BTreeMap<String, Json>,
    /// Values that were not looked at.
    pub(super) passed_over: usize,
    values: usize,
}

impl Walk {
    /// Everything in the order in which it happened, and whether an account of the model's own is among it.
    pub(super) fn steps(&mut self) -> (Vec<Step>, bool) {
        let mut after = std::mem::take(&mut self.after);
        if after.iter().all(|step| step.kind != "message") {
            after.append(&mut self.perhaps_after);
        }
        let mut before = std::mem::take(&mut self.before);
        if before
            .iter()
            .all(|step| step.kind != "message" || is_instruction(step))
        {
            before.append(&mut self.perhaps_before);
        }
        let parts = [
            before,
            std::mem::take(&mut self.retrieved),
            std::mem::take(&mut self.own_accounts),
            after,
            std::mem::take(&mut self.log_probabilities),
            std::mem::take(&mut self.checks),
        ];
        let mut steps: Vec<Step> = parts.into_iter().flatten().collect();
        self.passed_over += steps.len().saturating_sub(STEPS_MAX);
        steps.truncate(STEPS_MAX);
        let has_own_account = steps.iter().any(|step| step.own_account);
        (steps, has_own_account)
    }

    /// Looks at a value and what is in it.
    pub(super) fn value(&mut self, value: &Json, side: Side, depth: usize) {
        self.values += 1;
        if self.values > VALUES_MAX || depth > DEPTH_MAX {
            self.passed_over += 1;
            return;
        }
        match value {
            Json::Array(elements) => {
                for element in elements {
                    self.value(element, side, depth + 1);
                }
            }
            Json::Object(object) if self.message(object, side) => {
                self.is_conversation = true;
                self.members_of_message(object, side);
            }
            Json::Object(object) => self.object(object, side, depth),
            _ => {}
        }
    }

    /// A message of the conversation.
    pub(super) fn say(&mut self, step: Step, side: Side) {
        self.is_conversation = true;
        if let Some((account, rest)) = inline_account(&step) {
            self.say(own_account(&account), side);
            if !rest.is_empty() {
                self.say(Step { text: rest, ..step }, side);
            }
            return;
        }
        if side == Side::After {
            self.after.push(step);
        } else {
            self.before.push(step);
        }
    }

    /// What stands beside a message's content in the answers of some providers: why it ended, and what it cost.
    fn members_of_message(&mut self, object: &Map<String, Json>, side: Side) {
        for (name, value) in object {
            let name = plain_name(name);
            parameters::take(&mut self.parameters, &name, value, side);
            let _ = self.check(&name, value);
        }
    }

    fn object(&mut self, object: &Map<String, Json>, side: Side, depth: usize) {
        let mut named: Vec<(String, &Json)> = object
            .iter()
            .map(|(name, value)| (plain_name(name), value))
            .collect();
        // Instructions come first, whatever the order of their names.
        named.sort_by_key(|(name, _)| !INSTRUCTIONS.contains(&name.as_str()));
        for (name, value) in named {
            let side = match name.as_str() {
                "input_messages" => Side::Before,
                "output_messages" => Side::After,
                _ => side,
            };
            parameters::take(&mut self.parameters, &name, value, side);
            if parameters::is_of_language_models(&name) && !value.is_null() {
                self.is_conversation = true;
            }
            if self.instruction(&name, value, side)
                || self.text(&name, value, side)
                || self.agent_step(&name, value, side)
                || self.check(&name, value)
            {
                continue;
            }
            match value {
                Json::String(text) if name.ends_with("messages") => {
                    // Attributes of a span hold JSON as text.
                    if let Ok(inner) = serde_json::from_str::<Json>(text) {
                        self.value(&inner, side, depth + 1);
                    }
                }
                _ => self.value(value, side, depth + 1),
            }
        }
    }

    /// Instructions to the model; an answer that repeats them adds nothing.
    fn instruction(&mut self, name: &str, value: &Json, side: Side) -> bool {
        if !INSTRUCTIONS.contains(&name) {
            return false;
        }
        if side == Side::After {
            return true;
        }
        let text = match value {
            Json::String(text) => text.clone(),
            other => {
                let mut texts = Vec::new();
                texts_in(other, 0, &mut texts);
                texts.join("\n")
            }
        };
        if text.is_empty() {
            return false;
        }
        // Beside messages only: a tabular input may have a field of that name.
        self.before.insert(0, message("system", &text));
        true
    }

    /// Texts under names that are known.
    fn text(&mut self, name: &str, value: &Json, side: Side) -> bool {
        let Json::String(text) = value else {
            return false;
        };
        let is = |names: &[&str]| names.contains(&name);
        match side {
            Side::After if is(&ANSWERS) => self.say(message("assistant", text), side),
            Side::After if is(&OWN_ACCOUNTS) => self.own_accounts.push(own_account(text)),
            Side::After if is(&PERHAPS_ANSWERS) => {
                self.perhaps_after.push(message("assistant", text));
            }
            Side::Before | Side::Around if is(&PROMPTS) => self.say(message("user", text), side),
            Side::Before if is(&PERHAPS_PROMPTS) => {
                self.perhaps_before.push(message("user", text));
            }
            _ => return false,
        }
        true
    }
}

/// Marks between which models write their own account into the answer itself.
const INLINE: [(&str, &str); 3] = [
    ("<thinking>", "</thinking>"),
    ("<think>", "</think>"),
    ("<reasoning>", "</reasoning>"),
];

/// An account that an answer begins with, and what is behind it; one that does not end is all there is.
fn inline_account(step: &Step) -> Option<(String, String)> {
    if step.kind != "message" || step.own_account || step.who.as_deref() != Some("assistant") {
        return None;
    }
    let text = step.text.trim_start();
    INLINE.iter().find_map(|(opens, closes)| {
        let inside = text.strip_prefix(opens)?;
        let (account, rest) = inside.split_once(closes).unwrap_or((inside, ""));
        Some((account.trim().to_owned(), rest.trim_start().to_owned()))
    })
}

/// Instructions are not what was asked.
fn is_instruction(step: &Step) -> bool {
    matches!(step.who.as_deref(), Some("system" | "developer"))
}

/// Every text in a value, in order.
pub(super) fn texts_in(value: &Json, depth: usize, texts: &mut Vec<String>) {
    if depth > DEPTH_MAX {
        return;
    }
    match value {
        Json::String(text) => texts.push(text.clone()),
        Json::Array(elements) => {
            for element in elements {
                texts_in(element, depth + 1, texts);
            }
        }
        Json::Object(object) => match first_text(object, &["text", "content", "thinking"]) {
            Some(text) => texts.push(text.to_owned()),
            None => {
                for name in ["content", "parts", "summary"] {
                    if let Some(inner) = object.get(name) {
                        texts_in(inner, depth + 1, texts);
                    }
                }
            }
        },
        _ => {}
    }
}

/// A name in one manner: without the prefixes of OpenTelemetry, words with `_` between them.
pub(super) fn plain_name(name: &str) -> String {
    let name = name.strip_prefix("gen_ai.").unwrap_or(name);
    let mut plain = String::with_capacity(name.len() + 4);
    let mut before_is_small = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && before_is_small {
            plain.push('_');
        }
        before_is_small = c.is_ascii_lowercase() || c.is_ascii_digit();
        plain.push(if matches!(c, '.' | '-' | ' ') {
            '_'
        } else {
            c.to_ascii_lowercase()
        });
    }
    plain
}
