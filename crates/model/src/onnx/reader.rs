//! From the messages of a file to a graph that can be run: names become places, operators are read, and the whole is run
//! on a row of blanks, which finds what is constant, what every value depends on, and what a row costs.

use std::collections::{BTreeMap, HashMap};

use crate::{Limits, ModelError};

use super::attributes::Attributes;
use super::ending::{Ending, scale};
use super::graph::{Graph, Node, Run, Sums, only};
use super::inside::{self, NONE, Owners};
use super::operator::{Domain, Operator};
use super::proto::{self, GraphProto, ModelProto, NodeProto, too_large};
use super::row::Feed;
use super::tensor::Tensor;
use super::work::{Trouble, Work};
use super::{malformed, unsupported};

type Got<T> = Result<T, ModelError>;

/// Versions of `ai.onnx` and `ai.onnx.ml` whose operators are read rightly.
const GENERAL: std::ops::RangeInclusive<i64> = 7..=26;
const TABLES: std::ops::RangeInclusive<i64> = 1..=5;
const GENERAL_NAMES: [&str; 2] = ["", "ai.onnx"];
const TABLES_NAME: &str = "ai.onnx.ml";

impl Graph {
    /// Reads a model.
    ///
    /// # Errors
    /// [`ModelError::Malformed`], [`ModelError::Unsupported`] or [`ModelError::TooLarge`].
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Graph, ModelError> {
        let model = proto::read(bytes, limits)?;
        let versions = Versions::read(&model)?;
        let description = describe(&model, &versions);
        let mut reader = Reader::default();
        reader.begin(&model.graph, limits)?;
        let outputs: Vec<&str> = model.graph.outputs.iter().map(|info| info.name).collect();
        for node in model.graph.nodes {
            reader.node(node, &versions, limits)?;
        }
        reader.finish(&outputs, description)
    }
}

/// The versions that a file asks for.
struct Versions {
    general: Option<i64>,
    tables: Option<i64>,
}

impl Versions {
    fn read(model: &ModelProto<'_>) -> Got<Self> {
        let (mut general, mut tables) = (None, None);
        for (domain, version) in &model.opsets {
            let (asked, known) = if GENERAL_NAMES.contains(domain) {
                (&mut general, GENERAL)
            } else if *domain == TABLES_NAME {
                (&mut tables, TABLES)
            } else {
                // Operators of other domains are refused where they are used.
                continue;
            };
            if !known.contains(version) {
                let domain = if domain.is_empty() { "ai.onnx" } else { domain };
                return Err(unsupported(&format!("version {version} of {domain}")));
            }
            if asked.is_some_and(|asked| asked != *version) {
                return Err(malformed(
                    "model",
                    "it asks for two versions of its operators",
                ));
            }
            *asked = Some(*version);
        }
        Ok(Self { general, tables })
    }

    fn of(&self, domain: &str, operator: &str) -> Got<(Domain, i64)> {
        let (domain, version) = if GENERAL_NAMES.contains(&domain) {
            (Domain::General, self.general)
        } else if domain == TABLES_NAME {
            (Domain::Tables, self.tables)
        } else {
            return Err(unsupported(&format!("the operator {operator} of {domain}")));
        };
        let problem = "the model does not say of which version it is";
        let version = version.ok_or_else(|| malformed(operator, problem))?;
        Ok((domain, version))
    }
}

fn describe(model: &ModelProto<'_>, versions: &Versions) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &model.graph.nodes {
        *counts.entry(node.operator).or_default() += 1;
    }
    let operators = counts.into_iter().map(|(name, count)| match count {
        1 => name.to_owned(),
        _ => format!("{count} × {name}"),
    });
    let operators: Vec<String> = operators.collect();
    let versions = [
        ("ai.onnx", versions.general),
        (TABLES_NAME, versions.tables),
    ];
    let versions: Vec<String> = versions
        .iter()
        .filter_map(|(name, version)| version.map(|version| format!("{name} {version}")))
        .collect();
    let producer = [model.producer, model.producer_version].join(" ");
    format!(
        "ONNX ({}) by {}: {}",
        versions.join(", "),
        producer.trim(),
        operators.join(", ")
    )
}

#[derive(Default)]
struct Reader<'a> {
    places: HashMap<&'a str, usize>,
    graph: Parts,
    values: Vec<Option<Tensor>>,
    /// For every place, the input that each of its values depends on.
    owners: Vec<Owners>,
    /// Whether the library would have the same bits there.
    exact: Vec<bool>,
    work: Option<Work>,
}

#[derive(Default)]
struct Parts {
    inputs: Vec<crate::Input>,
    feeds: Vec<Feed>,
    nodes: Vec<Node>,
    constants: Vec<Option<Tensor>>,
}

impl<'a> Reader<'a> {
    fn begin(&mut self, graph: &GraphProto<'a>, limits: &Limits) -> Got<()> {
        for (name, tensor) in &graph.initializers {
            let at = self.name(name)?;
            self.keep(at, tensor.clone());
        }
        for info in &graph.inputs {
            // Old files list initializers among the inputs.
            if self.places.contains_key(info.name) {
                continue;
            }
            let at = self.name(info.name)?;
            let feed = Feed::read(info, at, &mut self.graph.inputs, limits)?;
            let first = feed.first as i64;
            self.owners[at] = (first..first + feed.columns() as i64).collect();
            self.values[at] = Some(feed.blank());
            self.graph.feeds.push(feed);
        }
        if self.graph.inputs.is_empty() {
            return Err(unsupported("a graph without inputs"));
        }
        Ok(())
    }

    fn name(&mut self, name: &'a str) -> Got<usize> {
        let at = self.graph.constants.len();
        if name.is_empty() || self.places.insert(name, at).is_some() {
            return Err(malformed(
                "graph",
                &format!("two values have the name {name:?}"),
            ));
        }
        self.graph.constants.push(None);
        self.values.push(None);
        self.owners.push(Vec::new());
        self.exact.push(true);
        Ok(at)
    }

    fn keep(&mut self, at: usize, tensor: Tensor) {
        self.owners[at] = vec![NONE; tensor.data.len()];
        self.graph.constants[at] = Some(tensor);
    }

    fn node(&mut self, node: NodeProto<'a>, versions: &Versions, limits: &Limits) -> Got<()> {
        let name = node.operator;
        let (domain, version) = versions.of(node.domain, name)?;
        let attributes = Attributes::new(name, node.attributes);
        let operator = Operator::read(domain, attributes, version, limits)?;
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for input in &node.inputs {
            let at = self.places.get(input).copied();
            if at.is_none() && !input.is_empty() {
                let problem = format!("{input:?} is not computed before it is needed");
                return Err(malformed(name, &problem));
            }
            inputs.push(at);
        }
        while inputs.last().is_some_and(Option::is_none) {
            inputs.pop();
        }
        let outputs = node.outputs.iter();
        let outputs = outputs.map(|output| match *output {
            "" => Ok(None),
            output => self.name(output).map(Some),
        });
        let node = Node {
            outputs: outputs.collect::<Got<_>>()?,
            operator,
            name: name.to_owned(),
            blamed: self.blamed(&inputs, name),
            inputs,
        };
        self.try_out(node, limits)
    }

    fn blamed(&self, inputs: &[Option<usize>], name: &str) -> String {
        let owners: Vec<&Owners> = inputs
            .iter()
            .flatten()
            .map(|at| &self.owners[*at])
            .collect();
        only(&owners, &self.graph.inputs).unwrap_or(name).to_owned()
    }

    fn is_constant(&self, at: usize) -> bool {
        self.graph.constants.get(at).is_some_and(Option::is_some)
    }

    /// Runs a node on the blanks.
    fn try_out(&mut self, mut node: Node, limits: &Limits) -> Got<()> {
        let read: Vec<usize> = node.inputs.iter().flatten().copied().collect();
        for at in node.operator.fixed() {
            if node
                .inputs
                .get(*at)
                .copied()
                .flatten()
                .is_some_and(|at| !self.is_constant(at))
            {
                let what = format!("{} to dimensions that depend on the row", node.name);
                return Err(unsupported(&what));
            }
        }
        let exact = read.iter().all(|at| self.exact[*at]);
        if node.operator.decides() && !exact {
            let what = format!("{} of what is not computed to the last bit", node.name);
            return Err(unsupported(&what));
        }
        let mut work = self.work.take().unwrap_or_else(|| Work::new(true));
        let mut run = Run {
            constants: &self.graph.constants,
            values: std::mem::take(&mut self.values),
        };
        if let Operator::Trees(trees) = &mut node.operator
            && let Some(given) = read.first().and_then(|at| run.get(*at))
        {
            trees.fit(given);
        }
        node.run(&mut run, &mut work)
            .map_err(|trouble| trouble.at(&node.name))?;
        self.values = run.values;
        self.work = Some(work);
        let constant = node.operator.constant() || read.iter().all(|at| self.is_constant(*at));
        let sums = node.operator.scale().is_some();
        for output in node.outputs.iter().flatten() {
            let Some(tensor) = self.values.get_mut(*output).and_then(Option::take) else {
                return Err(malformed(&node.name, "it has more outputs than there are"));
            };
            let columns = tensor.data.len() as u64;
            if columns > limits.columns.max(limits.outputs) && !constant {
                let most = limits.columns.max(limits.outputs);
                return Err(too_large(
                    "columns that inputs are encoded to",
                    columns,
                    most,
                ));
            }
            if constant && !sums {
                self.keep(*output, tensor);
                continue;
            }
            let inputs: Vec<Option<(&Tensor, &Owners)>> = node
                .inputs
                .iter()
                .map(|at| at.and_then(|at| Some((self.blank(at)?, &self.owners[at]))))
                .collect();
            self.owners[*output] = inside::flow(&node.operator, &inputs, &tensor);
            self.exact[*output] = exact && node.operator.exact();
            self.values[*output] = Some(tensor);
        }
        if !constant || sums {
            self.graph.nodes.push(node);
        }
        Ok(())
    }

    fn blank(&self, at: usize) -> Option<&Tensor> {
        let value = self.values.get(at).and_then(Option::as_ref);
        value.or_else(|| self.graph.constants.get(at).and_then(Option::as_ref))
    }

    fn finish(self, outputs: &[&str], description: String) -> Got<Graph> {
        let places: Got<Vec<usize>> = outputs
            .iter()
            .map(|name| {
                let missing =
                    || malformed("graph", &format!("its output {name:?} is not computed"));
                self.places.get(name).copied().ok_or_else(missing)
            })
            .collect();
        let Parts {
            inputs,
            feeds,
            nodes,
            constants,
        } = self.graph;
        let blank = Run {
            constants: &constants,
            values: self.values,
        };
        let ending = Ending::find(&places?, &nodes, &blank)?;
        let mut summing = nodes
            .iter()
            .enumerate()
            .filter(|(_, node)| node.operator.scale().is_some())
            .map(|(at, _)| at);
        let sums = match (summing.next(), summing.next()) {
            (Some(node), None) => {
                let columns = nodes[node].inputs.first().copied().flatten();
                let owners = columns.and_then(|at| single_owners(&self.owners[at]));
                let scale = scale(&nodes, node, &blank, ending.scores);
                scale.map(|scale| Sums {
                    node,
                    scale,
                    owners,
                })
            }
            _ => None,
        };
        Ok(Graph {
            inputs,
            feeds,
            nodes,
            constants,
            ending,
            sums,
            description,
        })
    }
}

/// A constant column is nobody's, and adds the same for every row: it may as well be the first input's.
fn single_owners(owners: &Owners) -> Option<Vec<usize>> {
    let each = owners.iter().map(|owner| match *owner {
        NONE => Some(0),
        owner => usize::try_from(owner).ok(),
    });
    each.collect()
}

impl Trouble {
    fn at(self, operator: &str) -> ModelError {
        match self {
            Trouble::Model(error) => error,
            Trouble::Row(problem) => malformed(operator, &problem),
        }
    }
}
