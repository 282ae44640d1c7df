//! LightGBM's models, in its text format: `gbdt`, `rf` and `dart` (whose weights are in the leaves already), computed as
//! `Booster.predict` does. Doubles throughout, from 0, iteration after iteration (`src/boosting/gbdt_prediction.cpp`).

mod objective;
mod text;
mod trees;

use std::fmt::Display;

use crate::sums::{Entry, Part, Sums};
use crate::{Arithmetic, Ensemble, Input, Limits, ModelError, Tree};
use objective::Objective;
use text::{Block, Blocks};

const FORMAT: &str = "LightGBM";
/// Versions of the format that LightGBM 4 reads as its predecessors meant them.
const VERSIONS: [&str; 3] = ["v2", "v3", "v4"];

pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Sums, ModelError> {
    let text = std::str::from_utf8(bytes);
    let text =
        text.map_err(|error| malformed(format!("byte {}", error.valid_up_to()), "not UTF-8"))?;
    let Blocks {
        header,
        trees: blocks,
    } = text::blocks(text, limits)?;
    let version = header.required("version")?.trim();
    if !VERSIONS.contains(&version) {
        return Err(unsupported(format!("a file of version {version:?}")));
    }
    let columns = header.count("max_feature_idx")?.saturating_add(1);
    Limits::check("columns", columns, limits.columns)?;
    let outputs = header.count("num_tree_per_iteration")?;
    Limits::check("outputs", outputs, limits.outputs)?;
    let (columns, outputs) = (columns as usize, outputs as usize);
    let name = header.get("objective").map(str::trim);
    let objective = Objective::read(name)?;
    if outputs == 0 || objective.classes.is_some_and(|classes| classes != outputs) {
        return Err(header.wrong("num_tree_per_iteration", "not the outputs of the objective"));
    }
    if blocks.len() % outputs != 0 {
        return Err(malformed(
            "trees",
            format!("{} trees of {outputs} outputs", blocks.len()),
        ));
    }
    let mut context = trees::Context {
        columns,
        outputs,
        limits,
        nodes: 0,
        words: 0,
    };
    let trees: Result<Vec<Tree>, ModelError> = blocks
        .iter()
        .enumerate()
        .map(|(at, block)| trees::read(block, (at % outputs) as u32, &mut context))
        .collect();
    let average = header.get("average_output").is_some();
    let description = format!(
        "LightGBM {version}, {}, {} trees of {} nodes{}",
        name.unwrap_or("no objective: sums as they are"),
        blocks.len(),
        context.nodes,
        if average {
            ", averaged (the margins are sums)"
        } else {
            ""
        }
    );
    let inputs = inputs(&header, columns)?;
    Ok(Sums {
        owners: (0..columns).collect(),
        inputs,
        part: Part::Trees(Ensemble {
            columns,
            base: vec![0.0; outputs],
            trees: trees?,
            arithmetic: Arithmetic::Double,
        }),
        divisor: if average {
            (blocks.len() / outputs).max(1) as f64
        } else {
            1.0
        },
        link: objective.link,
        task: objective.task,
        scale: objective.scale,
        description,
        entry: Entry::Double,
    })
}

fn inputs(header: &Block<'_>, columns: usize) -> Result<Vec<Input>, ModelError> {
    let names = header
        .required("feature_names")?
        .split(' ')
        .filter(|name| !name.is_empty());
    let kind = Entry::Double.kind();
    let inputs: Vec<Input> = names
        .map(|name| Input {
            name: name.to_owned(),
            kind,
        })
        .collect();
    if inputs.len() != columns {
        return Err(header.wrong("feature_names", "not a name for every column"));
    }
    Ok(inputs)
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
