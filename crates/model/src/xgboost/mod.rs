//! XGBoost's models, JSON and Universal Binary JSON: `gbtree`, `dart` and `gblinear`, computed as `Booster.predict` does.
//!
//! Singles throughout: the margin starts at the starting score and leaves are added in the order of the trees
//! (`src/predictor/cpu_predictor.cc`), every one by the same rounding. All trees are used, also where early stopping noted a
//! best iteration, because `Booster.predict` does so.

mod document;
mod json;
mod objective;
mod trees;
mod ubj;

use std::fmt::Display;

use crate::sums::{Entry, Part, Sums};
use crate::{Arithmetic, Ensemble, Input, Limits, Linear, ModelError, Tree};
use document::{Item, Members, index};
use objective::Objective;

const FORMAT: &str = "XGBoost";
/// The newest version whose files are known.
const MAJOR_MOST: u64 = 3;

pub(crate) fn read_json(bytes: &[u8], limits: &Limits) -> Result<Sums, ModelError> {
    model(&json::read(bytes, limits)?, limits)
}

pub(crate) fn read_ubj(bytes: &[u8], limits: &Limits) -> Result<Sums, ModelError> {
    model(&ubj::read(bytes, limits)?, limits)
}

fn malformed(place: impl Display, problem: impl Into<String>) -> ModelError {
    ModelError::Malformed {
        format: FORMAT,
        place: place.to_string(),
        problem: problem.into(),
    }
}

fn unsupported(what: impl Into<String>) -> ModelError {
    ModelError::Unsupported {
        format: FORMAT,
        what: what.into(),
    }
}

/// XGBoost does not take the starting score of such a model as it takes that of others (`NeedFit` in `src/learner.cc`).
fn untrained() -> ModelError {
    unsupported("a model of no rounds")
}

/// What the learner says of the whole model.
struct Shape {
    columns: usize,
    outputs: usize,
    /// Margins that sums start at, one for every output.
    starts: Vec<f64>,
    objective: Objective,
}

fn model(root: &Item, limits: &Limits) -> Result<Sums, ModelError> {
    let root = document::learner(root)?;
    let version = version(&root)?;
    let learner = root.object("learner")?;
    let name = learner.object("objective")?.text("name")?;
    if version < [1, 3, 0] && name == "binary:logitraw" {
        return Err(unsupported("binary:logitraw of a version before 1.3"));
    }
    let shape = shape(&learner, Objective::named(name)?, limits)?;
    let booster = learner.object("gradient_booster")?;
    let kind = booster.text("name")?;
    let (part, entry, size) = match kind {
        "gbtree" => trees(&booster, None, &shape, limits)?,
        "dart" => {
            let weights = booster.numbers("weight_drop")?;
            trees(&booster.object("gbtree")?, Some(weights), &shape, limits)?
        }
        "gblinear" => linear(&booster.object("model")?, &shape)?,
        _ => return Err(unsupported(format!("the booster {kind:?}"))),
    };
    let [major, minor, patch] = version;
    let mut description = format!("XGBoost {major}.{minor}.{patch} {kind}, {name}, {size}");
    if let Some(best) = best_iteration(&learner)? {
        let note = format!("; all are used, the best iteration of its training was {best}");
        description.push_str(&note);
    }
    let inputs = inputs(&learner, &shape, entry)?;
    Ok(Sums {
        owners: (0..inputs.len()).collect(),
        inputs,
        part,
        divisor: 1.0,
        link: shape.objective.link,
        task: shape.objective.task,
        scale: shape.objective.scale,
        description,
        entry,
    })
}

fn version(root: &Members<'_>) -> Result<[u64; 3], ModelError> {
    let numbers = root.numbers_of("version", 3)?;
    let mut version = [0; 3];
    for (part, number) in version.iter_mut().zip(numbers) {
        let number = index(*number);
        *part = number.ok_or_else(|| malformed(root.place("version"), "not a version"))?;
    }
    let [major, ..] = version;
    if !(1..=MAJOR_MOST).contains(&major) {
        return Err(unsupported(format!(
            "a file of version {major}; known are 1 to {MAJOR_MOST}"
        )));
    }
    Ok(version)
}

fn best_iteration<'a>(learner: &Members<'a>) -> Result<Option<&'a str>, ModelError> {
    if learner.get("attributes").is_none() {
        return Ok(None);
    }
    let attributes = learner.object("attributes")?;
    attributes
        .get("best_iteration")
        .map(|_| attributes.text("best_iteration"))
        .transpose()
}

fn shape(
    learner: &Members<'_>,
    objective: Objective,
    limits: &Limits,
) -> Result<Shape, ModelError> {
    let parameters = learner.object("learner_model_param")?;
    let columns = parameters.count("num_feature")?;
    Limits::check("columns", columns, limits.columns)?;
    let targets = parameters.count_or("num_target", 1)?.max(1);
    let classes = parameters.count("num_class")?;
    if targets > 1 && classes > 1 {
        return Err(malformed(
            parameters.place("num_target"),
            "several targets of several classes",
        ));
    }
    let outputs = targets.max(classes).max(1);
    Limits::check("outputs", outputs, limits.outputs)?;
    if (objective.task == crate::Task::Multiclass) != (classes > 1) {
        return Err(malformed(
            parameters.place("num_class"),
            "not what the objective needs",
        ));
    }
    let scores = scores(parameters.text("base_score")?);
    let scores = scores.ok_or_else(|| malformed(parameters.place("base_score"), "not a score"))?;
    let outputs = outputs as usize;
    let scores = match *scores.as_slice() {
        [score] => vec![score; outputs],
        _ if scores.len() == outputs => scores,
        _ => {
            return Err(malformed(
                parameters.place("base_score"),
                "not a score for every output",
            ));
        }
    };
    let starts: Result<Vec<f64>, ModelError> = scores
        .iter()
        .map(|score| objective.margin(*score))
        .collect();
    Ok(Shape {
        columns: columns as usize,
        outputs,
        starts: starts?,
        objective,
    })
}

/// `5E-1`, or since 3.1 `[5E-1]` with a score for every output.
fn scores(text: &str) -> Option<Vec<f32>> {
    let text = text.trim();
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let scores = inner.unwrap_or(text).split(',');
    scores.map(|score| score.trim().parse().ok()).collect()
}

fn inputs(learner: &Members<'_>, shape: &Shape, entry: Entry) -> Result<Vec<Input>, ModelError> {
    let names = learner.texts("feature_names")?;
    if !names.is_empty() && names.len() != shape.columns {
        return Err(malformed(
            learner.place("feature_names"),
            "not a name for every column",
        ));
    }
    let inputs = (0..shape.columns).map(|at| Input {
        name: names
            .get(at)
            .map_or_else(|| format!("f{at}"), |name| (*name).to_owned()),
        kind: entry.kind(),
    });
    Ok(inputs.collect())
}

fn trees(
    booster: &Members<'_>,
    weights: Option<&[f64]>,
    shape: &Shape,
    limits: &Limits,
) -> Result<(Part, Entry, String), ModelError> {
    let model = booster.object("model")?;
    let listed = model.list("trees")?;
    Limits::check("trees", listed.len() as u64, limits.trees)?;
    let outputs = model.numbers_of("tree_info", listed.len())?;
    if weights.is_some_and(|weights| weights.len() != listed.len()) {
        return Err(malformed("weight_drop", "not a weight for every tree"));
    }
    if listed.is_empty() {
        return Err(untrained());
    }
    all_iterations(&model, listed.len())?;
    let mut context = trees::Context {
        columns: shape.columns,
        outputs: shape.outputs,
        limits,
        nodes: 0,
        words: 0,
    };
    let mut slots: Vec<Option<Tree>> = vec![None; listed.len()];
    for (at, item) in listed.iter().enumerate() {
        let members = Members::of(item, model.place(format!("trees[{at}]")))?;
        // Its number says where it belongs among the others, not its place in the file.
        let id = members.count("id")? as usize;
        let slot = slots.get_mut(id).filter(|slot| slot.is_none());
        let slot = slot.ok_or_else(|| malformed(members.place("id"), "not a number of its own"))?;
        let output = outputs.get(id).copied().and_then(index);
        let output = output.and_then(|output| u32::try_from(output).ok());
        let wrong = || malformed(model.place(format!("tree_info[{id}]")), "not an output");
        let weight = weights
            .and_then(|weights| weights.get(id))
            .map(|weight| *weight as f32);
        *slot = Some(trees::read(
            &members,
            output.ok_or_else(wrong)?,
            weight,
            &mut context,
        )?);
    }
    let trees: Vec<Tree> = slots.into_iter().flatten().collect();
    let size = format!("{} trees of {} nodes", trees.len(), context.nodes);
    let ensemble = Ensemble {
        columns: shape.columns,
        base: shape.starts.clone(),
        trees,
        arithmetic: Arithmetic::SingleBaseFirst,
    };
    Ok((Part::Trees(ensemble), Entry::Single, size))
}

/// The last iteration that the file counts ends with the last tree: otherwise XGBoost would leave some out.
fn all_iterations(model: &Members<'_>, trees: usize) -> Result<(), ModelError> {
    if model.get("iteration_indptr").is_none() {
        return Ok(());
    }
    let ends = model.numbers("iteration_indptr")?;
    match ends.last() {
        Some(end) if index(*end) == Some(trees as u64) => Ok(()),
        _ => Err(malformed(
            model.place("iteration_indptr"),
            "it does not end with the last tree",
        )),
    }
}

/// Weights come column by column, one for every output, and after them the intercepts (`src/gbm/gblinear_model.h`). The
/// starting score of the first output serves all (`PredictBatchInternal` in `src/gbm/gblinear.cc`).
fn linear(model: &Members<'_>, shape: &Shape) -> Result<(Part, Entry, String), ModelError> {
    if model.count_or("boosted_rounds", 0)? == 0 {
        return Err(untrained());
    }
    let count = (shape.columns + 1) * shape.outputs;
    let weights = model.numbers_of("weights", count)?;
    if !weights.iter().all(|weight| (*weight as f32).is_finite()) {
        return Err(malformed(model.place("weights"), "not a number"));
    }
    let start = shape.starts.first().copied().unwrap_or_default() as f32;
    let of_output = |output: usize| weights.iter().skip(output).step_by(shape.outputs);
    let single = |weight: &f64| f64::from(*weight as f32);
    let linear = Linear {
        weights: (0..shape.outputs)
            .map(|output| of_output(output).take(shape.columns).map(single).collect())
            .collect(),
        intercepts: (0..shape.outputs)
            .filter_map(|output| of_output(output).nth(shape.columns))
            .map(|intercept| f64::from(*intercept as f32 + start))
            .collect(),
        single: true,
    };
    let size = format!("{} columns", shape.columns);
    Ok((Part::Linear(linear), Entry::SingleOrZero, size))
}
