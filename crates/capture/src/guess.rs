//! A proposal for a mapping, from the names of columns and their first values. Each line of it says why it is there;
//! nothing is done with it before someone has seen it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use crate::mapping::Members;
use crate::row::{Cell, Item};
use crate::{CaptureError, Format, Mapping, Source, delimited, number, text, xlsx};

/// A proposed mapping.
#[derive(Clone, Debug)]
pub struct Guess {
    /// The mapping.
    pub mapping: Mapping,
    /// Why each key is as it is: key, reason.
    pub reasons: Vec<(String, String)>,
    /// What else is worth knowing before anything is recorded.
    pub notes: Vec<String>,
}

impl Guess {
    /// The mapping as TOML with the reasons as comments, which [`Mapping::parse`] reads.
    ///
    /// # Errors
    /// As [`Mapping::to_toml`].
    pub fn to_toml(&self) -> Result<String, CaptureError> {
        let mut out = String::new();
        for note in &self.notes {
            out.push_str(&format!("# Note: {note}\n"));
        }
        let mut section = String::new();
        for line in self.mapping.to_toml()?.lines() {
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|line| line.strip_suffix(']'))
            {
                section = format!("{name}.");
                // A member under a section of its own has its reason above that.
                self.push_reasons(&mut out, name);
            } else if let Some((key, _)) = line.split_once(" = ") {
                self.push_reasons(&mut out, &format!("{section}{key}"));
            }
            out.push_str(line);
            out.push('\n');
        }
        Ok(out)
    }

    fn push_reasons(&self, out: &mut String, key: &str) {
        for (_, reason) in self.reasons.iter().filter(|(of, _)| of == key) {
            out.push_str(&format!("# {reason}\n"));
        }
    }

    fn reason(&mut self, key: &str, reason: impl Into<String>) {
        self.reasons.push((key.to_owned(), reason.into()));
    }
}

/// Proposes a mapping for a source, from its first thousand rows.
///
/// # Errors
/// As reading the source: [`CaptureError::Io`], [`CaptureError::Broken`].
pub fn guess(source: &Source, format: Format) -> Result<Guess, CaptureError> {
    guess_with(source, format, Mapping::default())
}

/// Proposes a mapping, given how the source is to be read and whatever else is settled already.
pub(crate) fn guess_with(
    source: &Source,
    format: Format,
    given: Mapping,
) -> Result<Guess, CaptureError> {
    let mut guess = Guess {
        mapping: given,
        reasons: Vec::new(),
        notes: Vec::new(),
    };
    guess.mapping.read.format = Some(format);
    guess.reason("read.format", "from the first bytes and the name");
    if format == Format::Csv && guess.mapping.read.delimiter.is_none() {
        let delimiter = delimited::sniff(source.name(), &source.head()?, guess.mapping.read.skip);
        guess.mapping.read.delimiter = Some(char::from(delimiter).to_string());
        guess.reason(
            "read.delimiter",
            "splits the first rows into the same number of fields",
        );
    }
    if format == Format::Xlsx && guess.mapping.read.sheet.is_none() {
        let sheets = xlsx::sheet_names(source)?;
        guess.mapping.read.sheet = sheets.first().cloned();
        guess.reason(
            "read.sheet",
            format!("the first of {}: {}", sheets.len(), sheets.join(", ")),
        );
    }
    let sample = Sample::take(source, format, &guess.mapping)?;
    for renamed in &sample.renamed {
        guess.notes.push(renamed.clone());
    }
    Proposer {
        guess: &mut guess,
        sample: &sample,
        taken: BTreeSet::new(),
    }
    .propose(format);
    if guess.mapping.columns.id.is_none() {
        let name = guess.mapping.source.name.clone();
        let name = name.unwrap_or_else(|| source.name().to_owned());
        guess.mapping.source.name = Some(name);
        guess.reason(
            "source.name",
            "no id column: ids are made from this name, the row and its occurrence, so another file of the same name \
             with equal rows counts as the same rows",
        );
    }
    Ok(guess)
}

/// What the first rows show of a column.
#[derive(Default)]
struct Seen {
    values: u64,
    missing: u64,
    numbers: u64,
    times: u64,
    structures: u64,
    blank_led: u64,
    distinct: BTreeSet<String>,
}

impl Seen {
    fn all(&self, count: u64) -> bool {
        self.values > 0 && count == self.values
    }
}

struct Sample {
    /// Names in order of appearance.
    names: Vec<String>,
    seen: BTreeMap<String, Seen>,
    rows: u64,
    renamed: Vec<String>,
}

impl Sample {
    fn take(source: &Source, format: Format, mapping: &Mapping) -> Result<Sample, CaptureError> {
        let mut sample = Sample {
            names: Vec::new(),
            seen: BTreeMap::new(),
            rows: 0,
            renamed: Vec::new(),
        };
        crate::import::read(source, format, &mapping.read, &mut |item| {
            match item {
                Item::Header { names, renamed } => {
                    sample.names = names.to_vec();
                    for name in names {
                        sample.seen.entry(name.clone()).or_default();
                    }
                    for one in renamed {
                        let what = if one.from.is_empty() {
                            "has no name"
                        } else {
                            "has a name taken already"
                        };
                        let line = format!(
                            "column {} {what}, it is called {} here",
                            one.position, one.to
                        );
                        sample.renamed.push(line);
                    }
                }
                Item::Bad { .. } => sample.rows += 1,
                Item::Row(row) => {
                    sample.rows += 1;
                    for (name, cell) in row.names.iter().zip(row.cells) {
                        sample.cell(name, cell);
                    }
                }
            }
            Ok(if sample.rows >= SAMPLE_ROWS {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            })
        })?;
        Ok(sample)
    }

    fn cell(&mut self, name: &str, cell: &Cell<'_>) {
        if !self.seen.contains_key(name) {
            self.names.push(name.to_owned());
        }
        let seen = self.seen.entry(name.to_owned()).or_default();
        let (value, is_number) = match cell {
            Cell::Missing(_) => {
                seen.missing += 1;
                return;
            }
            Cell::Json(json) if json == "null" => {
                seen.missing += 1;
                return;
            }
            Cell::Text(text) => (text.to_string(), number::is_json(text)),
            Cell::Json(json) => match text::unquoted(json) {
                Some(text) => (text.into_owned(), false),
                None => (json.to_string(), number::is_json(json)),
            },
        };
        seen.values += 1;
        seen.numbers += u64::from(is_number);
        seen.times += u64::from(looks_like_time(&value));
        seen.structures +=
            u64::from(matches!(cell, Cell::Json(json) if json.starts_with(['{', '['])));
        seen.blank_led += u64::from(value.starts_with(' '));
        if seen.distinct.len() <= SAMPLE_ROWS as usize {
            seen.distinct.insert(text::shortened(&value));
        }
    }
}

struct Proposer<'a> {
    guess: &'a mut Guess,
    sample: &'a Sample,
    taken: BTreeSet<String>,
}

impl Proposer<'_> {
    fn propose(mut self, format: Format) {
        if format == Format::Line {
            self.propose_line();
            return;
        }
        self.single("time", TIME_NAMES, &|name| {
            name.ends_with("_at")
                || name.ends_with("_date")
                || name.ends_with("_time")
                || name.ends_with("timestamp")
        });
        self.single("subject", SUBJECT_NAMES, &|_| false);
        self.single("id", ID_NAMES, &|name| name.ends_with("_id"));
        self.single("refers_to", &["refers_to"], &|_| false);
        self.single("decision", DECISION_NAMES, &|name| {
            name.ends_with("_decision")
        });
        self.single("score", SCORE_NAMES, &|name| {
            name.starts_with("prob") || name.ends_with("_score") || name.ends_with("_probability")
        });
        self.model();
        self.explanation();
        self.input_and_output();
        self.notes();
    }

    fn propose_line(&mut self) {
        let columns = &mut self.guess.mapping.columns;
        columns.time = Some("time".to_owned());
        columns.input = Some(Members::Whole("input".to_owned()));
        columns.output = Some(Members::Whole("output".to_owned()));
        columns.decision = Some("decision".to_owned());
        columns.model = Some(Members::Named(
            [("name".to_owned(), "model".to_owned())].into(),
        ));
        self.guess
            .reason("columns.time", "the parts of the text line");
        self.guess
            .reason("columns.decision", "the output, where it is a word");
        self.unspecified_model();
        if self.sample.seen.contains_key("model") {
            self.guess
                .reasons
                .retain(|(key, _)| key != "constants.model");
            self.guess
                .reason("constants.model", "for lines that name no model");
        }
    }

    /// Proposes the column for a member of one value: one of the names, in their order; else one that fits.
    fn single(&mut self, member: &str, names: &[&str], fits: &dyn Fn(&str) -> bool) {
        let by_name = names.iter().filter_map(|wanted| {
            let same = |name: &&String| plain(name) == *wanted;
            self.sample.names.iter().find(same)
        });
        let by_form = self.sample.names.iter().filter(|name| fits(&plain(name)));
        let candidates: Vec<&String> = by_name.chain(by_form).collect();
        for name in candidates {
            if self.taken.contains(name) {
                continue;
            }
            let Some(reason) = self.fitness(member, name) else {
                continue;
            };
            let columns = &mut self.guess.mapping.columns;
            let place = match member {
                "id" => &mut columns.id,
                "time" => &mut columns.time,
                "subject" => &mut columns.subject,
                "decision" => &mut columns.decision,
                "score" => &mut columns.score,
                _ => &mut columns.refers_to,
            };
            if place.is_some() {
                return;
            }
            *place = Some(name.clone());
            self.taken.insert(name.clone());
            self.guess.reason(&format!("columns.{member}"), reason);
            return;
        }
    }

    /// Why the values of a column can be that member; `None` if they cannot.
    fn fitness(&self, member: &str, name: &str) -> Option<String> {
        let seen = self.sample.seen.get(name)?;
        if seen.values == 0 || seen.structures > 0 {
            return None;
        }
        let distinct = seen.distinct.len() as u64;
        match member {
            "id" => {
                let unique = distinct == seen.values && seen.missing == 0;
                unique.then(|| {
                    format!(
                        "by its name; different in each of the first {} rows",
                        seen.values
                    )
                })
            }
            "time" => seen
                .all(seen.times)
                .then(|| "by its name; every value is a date or time".to_owned()),
            "score" => seen
                .all(seen.numbers)
                .then(|| "by its name; every value is a number".to_owned()),
            "decision" => {
                let few =
                    distinct <= DECISION_WORDS_MAX && (distinct < seen.values || seen.values < 20);
                let words: Vec<&str> = seen.distinct.iter().take(8).map(String::as_str).collect();
                let doubt = if OBSERVED_NAMES.contains(&plain(name).as_str()) {
                    "; it may be what was observed later rather than decided"
                } else {
                    ""
                };
                few.then(|| {
                    format!(
                        "by its name; {distinct} values: {}{doubt}",
                        words.join(", ")
                    )
                })
            }
            _ => Some("by its name".to_owned()),
        }
    }

    fn model(&mut self) {
        let mut named = BTreeMap::new();
        for (part, names) in [("name", MODEL_NAMES), ("version", VERSION_NAMES)] {
            let found = self
                .sample
                .names
                .iter()
                .find(|name| names.contains(&plain(name).as_str()));
            let Some(name) = found.filter(|name| !self.taken.contains(*name)) else {
                continue;
            };
            let structured = self
                .sample
                .seen
                .get(name)
                .is_some_and(|seen| seen.structures > 0);
            self.taken.insert(name.clone());
            if structured {
                self.guess.mapping.columns.model = Some(Members::Whole(name.clone()));
                self.guess.reason("columns.model", "by its name");
                return;
            }
            named.insert(part.to_owned(), name.clone());
        }
        if named.is_empty() {
            self.unspecified_model();
            return;
        }
        self.guess.mapping.columns.model = Some(Members::Named(named));
        self.guess.reason("columns.model", "by their names");
    }

    fn unspecified_model(&mut self) {
        let model = toml::Table::from_iter([("name".to_owned(), toml::Value::from("unspecified"))]);
        let constants = &mut self.guess.mapping.constants;
        if constants.contains_key("model") {
            return;
        }
        constants.insert("model".to_owned(), toml::Value::Table(model));
        self.guess.reason(
            "constants.model",
            "no column names the model, and a decision needs one: put its name and version here",
        );
    }

    fn explanation(&mut self) {
        let found: Vec<String> = self
            .free()
            .filter(|name| {
                let name = plain(name);
                EXPLANATION_NAMES.contains(&name.as_str())
                    || name.contains("contribution")
                    || name.contains("attribution")
                    || name.starts_with("shap_")
                    || name.ends_with("_reasons")
            })
            .cloned()
            .collect();
        if found.is_empty() {
            return;
        }
        self.taken.extend(found.iter().cloned());
        self.guess.mapping.columns.explanation = Some(Members::Columns(found));
        self.guess.reason("columns.explanation", "by their names");
    }

    fn input_and_output(&mut self) {
        let whole = |proposer: &Self, names: &[&str]| {
            names.iter().find_map(|wanted| {
                let fits = |name: &&String| {
                    plain(name) == *wanted
                        && proposer
                            .sample
                            .seen
                            .get(*name)
                            .is_some_and(|seen| seen.all(seen.structures))
                };
                proposer.free().find(fits).cloned()
            })
        };
        let input = whole(self, INPUT_NAMES);
        self.taken.extend(input.clone());
        let output = whole(self, &["output", "outputs", "response", "result"]);
        self.taken.extend(output.clone());
        if let Some(output) = output {
            self.guess.mapping.columns.output = Some(Members::Whole(output));
            self.guess.reason("columns.output", "by its name");
        } else {
            self.output_columns();
        }
        let is_whole = input.is_some();
        let columns = &mut self.guess.mapping.columns;
        if let Some(input) = input {
            columns.input = Some(Members::Whole(input));
            columns.context = Some(Members::Columns(vec!["*".to_owned()]));
        } else {
            columns.input = Some(Members::Columns(vec!["*".to_owned()]));
        }
        if is_whole {
            self.guess
                .reason("columns.input", "by its name; its value as a whole");
            self.guess.reason("columns.context", "everything else");
        } else {
            self.guess.reason("columns.input", "everything else");
        }
    }

    fn output_columns(&mut self) {
        let found: Vec<String> = self
            .free()
            .filter(|name| {
                let name = plain(name);
                name.starts_with("output_")
                    || name.starts_with("pred")
                    || name == "output"
                    || name == "margin"
            })
            .cloned()
            .collect();
        if found.is_empty() {
            return;
        }
        self.taken.extend(found.iter().cloned());
        self.guess.mapping.columns.output = Some(Members::Columns(found));
        self.guess.reason("columns.output", "by their names");
    }

    fn notes(&mut self) {
        if self.guess.mapping.columns.time.is_none() {
            let note = "no column gives the time of the decision; records will carry the time of recording, marked as such";
            self.guess.notes.push(note.to_owned());
        }
        let blank_led = self
            .sample
            .seen
            .values()
            .filter(|seen| seen.all(seen.blank_led))
            .count();
        if blank_led > 0 {
            let note = format!(
                "the cells of {blank_led} columns begin with a blank, which is kept; read.trim = true drops it"
            );
            self.guess.notes.push(note);
        }
    }

    fn free(&self) -> impl Iterator<Item = &String> {
        self.sample
            .names
            .iter()
            .filter(|name| !self.taken.contains(*name))
    }
}

/// A name without the differences of style: lower case, and `_` for blanks, hyphens and points.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-', '.'], "_")
}

/// `YYYY-MM-DD`, alone or with what follows a date.
fn looks_like_time(value: &str) -> bool {
    let (date, rest) = value.split_at_checked(10).unwrap_or_default();
    let is_date = !date.is_empty()
        && date.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_date && (rest.is_empty() || rest.starts_with(['T', ' ']))
}

const SAMPLE_ROWS: u64 = 1_000;
const DECISION_WORDS_MAX: u64 = 50;

const TIME_NAMES: &[&str] = &[
    "time",
    "timestamp",
    "decided_at",
    "decision_time",
    "decision_date",
    "datetime",
    "date",
    "created_at",
    "created",
];
const SUBJECT_NAMES: &[&str] = &[
    "subject",
    "subject_id",
    "customer_id",
    "customer",
    "applicant_id",
    "client_id",
    "user_id",
    "person_id",
    "patient_id",
    "member_id",
    "account_id",
];
const ID_NAMES: &[&str] = &[
    "id",
    "record_id",
    "decision_id",
    "application_id",
    "loan_id",
    "request_id",
    "prediction_id",
    "case_id",
    "uuid",
];
const DECISION_NAMES: &[&str] = &[
    "decision",
    "action_taken",
    "action",
    "approved",
    "outcome",
    "verdict",
    "prediction",
    "predicted_label",
    "predicted_class",
    "y_pred",
    "label",
    "target",
    "class",
    "creditability",
];
const OBSERVED_NAMES: &[&str] = &["outcome", "label", "target", "class", "creditability"];
const SCORE_NAMES: &[&str] = &[
    "score",
    "probability",
    "y_score",
    "y_prob",
    "risk_score",
    "confidence",
];
const MODEL_NAMES: &[&str] = &["model", "model_name", "model_id"];
const VERSION_NAMES: &[&str] = &["model_version", "version"];
const EXPLANATION_NAMES: &[&str] = &[
    "explanation",
    "explanations",
    "contributions",
    "attributions",
    "base_value",
    "reasons",
    "shap_values",
];
const INPUT_NAMES: &[&str] = &["input", "inputs", "raw", "instance", "request", "features"];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_toml_with_a_reason_for_each_key() {
        let csv = b"loan_id,decided_at,action,score,age\na,2024-06-01,approve,0.2,30\nb,2024-06-02,deny,0.9,40\n";
        let source = Source::from_bytes("loans.csv", &csv[..]);
        let guess = guess(&source, Format::Csv).unwrap();
        let columns = &guess.mapping.columns;
        assert_eq!(columns.id.as_deref(), Some("loan_id"));
        assert_eq!(columns.time.as_deref(), Some("decided_at"));
        assert_eq!(columns.decision.as_deref(), Some("action"));
        assert_eq!(columns.score.as_deref(), Some("score"));
        assert_eq!(columns.input, Some(Members::Columns(vec!["*".into()])));
        let toml = guess.to_toml().unwrap();
        assert_eq!(Mapping::parse(&toml).unwrap(), guess.mapping);
        assert!(
            toml.contains(
                "# by its name; different in each of the first 2 rows\nid = \"loan_id\"\n"
            ),
            "{toml}"
        );
        assert!(toml.contains("a decision needs one"), "{toml}");
    }

    #[test]
    fn values_that_do_not_fit_keep_a_name_from_being_taken() {
        let csv = b"id,time,score,class\n1,noon,high,a\n1,noon,0.5,a\n";
        let source = Source::from_bytes("x.csv", &csv[..]);
        let columns = guess(&source, Format::Csv).unwrap().mapping.columns;
        assert_eq!(
            (columns.id, columns.time, columns.score),
            (None, None, None)
        );
        assert_eq!(columns.decision.as_deref(), Some("class"));
    }
}
