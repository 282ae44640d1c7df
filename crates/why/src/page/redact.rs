//! What a reader is shown. The authority sees everything; the person whom a decision is about sees what it was made of and how
//! that counted, and neither other people's data nor what would give the model away. Whatever is left out is listed.

use std::collections::BTreeMap;

use crate::document::{
    Act, Attributions, Block, Contrast, Conversation, Counterfactuals, Outcome, Provenance, Replay,
    Stage, StageKind, Verdict, Why, Withheld,
};

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The person whom the decision is about.
    Subject {
        /// Thresholds are shown, and what would tell them: margins, and scores of changes found.
        thresholds: bool,
    },
    /// An auditor, a supervisor or a court.
    Authority,
}

impl Audience {
    /// The subject, by the usual rules: thresholds are not shown.
    pub const SUBJECT: Audience = Audience::Subject { thresholds: false };
}

/// Kinds of acts that a subject is not told of: a legal hold can be part of an investigation that must not be given away.
const ACTS_KEPT_BACK: [&str; 2] = ["hold", "access"];
/// Members of provenance that are shown to a subject.
const PROVENANCE_SHOWN: [&str; 4] = ["model", "data", "automation", "recorded"];
/// Kinds of steps of which a subject sees everything.
const STEPS_SHOWN: [&str; 3] = ["message", "tool_call", "tool_result"];

const SECRET: &str =
    "It may be a trade secret. An authority or a court can ask for it and weigh that.";
const OTHERS: &str = "It is about other persons.";

/// The answer for this audience. What was left out stands in `withheld`, after what stood there already. The same for an
/// answer that has been redacted for the audience before.
#[must_use]
pub fn redact(why: &Why, audience: Audience) -> Why {
    let mut answer = why.clone();
    if let Audience::Subject { thresholds } = audience {
        for part in for_subject(&mut answer, thresholds) {
            if !answer.withheld.contains(&part) {
                answer.withheld.push(part);
            }
        }
    }
    answer
}

fn for_subject(answer: &mut Why, thresholds: bool) -> Vec<Withheld> {
    let mut withheld = Vec::new();
    let mut note = |was_there: bool, what: &str, why: &str| {
        if was_there {
            withheld.push(Withheld {
                what: what.to_owned(),
                why: why.to_owned(),
            });
        }
    };
    if !thresholds {
        let noted = without_notes(&mut answer.outcome);
        let outcome = change(&mut answer.outcome, without_threshold) || noted;
        let found = change(&mut answer.counterfactuals, without_scores);
        note(
            outcome || found,
            "The thresholds of the score, and what would tell them: the margin, and the scores of the changes found",
            SECRET,
        );
    }
    note(
        change(&mut answer.replay, without_numbers),
        "The model's raw numbers, recorded and recomputed",
        SECRET,
    );
    let mut had_digest = false;
    for block in &mut answer.attributions {
        had_digest |= change(block, without_digest);
    }
    note(had_digest, "Which records the baseline was made of", OTHERS);
    let near = change(&mut answer.counterfactuals, without_history);
    let neighbours = change(&mut answer.contrast, without_neighbours);
    note(
        near || neighbours,
        "The similar decisions themselves, and how near they are: only how they came out is shown",
        OTHERS,
    );
    note(
        change(&mut answer.conversation, without_instructions),
        "Instructions to the language model, texts of retrieved documents, the model's account of itself, and checks of its answers",
        "They may be trade secrets or about other persons, or say nothing of why the decision was made.",
    );
    note(
        change(&mut answer.provenance, |it| without_inner(it, thresholds)),
        "Parameters, circumstances and who ran the system",
        SECRET,
    );
    // Before the names: that a hold names somebody must not tell that there is one.
    change(&mut answer.acts, without_inner_acts);
    let decided = change(&mut answer.outcome, |it| without_person(&mut it.stage));
    let reasoned = change(&mut answer.reasons, |it| without_person(&mut it.stage));
    let acted = change(&mut answer.acts, without_names);
    note(
        decided || reasoned || acted,
        "Names of those who acted",
        "They are employees. What they did, and in which role, is shown.",
    );
    note(
        true,
        "Legal holds and accesses to the record, if there are any",
        "They are not about how the decision was made, and may be part of an investigation.",
    );
    withheld
}

/// Changes a block that is there; whether anything was left out.
fn change<T: PartialEq + Clone>(block: &mut Block<T>, leave_out: impl FnOnce(&mut T)) -> bool {
    let Block::Present { content, .. } = block else {
        return false;
    };
    let before = content.clone();
    leave_out(content);
    *content != before
}

/// Notes of an outcome hold its score and decision against thresholds, and may name them; whether there were any.
fn without_notes(outcome: &mut Block<Outcome>) -> bool {
    match outcome {
        Block::Present { notes, .. } => !std::mem::take(notes).is_empty(),
        Block::Absent { .. } => false,
    }
}

fn without_threshold(outcome: &mut Outcome) {
    outcome.threshold = None;
    outcome.margin = None;
}

fn without_scores(found: &mut Counterfactuals) {
    for one in &mut found.found {
        one.score = None;
    }
}

fn without_history(found: &mut Counterfactuals) {
    for one in &mut found.found {
        one.distance_to_history = None;
    }
}

fn without_numbers(replay: &mut Replay) {
    replay.compared.clear();
    // What differs is said with both numbers; why nothing could be run is said without any.
    if replay.verdict != Verdict::NotReplayable {
        replay.why = None;
    }
}

/// A rule keeps its name: it is what decided. A person is an employee.
fn without_person(stage: &mut Stage) {
    if stage.kind == StageKind::Judgement {
        stage.name = None;
    }
}

fn without_digest(attributions: &mut Attributions) {
    if let Some(baseline) = &mut attributions.baseline {
        baseline.digest = None;
    }
}

/// Values of other decisions would be other people's data, so that only the counts are left.
fn without_neighbours(contrast: &mut Contrast) {
    contrast.opposite.clear();
    contrast.same.clear();
}

fn without_instructions(conversation: &mut Conversation) {
    conversation.steps.retain(|step| {
        let instructs = matches!(step.who.as_deref(), Some("system" | "developer"));
        let shown = STEPS_SHOWN.contains(&step.kind.as_str()) || step.kind == "retrieved";
        shown && !instructs && !step.own_account
    });
    for step in &mut conversation.steps {
        if step.kind == "retrieved" {
            step.text.clear();
            step.details
                .retain(|name, _| matches!(name.as_str(), "id" | "source" | "title" | "rank"));
        }
    }
}

fn without_inner(provenance: &mut Provenance, thresholds: bool) {
    let members = std::mem::take(&mut provenance.members);
    let mut shown: BTreeMap<_, _> = members
        .into_iter()
        .filter(|(name, _)| {
            PROVENANCE_SHOWN.contains(&name.as_str()) || (thresholds && name == "parameters")
        })
        .collect();
    if let Some(recorded) = shown.get_mut("recorded").and_then(|it| it.as_object_mut()) {
        recorded.retain(|name, _| name == "at");
    }
    provenance.members = shown;
}

fn without_names(acts: &mut Vec<Act>) {
    for act in acts {
        act.who = None;
    }
}

fn without_inner_acts(acts: &mut Vec<Act>) {
    acts.retain(|act| !ACTS_KEPT_BACK.contains(&act.kind.as_str()));
}
