//! Messages, their parts, tool calls and their results.

use serde_json::{Map, Value as Json};

use crate::document::Step;
use crate::recorded::conversation::walk::{Side, Walk, texts_in};
use crate::recorded::conversation::{first, first_text, message, own_account, step, text_of};

/// Members that hold what a message says.
const CONTENTS: [&str; 4] = ["content", "parts", "text", "message"];
/// Members that hold the account of a model of its own reasons beside a message.
const OWN_ACCOUNTS: [&str; 3] = ["reasoning_content", "reasoning", "thinking"];
/// Members of an agent's record that list what it did.
const AGENT_STEPS: [&str; 5] = [
    "steps",
    "intermediate_steps",
    "trajectory",
    "actions",
    "tool_calls",
];

impl Walk {
    /// Takes an object for a message or an item of a conversation; false if it is none.
    pub(super) fn message(&mut self, object: &Map<String, Json>, side: Side) -> bool {
        if let Some(role) = role(object) {
            self.message_of(&role, object, side);
            return true;
        }
        is_item(object) && self.part(object, "assistant", side)
    }

    fn message_of(&mut self, role: &str, object: &Map<String, Json>, side: Side) {
        if matches!(role, "tool" | "function") {
            let who = first_text(object, &["name", "tool_name", "tool_call_id"]);
            let mut texts = Vec::new();
            let content = first(object, &CONTENTS);
            if let Some(content) = content {
                texts_in(content, 0, &mut texts);
            }
            let text = if texts.is_empty() {
                content.map(text_of).unwrap_or_default()
            } else {
                texts.join("\n")
            };
            let mut result = step("tool_result", who, text);
            detail(&mut result, object, "tool_call_id", "call");
            self.say(result, side);
            return;
        }
        for name in OWN_ACCOUNTS {
            if let Some(text) = object.get(name).and_then(Json::as_str) {
                self.say(own_account(text), side);
            }
        }
        if let Some(content) = first(object, &CONTENTS) {
            self.content(content, role, side);
        }
        if let Some(text) = object.get("refusal").and_then(Json::as_str) {
            self.say(refusal(role, text), side);
        }
        if let Some(Json::Array(calls)) = object.get("tool_calls") {
            for call in calls.iter().filter_map(Json::as_object) {
                self.tool_call(call, side);
            }
        }
        if let Some(Json::Object(call)) = object.get("function_call") {
            self.tool_call(call, side);
        }
    }

    fn content(&mut self, content: &Json, who: &str, side: Side) {
        match content {
            Json::String(text) => self.say(message(who, text), side),
            Json::Array(parts) => {
                for part in parts {
                    self.content(part, who, side);
                }
            }
            Json::Object(part) => {
                let _ = self.part(part, who, side);
            }
            _ => {}
        }
    }

    /// A part of a message, or an item beside messages; false if it is none that is known.
    fn part(&mut self, part: &Map<String, Json>, who: &str, side: Side) -> bool {
        let kind = part.get("type").and_then(Json::as_str).unwrap_or("");
        for name in ["functionCall", "toolUse", "function_call"] {
            if let Some(Json::Object(call)) = part.get(name) {
                self.tool_call(call, side);
                return true;
            }
        }
        for name in ["functionResponse", "toolResult"] {
            if let Some(Json::Object(result)) = part.get(name) {
                self.tool_result(result, side);
                return true;
            }
        }
        if let Some(inner) = part.get("reasoningContent") {
            self.account_in(inner.get("reasoningText").unwrap_or(inner), side);
            return true;
        }
        match kind {
            "tool_use" | "tool_call" | "function_call" | "server_tool_use" | "custom_tool_call"
            | "mcp_call" => {
                self.tool_call(part, side);
            }
            "tool_result"
            | "tool_call_response"
            | "function_call_output"
            | "custom_tool_call_output" => {
                self.tool_result(part, side);
            }
            "thinking" | "reasoning" | "redacted_thinking" => {
                self.account_in(&Json::Object(part.clone()), side);
            }
            "refusal" => {
                let text = first_text(part, &["refusal", "text"]).unwrap_or_default();
                self.say(refusal(who, text), side);
            }
            "file_search_call" => {
                if let Some(results) = part.get("results") {
                    self.retrieved_in(results);
                }
            }
            _ => return self.plain_part(part, kind, who, side),
        }
        true
    }

    fn plain_part(&mut self, part: &Map<String, Json>, kind: &str, who: &str, side: Side) -> bool {
        if let Some(text) = first_text(part, &["text", "content", "outputText"]) {
            let is_account = part.get("thought") == Some(&Json::Bool(true));
            let said = if is_account {
                own_account(text)
            } else {
                message(who, text)
            };
            self.say(said, side);
            return true;
        }
        if kind.is_empty() {
            return false;
        }
        // An image or a sound: that it was there, not its bytes.
        self.say(message(who, &format!("({kind})")), side);
        true
    }

    fn account_in(&mut self, value: &Json, side: Side) {
        let mut texts = Vec::new();
        texts_in(value, 0, &mut texts);
        if texts.is_empty() {
            texts.push("(not shown by the provider)".to_owned());
        }
        self.say(own_account(&texts.join("\n")), side);
    }

    fn tool_call(&mut self, call: &Map<String, Json>, side: Side) {
        let inner = call
            .get("function")
            .and_then(Json::as_object)
            .unwrap_or(call);
        let name = first_text(inner, &["name", "tool_name", "tool"]);
        let arguments = first(
            inner,
            &["arguments", "input", "args", "tool_input", "parameters"],
        );
        let text = arguments.map(text_of).unwrap_or_default();
        let mut said = step("tool_call", name, text);
        for id in ["id", "call_id", "toolUseId"] {
            detail(&mut said, call, id, "call");
        }
        self.say(said, side);
    }

    fn tool_result(&mut self, result: &Map<String, Json>, side: Side) {
        let content = first(result, &["content", "output", "result", "response"]);
        let mut texts = Vec::new();
        if let Some(content) = content {
            texts_in(content, 0, &mut texts);
        }
        let text = if texts.is_empty() {
            content.map(text_of).unwrap_or_default()
        } else {
            texts.join("\n")
        };
        let name = first_text(result, &["name", "tool_name"]);
        let mut said = step("tool_result", name, text);
        for id in ["id", "tool_use_id", "call_id", "toolUseId"] {
            detail(&mut said, result, id, "call");
        }
        for (name, plain) in [("is_error", "is_error"), ("status", "status")] {
            detail(&mut said, result, name, plain);
        }
        self.say(said, side);
    }

    /// Steps of an agent: what it used, with what, and what came back.
    pub(super) fn agent_step(&mut self, name: &str, value: &Json, side: Side) -> bool {
        let Json::Array(steps) = value else {
            return false;
        };
        if !AGENT_STEPS.contains(&name) {
            return false;
        }
        let mut found = false;
        for one in steps.iter().filter_map(Json::as_object) {
            if let Some(text) = first_text(one, &["thought", "thinking", "log"]) {
                self.own_accounts_in_order(text, side);
            }
            let is_call = first_text(one, &["tool", "tool_name", "name"]).is_some()
                || one.contains_key("function")
                || one.contains_key("action");
            if is_call {
                self.agent_call(one, side);
                found = true;
            } else if self.message(one, side) {
                found = true;
            }
        }
        found
    }

    fn agent_call(&mut self, one: &Map<String, Json>, side: Side) {
        match one.get("action") {
            Some(Json::Object(action)) => self.tool_call(action, side),
            Some(Json::String(tool)) if !one.contains_key("tool") => {
                let text = first(one, &["action_input", "input", "args"]).map(text_of);
                self.say(
                    step("tool_call", Some(tool), text.unwrap_or_default()),
                    side,
                );
            }
            _ => self.tool_call(one, side),
        }
        if let Some(result) = first(one, &["output", "observation", "result"]) {
            let who = first_text(one, &["tool", "tool_name", "name", "action"]);
            let said = step("tool_result", who, text_of(result));
            self.say(said, side);
        }
    }

    fn own_accounts_in_order(&mut self, text: &str, side: Side) {
        self.say(own_account(text), side);
    }
}

/// Who speaks, if the object is a message.
fn role(object: &Map<String, Json>) -> Option<String> {
    let says = CONTENTS
        .iter()
        .chain(&OWN_ACCOUNTS)
        .chain(&["tool_calls", "function_call", "refusal"])
        .any(|name| object.contains_key(*name));
    if !says {
        return None;
    }
    let named = object.get("role").and_then(Json::as_str);
    // LangChain has the role as the type.
    let typed = object.get("type").and_then(Json::as_str);
    let typed = typed.filter(|it| matches!(*it, "human" | "ai" | "system" | "tool"));
    let role = match named.or(typed)?.to_ascii_lowercase().as_str() {
        "human" => "user".to_owned(),
        "ai" | "model" | "chatbot" => "assistant".to_owned(),
        other => other.to_owned(),
    };
    Some(role)
}

/// Items of the Responses API, and parts that stand by themselves.
fn is_item(object: &Map<String, Json>) -> bool {
    let kind = object.get("type").and_then(Json::as_str);
    match kind {
        Some("function_call" | "tool_call" | "tool_use" | "custom_tool_call" | "mcp_call") => {
            object.contains_key("name")
        }
        Some(
            "function_call_output"
            | "tool_result"
            | "tool_call_response"
            | "custom_tool_call_output"
            | "file_search_call"
            | "thinking"
            | "redacted_thinking",
        ) => true,
        Some("reasoning") => ["summary", "content", "encrypted_content"]
            .iter()
            .any(|name| object.contains_key(*name)),
        _ => false,
    }
}

fn refusal(who: &str, text: &str) -> Step {
    let mut said = message(who, text);
    said.details.insert("refusal".to_owned(), Json::Bool(true));
    said
}

/// A member as a detail of a step.
fn detail(step: &mut Step, object: &Map<String, Json>, name: &str, plain: &str) {
    if let Some(value) = object.get(name).filter(|value| !value.is_null()) {
        step.details.insert(plain.to_owned(), value.clone());
    }
}
