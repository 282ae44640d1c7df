//! What each reader is shown, and that what is left out is listed.

use causebook_why::page::{Audience, Words, html, redact};
use causebook_why::{Block, StageKind, Verdict, Why};

use crate::examples::{all, by_language_model, credit, words};

const WITH_THRESHOLDS: Audience = Audience::Subject { thresholds: true };

fn json(why: &Why) -> String {
    serde_json::to_string(why).unwrap()
}

#[test]
fn an_authority_is_shown_everything() {
    for (_, why) in all() {
        assert_eq!(redact(&why, Audience::Authority), why);
    }
}

#[test]
fn a_subject_is_told_nothing_of_other_persons() {
    let mut why = credit();
    if let Block::Present { content, .. } = &mut why.counterfactuals {
        content.found.clear();
    }
    let shown = json(&redact(&why, Audience::SUBJECT));
    let page = html(&why, Audience::SUBJECT, &words());
    for secret in [
        "GC-0688",
        "GC-0811",
        "A14",
        "A192",
        "A41",
        "j.doe",
        "counsel",
        "service:loan-desk",
        "loans-api",
    ] {
        assert!(json(&why).contains(secret), "{secret} is in the example");
        assert!(!shown.contains(secret), "{secret} is shown");
        assert!(!page.contains(secret), "{secret} is on the page");
    }
    assert!(page.contains("11 Approved, 39 Denied"));
}

#[test]
fn a_subject_is_told_what_was_used_how_it_counted_and_what_would_have_changed_the_result() {
    let page = html(&credit(), Audience::SUBJECT, &words());
    for told in [
        "Denied",
        "It was made automatically, without a person.",
        "Status of existing checking account",
        "delay in paying off in the past",
        "+0.712",
        "core banking, 2026-06-19",
        "21 months",
        "it is not advice, and not a cause",
        "A person (senior underwriter) overrode the decision",
        "Write to appeals@bank.example within 60 days",
        "credit-risk 1.0.0",
        "sha256:a2740f34facc266ebb72db2f00397e412034ea2912795005cc05856d86b9ec11",
    ] {
        assert!(page.contains(told), "{told}");
    }
}

#[test]
fn thresholds_and_what_would_tell_them_are_shown_to_a_subject_only_where_the_owner_wants_it() {
    let told = [
        "0.3981",
        "0.3712",
        "0.24188",
        "thresholds\":{",
        "\"threshold\":",
    ];
    let usual = json(&redact(&credit(), Audience::SUBJECT));
    let open = json(&redact(&credit(), WITH_THRESHOLDS));
    for secret in told {
        assert!(!usual.contains(secret), "{secret}");
        assert!(open.contains(secret), "{secret}");
    }
    assert!(html(&credit(), WITH_THRESHOLDS, &words()).contains("above the threshold of 0.5"));
}

#[test]
fn a_threshold_that_only_a_note_names_is_not_shown_either() {
    let mut why = credit();
    if let Block::Present { notes, .. } = &mut why.outcome {
        notes.push("The record names a threshold of 0.4321.".to_owned());
    }
    let usual = redact(&why, Audience::SUBJECT);
    assert!(!json(&usual).contains("0.4321"));
    assert!(usual.withheld[0].what.contains("thresholds"));
    assert!(json(&redact(&why, WITH_THRESHOLDS)).contains("0.4321"));
}

#[test]
fn numbers_of_a_mismatch_are_not_told_in_words_either() {
    let mut why = credit();
    if let Block::Present { content, .. } = &mut why.replay {
        content.verdict = Verdict::Mismatch;
        content.why =
            Some("/score is recorded as 0.9876, the registered model gives 0.8765".to_owned());
    }
    let shown = redact(&why, Audience::SUBJECT);
    assert!(!json(&shown).contains("0.9876"));
    assert_eq!(shown.replay.content().unwrap().verdict, Verdict::Mismatch);
    if let Block::Present { content, .. } = &mut why.replay {
        content.verdict = Verdict::NotReplayable;
        content.why = Some("the model is not registered".to_owned());
    }
    assert!(json(&redact(&why, Audience::SUBJECT)).contains("the model is not registered"));
}

#[test]
fn a_person_who_decided_is_not_named_and_a_rule_is() {
    let mut why = credit();
    if let Block::Present { content, .. } = &mut why.acts {
        content.clear();
    }
    let decided_by = |why: &mut Why, kind| {
        if let Block::Present { content, .. } = &mut why.outcome {
            (content.stage.kind, content.stage.name) = (kind, Some("Thea Blum".to_owned()));
        }
        if let Block::Present { content, .. } = &mut why.reasons {
            (content.stage.kind, content.stage.name) = (kind, Some("Thea Blum".to_owned()));
        }
    };
    decided_by(&mut why, StageKind::Judgement);
    let shown = redact(&why, Audience::SUBJECT);
    assert!(!json(&shown).contains("Thea Blum"));
    assert!(
        shown
            .withheld
            .iter()
            .any(|it| it.what == "Names of those who acted")
    );
    decided_by(&mut why, StageKind::Policy);
    assert!(json(&redact(&why, Audience::SUBJECT)).contains("Thea Blum"));
}

#[test]
fn a_legal_hold_is_not_given_away_by_what_is_listed() {
    let with = redact(&credit(), Audience::SUBJECT);
    let mut why = credit();
    if let Block::Present { content, .. } = &mut why.acts {
        content.retain(|act| act.kind != "hold");
    }
    assert_eq!(redact(&why, Audience::SUBJECT), with);
    assert!(!json(&with).contains("inquiry 7"));
}

#[test]
fn of_a_conversation_a_subject_sees_messages_and_tools_but_no_instructions_and_no_account_of_the_models_own()
 {
    let shown = json(&redact(&by_language_model(), Audience::SUBJECT));
    for told in ["My luggage came", "flight_status", "policy-12#3"] {
        assert!(shown.contains(told), "{told}");
    }
    for secret in [
        "You decide travel claims",
        "Delays under four hours",
        "less than four",
        "cites the clause",
    ] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn redacting_twice_is_redacting_once() {
    for (_, why) in all() {
        for audience in [Audience::SUBJECT, WITH_THRESHOLDS, Audience::Authority] {
            let once = redact(&why, audience);
            assert_eq!(redact(&once, audience), once);
        }
    }
}

#[test]
fn everything_that_was_left_out_is_listed_with_its_reason_on_the_page() {
    for (_, why) in all() {
        let answer = redact(&why, Audience::SUBJECT);
        let page = html(&why, Audience::SUBJECT, &Words::default());
        for part in &answer.withheld {
            let escaped = |text: &str| text.replace('\'', "&#39;");
            assert!(page.contains(&escaped(&part.what)) && page.contains(&escaped(&part.why)));
        }
    }
    assert_eq!(redact(&credit(), Audience::SUBJECT).withheld.len(), 7);
}

#[test]
fn the_pages_account_of_the_model_stands_under_its_warning() {
    let page = html(&by_language_model(), Audience::Authority, &words());
    let (_, after) = page
        .split_once("the model&#39;s own account (not verified)")
        .unwrap();
    let (heading, rest) = after.split_once("<blockquote>").unwrap();
    assert_eq!(heading.trim(), "</h3>");
    assert!(rest.starts_with("Two hours is less than four"));
}
