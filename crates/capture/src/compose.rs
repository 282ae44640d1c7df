//! One row, by a plan, to the JSON text of a record. Values pass through as they stand; where the record needs another
//! type than the source has, what was given is kept beside it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::import::ColumnKind;
use crate::mapping::Empty;
use crate::plan::{Constants, Plan, Shape};
use crate::row::{Cell, SourceRow};
use crate::select::Pick;
use crate::text::{self, push_string, quoted, shortened};
use crate::{Mapping, Reason, number};

/// What stays the same from row to row.
#[derive(Debug)]
pub(crate) struct Composer<'a> {
    pub(crate) mapping: &'a Mapping,
    pub(crate) constants: &'a Constants,
    /// By column, for delimited text; empty for typed formats.
    pub(crate) kinds: &'a [ColumnKind],
}

impl Composer<'_> {
    /// The id that the row itself gives, if the mapping names a column for it.
    ///
    /// # Errors
    /// [`Reason::NoId`] if that column is empty.
    pub(crate) fn given_id(
        &self,
        plan: &Plan,
        row: &SourceRow<'_>,
    ) -> Result<Option<String>, Reason> {
        let Some(column) = &self.mapping.columns.id else {
            return Ok(None);
        };
        let word = match &plan.id {
            Some(pick) => self.word(pick, row)?,
            None => None,
        };
        match word {
            Some(word) if !word.text.is_empty() => Ok(Some(word.text.into_owned())),
            _ => Err(Reason::NoId {
                column: column.clone(),
            }),
        }
    }

    /// The record of a row.
    ///
    /// # Errors
    /// A [`Reason`] if a cell cannot be what the mapping says it is.
    pub(crate) fn record(
        &self,
        plan: &Plan,
        row: &SourceRow<'_>,
        id: &str,
    ) -> Result<Vec<u8>, Reason> {
        let mut members: BTreeMap<&str, String> = BTreeMap::new();
        for (member, json) in &self.constants.single {
            members.insert(member, json.clone());
        }
        members.insert("id", quoted(id));
        if let Some(kind) = &self.mapping.kind {
            members.insert("kind", quoted(kind));
        }
        for (member, pick) in &plan.words {
            if let Some(word) = self.word(pick, row)? {
                members.insert(member, quoted(&word.text));
            }
        }
        let mut kept = Kept::default();
        if let Some(pick) = &plan.score
            && let Some(score) = self.score(pick, row)?
        {
            members.insert("score", score);
        }
        if let Some(pick) = &plan.time
            && let Some(time) = self.time(pick, row, plan, &mut kept)?
        {
            members.insert("time", time);
        }
        if let Some(pick) = &plan.decision
            && let Some(decision) = self.decision(pick, row, plan, &mut kept)?
        {
            members.insert("decision", decision);
        }
        for (member, shape) in &plan.structured {
            if let Some(json) = self.structured(member, shape, row, &kept)? {
                members.insert(member, json);
            }
        }
        for member in self.constants.structured.keys() {
            if !members.contains_key(member.as_str()) {
                let json = self.object(member, Vec::new(), &kept);
                members.insert(member, json);
            }
        }
        for member in kept.members() {
            if !members.contains_key(member) {
                let json = self.object(member, Vec::new(), &kept);
                members.insert(member, json);
            }
        }
        let mut out = String::with_capacity(row.raw.len() * 2 + 256);
        push_object(
            &mut out,
            members.iter().map(|(name, json)| (*name, json.as_str())),
        );
        Ok(out.into_bytes())
    }

    fn structured(
        &self,
        member: &str,
        shape: &Shape,
        row: &SourceRow<'_>,
        kept: &Kept,
    ) -> Result<Option<String>, Reason> {
        let picks = match shape {
            Shape::Whole(pick) => return Ok(self.value(pick, row)?.map(Cow::into_owned)),
            Shape::Object(picks) => picks,
        };
        let mut values = Vec::with_capacity(picks.len());
        for (name, pick) in picks {
            let json = if is_word(member, name) {
                self.word(pick, row)?
                    .map(|word| Cow::Owned(quoted(&word.text)))
            } else {
                self.value(pick, row)?
            };
            if let Some(json) = json {
                values.push((name.as_str(), json));
            }
        }
        let has_more = self.constants.structured.contains_key(member) || kept.has(member);
        if values.is_empty() && !has_more {
            return Ok(None);
        }
        Ok(Some(self.object(member, values, kept)))
    }

    /// An object of a row's values, completed by constants and by what has to be kept there.
    fn object(&self, member: &str, values: Vec<(&str, Cow<'_, str>)>, kept: &Kept) -> String {
        let mut object: BTreeMap<&str, Cow<'_, str>> = BTreeMap::new();
        if let Some(constants) = self.constants.structured.get(member) {
            for (name, json) in constants {
                object.insert(name, Cow::Borrowed(json));
            }
        }
        for (of, name, json) in &kept.0 {
            if *of == member {
                object.insert(name, Cow::Borrowed(json));
            }
        }
        for (name, json) in values {
            object.insert(name, json);
        }
        let mut out = String::new();
        push_object(
            &mut out,
            object.iter().map(|(name, json)| (*name, json.as_ref())),
        );
        out
    }

    /// The JSON text of a value; `None` if it is to be left out.
    fn value<'r>(
        &self,
        pick: &Pick,
        row: &'r SourceRow<'_>,
    ) -> Result<Option<Cow<'r, str>>, Reason> {
        let Some(cell) = row.cells.get(pick.column) else {
            return Ok(None);
        };
        let json: Cow<'r, str> = match cell {
            Cell::Missing(written) => return Ok(self.missing(written.as_deref()).map(Cow::Owned)),
            Cell::Json(json) => Cow::Borrowed(json.as_ref()),
            Cell::Text(written) => match self.kinds.get(pick.column) {
                Some(ColumnKind::Number) if number::is_json(written) => {
                    Cow::Borrowed(written.as_ref())
                }
                Some(ColumnKind::Number) => return Err(not_a_number(pick, row, written)),
                Some(ColumnKind::Json) => {
                    serde_json::from_str::<serde::de::IgnoredAny>(written).map_err(|error| {
                        Reason::Value {
                            column: column_name(pick, row),
                            problem: format!("not JSON: {error}"),
                        }
                    })?;
                    Cow::Borrowed(written.as_ref())
                }
                _ => Cow::Owned(quoted(written)),
            },
        };
        if pick.path.is_empty() {
            return Ok(Some(json));
        }
        Ok(text::at(&json, &pick.path).map(|value| Cow::Owned(value.to_owned())))
    }

    fn missing(&self, written: Option<&str>) -> Option<String> {
        match (self.mapping.read.empty, written) {
            (Empty::Omit, _) => None,
            (Empty::Keep, Some(written)) => Some(quoted(written)),
            (Empty::Null, _) | (Empty::Keep, None) => Some("null".to_owned()),
        }
    }

    /// The value of a pick where a record has one word; `None` if there is none.
    fn word<'r>(&self, pick: &Pick, row: &'r SourceRow<'_>) -> Result<Option<Word<'r>>, Reason> {
        let json: Cow<'r, str> = match row.cells.get(pick.column) {
            None | Some(Cell::Missing(_)) => return Ok(None),
            Some(Cell::Text(written)) if pick.path.is_empty() => {
                return Ok(Some(Word {
                    text: Cow::Borrowed(written.as_ref()),
                    was_text: true,
                }));
            }
            Some(Cell::Text(_)) => match self.value(pick, row)? {
                Some(json) => json,
                None => return Ok(None),
            },
            Some(Cell::Json(json)) => match text::at(json, &pick.path) {
                Some(json) => Cow::Borrowed(json),
                None => return Ok(None),
            },
        };
        if json.trim() == "null" {
            return Ok(None);
        }
        if json.trim_start().starts_with(['{', '[']) {
            return Err(Reason::NotAWord {
                column: column_name(pick, row),
            });
        }
        let unquoted = text::unquoted(&json).map(Cow::into_owned);
        Ok(Some(match unquoted {
            Some(word) => Word {
                text: Cow::Owned(word),
                was_text: true,
            },
            None => Word {
                text: json,
                was_text: false,
            },
        }))
    }

    fn score(&self, pick: &Pick, row: &SourceRow<'_>) -> Result<Option<String>, Reason> {
        let Some(word) = self.word(pick, row)? else {
            return Ok(None);
        };
        let is_untyped = matches!(row.cells.get(pick.column), Some(Cell::Text(_)));
        if number::is_json(&word.text) && (is_untyped || !word.was_text) {
            return Ok(Some(word.text.into_owned()));
        }
        Err(not_a_number(pick, row, &word.text))
    }

    fn time(
        &self,
        pick: &Pick,
        row: &SourceRow<'_>,
        plan: &Plan,
        kept: &mut Kept,
    ) -> Result<Option<String>, Reason> {
        let Some(word) = self.word(pick, row)? else {
            return Ok(None);
        };
        let rule = &self.mapping.time;
        if !word.was_text && rule.unit.is_none() {
            // A number is passed on as a number, for the record to refuse with its own hint.
            return Ok(Some(word.text.into_owned()));
        }
        let read = rule.read(&word.text).map_err(|problem| Reason::Value {
            column: column_name(pick, row),
            problem,
        })?;
        if let Some(time) = read {
            let given = self.value(pick, row)?;
            if let (Some(given), true) = (given, can_extend(plan, "context")) {
                kept.0
                    .push(("context", "time_given".to_owned(), given.into_owned()));
            }
            return Ok(Some(quoted(&time)));
        }
        Ok(Some(quoted(&word.text)))
    }

    /// The decision's word. Where that is not what the source says, in value or in type, the original goes to the output.
    fn decision(
        &self,
        pick: &Pick,
        row: &SourceRow<'_>,
        plan: &Plan,
        kept: &mut Kept,
    ) -> Result<Option<String>, Reason> {
        let Some(word) = self.word(pick, row)? else {
            return Ok(None);
        };
        let values = &self.mapping.decision.values;
        if (!values.is_empty() || !word.was_text)
            && let Some(original) = self.value(pick, row)?
        {
            let name = pick.name(row.names).to_owned();
            if can_extend(plan, "output") {
                kept.0.push(("output", name, original.into_owned()));
            } else if can_extend(plan, "context") {
                kept.0.push((
                    "context",
                    "decision_given".to_owned(),
                    original.into_owned(),
                ));
            }
        }
        let decision = values
            .get(word.text.as_ref())
            .map_or(word.text.as_ref(), String::as_str);
        Ok(Some(quoted(decision)))
    }
}

struct Word<'r> {
    text: Cow<'r, str>,
    /// Whether the source holds it as text, rather than as a number or a boolean.
    was_text: bool,
}

/// Originals that a record keeps beside what was made of them: member, name in it, JSON text.
#[derive(Default)]
struct Kept(Vec<(&'static str, String, String)>);

impl Kept {
    fn has(&self, member: &str) -> bool {
        self.0.iter().any(|(of, _, _)| *of == member)
    }

    fn members(&self) -> Vec<&'static str> {
        self.0.iter().map(|(of, _, _)| *of).collect()
    }
}

/// Whether the record has a string at that place, whatever a column of such words looks like: version "2", run "007".
fn is_word(member: &str, name: &str) -> bool {
    match member {
        "model" => matches!(name, "name" | "version" | "digest" | "framework"),
        "source" => matches!(name, "name" | "run"),
        "review" => matches!(name, "action" | "who" | "role" | "reason"),
        _ => false,
    }
}

fn can_extend(plan: &Plan, member: &str) -> bool {
    !plan
        .structured
        .iter()
        .any(|(name, shape)| *name == member && matches!(shape, Shape::Whole(_)))
}

fn push_object<'a>(out: &mut String, members: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push('{');
    for (index, (name, json)) in members.enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(out, name);
        out.push(':');
        out.push_str(json);
    }
    out.push('}');
}

fn column_name(pick: &Pick, row: &SourceRow<'_>) -> String {
    pick.name(row.names).to_owned()
}

fn not_a_number(pick: &Pick, row: &SourceRow<'_>, value: &str) -> Reason {
    Reason::NotANumber {
        column: column_name(pick, row),
        value: shortened(value),
    }
}
