//! From what a sample shows to the members of a mapping: by the names that people give such columns, where the values
//! do not speak against it.

use std::collections::{BTreeMap, BTreeSet};

use super::Guess;
use super::sample::Sample;
use crate::mapping::Members;
use crate::select::matches;
use crate::{Format, Mapping, TimeRule};

/// Fills the gaps of a mapping. A column that has found its place is not proposed for another.
pub(super) struct Proposer<'a> {
    guess: &'a mut Guess,
    sample: &'a Sample,
    taken: BTreeSet<String>,
}

impl<'a> Proposer<'a> {
    pub(super) fn new(guess: &'a mut Guess, sample: &'a Sample) -> Proposer<'a> {
        let taken = named(&guess.mapping);
        Proposer {
            guess,
            sample,
            taken,
        }
    }

    pub(super) fn propose(mut self, format: Format) {
        if format == Format::Line {
            self.propose_line();
            return;
        }
        for (member, names) in SINGLE_NAMES {
            self.single(member, names);
        }
        self.model();
        self.explanation();
        self.same_names();
        self.output();
        self.input();
        self.notes();
    }

    /// The parts of a text line, which are the same in each.
    fn propose_line(&mut self) {
        let word = |name: &str| Some(name.to_owned());
        let whole = |name: &str| Some(Members::Whole(name.to_owned()));
        let columns = &mut self.guess.mapping.columns;
        columns.time = columns.time.take().or_else(|| word("time"));
        columns.decision = columns.decision.take().or_else(|| word("decision"));
        columns.input = columns.input.take().or_else(|| whole("input"));
        columns.output = columns.output.take().or_else(|| whole("output"));
        let model = [("name".to_owned(), "model".to_owned())];
        columns.model = columns
            .model
            .take()
            .or_else(|| Some(Members::Named(model.into())));
        self.guess
            .reason("columns.decision", "the output, where it is a word");
        self.guess.reason("columns.model", "where a line names one");
        self.unspecified_model("for lines that name no model: put its name and version here");
    }

    /// Proposes the column for a member of one value: the first of the names whose values fit.
    fn single(&mut self, member: &'static str, names: &[&str]) {
        let columns = &mut self.guess.mapping.columns;
        if single_place(columns, member).is_some() {
            return;
        }
        let fits = |wanted: &&str| {
            let mut named = self.free().filter(|name| matches(wanted, &plain(name)));
            named.find_map(|name| Some((name.clone(), self.fitness(member, name)?)))
        };
        let Some((name, reason)) = names.iter().find_map(fits) else {
            return;
        };
        self.taken.insert(name.clone());
        *single_place(&mut self.guess.mapping.columns, member) = Some(name.clone());
        self.guess.reason(&format!("columns.{member}"), reason);
        if member == "time" {
            self.time_unit(&name);
        }
    }

    fn time_unit(&mut self, name: &str) {
        let Some(seen) = self.sample.seen.get(name) else {
            return;
        };
        let rule = &mut self.guess.mapping.time;
        if seen.all(seen.counts) && *rule == TimeRule::default() {
            rule.unit = seen.unit;
            self.guess
                .reason("time.unit", "as many digits as such a count has today");
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
            "time" if seen.all(seen.times) => {
                Some("by its name; every value is a date or time".to_owned())
            }
            "time" if seen.all(seen.counts) => {
                Some("by its name; every value counts time since 1970".to_owned())
            }
            "time" => None,
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
        if self.guess.mapping.columns.model.is_some() {
            return;
        }
        let mut members = BTreeMap::new();
        for (part, names) in [("name", MODEL_NAMES), ("version", VERSION_NAMES)] {
            let Some(name) = self
                .free()
                .find(|name| names.contains(&plain(name).as_str()))
                .cloned()
            else {
                continue;
            };
            self.taken.insert(name.clone());
            if self.is_structured(&name) {
                self.guess.mapping.columns.model = Some(Members::Whole(name));
                self.guess.reason("columns.model", "by its name");
                return;
            }
            members.insert(part.to_owned(), name);
        }
        if members.is_empty() {
            self.unspecified_model("no column names the model, and a decision needs one: put its name and version here");
            return;
        }
        self.guess.mapping.columns.model = Some(Members::Named(members));
        self.guess.reason("columns.model", "by the name");
    }

    fn unspecified_model(&mut self, reason: &str) {
        let constants = &mut self.guess.mapping.constants;
        if constants.contains_key("model") {
            return;
        }
        let model = toml::Table::from_iter([("name".to_owned(), toml::Value::from("unspecified"))]);
        constants.insert("model".to_owned(), toml::Value::Table(model));
        self.guess.reason("constants.model", reason);
    }

    fn explanation(&mut self) {
        if self.guess.mapping.columns.explanation.is_some() {
            return;
        }
        let found = self.take_named(EXPLANATION_NAMES);
        if let [only] = found.as_slice()
            && plain(only) == "explanation"
            && self.is_structured(only)
        {
            self.guess.mapping.columns.explanation = Some(Members::Whole(only.clone()));
            self.guess.reason("columns.explanation", "by its name");
        } else if !found.is_empty() {
            self.guess.mapping.columns.explanation = Some(Members::Columns(found));
            self.guess.reason("columns.explanation", "by the names");
        }
    }

    /// Objects that have the name of a member already.
    fn same_names(&mut self) {
        for member in ["parameters", "data", "context", "actor", "source"] {
            let found = self
                .free()
                .find(|name| *name == member && self.is_structured(name))
                .cloned();
            let columns = &mut self.guess.mapping.columns;
            let place = match member {
                "parameters" => &mut columns.parameters,
                "data" => &mut columns.data,
                "context" => &mut columns.context,
                "actor" => &mut columns.actor,
                _ => &mut columns.source,
            };
            if let (None, Some(name)) = (&place, found) {
                *place = Some(Members::Whole(name.clone()));
                self.taken.insert(name);
                self.guess
                    .reason(&format!("columns.{member}"), "by its name");
            }
        }
    }

    fn output(&mut self) {
        if self.guess.mapping.columns.output.is_some() {
            return;
        }
        let whole = OUTPUT_NAMES.iter().find_map(|wanted| {
            let mut named = self.free().filter(|name| plain(name) == *wanted);
            named.next().cloned()
        });
        let (members, reason) = match whole {
            Some(name) => {
                self.taken.insert(name.clone());
                (Members::Whole(name), "by its name")
            }
            None => match self.take_named(OUTPUT_PART_NAMES) {
                found if found.is_empty() => return,
                found => (Members::Columns(found), "by the names"),
            },
        };
        self.guess.mapping.columns.output = Some(members);
        self.guess.reason("columns.output", reason);
    }

    /// The column that holds all of the input, with what else there is as context; or else all columns that are left.
    fn input(&mut self) {
        if self.guess.mapping.columns.input.is_some() {
            return;
        }
        let whole = INPUT_NAMES.iter().find_map(|wanted| {
            let mut named = self
                .free()
                .filter(|name| plain(name) == *wanted && self.is_structured(name));
            named.next().cloned()
        });
        let rest = || Some(Members::Columns(vec!["*".to_owned()]));
        let columns = &mut self.guess.mapping.columns;
        let Some(name) = whole else {
            columns.input = rest();
            self.guess.reason("columns.input", "everything else");
            return;
        };
        columns.input = Some(Members::Whole(name.clone()));
        let has_context = columns.context.is_some();
        if !has_context {
            columns.context = rest();
        }
        self.taken.insert(name);
        self.guess
            .reason("columns.input", "by its name; its value as a whole");
        if !has_context {
            self.guess.reason("columns.context", "everything else");
        }
    }

    fn notes(&mut self) {
        if self.guess.mapping.columns.time.is_none() {
            let note = "no column gives the time of the decision; records will carry the time of recording, marked as such";
            self.guess.notes.push(note.to_owned());
        }
        let seen = self.sample.seen.values();
        let blank_led = seen.filter(|seen| seen.all(seen.blank_led)).count();
        if blank_led > 0 {
            let note = format!(
                "the cells of {blank_led} columns begin with a blank, which is kept; read.trim = true drops it"
            );
            self.guess.notes.push(note);
        }
    }

    fn take_named(&mut self, patterns: &[&str]) -> Vec<String> {
        let fits = |name: &&String| {
            patterns
                .iter()
                .any(|pattern| matches(pattern, &plain(name)))
        };
        let found: Vec<String> = self.free().filter(fits).cloned().collect();
        self.taken.extend(found.iter().cloned());
        found
    }

    fn free(&self) -> impl Iterator<Item = &String> {
        self.sample
            .names
            .iter()
            .filter(|name| !self.taken.contains(*name))
    }

    fn is_structured(&self, name: &str) -> bool {
        self.sample
            .seen
            .get(name)
            .is_some_and(|seen| seen.all(seen.structures))
    }
}

/// The columns that a mapping names outright.
fn named(mapping: &Mapping) -> BTreeSet<String> {
    let single = mapping.columns.single();
    let mut named: BTreeSet<String> = single
        .into_iter()
        .filter_map(|(_, name)| name.cloned())
        .collect();
    for (_, members) in mapping.columns.structured() {
        match members {
            None => {}
            Some(Members::Whole(name)) => named.extend([name.clone()]),
            Some(Members::Columns(names)) => named.extend(names.iter().cloned()),
            Some(Members::Named(names)) => named.extend(names.values().cloned()),
        }
    }
    named
}

fn single_place<'c>(columns: &'c mut crate::Columns, member: &str) -> &'c mut Option<String> {
    match member {
        "id" => &mut columns.id,
        "time" => &mut columns.time,
        "subject" => &mut columns.subject,
        "decision" => &mut columns.decision,
        "score" => &mut columns.score,
        "automation" => &mut columns.automation,
        _ => &mut columns.refers_to,
    }
}

/// A name without the differences of style: lower case, and `_` for blanks, hyphens and points.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-', '.'], "_")
}

const DECISION_WORDS_MAX: u64 = 50;

/// Members in the order in which columns are sought for them, each with the names it goes by, the surest first.
const SINGLE_NAMES: [(&str, &[&str]); 7] = [
    (
        "time",
        &[
            "time",
            "timestamp",
            "decided_at",
            "decision_time",
            "decision_date",
            "datetime",
            "date",
            "created_at",
            "created",
            "*_at",
            "*_timestamp",
            "*_time",
            "*_date",
        ],
    ),
    (
        "subject",
        &[
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
        ],
    ),
    (
        "id",
        &[
            "id",
            "record_id",
            "decision_id",
            "application_id",
            "loan_id",
            "request_id",
            "prediction_id",
            "case_id",
            "uuid",
            "*_id",
        ],
    ),
    ("refers_to", &["refers_to"]),
    ("automation", &["automation"]),
    (
        "decision",
        &[
            "decision",
            "action_taken",
            "action",
            "approved",
            "verdict",
            "prediction",
            "predicted_label",
            "predicted_class",
            "y_pred",
            "*_decision",
            "outcome",
            "label",
            "target",
            "class",
            "creditability",
        ],
    ),
    (
        "score",
        &[
            "score",
            "probability",
            "y_score",
            "y_prob",
            "risk_score",
            "confidence",
            "prob*",
            "*_score",
            "*_probability",
        ],
    ),
];
/// Names of what is often known only later, and then no decision.
const OBSERVED_NAMES: [&str; 5] = ["outcome", "label", "target", "class", "creditability"];
const MODEL_NAMES: &[&str] = &["model", "model_name", "model_id"];
const VERSION_NAMES: &[&str] = &["model_version", "version"];
const EXPLANATION_NAMES: &[&str] = &[
    "explanation",
    "explanations",
    "base_value",
    "reasons",
    "*_reasons",
    "shap_*",
    "*contribution*",
    "*attribution*",
];
const INPUT_NAMES: &[&str] = &["input", "inputs", "raw", "instance", "request", "features"];
const OUTPUT_NAMES: &[&str] = &["output", "outputs", "response", "result"];
const OUTPUT_PART_NAMES: &[&str] = &["output_*", "pred*", "margin"];
