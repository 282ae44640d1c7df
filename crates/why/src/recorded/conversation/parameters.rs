//! What the model was run with, and what the provider says of it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::recorded::conversation::walk::{Side, plain_name};

/// Names under which parameters are recorded, and the one under which they are shown. OpenTelemetry's have `request_`,
/// `response_` or `usage_` in front.
const KNOWN: [(&str, &str); 44] = [
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("top_k", "top_k"),
    ("seed", "seed"),
    ("n", "n"),
    ("stop", "stop"),
    ("stop_sequences", "stop"),
    ("max_tokens", "max_tokens"),
    ("max_output_tokens", "max_tokens"),
    ("max_completion_tokens", "max_tokens"),
    ("frequency_penalty", "frequency_penalty"),
    ("presence_penalty", "presence_penalty"),
    ("tool_choice", "tool_choice"),
    ("reasoning_effort", "reasoning_effort"),
    ("service_tier", "service_tier"),
    ("prompt_version", "prompt_version"),
    ("prompt_id", "prompt_id"),
    ("prompt_name", "prompt_name"),
    ("prompt_digest", "prompt_digest"),
    ("prompt_hash", "prompt_digest"),
    ("prompt_template_version", "prompt_version"),
    ("template_version", "prompt_version"),
    ("system_prompt_version", "system_prompt_version"),
    ("system_prompt_digest", "system_prompt_digest"),
    ("system_prompt_hash", "system_prompt_digest"),
    ("provider", "provider"),
    ("provider_name", "provider"),
    ("api_version", "api_version"),
    ("deployment", "deployment"),
    ("model_version", "model_reported"),
    ("system_fingerprint", "system_fingerprint"),
    ("finish_reason", "finish_reason"),
    ("finish_reasons", "finish_reason"),
    ("stop_reason", "finish_reason"),
    ("response_id", "response_id"),
    ("input_tokens", "input_tokens"),
    ("prompt_tokens", "input_tokens"),
    ("prompt_token_count", "input_tokens"),
    ("output_tokens", "output_tokens"),
    ("completion_tokens", "output_tokens"),
    ("candidates_token_count", "output_tokens"),
    ("total_tokens", "total_tokens"),
    ("conversation_id", "conversation_id"),
    ("agent_name", "agent_name"),
];
/// Names that no other record has.
const OF_LANGUAGE_MODELS: [&str; 10] = [
    "prompt_version",
    "prompt_template_version",
    "system_prompt_version",
    "system_prompt_digest",
    "max_tokens",
    "max_output_tokens",
    "max_completion_tokens",
    "finish_reason",
    "finish_reasons",
    "system_fingerprint",
];

/// Whether a name is that of a parameter of language models and of nothing else.
pub(super) fn is_of_language_models(name: &str) -> bool {
    OF_LANGUAGE_MODELS.contains(&without_prefix(name))
}

/// Takes a member for a parameter, if it is one; the first value of a name holds.
pub(super) fn take(parameters: &mut BTreeMap<String, Json>, name: &str, value: &Json, side: Side) {
    let bare = without_prefix(name);
    let mut keep = |name: &str, value: &Json| {
        if is_short(value) {
            parameters
                .entry(name.to_owned())
                .or_insert_with(|| value.clone());
        }
    };
    if bare == "model" {
        let reported = side == Side::After || name.starts_with("response_");
        let asked = side == Side::Before || name.starts_with("request_");
        if reported {
            keep("model_reported", value);
        } else if asked {
            keep("model_asked", value);
        }
        return;
    }
    if let Some((_, plain)) = KNOWN.iter().find(|(known, _)| *known == bare) {
        keep(plain, value);
        return;
    }
    // A prompt that is named, and not written out.
    if let ("prompt" | "prompt_template", Json::Object(prompt)) = (bare, value) {
        for part in ["name", "id", "version", "digest", "hash"] {
            if let Some(value) = prompt.get(part) {
                let part = if part == "hash" { "digest" } else { part };
                keep(&format!("prompt_{part}"), value);
            }
        }
    }
    // Usage beside a message is not walked into.
    if let ("usage", Json::Object(usage)) = (bare, value) {
        for (name, value) in usage {
            let name = plain_name(name);
            if let Some((_, plain)) = KNOWN.iter().find(|(known, _)| *known == name) {
                keep(plain, value);
            }
        }
    }
}

fn without_prefix(name: &str) -> &str {
    let prefixes = ["request_", "response_", "usage_"];
    let bare = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix));
    match bare {
        Some("id") | None => name,
        Some(bare) => bare,
    }
}

/// A parameter is a word, a number or a few of them.
fn is_short(value: &Json) -> bool {
    match value {
        Json::Null | Json::Object(_) => false,
        Json::String(text) => !text.is_empty() && text.len() <= 512,
        Json::Array(elements) => elements.len() <= 8 && elements.iter().all(is_short),
        Json::Bool(_) | Json::Number(_) => true,
    }
}
