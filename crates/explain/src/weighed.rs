//! What every field contributed, as recorded and as recomputed, and which of it are the principal reasons.

use causebook_model::attribute::{self, Attribution};
use causebook_why::{
    Attributions, Basis, Block, Contribution, Fields, Outcome, Percentile, Reasons, Replay, Scalar,
    Verdict, method_word, reasons, recorded, scale_word,
};

use crate::answer::{Answer, Runs};
use crate::background;

/// Seed of the methods that draw lots: always the same, so that an answer can be had again.
const SEED: u64 = 1;

/// The two blocks that are made of contributions.
pub(crate) struct Weighed {
    pub(crate) attributions: Vec<Block<Attributions>>,
    pub(crate) reasons: Block<Reasons>,
}

/// A model at one decision, ready to be attributed.
struct Question<'a> {
    runs: &'a Runs,
    fields: Fields,
    row: Vec<causebook_model::Value>,
    /// Which of the model's sums the score comes from.
    output: usize,
    /// The score falls as that sum rises.
    falls: bool,
}

impl<'a> Question<'a> {
    fn new(answer: &'a Answer<'_>, replay: &Replay) -> Result<Self, String> {
        let runs = answer.runs.as_ref().map_err(Clone::clone)?;
        let registration = answer.registration().ok_or("the model is not registered")?;
        if replay.verdict == Verdict::Mismatch {
            return Err("the registered model says something else than what is recorded: what contributed to its answer did not contribute to the decision".to_owned());
        }
        let fields = registration.fields(answer.text);
        let row = runs
            .encoder
            .row(&fields)
            .map_err(|error| error.to_string())?;
        let prediction = runs
            .model
            .predict(&row)
            .map_err(|error| error.to_string())?;
        let number = registration.output.score_number();
        let sums = prediction.margins.len();
        // Two classes with one sum between them: it is the second's, and the first's the other way round.
        let first_of_two = sums == 1 && prediction.values.len() == 2 && number.class == 0;
        Ok(Self {
            runs,
            fields,
            row,
            output: if sums == 1 { 0 } else { number.class },
            falls: first_of_two != number.complement,
        })
    }

    fn told(
        &self,
        attribution: Attribution,
        baseline: Option<causebook_why::Baseline>,
    ) -> Attributions {
        let sign = if self.falls { -1.0 } else { 1.0 };
        let (names, _) = self.runs.encoder.players();
        let residual = attribution.residual();
        let mut fields: Vec<Contribution> = names
            .iter()
            .zip(&attribution.values)
            .enumerate()
            .map(|(nth, (field, contribution))| Contribution {
                field: field.clone(),
                value: self.fields.get(field).cloned().unwrap_or(Scalar::Missing),
                contribution: sign * contribution,
                error: attribution
                    .errors
                    .as_ref()
                    .and_then(|errors| errors.get(nth).copied()),
            })
            .collect();
        fields.sort_by(|a, b| b.contribution.abs().total_cmp(&a.contribution.abs()));
        Attributions {
            method: method_word(attribution.method).to_owned(),
            scale: Some(scale_word(attribution.scale).to_owned()),
            baseline,
            base: Some(sign * attribution.base),
            value: Some(sign * attribution.value),
            fields,
            residual: Some(sign * residual),
            seed: (attribution.method == attribute::Method::PermutationShap).then_some(SEED),
            against_recorded: None,
        }
    }
}

pub(crate) fn weigh(
    answer: &Answer<'_>,
    linked: &[String],
    outcome: &Block<Outcome>,
    replay: &Replay,
    unusual: &Block<Vec<Percentile>>,
) -> Weighed {
    let texts = std::iter::once(answer.text).chain(linked.iter().map(String::as_str));
    let recorded: Vec<Attributions> = texts.filter_map(recorded::attributions).collect();
    let mut blocks: Vec<Block<Attributions>> = recorded
        .iter()
        .map(|it| Block::new(Basis::Recorded, it.clone()))
        .collect();
    let against = |mut attributions: Attributions| {
        attributions.against_recorded = recorded
            .first()
            .and_then(|first| recorded::difference(first, &attributions));
        attributions
    };
    let computed = recomputed(answer, replay).map(against);
    // Recorded ones are the library's own as a rule: those are what they can be held against to the last digits.
    let library = as_the_library(answer, replay)
        .filter(|_| !recorded.is_empty())
        .map(against);
    match &computed {
        Ok(attributions) => blocks.push(Block::new(Basis::Recomputed, attributions.clone())),
        Err(why) => blocks.push(Block::absent(format!("not recomputed: {why}"))),
    }
    blocks.extend(library.map(|it| Block::new(Basis::Recomputed, it)));
    let told = match (recorded.first(), &computed) {
        (Some(recorded), _) => Some((Basis::Recorded, recorded)),
        (None, Ok(computed)) => Some((Basis::Recomputed, computed)),
        (None, Err(_)) => None,
    };
    Weighed {
        reasons: principal(
            answer,
            outcome,
            told,
            unusual.content().map_or(&[], Vec::as_slice),
        ),
        attributions: blocks,
    }
}

/// The principal reasons, from recorded contributions where there are any: what was told then is not rewritten by what would
/// be computed now.
fn principal(
    answer: &Answer<'_>,
    outcome: &Block<Outcome>,
    told: Option<(Basis, &Attributions)>,
    percentiles: &[Percentile],
) -> Block<Reasons> {
    let Some(content) = outcome.content() else {
        return Block::absent("no outcome is on record that reasons could be for");
    };
    let registration = answer.registration();
    let policy = registration.and_then(|it| it.policy.as_ref());
    let (Some(registration), Some(policy)) = (registration, policy) else {
        return Block::absent("no policy is registered: which decisions are adverse is not known");
    };
    if content.adverse == Some(false) {
        return Block::absent("the decision is not adverse");
    }
    let Some(adverse) = content
        .score
        .and_then(|score| policy.adverse_direction(score))
    else {
        return Block::absent("no score is on record, or the policy has nothing to be denied by");
    };
    let Some((basis, attributions)) = told else {
        return Block::absent("no contributions are on record, and none could be computed");
    };
    let fields = registration.fields(answer.text);
    reasons::choose(&reasons::Factors {
        stage: &content.stage,
        attributions,
        basis,
        adverse,
        fields: &fields,
        percentiles,
        protected: &registration.protected,
        dictionary: registration.reasons.as_ref(),
    })
}

/// Exact contributions by the registered model, from the registered baseline.
fn recomputed(answer: &Answer<'_>, replay: &Replay) -> Result<Attributions, String> {
    let question = Question::new(answer, replay)?;
    let made = background::background(answer, question.runs)?;
    let (_, players) = question.runs.encoder.players();
    let attribution = attribute::attribute(
        &question.runs.model,
        &question.row,
        &made.background,
        players,
        question.output,
        SEED,
    )
    .map_err(|error| error.to_string())?;
    Ok(question.told(attribution, Some(made.baseline.clone())))
}

/// Contributions as the model's own library reports them, where the artefact keeps what it takes.
fn as_the_library(answer: &Answer<'_>, replay: &Replay) -> Option<Attributions> {
    let question = Question::new(answer, replay).ok()?;
    let (_, players) = question.runs.encoder.players();
    let attribution = attribute::path_dependent(
        &question.runs.model,
        &question.row,
        players,
        question.output,
    )
    .ok()??;
    let baseline = causebook_why::Baseline {
        name: "training rows, by the covers of the nodes".to_owned(),
        rows: None,
        digest: None,
    };
    Some(question.told(attribution, Some(baseline)))
}
