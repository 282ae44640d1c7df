//! Holding a recorded output against the recomputed one.
//!
//! The verdicts and their tolerances are those of `docs/replay.md`: a model's own library gives the same bits for the same
//! row; another engine, or another order of adding, differs in the last ones.

use causebook_model::{Model, ModelError, Prediction, Scale, Value};
use serde_json::{Value as Json, json};

use crate::document::{Compared, Replay, StageKind, Verdict};
use crate::fields::{Fields, Scalar, json_at, scalar_at};
use crate::outcome::{near_tie, stage};
use crate::registration::{Encoder, OutputNumber, Registration};

/// Probabilities that are no further apart are the same but for rounding.
const PROBABILITY: f64 = 1e-6;
/// Other numbers: this much, and as much of the recorded one.
const NUMBER: f64 = 1e-5;

/// A model that recorded decisions can be held against.
#[derive(Clone, Copy, Debug)]
pub struct Engine<'a> {
    /// The model.
    pub model: &'a Model,
    /// How its rows are made.
    pub encoder: &'a Encoder,
    /// Digest of its artefact.
    pub artefact: &'a str,
    /// Name and version of what runs it.
    pub name: &'a str,
}

/// A replay that could not be made, and why.
pub fn not_replayable(engine: &str, why: impl Into<String>) -> Replay {
    Replay {
        verdict: Verdict::NotReplayable,
        max_difference: None,
        tolerance: None,
        compared: Vec::new(),
        why: Some(why.into()),
        artefact: None,
        input: None,
        engine: engine.to_owned(),
    }
}

/// Runs a recorded decision again and compares the score, the decision, and every other number that the registration
/// says where to find.
pub fn replay(record: &str, registration: &Registration, engine: &Engine<'_>) -> Replay {
    let fields = registration.fields(record);
    match predict(&fields, engine) {
        Ok(prediction) => compare(record, registration, engine, &prediction),
        Err(why) => Replay {
            artefact: Some(engine.artefact.to_owned()),
            ..not_replayable(engine.name, why)
        },
    }
}

/// The number that a registration means, of a prediction.
///
/// # Errors
/// In words, if the model does not give that number.
pub fn number(prediction: &Prediction, wanted: &OutputNumber) -> Result<f64, String> {
    let numbers = if wanted.margin {
        &prediction.margins
    } else {
        &prediction.values
    };
    let number = numbers.get(wanted.class).copied().ok_or_else(|| {
        format!(
            "the model gives {} numbers, the registration means number {}",
            numbers.len(),
            wanted.class
        )
    })?;
    Ok(if wanted.complement {
        1.0 - number
    } else {
        number
    })
}

fn predict(fields: &Fields, engine: &Engine<'_>) -> Result<Prediction, String> {
    let row: Vec<Value> = engine
        .encoder
        .row(fields)
        .map_err(|error| error.to_string())?;
    engine
        .model
        .predict(&row)
        .map_err(|error: ModelError| error.to_string())
}

/// What was found so far.
struct Findings {
    compared: Vec<Compared>,
    verdict: Verdict,
    max_difference: Option<f64>,
    tolerance: f64,
    why: Option<String>,
}

fn compare(
    record: &str,
    registration: &Registration,
    engine: &Engine<'_>,
    prediction: &Prediction,
) -> Replay {
    let output = &registration.output;
    let mut findings = Findings {
        compared: Vec::new(),
        verdict: Verdict::BitExact,
        max_difference: None,
        tolerance: 0.0,
        why: None,
    };
    let mut score = None;
    let score_number = output.score_number();
    let numbers = std::iter::once((output.score_at(), &score_number)).chain(
        output
            .outputs
            .iter()
            .map(|(pointer, number)| (pointer.as_str(), number)),
    );
    for (pointer, wanted) in numbers {
        let Some(Scalar::Number(recorded)) = scalar_at(record, pointer) else {
            continue;
        };
        let recomputed = match number(prediction, wanted) {
            Ok(recomputed) => recomputed,
            Err(why) => return not_replayable(engine.name, why),
        };
        if pointer == output.score_at() {
            score = Some(recomputed);
        }
        let scale = engine.model.scale();
        findings.number(
            record,
            pointer,
            recorded,
            recomputed,
            prediction,
            is_probability(wanted, scale),
        );
    }
    findings.labels(record, registration, prediction, score);
    if findings.compared.is_empty() {
        let why = format!(
            "nothing to compare with is on record: neither a number at {} nor a decision at {} that the model gives",
            output.score_at(),
            output.decision_at()
        );
        return not_replayable(engine.name, why);
    }
    Replay {
        verdict: findings.verdict,
        max_difference: findings.max_difference,
        tolerance: findings.max_difference.map(|_| findings.tolerance),
        compared: findings.compared,
        why: findings.why,
        artefact: Some(engine.artefact.to_owned()),
        input: None,
        engine: engine.name.to_owned(),
    }
}

/// Whether a number is one between 0 and 1 by what the model computes.
fn is_probability(wanted: &OutputNumber, scale: Scale) -> bool {
    !wanted.margin && matches!(scale, Scale::LogOdds | Scale::Probability)
}

impl Findings {
    #[allow(clippy::float_cmp, reason = "the last bit is what is asked for")]
    fn number(
        &mut self,
        record: &str,
        pointer: &str,
        recorded: f64,
        recomputed: f64,
        prediction: &Prediction,
        probability: bool,
    ) {
        let tolerance = if probability {
            PROBABILITY
        } else {
            NUMBER + NUMBER * recorded.abs()
        };
        let difference = (recorded - recomputed).abs();
        // Digits that name the same single are the same number, however many of them were written.
        let exact =
            recorded == recomputed || (prediction.single && recorded as f32 == recomputed as f32);
        let difference = if exact { 0.0 } else { difference };
        let verdict = if exact {
            Verdict::BitExact
        } else if difference <= tolerance {
            Verdict::WithinTolerance
        } else {
            Verdict::Mismatch
        };
        if verdict == Verdict::Mismatch && self.why.is_none() {
            self.why = Some(format!(
                "{pointer} is recorded as {recorded}, the registered model gives {recomputed}"
            ));
        }
        self.max_difference = Some(
            self.max_difference
                .map_or(difference, |it| it.max(difference)),
        );
        self.tolerance = self.tolerance.max(tolerance);
        self.verdict = self.verdict.max(verdict);
        self.compared.push(Compared {
            pointer: pointer.to_owned(),
            recorded: json_at(record, pointer).unwrap_or(Json::Null),
            recomputed: json!(recomputed),
        });
    }

    /// The decision by the policy in force, and the label that the model names itself.
    fn labels(
        &mut self,
        record: &str,
        registration: &Registration,
        prediction: &Prediction,
        recomputed: Option<f64>,
    ) {
        let output = &registration.output;
        if let (Some(policy), Some(recomputed)) = (&registration.policy, recomputed)
            && let Some(recorded) = word_at(record, output.decision_at())
            && let Some(decided) = policy.decide(recomputed)
        {
            let tie = near_tie(policy, recomputed, &recorded);
            // A rule or a person may decide otherwise than the score: that is no fault of the model.
            let by_score = stage(record, Some(registration), None).kind == StageKind::Score;
            if tie || by_score || decided == recorded {
                self.label(output.decision_at(), &recorded, decided, tie);
            }
        }
        if let (Some(pointer), Some(decided)) = (&output.label, &prediction.label)
            && let Some(recorded) = word_at(record, pointer)
        {
            let largest = prediction.values.iter().copied().fold(f64::MIN, f64::max);
            let near = |value: &&f64| largest - **value <= PROBABILITY;
            let tie = prediction.values.iter().filter(near).count() > 1;
            self.label(pointer, &recorded, decided, tie);
        }
    }

    fn label(&mut self, pointer: &str, recorded: &str, decided: &str, tie: bool) {
        if decided != recorded {
            let verdict = if tie && self.verdict <= Verdict::WithinTolerance {
                Verdict::LabelTie
            } else {
                Verdict::Mismatch
            };
            self.verdict = self.verdict.max(verdict);
            self.why.get_or_insert_with(|| {
                format!("{pointer} is recorded as {recorded:?}, by the registered model it would be {decided:?}")
            });
        }
        self.compared.push(Compared {
            pointer: pointer.to_owned(),
            recorded: json!(recorded),
            recomputed: json!(decided),
        });
    }
}

fn word_at(record: &str, pointer: &str) -> Option<String> {
    let word = scalar_at(record, pointer)?.word();
    Some(word).filter(|word| !word.is_empty())
}
