//! What surrounds a decision: conversation, provenance, what people did, proof, and what this reader is not shown.

use serde_json::Value as Json;

use crate::document::{Act, Basis, Block, Conversation, Step, Why};
use crate::page::compose::{Manner, OWN_ACCOUNT, first, section};
use crate::page::sheet::{Piece, Ranked, Said, Section, Tone};
use crate::page::words::{grouped, json, moment};

pub(super) fn conversation(why: &Why, manner: &Manner<'_>) -> Section {
    let title = manner.title("Conversation", "What was said to and by the language model");
    section("conversation", title, &why.conversation, |content| {
        conversation_pieces(content, manner)
    })
}

fn conversation_pieces(content: &Conversation, manner: &Manner<'_>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if !content.parameters.is_empty() {
        let pairs = content
            .parameters
            .iter()
            .map(|(name, value)| (name.clone(), short(&json(value))));
        pieces.push(Piece::Pairs(pairs.collect()));
    }
    let (shown, more) = first(&content.steps, manner.rows.max(12));
    pieces.extend(shown.iter().map(|step| Piece::Said(said(step, manner))));
    if more > 0 {
        pieces.push(Piece::More(more));
    }
    pieces
}

fn said(step: &Step, manner: &Manner<'_>) -> Said {
    let kind = step.kind.replace('_', " ");
    let heading = match (&step.who, step.kind.as_str()) {
        (_, "own_account") => OWN_ACCOUNT.to_owned(),
        (Some(who), "message") => who.clone(),
        (Some(who), _) => format!("{kind}: {who}"),
        (None, _) => kind,
    };
    let heading = if step.own_account && step.kind != "own_account" {
        format!("{heading}, {OWN_ACCOUNT}")
    } else {
        heading
    };
    let text: String = step.text.chars().take(manner.characters).collect();
    let cut = step
        .text
        .get(text.len()..)
        .unwrap_or_default()
        .chars()
        .count();
    // What the text says already is not said again.
    let is_told = |value: &Json| {
        step.kind == "log_probability"
            || value
                .as_str()
                .is_some_and(|it| Some(it) == step.who.as_deref())
    };
    let details = step
        .details
        .iter()
        .filter(|(_, value)| !is_told(value))
        .map(|(name, value)| (name.replace('_', " "), short(&json(value))));
    Said {
        heading,
        text,
        cut,
        details: details.collect(),
        own_account: step.own_account,
    }
}

/// At most as many characters as a detail may have.
fn short(text: &str) -> String {
    const MOST: usize = 300;
    let kept: String = text.chars().take(MOST).collect();
    match text.get(kept.len()..).unwrap_or_default().chars().count() {
        0 => kept,
        cut => format!("{kept} [{} more characters]", grouped(cut as u64)),
    }
}

pub(super) fn provenance(why: &Why, manner: &Manner<'_>) -> Section {
    let title = manner.title(
        "Provenance",
        "What was in force, and where things come from",
    );
    section("provenance", title, &why.provenance, |content| {
        let mut pieces: Vec<Piece> = content
            .warnings
            .iter()
            .map(|it| Piece::Mark(Tone::Warn, "warning".to_owned(), it.clone()))
            .collect();
        let mut pairs = Vec::new();
        if let Some(id) = &content.registered_by {
            pairs.push(("model registered by".to_owned(), id.clone()));
        }
        for (what, id) in &content.in_force {
            pairs.push((format!("{what} in force"), id.clone()));
        }
        for (name, value) in &content.members {
            leaves(name, value, &mut pairs);
        }
        let most = manner.rows.saturating_mul(3);
        let more = pairs.len().saturating_sub(most);
        pairs.truncate(most);
        pieces.push(Piece::Pairs(pairs));
        if more > 0 {
            pieces.push(Piece::More(more));
        }
        pieces
    })
}

/// The leaves of a value as dotted names and texts.
fn leaves(name: &str, value: &Json, pairs: &mut Vec<(String, String)>) {
    match value {
        Json::Object(members) if !members.is_empty() => {
            for (member, value) in members {
                leaves(&format!("{name}.{member}"), value, pairs);
            }
        }
        other => pairs.push((name.to_owned(), short(&json(other)))),
    }
}

/// The part that the machine had, in a sentence.
pub(super) fn automation(why: &Why) -> String {
    let members = why.provenance.content().map(|it| &it.members);
    let level = members.and_then(|it| it.get("automation")?.as_str());
    match level {
        Some("sole") => "It was made automatically, without a person.",
        Some("assisted") => "It was made with a person, helped by the model.",
        Some("human") => "It was made by a person.",
        _ => "Whether a person took part in making it is not on record.",
    }
    .to_owned()
}

pub(super) fn acts(why: &Why, manner: &Manner<'_>) -> Section {
    let title = manner.title(
        "People, and what came after",
        "What people did, and what came after",
    );
    section("acts", title, &why.acts, |content| {
        if content.is_empty() {
            return vec![Piece::Line("Nothing is on record.".to_owned())];
        }
        let (shown, more) = first(content, manner.rows);
        let mut pieces = vec![Piece::Ranked(shown.iter().map(act).collect())];
        if more > 0 {
            pieces.push(Piece::More(more));
        }
        pieces
    })
}

fn act(act: &Act) -> Ranked {
    let by = act.who.as_ref().map(|who| format!(", by {who}"));
    let id = if act.id.is_empty() {
        String::new()
    } else {
        format!(", {}", act.id)
    };
    Ranked {
        text: act.said.clone(),
        below: vec![format!(
            "{}, {}{}{id}",
            act.kind,
            moment(&act.time),
            by.unwrap_or_default()
        )],
        amount: None,
    }
}

/// How the subject may contest: in the words of the organisation, or in ours.
pub(super) fn contest(why: &Why, manner: &Manner<'_>) -> Section {
    let usual = "You may ask that a person looks at this decision again, say what you think of it, have wrong data \
                 corrected, and contest the result. Write to whoever sent you this page.";
    let words = manner.words.contest.as_deref().unwrap_or(usual);
    Section {
        id: "contest".to_owned(),
        title: "How to contest this decision".to_owned(),
        basis: None,
        absent: None,
        pieces: vec![
            Piece::Line(words.to_owned()),
            Piece::Pairs(vec![("Number to give".to_owned(), why.id.clone())]),
        ],
        notes: Vec::new(),
    }
}

pub(super) fn proof(why: &Why, manner: &Manner<'_>) -> Section {
    let title = manner.title("Proof", "How this can be proven");
    section("proof", title, &why.proof, |proof| {
        let mut pairs = Vec::new();
        if let Some(digest) = &proof.digest {
            pairs.push(("digest".to_owned(), digest.clone()));
        }
        pairs.push(("log".to_owned(), proof.origin.clone()));
        let head = proof.head.map_or_else(
            || "none yet: it is too new".to_owned(),
            |size| format!("of {} records", grouped(size)),
        );
        pairs.push(("signed head".to_owned(), head));
        vec![Piece::Pairs(pairs), Piece::Command(proof.command.clone())]
    })
}

/// What this reader is not shown; no section for a reader on a terminal who is shown everything.
pub(super) fn withheld(why: &Why, manner: &Manner<'_>) -> Option<Section> {
    if why.withheld.is_empty() {
        return None;
    }
    let ranked = why.withheld.iter().map(|it| Ranked {
        text: it.what.clone(),
        below: vec![it.why.clone()],
        amount: None,
    });
    let title = manner.title("Withheld", "What is not shown here, and why");
    Some(section(
        "withheld",
        title,
        &Block::new(Basis::Recorded, ()),
        |()| vec![Piece::Ranked(ranked.collect())],
    ))
    .map(|section| Section {
        basis: None,
        ..section
    })
}
