//! `causebook ls`: the records that match, newest first.

use std::ops::ControlFlow;

use causebook_ledger::{Reader, Row};
use causebook_record::{Fields, Kind};
use jiff::Timestamp;

use crate::commands::parse;
use crate::context::Context;
use crate::failure::Outcome;
use crate::{book, rows, store};

/// List records, newest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    filter: Filter,

    /// Oldest first
    #[arg(long)]
    oldest: bool,

    /// How many at most
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
    limit: usize,

    /// All that match
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// Which records are meant.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Filter {
    /// Whom the decision concerns
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,

    /// Which model decided: NAME or NAME@VERSION
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,

    /// What was decided
    #[arg(long, value_name = "WORD")]
    decision: Option<String>,

    /// Kind of record: decision, outcome, review, model...
    #[arg(long, value_name = "KIND", value_parser = parse::kind)]
    kind: Option<Kind>,

    /// Decided at this time or later: a date, a time, or an age such as 30m, 12h, 7d
    #[arg(long, value_name = "TIME", value_parser = parse::moment)]
    since: Option<parse::Moment>,

    /// Decided before this time
    #[arg(long, value_name = "TIME", value_parser = parse::moment)]
    until: Option<parse::Moment>,

    /// About the record with this id
    #[arg(long, value_name = "ID")]
    refers_to: Option<String>,

    /// Part of this trace
    #[arg(long, value_name = "TRACE_ID")]
    trace: Option<String>,
}

/// Rows read at a time when the whole ledger is searched.
const STRIDE: u64 = 4096;

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("ls", &rows::FORMATS, output.rows_default())?;
    let book = book::open(&context.settings()?)?;
    let limit = if args.all { usize::MAX } else { args.limit };
    let found = book.select(&args.filter, args.oldest, limit.saturating_add(1))?;
    let more = found.len() > limit;
    let shown = found.get(..limit).unwrap_or(&found);
    rows::print(output, shown, format)?;
    if more {
        output.say(format_args!(
            "\nthere are more: -n {} or --all shows them",
            limit.saturating_mul(5)
        ));
    }
    Ok(())
}

impl Filter {
    /// The first `limit` rows that match, newest or oldest first.
    pub(crate) fn find(&self, reader: &Reader, oldest: bool, limit: usize) -> Outcome<Vec<Row>> {
        let wanted = self.resolve();
        match self.indexed(reader)? {
            Some(mut indexes) => {
                indexes.sort_unstable();
                if !oldest {
                    indexes.reverse();
                }
                let mut found = Vec::new();
                for index in indexes {
                    let row = reader
                        .get(index)?
                        .filter(|row| wanted.matches(&row.record.fields()));
                    found.extend(row);
                    if found.len() >= limit {
                        break;
                    }
                }
                Ok(found)
            }
            None => search(reader, &wanted, oldest, limit),
        }
    }

    /// Whether a row matches.
    pub(crate) fn admits(&self, row: &Row) -> bool {
        self.resolve().matches(&row.record.fields())
    }

    /// The same conditions as a filter that a server reads.
    pub(crate) fn q(&self) -> String {
        let now = store::now();
        let at = |moment: &Option<parse::Moment>| {
            moment.as_ref().map(|moment| moment.before(now).to_string())
        };
        let conditions = [
            ("subject", self.subject.clone()),
            ("model", self.model.clone()),
            ("decision", self.decision.clone()),
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
            ("since", at(&self.since)),
            ("until", at(&self.until)),
            ("refers_to", self.refers_to.clone()),
            ("trace", self.trace.clone()),
        ];
        let terms = conditions
            .into_iter()
            .filter_map(|(field, value)| Some(format!("{field}:{}", book::quoted(&value?))));
        terms.collect::<Vec<_>>().join(" ")
    }

    /// Candidates from an index, if one of the conditions has one.
    fn indexed(&self, reader: &Reader) -> Outcome<Option<Vec<u64>>> {
        if let Some(id) = &self.refers_to {
            return Ok(Some(reader.referring_to(id)?));
        }
        if let Some(trace) = &self.trace {
            return Ok(Some(reader.by_trace(trace)?));
        }
        if let Some(subject) = &self.subject {
            return Ok(Some(reader.by_subject(subject)?));
        }
        Ok(None)
    }

    fn resolve(&self) -> Wanted<'_> {
        let (model, version) = match self.model.as_deref().map(|model| model.split_once('@')) {
            Some(Some((name, version))) => (Some(name), Some(version)),
            Some(None) => (self.model.as_deref(), None),
            None => (None, None),
        };
        let now = store::now();
        let at = |moment: &Option<parse::Moment>| moment.as_ref().map(|moment| moment.before(now));
        Wanted {
            filter: self,
            model,
            version,
            since: at(&self.since),
            until: at(&self.until),
        }
    }
}

/// A filter with its times and names worked out.
struct Wanted<'a> {
    filter: &'a Filter,
    model: Option<&'a str>,
    version: Option<&'a str>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Wanted<'_> {
    fn matches(&self, fields: &Fields) -> bool {
        let same = |wanted: Option<&str>, found: &Option<String>| {
            wanted.is_none() || wanted == found.as_deref()
        };
        let filter = self.filter;
        same(filter.subject.as_deref(), &fields.subject)
            && same(
                self.model.filter(|name| !name.is_empty()),
                &fields.model_name,
            )
            && same(self.version, &fields.model_version)
            && same(filter.decision.as_deref(), &fields.decision)
            && same(filter.refers_to.as_deref(), &fields.refers_to)
            && same(filter.trace.as_deref(), &fields.trace_id)
            && (filter.kind.is_none() || filter.kind == fields.kind)
            && self
                .since
                .is_none_or(|since| fields.time.is_some_and(|time| time >= since))
            && self
                .until
                .is_none_or(|until| fields.time.is_some_and(|time| time < until))
    }
}

/// Reads the ledger stride by stride from the end asked for until enough is found.
fn search(reader: &Reader, wanted: &Wanted<'_>, oldest: bool, limit: usize) -> Outcome<Vec<Row>> {
    let size = reader.size();
    let mut found = Vec::new();
    let mut done = 0;
    while done < size && found.len() < limit {
        let step = STRIDE.min(size - done);
        let range = if oldest {
            done..done + step
        } else {
            size - done - step..size - done
        };
        let mut matching = Vec::new();
        reader.scan(range, &mut |row| {
            if wanted.matches(&row.record.fields()) {
                matching.push(row);
            }
            ControlFlow::Continue(())
        })?;
        if !oldest {
            matching.reverse();
        }
        found.append(&mut matching);
        done += step;
    }
    found.truncate(limit);
    Ok(found)
}
