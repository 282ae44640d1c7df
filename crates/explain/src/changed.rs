//! The smallest changes that lead to another decision, by the registered model and the policy in force.

use causebook_why::contrast::{History, Question as Nearest, Weights};
use causebook_why::counterfactual::{self, Question};
use causebook_why::registration::Policy;
use causebook_why::{
    Basis, Block, Counterfactuals, Fields, Outcome, Replay, Verdict, input_fields, replay,
};

use crate::answer::{Answer, Runs, decided};

/// Neighbours that a search starts from.
const NEIGHBOURS: usize = 3;
/// In a longer history, how far a changed input is from it is not looked up: each look reads all of it.
const LOOKED_UP: usize = 200_000;
pub(crate) fn counterfactuals(
    answer: &Answer<'_>,
    outcome: &Block<Outcome>,
    replay: &Replay,
) -> Block<Counterfactuals> {
    match find(answer, outcome, replay) {
        Ok(found) => Block::new(Basis::Recomputed, found),
        Err(why) => Block::Absent { absent: why },
    }
}

fn find(
    answer: &Answer<'_>,
    outcome: &Block<Outcome>,
    replay: &Replay,
) -> Result<Counterfactuals, String> {
    let runs = answer.runs.as_ref().map_err(Clone::clone)?;
    let registration = answer.registration().ok_or("the model is not registered")?;
    let policy = registration
        .policy
        .as_ref()
        .ok_or("no policy is registered: what decision a score leads to is not known")?;
    if replay.verdict == Verdict::Mismatch {
        return Err("the registered model says something else than what is recorded".to_owned());
    }
    let decided = decided(outcome).ok_or("no decision is on record")?;
    let wanted = wanted(policy, decided)?;
    let score = outcome
        .content()
        .and_then(|it| it.score)
        .ok_or("no score is on record")?;
    let fields = registration.fields(answer.text);
    let history = answer
        .history()
        .ok_or("no decision of this model is in the history")?;
    let version = answer.model.version.as_deref();
    let seen = history.seen(version);
    let measure = history.measure(&Weights::default());
    let neighbours = neighbours(answer, history, &fields, policy, decided);
    let (changeable, _) = runs.encoder.players();
    let thresholds: Vec<f64> = policy.thresholds().collect();
    let number = registration.output.score_number();
    let model = |fields: &Fields| score_of(runs, policy, &number, fields);
    let question = Question {
        fields: &fields,
        changeable,
        protected: &registration.protected,
        constraints: &registration.constraints,
        seen: &seen,
        measure: &measure,
        neighbours: &neighbours,
        wanted: &wanted,
        thresholds: &thresholds,
        target: policy.threshold(score).unwrap_or(score),
        model: &model,
    };
    let mut found = counterfactual::find(&question);
    if history.len() <= LOOKED_UP {
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        for it in &mut found.found {
            let mut changed = fields.clone();
            changed.extend(
                it.changes
                    .iter()
                    .map(|change| (change.field.clone(), change.to.clone())),
            );
            it.distance_to_history = history.distance_to(&changed, version, &wanted);
        }
    }
    Ok(found)
}

/// The decisions that are wanted instead: those that are not adverse, or for one that is not, every other.
fn wanted(policy: &Policy, decided: &str) -> Result<Vec<String>, String> {
    let all = policy.bands.iter().map(|band| band.decision.clone());
    let wanted: Vec<String> = if policy.is_adverse(decided) {
        all.filter(|it| !policy.is_adverse(it)).collect()
    } else {
        return Err(format!(
            "{decided:?} is not adverse: there is nothing to change for the subject"
        ));
    };
    if wanted.is_empty() {
        return Err("every decision of the policy is adverse".to_owned());
    }
    Ok(wanted)
}

fn score_of(
    runs: &Runs,
    policy: &Policy,
    number: &causebook_why::registration::OutputNumber,
    fields: &Fields,
) -> Result<(f64, String), String> {
    let row = runs
        .encoder
        .row(fields)
        .map_err(|error| error.to_string())?;
    let prediction = runs
        .model
        .predict(&row)
        .map_err(|error| error.to_string())?;
    let score = replay::number(&prediction, number)?;
    let decision = policy.decide(score).ok_or("the score is no number")?;
    Ok((score, decision.to_owned()))
}

fn neighbours(
    answer: &Answer<'_>,
    history: &History,
    fields: &Fields,
    policy: &Policy,
    decided: &str,
) -> Vec<Fields> {
    let undesired: Vec<&str> = if policy.is_adverse(decided) {
        policy.adverse.iter().map(String::as_str).collect()
    } else {
        vec![decided]
    };
    let mut question = Nearest::new(fields, &undesired);
    question.own = Some(answer.index);
    question.version = answer.model.version.as_deref();
    (question.opposite, question.same, question.among) = (NEIGHBOURS, 0, 0);
    let nearest = history.nearest(&question).opposite;
    let row = |index| answer.explainer.reader.get(index).ok().flatten();
    let read = |near: causebook_why::contrast::Near| {
        let row = row(near.index)?;
        Some(input_fields(row.record.text()?))
    };
    nearest.into_iter().filter_map(read).collect()
}
