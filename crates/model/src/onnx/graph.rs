//! The graph of a model: read once, run for every row.

use crate::{Additive, Input, ModelError, Prediction, Scale, Task, Terms, Value};

use super::ending::Ending;
use super::inside::{NONE, Owners};
use super::malformed;
use super::operator::Operator;
use super::row::Feed;
use super::tensor::{Data, Tensor};
use super::work::{Trouble, Work};

/// A model in ONNX.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    pub(super) inputs: Vec<Input>,
    pub(super) feeds: Vec<Feed>,
    /// In the order in which they are run. What is the same for every row has been run.
    pub(super) nodes: Vec<Node>,
    /// One place for every name of the graph; what is the same for every row is there.
    pub(super) constants: Vec<Option<Tensor>>,
    pub(super) ending: Ending,
    pub(super) sums: Option<Sums>,
    pub(super) description: String,
}

/// An operator and the places that it reads and writes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) operator: Operator,
    pub(super) name: String,
    pub(super) inputs: Vec<Option<usize>>,
    /// `None` for an output that nobody reads.
    pub(super) outputs: Vec<Option<usize>>,
    /// What a row that it does not take is blamed on: the only input that it depends on, or itself.
    pub(super) blamed: String,
}

/// The one operator of sums that everything else leads to or follows from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sums {
    /// Its place among the nodes.
    pub(super) node: usize,
    pub(super) scale: Scale,
    /// The input that each of its columns is computed from, if each is from one.
    pub(super) owners: Option<Vec<usize>>,
}

impl Graph {
    /// What a row consists of, in order.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// What it is for.
    pub fn task(&self) -> Task {
        self.ending.task
    }

    /// Names of the classes, where the file has them.
    pub fn classes(&self) -> &[String] {
        &self.ending.classes
    }

    /// What attributions add up to.
    pub fn scale(&self) -> Scale {
        self.sums.as_ref().map_or(Scale::Value, |sums| sums.scale)
    }

    /// The operators, and who wrote the file.
    pub fn description(&self) -> String {
        self.description.clone()
    }

    /// Runs the graph.
    ///
    /// # Errors
    /// [`ModelError::Input`] for a row that does not fit.
    pub fn predict(&self, row: &[Value]) -> Result<Prediction, ModelError> {
        let mut work = Work::new(false);
        let run = self.run(row, self.nodes.len(), &mut work)?;
        let missing = || malformed("graph", "it gives no output");
        let scores = run.get(self.ending.scores).ok_or_else(missing)?;
        let values = scores.data.doubles().ok_or_else(missing)?;
        let margins = match (&self.sums, work.margins) {
            (Some(_), Some(margins)) => margins,
            _ => values.clone(),
        };
        let label = self.ending.label.and_then(|at| run.get(at));
        let label = label.and_then(|label| match &label.data {
            Data::Text(words) => words.first().map(ToString::to_string),
            Data::Integer(list) => list.first().map(ToString::to_string),
            Data::Boolean(list) => list.first().map(ToString::to_string),
            Data::Single(_) | Data::Double(_) => None,
        });
        Ok(Prediction {
            margins,
            single: matches!(scores.data, Data::Single(_)),
            values,
            label,
        })
    }

    /// The inside as sums, if every column of them comes from one input.
    pub fn additive(&self) -> Option<Additive<'_>> {
        let sums = self.sums.as_ref()?;
        let terms = match &self.nodes.get(sums.node)?.operator {
            Operator::Trees(trees) => Terms::Trees(trees.terms()),
            Operator::Weighted(weighted) => Terms::Linear(&weighted.linear),
            _ => return None,
        };
        let owners = sums.owners.as_deref()?;
        Some(Additive { terms, owners })
    }

    /// The columns of [`additive`](Self::additive) for a row.
    ///
    /// # Errors
    /// As [`predict`](Self::predict); and [`ModelError::Unsupported`] if there is no such inside.
    pub fn columns(&self, row: &[Value]) -> Result<Vec<f64>, ModelError> {
        let none = || super::unsupported("the columns of a graph that is no sum");
        let sums = self.sums.as_ref().ok_or_else(none)?;
        let node = self.nodes.get(sums.node).ok_or_else(none)?;
        let run = self.run(row, sums.node, &mut Work::new(false))?;
        let given = node.inputs.first().copied().flatten();
        let given = given.and_then(|at| run.get(at)).ok_or_else(none)?;
        let columns = match &node.operator {
            Operator::Trees(trees) => trees.columns(given),
            Operator::Weighted(weighted) => weighted.columns(given),
            _ => return Err(none()),
        };
        columns.map_err(|trouble| trouble.told(&node.blamed))
    }

    /// Runs the first nodes on a row.
    fn run(&self, row: &[Value], nodes: usize, work: &mut Work) -> Result<Run<'_>, ModelError> {
        if row.len() != self.inputs.len() {
            return Err(ModelError::Input {
                input: "row".to_owned(),
                problem: format!("{} values, the model has {}", row.len(), self.inputs.len()),
            });
        }
        let mut run = Run {
            constants: &self.constants,
            values: vec![None; self.constants.len()],
        };
        for feed in &self.feeds {
            let tensor = feed.tensor(row, &self.inputs)?;
            run.put(feed.place, tensor);
        }
        for node in self.nodes.iter().take(nodes) {
            node.run(&mut run, work)
                .map_err(|trouble| trouble.told(&node.blamed))?;
        }
        Ok(run)
    }
}

impl Node {
    pub(super) fn run(&self, run: &mut Run<'_>, work: &mut Work) -> Result<(), Trouble> {
        let inputs: Vec<Option<&Tensor>> = self
            .inputs
            .iter()
            .map(|at| at.and_then(|at| run.get(at)))
            .collect();
        let outputs = self.operator.run(&inputs, work)?;
        for (at, output) in self.outputs.iter().zip(outputs) {
            if let Some(at) = at {
                run.put(*at, output);
            }
        }
        Ok(())
    }
}

impl Trouble {
    pub(super) fn told(self, blamed: &str) -> ModelError {
        match self {
            Trouble::Model(error) => error,
            Trouble::Row(problem) => ModelError::Input {
                input: blamed.to_owned(),
                problem,
            },
        }
    }
}

/// The values of one run.
#[derive(Debug)]
pub(super) struct Run<'a> {
    pub(super) constants: &'a [Option<Tensor>],
    pub(super) values: Vec<Option<Tensor>>,
}

impl Run<'_> {
    pub(super) fn get(&self, at: usize) -> Option<&Tensor> {
        let value = self.values.get(at).and_then(Option::as_ref);
        value.or_else(|| self.constants.get(at).and_then(Option::as_ref))
    }

    pub(super) fn put(&mut self, at: usize, tensor: Tensor) {
        if let Some(value) = self.values.get_mut(at) {
            *value = Some(tensor);
        }
    }
}

/// The only input that values come from, if it is one.
pub(super) fn only<'i>(owners: &[&Owners], inputs: &'i [Input]) -> Option<&'i str> {
    let mut named = owners
        .iter()
        .flat_map(|owners| owners.iter())
        .filter(|owner| **owner != NONE);
    let first = named.next()?;
    let input = inputs.get(usize::try_from(*first).ok()?)?;
    named
        .all(|owner| owner == first)
        .then_some(input.name.as_str())
}
