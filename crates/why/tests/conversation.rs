//! Conversations in records, in the forms in which programs capture what providers send.
#![allow(clippy::unwrap_used, clippy::panic)]

use causebook_why::recorded::conversation;
use causebook_why::{Block, Conversation, Step};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(record: &Value) -> Conversation {
    match conversation(record) {
        Block::Present { content, .. } => content,
        Block::Absent { absent } => panic!("{absent}"),
    }
}

/// Each step as `kind who: text`.
fn steps(record: &Value) -> Vec<String> {
    let line = |step: &Step| {
        let who = step.who.as_deref().unwrap_or("-");
        let own = if step.own_account { " (own)" } else { "" };
        format!("{} {who}{own}: {}", step.kind, step.text)
    };
    read(record).steps.iter().map(line).collect()
}

#[test]
fn a_chat_completion_with_tools() {
    let record = json!({
        "input": {"model": "gpt-4o", "seed": 42, "temperature": 0.5, "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": [{"type": "text", "text": "Weather?"}, {"type": "image_url", "image_url": {"url": "data:"}}]},
            {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function",
                "function": {"name": "weather", "arguments": "{\"city\":\"Bern\"}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "sunny"}]},
        "output": {"id": "x", "model": "gpt-4o-2024-08-06", "system_fingerprint": "fp_1", "choices": [
            {"index": 0, "finish_reason": "stop", "logprobs": null, "message": {"role": "assistant", "content": "Sunny.",
                "refusal": null}}],
            "usage": {"prompt_tokens": 20, "completion_tokens": 3, "total_tokens": 23}}});
    assert_eq!(
        steps(&record),
        [
            "message system: Be short.",
            "message user: Weather?",
            "message user: (image_url)",
            "tool_call weather: {\"city\":\"Bern\"}",
            "tool_result c1: sunny",
            "message assistant: Sunny.",
        ]
    );
    let parameters = read(&record).parameters;
    assert_eq!(parameters["model_asked"], "gpt-4o");
    assert_eq!(parameters["model_reported"], "gpt-4o-2024-08-06");
    assert_eq!(parameters["finish_reason"], "stop");
    assert_eq!(parameters["seed"], 42);
    assert_eq!(parameters["output_tokens"], 3);
    assert_eq!(parameters["system_fingerprint"], "fp_1");
}

#[test]
fn items_of_the_responses_api() {
    let record = json!({
        "input": {"instructions": "Be short.", "model": "o4-mini", "input": [{"role": "user", "content": "Pay the claim?"}]},
        "output": {"instructions": "Be short.", "model": "o4-mini-1", "output": [
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Looking at the policy."}]},
            {"type": "function_call", "call_id": "f1", "name": "policy", "arguments": "{}"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "No."}]}]}});
    assert_eq!(
        steps(&record),
        [
            "message system: Be short.",
            "message user: Pay the claim?",
            "own_account - (own): Looking at the policy.",
            "tool_call policy: {}",
            "message assistant: No.",
        ]
    );
}

#[test]
fn blocks_of_a_messages_api_with_thinking() {
    let record = json!({
        "input": {"system": [{"type": "text", "text": "Be short."}], "max_tokens": 1000, "messages": [
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "7"}]}]}]},
        "output": {"type": "message", "role": "assistant", "model": "m-1", "stop_reason": "end_turn",
            "content": [{"type": "thinking", "thinking": "Seven is enough."}, {"type": "redacted_thinking", "data": "xx"},
                {"type": "tool_use", "id": "t2", "name": "pay", "input": {"amount": 7}}, {"type": "text", "text": "Paid."}],
            "usage": {"input_tokens": 5, "output_tokens": 6}}});
    assert_eq!(
        steps(&record),
        [
            "message system: Be short.",
            "tool_result -: 7",
            "own_account - (own): Seven is enough.",
            "own_account - (own): (not shown by the provider)",
            "tool_call pay: {\"amount\":7}",
            "message assistant: Paid.",
        ]
    );
    let parameters = read(&record).parameters;
    assert_eq!(parameters["finish_reason"], "end_turn");
    assert_eq!(parameters["input_tokens"], 5);
    assert_eq!(parameters["max_tokens"], 1000);
}

#[test]
fn contents_and_parts() {
    let record = json!({
        "input": {"systemInstruction": {"parts": [{"text": "Be short."}]}, "generationConfig": {"topP": 0.9, "maxOutputTokens": 50},
            "contents": [{"role": "user", "parts": [{"text": "Weather?"}]}]},
        "output": {"modelVersion": "gemini-2.5-flash", "candidates": [{"finishReason": "STOP", "content": {"role": "model",
            "parts": [{"thought": true, "text": "I need the tool."}, {"functionCall": {"name": "weather", "args": {"city": "Bern"}}}]},
            "safetyRatings": [{"category": "HARM", "probability": "NEGLIGIBLE"}]}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4}}});
    assert_eq!(
        steps(&record),
        [
            "message system: Be short.",
            "message user: Weather?",
            "own_account - (own): I need the tool.",
            "tool_call weather: {\"city\":\"Bern\"}",
            "guardrail HARM: probability NEGLIGIBLE",
        ]
    );
    let parameters = read(&record).parameters;
    assert_eq!(parameters["model_reported"], "gemini-2.5-flash");
    assert_eq!(parameters["finish_reason"], "STOP");
    assert_eq!(parameters["top_p"], 0.9);
    assert_eq!(parameters["output_tokens"], 4);
}

#[test]
fn attributes_of_a_span_with_messages_as_text() {
    let record = json!({"context": {"attributes": {
        "gen_ai.request.model": "m", "gen_ai.response.model": "m-7", "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 9, "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.system_instructions": [{"type": "text", "content": "Be short."}],
        "gen_ai.input.messages": "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":\"Hi\"}]}]",
        "gen_ai.output.messages": "[{\"role\":\"assistant\",\"parts\":[{\"type\":\"reasoning\",\"content\":\"Greet.\"},\
             {\"type\":\"tool_call\",\"id\":\"1\",\"name\":\"wave\",\"arguments\":{\"n\":2}}]}]"}},
        "output": "done"});
    assert_eq!(
        steps(&record),
        [
            "message system: Be short.",
            "message user: Hi",
            "own_account - (own): Greet.",
            "tool_call wave: {\"n\":2}",
            "message assistant: done",
        ]
    );
    let parameters = read(&record).parameters;
    assert_eq!(parameters["provider"], "aws.bedrock");
    assert_eq!(parameters["model_reported"], "m-7");
    assert_eq!(parameters["finish_reason"], json!(["stop"]));
}

#[test]
fn steps_of_an_agent_with_retrieval_and_judges() {
    let record = json!({
        "input": {"prompt": "Is claim 7 covered?"},
        "parameters": {"prompt": {"name": "claims", "version": 14}},
        "output": {"answer": "no", "rationale": "clause 4",
            "steps": [{"thought": "Look it up.", "tool": "search", "input": {"q": "7"}, "output": "clause 4"}],
            "sources": ["clause 4 says no"], "scores": [{"name": "faithful", "value": 0.5, "comment": "one claim unsupported"}]}});
    assert_eq!(
        steps(&record),
        [
            "message user: Is claim 7 covered?",
            "retrieved -: clause 4 says no",
            "own_account - (own): clause 4",
            "own_account - (own): Look it up.",
            "tool_call search: {\"q\":\"7\"}",
            "tool_result search: clause 4",
            "message assistant: no",
            "judge faithful: value 0.5, one claim unsupported",
        ]
    );
    assert_eq!(read(&record).parameters["prompt_version"], 14);
}

#[test]
fn an_account_of_the_models_own_inside_an_answer_is_taken_out_of_it() {
    let said = |text: &str| {
        steps(&json!({"input": {"prompt": "?"}, "output": {"choices": [{"message": {"role": "assistant", "content": text}}]}}))
            .split_off(1)
    };
    assert_eq!(
        said("<think>\nMaybe.\n</think>\n\nYes."),
        ["own_account - (own): Maybe.", "message assistant: Yes."]
    );
    assert_eq!(said("<thinking> cut off"), ["own_account - (own): cut off"]);
}

#[test]
fn the_margin_of_an_answer_is_its_token_less_the_runner_up() {
    let record = json!({"input": {"prompt": "?"}, "output": {"logprobs": {"content": [{"token": "deny", "logprob": -0.1,
        "top_logprobs": [{"token": "deny", "logprob": -0.1}, {"token": "ok", "logprob": -4.0}, {"token": "approve", "logprob": -2.5}]}]}}});
    let step = read(&record).steps.remove(1);
    assert_eq!(
        step.text,
        "\"deny\" -0.1000 (90.48 %), runner-up \"approve\" -2.5000 (8.21 %): margin 2.4000"
    );
    assert!((step.details["margin"].as_f64().unwrap() - 2.4).abs() < 1e-12);

    let long: Vec<Value> = (0..9)
        .map(|place| {
            json!({"token": format!("t{place}"), "logprob": -0.1 * f64::from(place),
            "top_logprobs": [{"token": "other", "logprob": -1.0}]})
        })
        .collect();
    let record = json!({"input": {"prompt": "?"}, "output": {"logprobs": {"content": long}}});
    let step = read(&record).steps.remove(1);
    assert!(
        step.text
            .starts_with("9 tokens, -0.400 each on average; the least certain: \"t8\""),
        "{}",
        step.text
    );
}

#[test]
fn a_decision_on_a_table_is_no_conversation() {
    for record in [
        json!({"input": {"age": 30, "text": "note", "system": "S1", "reason": "x", "documents": ["payslip"]},
            "output": {"p": 0.3, "reason": "too high", "scores": [1, 2]}, "parameters": {"temperature": 21.5, "seed": 1}}),
        json!({"input": null, "output": "approved"}),
        json!({"input": {"role": "manager", "type": "function"}}),
        json!([]),
    ] {
        assert!(conversation(&record).content().is_none(), "{record}");
    }
}

#[test]
fn a_long_text_is_kept_whole_and_a_large_record_is_bounded() {
    let long = "x".repeat(300_000);
    let record = json!({"input": {"messages": [{"role": "user", "content": long}]}});
    assert_eq!(read(&record).steps[0].text.len(), 300_000);

    let many: Vec<Value> = (0..5_000)
        .map(|_| json!({"role": "user", "content": "x"}))
        .collect();
    let record = json!({"input": {"messages": many}});
    let Block::Present { content, notes, .. } = conversation(&record) else {
        panic!("absent");
    };
    assert_eq!(content.steps.len(), 2_000);
    assert!(notes[0].starts_with("3000 further parts"), "{notes:?}");

    let mut deep = json!({"role": "user", "content": "x"});
    for _ in 0..100 {
        deep = json!({"content": [deep], "role": "user"});
    }
    let _ = conversation(&json!({"input": deep}));
}

/// Any JSON, with the names that are looked for at every level.
fn any_json() -> impl Strategy<Value = Value> {
    let names = "role|type|content|parts|text|messages|tool_calls|function|name|arguments|logprobs|token|top_logprobs|logprob|steps|\
                 action|output|input|system|prompt|usage|model|choices|sources|judge|guardrails|functionCall|reasoningContent|summary|\
                 gen_ai.input.messages|chosenCandidates|topCandidates|thought|refusal|results";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(|it| json!(it)),
        any::<String>().prop_map(Value::from),
        "user|assistant|tool|system|reasoning|function_call|tool_result|thinking|file_search_call"
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 96, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_record_holds_it_is_read(input in any_json(), output in any_json(), context in any_json()) {
        let record = json!({"input": input, "output": output, "context": context, "parameters": context});
        let block = conversation(&record);
        let text = serde_json::to_string(&block).unwrap();
        let again: Block<Conversation> = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(again.content().is_some(), block.content().is_some());
    }
}
