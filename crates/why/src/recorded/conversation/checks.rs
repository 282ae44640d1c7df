//! What was retrieved, how sure the model was, and what judges and guardrails said.

use serde_json::{Map, Value as Json, json};

use crate::document::Step;
use crate::recorded::conversation::walk::{Walk, plain_name};
use crate::recorded::conversation::{first, first_text, step, text_of};

/// Lists of retrieved texts.
const RETRIEVED: [&str; 11] = [
    "retrieved",
    "retrieval",
    "retrieved_chunks",
    "retrieved_documents",
    "retrieval_documents",
    "documents",
    "chunks",
    "contexts",
    "passages",
    "sources",
    "search_results",
];
/// Verdicts of other models or of people on the answer.
const JUDGES: [&str; 8] = [
    "judge",
    "judges",
    "judge_scores",
    "evaluation",
    "evaluations",
    "evals",
    "evaluation_result",
    "scores",
];
/// Verdicts of filters.
const GUARDRAILS: [&str; 7] = [
    "guardrail",
    "guardrails",
    "moderation",
    "safety_ratings",
    "content_filter_results",
    "prompt_filter_results",
    "policy_checks",
];
/// An answer of more tokens is no label: only its least certain token is shown.
const LABEL_TOKENS_MAX: usize = 4;

impl Walk {
    /// Takes a member that says something about the answer; false if it is none.
    pub(super) fn check(&mut self, name: &str, value: &Json) -> bool {
        if RETRIEVED.contains(&name) && value.is_array() {
            self.retrieved_in(value);
        } else if matches!(name, "logprobs" | "logprobs_result") && !value.is_null() {
            self.log_probabilities_in(value);
        } else if JUDGES.contains(&name) && (value.is_array() || value.is_object()) {
            verdicts("judge", value, &mut self.checks);
        } else if GUARDRAILS.contains(&name) && !value.is_null() {
            verdicts("guardrail", value, &mut self.checks);
        } else {
            return false;
        }
        true
    }

    pub(super) fn retrieved_in(&mut self, value: &Json) {
        let elements = value.as_array().map_or(&[][..], Vec::as_slice);
        for (place, element) in elements.iter().enumerate() {
            match element {
                Json::String(text) => {
                    let mut said = step("retrieved", None, text.clone());
                    said.details.insert("rank".to_owned(), json!(place + 1));
                    self.retrieved.push(said);
                }
                Json::Object(object) => self.retrieved.push(chunk(object, place + 1)),
                _ => {}
            }
        }
    }

    fn log_probabilities_in(&mut self, value: &Json) {
        let tokens = tokens(value);
        if tokens.len() <= LABEL_TOKENS_MAX {
            let said = tokens.iter().map(|token| token.step("log_probability"));
            self.log_probabilities.extend(said);
            return;
        }
        let sum: f64 = tokens.iter().map(|token| token.logprob).sum();
        let least = tokens
            .iter()
            .min_by(|a, b| a.margin().total_cmp(&b.margin()));
        if let Some(least) = least {
            let mut said = least.step("log_probability");
            said.text = format!(
                "{} tokens, {:.3} each on average; the least certain: {}",
                tokens.len(),
                sum / tokens.len() as f64,
                said.text
            );
            self.log_probabilities.push(said);
        }
    }
}

/// A retrieved text with where it is from and how it ranked.
fn chunk(object: &Map<String, Json>, place: usize) -> Step {
    let text = first(
        object,
        &[
            "text",
            "content",
            "page_content",
            "chunk",
            "passage",
            "snippet",
            "body",
        ],
    );
    let id = ["id", "chunk_id", "document_id", "doc_id", "file_id", "_id"];
    let source = ["source", "url", "uri", "path", "title", "filename"];
    let who = first_text(object, &id).or_else(|| first_text(object, &source));
    let mut said = step("retrieved", who, text.map(text_of).unwrap_or_default());
    let mut detail = |name: &str, value: Option<&Json>| {
        if let Some(value) = value {
            said.details.insert(name.to_owned(), value.clone());
        }
    };
    detail("id", first(object, &id));
    detail("source", first(object, &source));
    detail(
        "score",
        first(
            object,
            &["score", "similarity", "relevance_score", "relevance"],
        ),
    );
    detail("distance", first(object, &["distance"]));
    detail("digest", first(object, &["digest", "hash", "sha256"]));
    let rank = json!(place);
    detail("rank", first(object, &["rank", "position"]).or(Some(&rank)));
    said
}

/// A token of the answer, how probable it was, and what came second.
struct Token {
    text: String,
    logprob: f64,
    runner_up: Option<(String, f64)>,
}

impl Token {
    fn margin(&self) -> f64 {
        self.runner_up
            .as_ref()
            .map_or(f64::INFINITY, |(_, second)| self.logprob - second)
    }

    fn step(&self, kind: &str) -> Step {
        let share = |logprob: f64| format!("{:.2} %", logprob.exp() * 100.0);
        let first = format!(
            "\"{}\" {:.4} ({})",
            self.text,
            self.logprob,
            share(self.logprob)
        );
        let mut said = step(kind, None, first);
        said.details.insert("token".to_owned(), json!(self.text));
        said.details
            .insert("logprob".to_owned(), json!(self.logprob));
        if let Some((text, second)) = &self.runner_up {
            said.text = format!(
                "{}, runner-up \"{text}\" {second:.4} ({}): margin {:.4}",
                said.text,
                share(*second),
                self.margin()
            );
            said.details.insert("runner_up".to_owned(), json!(text));
            said.details
                .insert("runner_up_logprob".to_owned(), json!(second));
            said.details
                .insert("margin".to_owned(), json!(self.margin()));
        }
        said
    }
}

/// Tokens with their log-probabilities, in the forms of `OpenAI` and Gemini.
fn tokens(value: &Json) -> Vec<Token> {
    if let Some(Json::Array(chosen)) = value.get("chosenCandidates") {
        let all = value.get("topCandidates").and_then(Json::as_array);
        let others = |place: usize| {
            let top = all.and_then(|it| it.get(place)?.get("candidates")?.as_array());
            top.map_or(&[][..], Vec::as_slice)
        };
        let numbered = chosen.iter().enumerate();
        return numbered
            .filter_map(|(place, one)| token(one, others(place)))
            .collect();
    }
    let listed = value.get("content").unwrap_or(value).as_array();
    let listed = listed.map_or(&[][..], Vec::as_slice);
    listed
        .iter()
        .filter_map(|one| {
            let others = one.get("top_logprobs").and_then(Json::as_array);
            token(one, others.map_or(&[][..], Vec::as_slice))
        })
        .collect()
}

fn token(one: &Json, others: &[Json]) -> Option<Token> {
    let (text, logprob) = weighed(one)?;
    let runner_up = others
        .iter()
        .filter_map(weighed)
        .filter(|(other, _)| *other != text)
        .max_by(|a, b| a.1.total_cmp(&b.1));
    Some(Token {
        text,
        logprob,
        runner_up,
    })
}

fn weighed(one: &Json) -> Option<(String, f64)> {
    let object = one.as_object()?;
    let text = first_text(object, &["token", "text"])?;
    let logprob = first(object, &["logprob", "logProbability", "log_probability"])?;
    Some((
        text.to_owned(),
        logprob.as_f64().filter(|it| it.is_finite())?,
    ))
}

/// Verdicts under their names: a list of objects, an object of verdicts, or one verdict.
fn verdicts(kind: &str, value: &Json, found: &mut Vec<Step>) {
    match value {
        Json::Array(elements) => {
            for element in elements {
                match element {
                    Json::Object(object) => found.push(verdict(kind, None, object)),
                    other => found.push(step(kind, None, text_of(other))),
                }
            }
        }
        Json::Object(object) if is_verdict(object) => found.push(verdict(kind, None, object)),
        Json::Object(object) => {
            for (name, inner) in object {
                match inner {
                    Json::Object(inner) => found.push(verdict(kind, Some(name), inner)),
                    other => found.push(step(kind, Some(name), text_of(other))),
                }
            }
        }
        other => found.push(step(kind, None, text_of(other))),
    }
}

const VERDICT: [&str; 12] = [
    "score",
    "value",
    "passed",
    "result",
    "verdict",
    "label",
    "action",
    "flagged",
    "blocked",
    "probability",
    "severity",
    "triggered",
];
const COMMENT: [&str; 5] = ["explanation", "reasoning", "comment", "reason", "message"];
const NAME: [&str; 5] = ["name", "category", "metric", "key", "id"];

fn is_verdict(object: &Map<String, Json>) -> bool {
    VERDICT
        .iter()
        .any(|name| object.get(*name).is_some_and(|value| !value.is_object()))
}

fn verdict(kind: &str, name: Option<&str>, object: &Map<String, Json>) -> Step {
    let who = name.or_else(|| first_text(object, &NAME));
    let mut said: Vec<String> = VERDICT
        .iter()
        .filter_map(|name| Some(format!("{name} {}", text_of(object.get(*name)?))))
        .collect();
    said.extend(first_text(object, &COMMENT).map(str::to_owned));
    let mut result = step(kind, who, said.join(", "));
    let told =
        |name: &str| VERDICT.contains(&name) || COMMENT.contains(&name) || NAME.contains(&name);
    for (name, value) in object.iter().filter(|(name, _)| !told(name)) {
        result.details.insert(plain_name(name), value.clone());
    }
    result
}
