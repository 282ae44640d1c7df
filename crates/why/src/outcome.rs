//! What came out of a decision, by what margin, and what decided: the score against its policy, a rule, or a person.

use serde_json::Value as Json;

use crate::document::{Basis, Block, Outcome, Stage, StageKind};
use crate::fields::{json_at, scalar_at};
use crate::registration::{Policy, Registration};

/// Scores that are no further apart may fall on either side of a threshold by rounding alone.
pub(crate) const PROBABILITY_TOLERANCE: f64 = 1e-6;

/// What people did about a decision that put another in force: its `review` record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
    /// The decision that it put in force.
    pub after: String,
}

impl Override {
    /// From a `review` record's canonical text; none if it changed nothing.
    pub fn from_review(record: &str) -> Option<Override> {
        let review = json_at(record, "/review")?;
        let word = |name: &str| Some(review.get(name)?.as_str()?.to_owned());
        matches!(word("action")?.as_str(), "override" | "reverse").then_some(())?;
        Some(Override {
            who: word("who")?,
            reason: word("reason")?,
            after: word("after")?,
        })
    }
}

/// Towards which scores a decision becomes an adverse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adverse {
    /// Higher scores are worse for the subject.
    Above,
    /// Lower scores are.
    Below,
}

impl Policy {
    /// The decision for a score; none for a score that is no number.
    pub fn decide(&self, score: f64) -> Option<&str> {
        let band = self.bands.get(self.band(score)?)?;
        Some(&band.decision)
    }

    /// Whether a decision is adverse to the subject.
    pub fn is_adverse(&self, decision: &str) -> bool {
        self.adverse.iter().any(|adverse| adverse == decision)
    }

    /// Ends of the bands: the scores from which on another decision is made.
    pub fn thresholds(&self) -> impl Iterator<Item = f64> {
        self.bands.iter().filter_map(|band| band.below)
    }

    /// The thresholds between a decision that is adverse and one that is not.
    pub fn cutoffs(&self) -> Vec<f64> {
        let pairs = self.bands.windows(2);
        let between = pairs.filter_map(|pair| match pair {
            [one, other] if self.is_adverse(&one.decision) != self.is_adverse(&other.decision) => {
                one.below
            }
            _ => None,
        });
        between.collect()
    }

    /// The threshold that a score is told against: of an adverse decision the nearest beyond which it would not be
    /// adverse; otherwise the nearest.
    pub fn threshold(&self, score: f64) -> Option<f64> {
        let band = self.band(score)?;
        match self.way_out(band, score) {
            Some((_, threshold)) => Some(threshold),
            None => nearest(self.thresholds(), score),
        }
    }

    /// The direction in which a score is adverse: for one in an adverse band away from the nearest better band, for one
    /// in a better band towards the nearest adverse one. None if there are not both kinds.
    pub fn adverse_direction(&self, score: f64) -> Option<Adverse> {
        let band = self.band(score)?;
        if let Some((direction, _)) = self.way_out(band, score) {
            return Some(direction);
        }
        let (above, below) = self.beyond(band, true);
        match nearer(above, below, score)? {
            (true, _) => Some(Adverse::Above),
            (false, _) => Some(Adverse::Below),
        }
    }

    fn band(&self, score: f64) -> Option<usize> {
        if score.is_nan() {
            return None;
        }
        let mut bands = self.bands.iter();
        bands.position(|band| band.below.is_none_or(|end| score < end))
    }

    /// From an adverse band: where scores are adverse, and the threshold of the nearest band that is not.
    fn way_out(&self, band: usize, score: f64) -> Option<(Adverse, f64)> {
        if !self.is_adverse(&self.bands.get(band)?.decision) {
            return None;
        }
        let (above, below) = self.beyond(band, false);
        match nearer(above, below, score)? {
            (true, threshold) => Some((Adverse::Below, threshold)),
            (false, threshold) => Some((Adverse::Above, threshold)),
        }
    }

    /// The thresholds above and below a band from which on decisions are adverse, or are not.
    fn beyond(&self, band: usize, adverse: bool) -> (Option<f64>, Option<f64>) {
        let is = |nth: usize| {
            self.bands
                .get(nth)
                .is_some_and(|band| self.is_adverse(&band.decision) == adverse)
        };
        let end = |nth: usize| self.bands.get(nth).and_then(|band| band.below);
        let above = (band + 1..self.bands.len()).find(|nth| is(*nth));
        let below = (0..band).rev().find(|nth| is(*nth));
        (
            above.and_then(|nth| end(nth.checked_sub(1)?)),
            below.and_then(end),
        )
    }
}

/// The nearer of two thresholds, and whether it is the one above.
fn nearer(above: Option<f64>, below: Option<f64>, score: f64) -> Option<(bool, f64)> {
    match (above, below) {
        (Some(above), Some(below)) if above - score < score - below => Some((true, above)),
        (_, Some(below)) => Some((false, below)),
        (Some(above), None) => Some((true, above)),
        (None, None) => None,
    }
}

fn nearest(thresholds: impl Iterator<Item = f64>, score: f64) -> Option<f64> {
    thresholds.min_by(|a, b| (a - score).abs().total_cmp(&(b - score).abs()))
}

/// The outcome of a decision. `review` is the last one that put another decision in force.
pub fn outcome(
    record: &str,
    registration: Option<&Registration>,
    review: Option<&Override>,
) -> Block<Outcome> {
    let output = registration.map(|it| it.output.clone()).unwrap_or_default();
    let policy = registration.and_then(|it| it.policy.as_ref());
    let decision = scalar_at(record, output.decision_at()).map(|it| it.word());
    let decision = decision.filter(|it| !it.is_empty());
    let score = scalar_at(record, output.score_at()).and_then(|it| it.number());
    if decision.is_none() && score.is_none() && json_at(record, "/output").is_none() {
        return Block::absent("neither decision, score nor output was recorded");
    }
    let recorded = recorded_thresholds(record);
    let threshold = score.and_then(|score| match policy {
        Some(policy) => policy.threshold(score),
        None => nearest(recorded.iter().copied(), score),
    });
    let stage = stage(record, registration, review);
    let mut notes = Vec::new();
    if let Some(policy) = policy {
        let in_force: Vec<f64> = policy.thresholds().collect();
        for threshold in recorded.iter().filter(|it| !in_force.contains(it)) {
            notes.push(format!(
                "The record names a threshold of {threshold}, which the registered policy does not have."
            ));
        }
        if stage.kind == StageKind::Unknown
            && let (Some(said), Some(by_score)) =
                (&decision, score.and_then(|it| policy.decide(it)))
        {
            notes.push(format!(
                "The decision is {said:?}, and by the registered policy the score gives {by_score:?}: what decided is not on \
                 record."
            ));
        }
    }
    let in_force = review.map(|review| review.after.clone());
    let judged = in_force.as_deref().or(decision.as_deref());
    let content = Outcome {
        adverse: policy.zip(judged).map(|(policy, it)| policy.is_adverse(it)),
        margin: score
            .zip(threshold)
            .map(|(score, it)| difference(score, it)),
        decision,
        in_force,
        score,
        threshold,
        stage,
    };
    Block::Present {
        basis: Basis::Recorded,
        content,
        notes,
    }
}

/// The stage that decided. A score did only if the policy says so of it, a recorded threshold at least being there.
pub fn stage(
    record: &str,
    registration: Option<&Registration>,
    review: Option<&Override>,
) -> Stage {
    let policy = registration.and_then(|it| it.policy.as_ref());
    let named = |kind, name: &str| Stage {
        kind,
        name: Some(name.to_owned()),
    };
    if let Some(review) = review {
        return named(StageKind::Judgement, &review.who);
    }
    let rules = rules(record, policy);
    if !rules.is_empty() {
        return named(StageKind::Policy, &rules.join(", "));
    }
    if json_at(record, "/automation").is_some_and(|it| it == "human") {
        let who = scalar_at(record, "/actor").or_else(|| scalar_at(record, "/actor/name"));
        return Stage {
            kind: StageKind::Judgement,
            name: who.map(|it| it.word()),
        };
    }
    let output = registration.map(|it| it.output.clone()).unwrap_or_default();
    let score = scalar_at(record, output.score_at()).and_then(|it| it.number());
    let decision = scalar_at(record, output.decision_at()).map(|it| it.word());
    let by_score = match (policy, score, decision) {
        (Some(policy), Some(score), Some(decision)) => {
            policy.decide(score) == Some(&decision) || near_tie(policy, score, &decision)
        }
        (None, Some(_), Some(_)) => !recorded_thresholds(record).is_empty(),
        _ => false,
    };
    Stage {
        kind: if by_score {
            StageKind::Score
        } else {
            StageKind::Unknown
        },
        name: None,
    }
}

/// Names of the policy rules that decided, as recorded.
pub fn rules(record: &str, policy: Option<&Policy>) -> Vec<String> {
    let recorded = policy
        .and_then(|policy| policy.rule.as_deref())
        .and_then(|pointer| json_at(record, pointer));
    let words = match recorded {
        Some(Json::Array(rules)) => rules,
        Some(rule) => vec![rule],
        None => Vec::new(),
    };
    let words = words.iter().filter_map(Json::as_str);
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether the score is so near to a threshold that rounding alone may have given this decision.
pub(crate) fn near_tie(policy: &Policy, score: f64, decision: &str) -> bool {
    let sides = [-PROBABILITY_TOLERANCE, PROBABILITY_TOLERANCE];
    sides
        .iter()
        .any(|step| policy.decide(score + step) == Some(decision))
}

/// Thresholds that stand among a decision's parameters: `threshold`, and the members of `thresholds`.
fn recorded_thresholds(record: &str) -> Vec<f64> {
    let one = scalar_at(record, "/parameters/threshold").and_then(|it| it.number());
    let several = json_at(record, "/parameters/thresholds");
    let several = several.as_ref().and_then(Json::as_object);
    let several = several.into_iter().flatten();
    let several = several.filter_map(|(_, it)| it.as_f64());
    one.into_iter().chain(several).collect()
}

/// The difference of two numbers by their decimal digits: 0.3 less 0.25 is 0.05.
fn difference(left: f64, right: f64) -> f64 {
    let digits = |number: f64| {
        let text = number.to_string();
        text.split_once('.').map_or(0, |(_, digits)| digits.len())
    };
    let places = digits(left).max(digits(right)).min(17);
    let exact = left - right;
    format!("{exact:.places$}").parse().unwrap_or(exact)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn registration() -> Registration {
        Registration::parse(&json!({"policy": {
            "bands": [
                {"below": 0.4, "decision": "approve"},
                {"below": 0.5, "decision": "refer"},
                {"decision": "deny"}
            ],
            "adverse": ["deny"],
            "rule": "/parameters/rule"
        }}))
        .unwrap()
    }

    fn content(record: &str, review: Option<&Override>) -> Outcome {
        let block = outcome(record, Some(&registration()), review);
        block.content().unwrap().clone()
    }

    #[test]
    fn a_score_on_a_threshold_belongs_to_the_band_above() {
        let policy = registration().policy.unwrap();
        let decided = |score| policy.decide(score);
        assert_eq!(decided(0.399), Some("approve"));
        assert_eq!(decided(0.4), Some("refer"));
        assert_eq!(decided(0.5), Some("deny"));
        assert_eq!(decided(f64::INFINITY), Some("deny"));
        assert_eq!(decided(f64::NAN), None);
    }

    #[test]
    fn the_margin_of_an_adverse_decision_is_to_the_nearest_better_one() {
        let denied = content(r#"{"decision":"deny","score":0.75}"#, None);
        assert_eq!(denied.threshold, Some(0.5));
        assert_eq!(denied.margin, Some(0.25));
        assert_eq!(denied.adverse, Some(true));
        assert_eq!(denied.stage.kind, StageKind::Score);
        let approved = content(r#"{"decision":"approve","score":0.25}"#, None);
        assert_eq!(approved.threshold, Some(0.4));
        assert_eq!(approved.margin, Some(-0.15));
        assert_eq!(approved.adverse, Some(false));
    }

    #[test]
    fn adverse_scores_may_be_high_low_or_both() {
        let policy = |bands: Json, adverse: Json| {
            let config = json!({"policy": {"bands": bands, "adverse": adverse}});
            Registration::parse(&config).unwrap().policy.unwrap()
        };
        let low = policy(
            json!([{"below": 600, "decision": "no"}, {"decision": "yes"}]),
            json!(["no"]),
        );
        assert_eq!(low.adverse_direction(500.0), Some(Adverse::Below));
        assert_eq!(low.adverse_direction(700.0), Some(Adverse::Below));
        let both = policy(
            json!([{"below": 1, "decision": "no"}, {"below": 2, "decision": "yes"}, {"decision": "no"}]),
            json!(["no"]),
        );
        assert_eq!(both.adverse_direction(0.0), Some(Adverse::Below));
        assert_eq!(both.adverse_direction(3.0), Some(Adverse::Above));
        assert_eq!(both.adverse_direction(1.9), Some(Adverse::Above));
        assert_eq!(both.threshold(0.0), Some(1.0));
        let none = policy(json!([{"decision": "yes"}]), json!([]));
        assert_eq!(none.adverse_direction(0.0), None);
    }

    #[test]
    fn a_rule_or_a_person_decides_before_the_score_does() {
        let rule = r#"{"decision":"deny","parameters":{"rule":"bankrupt"},"score":0.1}"#;
        let stage = content(rule, None).stage;
        assert_eq!(
            (stage.kind, stage.name.unwrap().as_str()),
            (StageKind::Policy, "bankrupt")
        );
        let rules = r#"{"decision":"deny","parameters":{"rule":["a","","b"]},"score":0.1}"#;
        assert_eq!(content(rules, None).stage.name.unwrap(), "a, b");
        let review = r#"{"review":{"action":"override","after":"deny","before":"approve","reason":"forged payslip","role":"underwriter","who":"j.doe"}}"#;
        let review = Override::from_review(review).unwrap();
        let judged = content(r#"{"decision":"approve","score":0.1}"#, Some(&review));
        assert_eq!(judged.stage.kind, StageKind::Judgement);
        assert_eq!(judged.in_force.as_deref(), Some("deny"));
        assert_eq!(judged.adverse, Some(true));
        let human = r#"{"actor":"j.doe","automation":"human","decision":"deny","score":0.9}"#;
        assert_eq!(content(human, None).stage.kind, StageKind::Judgement);
        assert_eq!(
            Override::from_review(
                r#"{"review":{"action":"confirm","reason":"x","role":"y","who":"z"}}"#
            ),
            None
        );
    }

    #[test]
    fn a_decision_that_the_score_does_not_give_was_decided_by_something_unknown() {
        let block = outcome(
            r#"{"decision":"deny","parameters":{"threshold":0.6},"score":0.1}"#,
            Some(&registration()),
            None,
        );
        let Block::Present { content, notes, .. } = block else {
            panic!("absent")
        };
        assert_eq!(content.stage.kind, StageKind::Unknown);
        assert_eq!(notes.len(), 2, "{notes:?}");
        let tie = content_of_tie();
        assert_eq!(tie.stage.kind, StageKind::Score);
    }

    fn content_of_tie() -> Outcome {
        content(r#"{"decision":"refer","score":0.5000000001}"#, None)
    }

    #[test]
    fn without_a_registration_the_recorded_threshold_counts() {
        let record = r#"{"decision":"no","parameters":{"threshold":0.3},"score":0.25}"#;
        let block = outcome(record, None, None);
        let content = block.content().unwrap();
        assert_eq!(content.margin, Some(-0.05));
        assert_eq!(content.adverse, None);
        assert_eq!(content.stage.kind, StageKind::Score);
        assert!(outcome(r#"{"input":{}}"#, None, None).content().is_none());
    }
}
