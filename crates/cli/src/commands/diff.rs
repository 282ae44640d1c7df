//! `causebook diff`: what differs between two records, fact by fact.

use std::collections::BTreeMap;

use causebook_client::Item;
use serde_json::{Value, json};

use crate::commands::show;
use crate::context::Context;
use crate::failure::Outcome;
use crate::grid::{Column, Grid};
use crate::output::{Format, Output};
use crate::words::{self, Dictionary};
use crate::{book, rows};

/// Show what differs between two records
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the first record, or the first four characters or more of it
    from: String,

    /// Id of the second record
    to: String,

    /// Also what differs in every record: time, context, explanation
    #[arg(long)]
    all: bool,
}

/// The parts compared unless everything is asked for, in the order they are shown.
const PARTS: [&str; 6] = [
    "decision",
    "score",
    "model",
    "parameters",
    "input",
    "output",
];

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let known = [
        Format::Table,
        Format::Json,
        Format::Ndjson,
        Format::Csv,
        Format::Markdown,
    ];
    let format = output.format("diff", &known, Format::Table)?;
    let book = book::open(&context.settings()?)?;
    let (from, to) = (book.find(&args.from)?, book.find(&args.to)?);
    let (old, new) = (rows::value(&from)?, rows::value(&to)?);
    let changes = changes(&old, &new, args.all);
    match format {
        Format::Json | Format::Ndjson => print_json(output, format, &changes),
        Format::Csv => output.line(grid(&changes, &Dictionary::default()).csv()),
        Format::Markdown => {
            output.line(grid(&changes, &show::dictionary(book.as_ref(), &old)?).markdown())
        }
        _ => {
            output.line(headline(&from, &to, &old, &new))?;
            if changes.is_empty() {
                return output.line("\nNothing else differs.");
            }
            let table = grid(&changes, &show::dictionary(book.as_ref(), &old)?)
                .table(output.width(), output.paint());
            output.line(format_args!("\n{table}"))?;
            if !args.all {
                output.say("\ntime, context and explanation are left out; --all shows them");
            }
            Ok(())
        }
    }
}

/// One place where the records differ.
struct Change {
    path: String,
    from: Option<Value>,
    to: Option<Value>,
}

impl Change {
    /// The difference of two numbers, with no more digits than they have.
    fn delta(&self) -> Option<String> {
        let number = |value: &Option<Value>| value.as_ref()?.as_f64();
        let delta = number(&self.to)? - number(&self.from)?;
        let digits = |value: &Option<Value>| {
            value.as_ref().map_or(0, |it| {
                it.to_string()
                    .split_once('.')
                    .map_or(0, |(_, fraction)| fraction.len())
            })
        };
        let digits = digits(&self.from).max(digits(&self.to)).min(6);
        Some(format!("{delta:+.digits$}"))
    }
}

fn changes(old: &Value, new: &Value, all: bool) -> Vec<Change> {
    let own = |value: &Value| -> Vec<String> {
        value
            .as_object()
            .into_iter()
            .flatten()
            .map(|it| it.0.clone())
            .collect()
    };
    let mut parts: Vec<String> = PARTS.map(str::to_owned).to_vec();
    if all {
        let others: Vec<String> = own(old)
            .into_iter()
            .chain(own(new))
            .filter(|it| it != "id")
            .collect();
        for part in others {
            if !parts.contains(&part) {
                parts.push(part);
            }
        }
    }
    parts
        .iter()
        .flat_map(|part| compare(part, old.get(part), new.get(part)))
        .collect()
}

fn compare(part: &str, old: Option<&Value>, new: Option<&Value>) -> Vec<Change> {
    let (old, new) = (leaves(part, old), leaves(part, new));
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change = |path: &String| Change {
        path: path.clone(),
        from: old.get(path).cloned(),
        to: new.get(path).cloned(),
    };
    paths
        .into_iter()
        .map(change)
        .filter(|change| change.from != change.to)
        .collect()
}

fn leaves(part: &str, value: Option<&Value>) -> BTreeMap<String, Value> {
    match value {
        None => BTreeMap::new(),
        Some(Value::Object(object)) if !object.is_empty() => words::leaves(object, part)
            .into_iter()
            .map(|(path, value)| (path, value.clone()))
            .collect(),
        Some(other) => BTreeMap::from([(part.to_owned(), other.clone())]),
    }
}

fn headline(from: &Item, to: &Item, old: &Value, new: &Value) -> String {
    let name = |item: &Item| item.id().unwrap_or_else(|| format!("index {}", item.index));
    let (from, to) = (name(from), name(to));
    let decision = |value: &Value| value.get("decision").map(words::text_of);
    match (decision(old), decision(new)) {
        (Some(old), Some(new)) if old == new => format!("Both {from} and {to} came to: {old}."),
        (Some(old), Some(new)) => format!("{from} came to {old}, {to} to {new}."),
        _ => format!("{from} and {to}:"),
    }
}

fn grid(changes: &[Change], dictionary: &Dictionary) -> Grid {
    let shown = |change: &Change, value: &Option<Value>| match (
        value,
        change.path.strip_prefix("input."),
    ) {
        (Some(value), Some(attribute)) => dictionary.meaning(attribute, value),
        (Some(value), None) => words::text_of(value),
        (None, _) => "(absent)".to_owned(),
    };
    let cells = |change: &Change| {
        let coded = change
            .path
            .strip_prefix("input.")
            .is_some_and(|attribute| dictionary.is_coded(attribute));
        let delta = if coded {
            String::new()
        } else {
            change.delta().unwrap_or_default()
        };
        vec![
            change.path.clone(),
            shown(change, &change.from),
            shown(change, &change.to),
            delta,
        ]
    };
    Grid {
        columns: vec![
            Column::new("WHERE", false, 0),
            Column::new("FROM", false, 0),
            Column::new("TO", false, 0),
            Column::new("DELTA", true, 0),
        ],
        rows: changes.iter().map(cells).collect(),
    }
}

fn print_json(output: &Output, format: Format, changes: &[Change]) -> Outcome {
    let object = |change: &Change| json!({ "path": change.path, "from": change.from, "to": change.to, "delta": change.delta() });
    let objects: Vec<Value> = changes.iter().map(object).collect();
    if format == Format::Json {
        return output.line(format_args!("{:#}", json!(objects)));
    }
    for object in objects {
        output.line(object)?;
    }
    Ok(())
}
