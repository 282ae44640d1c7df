//! `causebook ls`: the records that match, newest first.

use causebook_filter::Filter;
use causebook_record::Kind;

use crate::commands::parse;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{book, rows, store};

/// List records, newest first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    which: Which,

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

/// Which records are meant: those of which all that is given holds.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct Which {
    /// Those a filter means, such as 'decision:deny score:<0.4 "thin file"': see help filter
    #[arg(long, value_name = "FILTER", value_parser = parse::filter, allow_hyphen_values = true)]
    filter: Option<Filter>,

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

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("ls", &rows::FORMATS, output.rows_default())?;
    let filter = args.which.filter()?;
    let book = book::open(&context.settings()?)?;
    let limit = if args.all { usize::MAX } else { args.limit };
    let found = book.select(&filter, args.oldest, limit.saturating_add(1))?;
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

impl Which {
    /// All that is given, as one filter: what asks the records has one grammar to know, wherever they lie.
    pub(crate) fn filter(&self) -> Outcome<Filter> {
        let now = store::now();
        let at = |moment: Option<parse::Moment>| moment.map(|moment| moment.in_filter(now));
        let conditions = [
            ("subject", self.subject.clone()),
            ("model", self.model.clone()),
            ("decision", self.decision.clone()),
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
            ("since", at(self.since)),
            ("until", at(self.until)),
            ("refers_to", self.refers_to.clone()),
            ("trace", self.trace.clone()),
        ];
        let mut filter = self.filter.clone().unwrap_or_else(Filter::everything);
        for (field, value) in conditions {
            let Some(value) = value else { continue };
            let term = format!("{field}:{}", book::quoted(&value));
            let term = Filter::parse(&term, now).map_err(|error| {
                let flag = field.replace('_', "-");
                Failure::usage(format!("--{flag} {value:?} asks for nothing"))
                    .detail(error.to_string())
            })?;
            filter = filter.and(term);
        }
        Ok(filter)
    }
}
