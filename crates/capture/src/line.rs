//! The text line that people write by hand: `2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved`.
//!
//! ```text
//! line   = time " - " [ "Model: " name ", " ] "Input: " value ", Output: " output
//! time   = YYYY-MM-DD, a blank or T, hh:mm:ss, optionally a fraction behind "." or "," and a zone
//! name   = text without a comma
//! value  = a Python repr
//! output = a Python repr, or text: what is no repr and does not begin like one is taken as it stands
//! ```
//! The normal form, which [`format_line`] writes, has the time in UTC without fraction or zone, members in the order of
//! the record's canonical text, strings as Python's `repr` writes them, and an output that is a string without quotes,
//! where it would be read back as the same string.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::row::{Cell, Item, Sink, SourceRow};
use crate::text::{members, quoted, unquoted};
use crate::{CaptureError, Reason, Source, json, python};

/// The parts of a text line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionLine {
    /// The time as written, a comma before the fraction replaced by a point.
    pub time: String,
    /// The model, if the line names one.
    pub model: Option<String>,
    /// The input, as JSON text.
    pub input: String,
    /// The output, as JSON text.
    pub output: String,
}

/// Reads one text line.
///
/// # Errors
/// [`Reason::Line`] if a part is missing, [`Reason::Python`] with the place in the line if a repr is broken.
pub fn parse_line(line: &str) -> Result<DecisionLine, Reason> {
    let fail = |problem: &str| Reason::Line {
        problem: problem.to_owned(),
    };
    let (time, rest) = line
        .trim_end()
        .split_once(" - ")
        .ok_or_else(|| fail("no \" - \" behind the time"))?;
    let time = time.trim_start();
    if !is_time(time) {
        return Err(fail("it does not begin with a time, YYYY-MM-DD hh:mm:ss"));
    }
    let mut rest = rest.trim_start();
    let mut model = None;
    if let Some(named) = rest.strip_prefix("Model:") {
        let (name, after) = named
            .split_once(',')
            .ok_or_else(|| fail("no comma behind the model's name"))?;
        model = Some(name.trim().to_owned());
        rest = after.trim_start();
    }
    let value = rest
        .strip_prefix("Input:")
        .ok_or_else(|| fail("\"Input: \" is not where it should be"))?;
    // Both parts read as reprs are what is left of the line from some place on.
    let at = |rest: &str| line.trim_end().len() - rest.len();
    let (input, used) = python::read_value(value).map_err(|reason| shifted(reason, at(value)))?;
    let rest = value.get(used..).unwrap_or_default().trim_start();
    let output = rest
        .strip_prefix(',')
        .and_then(|rest| rest.trim_start().strip_prefix("Output:"))
        .ok_or_else(|| fail("\", Output: \" does not follow the input"))?;
    Ok(DecisionLine {
        time: time.replace(',', "."),
        model,
        input,
        output: parse_output(output.trim()).map_err(|reason| match reason {
            Reason::Python { .. } => shifted(reason, at(output.trim_start())),
            other => other,
        })?,
    })
}

/// Prints a decision as a text line, in the normal form.
///
/// The output shown is the record's `output`; its `decision` if there is none. `record` is a record's canonical text.
///
/// # Errors
/// [`CaptureError::NotALine`] for what is no decision, has no time, or neither output nor decision.
pub fn format_line(record: &str) -> Result<String, CaptureError> {
    let not_a_line = |problem: String| CaptureError::NotALine(problem);
    let members = members(record).map_err(|reason| not_a_line(reason.to_string()))?;
    let member = |name: &str| {
        members
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, json)| *json)
    };
    if let Some(kind) = member("kind").and_then(unquoted)
        && kind != "decision"
    {
        return Err(not_a_line(format!("it is of kind {kind}")));
    }
    let time = member("time")
        .and_then(unquoted)
        .ok_or_else(|| not_a_line("it has no time".to_owned()))?;
    let time: Timestamp = time
        .parse()
        .map_err(|error| not_a_line(format!("its time: {error}")))?;
    let time = TimeZone::UTC
        .to_datetime(time)
        .strftime("%Y-%m-%d %H:%M:%S");
    let output = member("output")
        .or_else(|| member("decision"))
        .ok_or_else(|| not_a_line("it has neither output nor decision".to_owned()))?;
    let repr =
        |json: &str| python::write_value(json).map_err(|reason| not_a_line(reason.to_string()));
    let input = repr(member("input").unwrap_or("null"))?;
    Ok(format!(
        "{time} - Input: {input}, Output: {}",
        output_text(output, repr)?
    ))
}

/// Whether a line begins as a text line does: what detection asks.
pub(crate) fn looks_like_line(line: &str) -> bool {
    let Some((time, rest)) = line.trim_start().split_once(" - ") else {
        return false;
    };
    is_time(time) && (rest.starts_with("Input:") || rest.starts_with("Model:"))
}

/// Reads a source as text lines: rows of `time`, `model` if named, `input`, `output`, and `decision` if the output is
/// a word.
pub(crate) fn read(source: &Source, sink: &mut Sink<'_>) -> Result<(), CaptureError> {
    json::each_line(source, &mut |at, line| {
        let (raw, parsed) = match line {
            Ok(line) => (line.as_bytes(), parse_line(line)),
            Err((raw, reason)) => (raw, Err(reason)),
        };
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(reason) => return sink(Item::Bad { at, raw, reason }),
        };
        let decision = parsed
            .output
            .starts_with('"')
            .then(|| parsed.output.clone());
        let members = [
            ("time", Some(quoted(&parsed.time))),
            ("model", parsed.model.as_deref().map(quoted)),
            ("input", Some(parsed.input)),
            ("output", Some(parsed.output)),
            ("decision", decision),
        ];
        let mut names = Vec::new();
        let mut cells = Vec::new();
        for (name, json) in members {
            if let Some(json) = json {
                names.push(name.to_owned());
                cells.push(Cell::Json(json.into()));
            }
        }
        sink(Item::Row(SourceRow {
            at,
            raw,
            names: &names,
            cells: &cells,
        }))
    })
}

/// The output as JSON text: the repr it is, else the text it is.
fn parse_output(output: &str) -> Result<String, Reason> {
    if output.is_empty() {
        return Err(Reason::Line {
            problem: "the output is empty".to_owned(),
        });
    }
    match python::read_value(output) {
        Ok((json, used)) if used == output.len() => Ok(json),
        // What opens a bracket or a quote means to be a repr; taken as text it would hide that it is broken.
        Err(reason) if output.starts_with(['{', '[', '(', '\'', '"']) => Err(reason),
        Ok((_, used)) if output.starts_with(['{', '[', '(', '\'', '"']) => Err(Reason::Python {
            at: used,
            problem: "something stands behind the output".to_owned(),
        }),
        _ => Ok(quoted(output)),
    }
}

/// A string bare where it reads back as the same string, anything else as its repr.
fn output_text(
    output: &str,
    repr: impl Fn(&str) -> Result<String, CaptureError>,
) -> Result<String, CaptureError> {
    let Ok(value) = serde_json::from_str::<String>(output) else {
        return repr(output);
    };
    let stays_on_its_line = !value.contains(['\n', '\r']) && value.trim() == value;
    let reads_back = parse_output(&value).is_ok_and(|json| json == quoted(&value));
    if stays_on_its_line && reads_back {
        return Ok(value);
    }
    repr(output)
}

fn shifted(reason: Reason, by: usize) -> Reason {
    match reason {
        Reason::Python { at, problem } => Reason::Python {
            at: at + by,
            problem,
        },
        other => other,
    }
}

/// `YYYY-MM-DD hh:mm:ss` with what may follow; whether it is a real instant is for the record to say.
fn is_time(text: &str) -> bool {
    let (start, rest) = text.split_at_checked(TIME_FORM.len()).unwrap_or_default();
    let fits = !start.is_empty()
        && start
            .bytes()
            .zip(TIME_FORM.bytes())
            .all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                b' ' => matches!(byte, b' ' | b'T'),
                _ => byte == form,
            });
    fits && rest.bytes().all(|byte| {
        byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b':' | b'+' | b'-' | b'Z')
    })
}

const TIME_FORM: &str = "0000-00-00 00:00:00";
