//! Attributes predictions: rows of a JSON array each from standard input, answers of a JSON object each to standard output.
//!
//! `cargo run --release -p causebook-model --example attribute -- MODEL BACKGROUND [--players 0,0,1] [--covers]
//! [--seed N] [--time N]`
//!
//! `BACKGROUND` is a file of rows like those of the input; null is a missing value. `--covers` asks for the path-dependent
//! values that the libraries report. `--time N` attributes all rows N times and ends with a line of what one took.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
// A measurement reads the real clock.
#![allow(clippy::disallowed_methods)]

use std::io::{BufRead as _, Write as _};
use std::time::Instant;

use causebook_model::attribute::{self, Attribution, Background, Players};
use causebook_model::{Limits, Model, ModelError, Value};
use serde_json::json;

struct Options {
    model: Model,
    background: Vec<Vec<Value>>,
    players: Players,
    covers: bool,
    seed: u64,
    rounds: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = options()?;
    let input = std::io::read_to_string(std::io::stdin())?;
    let rows = rows(&input)?;
    let start = Instant::now();
    let background = Background::new(&options.model, options.background.clone())?;
    let prepared = start.elapsed();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for row in &rows {
        let outputs = options.model.predict(row)?.margins.len();
        let answers = (0..outputs).map(|output| answer(&ask(&options, row, &background, output)));
        writeln!(out, "{}", json!(answers.collect::<Vec<_>>()))?;
    }
    if options.rounds > 0 {
        let mut times = Vec::new();
        for row in std::iter::repeat_n(&rows, options.rounds).flatten() {
            let start = Instant::now();
            ask(&options, row, &background, 0)?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
        let prepared = prepared.as_secs_f64() * 1e6;
        let line = json!({
            "prepared_us": prepared, "decisions": times.len(),
            "least_us": times[0], "p50_us": at(50), "p99_us": at(99),
        });
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

fn options() -> Result<Options, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next();
    let bytes = std::fs::read(next().ok_or("MODEL is missing")?)?;
    let format = Model::detect(&bytes).ok_or("the model is of no format that is read")?;
    let model = Model::read(format, &bytes, &Limits::default())?;
    let background = std::fs::read_to_string(next().ok_or("BACKGROUND is missing")?)?;
    let mut options = Options {
        players: Players::each(model.inputs().len()),
        background: rows(&background)?,
        model,
        covers: false,
        seed: 0,
        rounds: 0,
    };
    while let Some(option) = next() {
        match option.as_str() {
            "--covers" => options.covers = true,
            "--seed" => options.seed = next().ok_or("--seed N")?.parse()?,
            "--time" => options.rounds = next().ok_or("--time N")?.parse()?,
            "--players" => {
                let list = next().ok_or("--players 0,0,1")?;
                let players = list.split(',').map(str::parse);
                options.players = Players::new(players.collect::<Result<_, _>>()?);
            }
            other => return Err(format!("no such option: {other}").into()),
        }
    }
    Ok(options)
}

fn rows(text: &str) -> Result<Vec<Vec<Value>>, Box<dyn std::error::Error>> {
    let lines = text.as_bytes().lines();
    let mut rows = Vec::new();
    for line in lines {
        let row: Vec<serde_json::Value> = serde_json::from_str(&line?)?;
        rows.push(
            row.iter()
                .map(value)
                .collect::<Option<_>>()
                .ok_or("numbers, words or null")?,
        );
    }
    Ok(rows)
}

fn value(value: &serde_json::Value) -> Option<Value> {
    Some(match value {
        serde_json::Value::Null => Value::Missing,
        serde_json::Value::Number(number) => Value::Number(number.as_f64()?),
        serde_json::Value::String(text) => Value::Text(text.clone()),
        _ => return None,
    })
}

fn ask(
    options: &Options,
    row: &[Value],
    background: &Background,
    output: usize,
) -> Result<Option<Attribution>, ModelError> {
    if options.covers {
        return attribute::path_dependent(&options.model, row, &options.players, output);
    }
    attribute::attribute(
        &options.model,
        row,
        background,
        &options.players,
        output,
        options.seed,
    )
    .map(Some)
}

fn answer(found: &Result<Option<Attribution>, ModelError>) -> serde_json::Value {
    match found {
        Ok(Some(found)) => json!({
            "method": found.method, "scale": found.scale, "base": found.base, "value": found.value,
            "values": found.values, "errors": found.errors, "residual": found.residual(),
        }),
        Ok(None) => json!({"refused": "the model has no covers"}),
        Err(error) => json!({"refused": error.to_string()}),
    }
}
