//! `causebook why`: everything that is known of why a decision came out as it did, each part by where it comes from.

use std::fs;
use std::path::PathBuf;

use causebook_explain::Ask;
use causebook_why::Why;
use causebook_why::page::{self, Audience, Look, Words};
use clap::ValueEnum;
use serde_json::Value as Json;

use crate::book::{self, Book};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::rows;

/// Answer why a decision came out as it did
///
/// Outcome and margin, whether the registered model gives the same again, principal reasons, what every field contributed,
/// the smallest change found that leads elsewhere, the most similar decisions that came out otherwise, what is unusual,
/// what people did, and how it is proven. Every part says whether it is recorded, recomputed or inferred from history.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Id of the decision, or the first four characters or more of it
    id: String,

    /// Print the whole answer as JSON, as docs/why.md describes it
    #[arg(long, conflicts_with = "html")]
    json: bool,

    /// Write it as a page to print or to send, which needs nothing beside it; - for standard output
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Whom it is for: an authority sees everything, the person concerned what they are to be given
    #[arg(long = "for", value_enum, default_value_t, value_name = "WHOM")]
    audience: Whom,

    /// Compare with the decisions of all versions of the model, not of this one alone
    #[arg(long)]
    all_versions: bool,
}

/// Whom an answer is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Whom {
    /// Everything.
    #[default]
    Authority,
    /// What the person concerned is to be given.
    Subject,
}

impl From<Whom> for Audience {
    fn from(whom: Whom) -> Audience {
        match whom {
            Whom::Authority => Audience::Authority,
            Whom::Subject => Audience::SUBJECT,
        }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let output = &context.output;
    let format = output.format("why", &[Format::Table, Format::Json], Format::Table)?;
    let book = book::open(&context.settings()?)?;
    let id = book.find(&args.id)?.id().unwrap_or_else(|| args.id.clone());
    let ask = Ask {
        audience: args.audience.into(),
        all_versions: args.all_versions,
    };
    let why = book.why(&id, ask)?;
    if args.json || format == Format::Json {
        return output.line(pretty(&why)?);
    }
    let words = words(book.as_ref(), &why)?;
    if let Some(path) = &args.html {
        return write_page(
            &page::html(&why, args.audience.into(), &words),
            path,
            context,
        );
    }
    let look = Look {
        width: output.width(),
        colour: output.paint().is_on(),
        unicode: speaks_unicode(),
        words,
    };
    output.line(page::text(&why, &look).trim_end())
}

/// What things are called: by the dictionary that the decision names, and by the registration.
fn words(book: &dyn Book, why: &Why) -> Outcome<Words> {
    let record = |id: Option<&str>| -> Outcome<Option<Json>> {
        let item = id.map_or(Ok(None), |id| book.find_exact(id))?;
        item.map(|item| rows::value(&item)).transpose()
    };
    let decision = record(Some(&why.id))?.unwrap_or_default();
    let named = decision
        .pointer("/explanation/dictionary")
        .and_then(Json::as_str);
    let words = record(named)?.map_or_else(Words::default, |it| Words::of_dictionary(&it));
    let provenance = why.provenance.content();
    let registered = provenance.and_then(|it| it.registered_by.as_deref());
    let registration = record(registered)?.unwrap_or_default();
    let labels = registration
        .pointer("/model/registration/labels")
        .cloned()
        .unwrap_or_default();
    Ok(words.with_labels(&serde_json::from_value(labels).unwrap_or_default()))
}

/// Whether the terminal is set to an encoding that has more than ASCII.
fn speaks_unicode() -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL")
        .or_else(|| set("LC_CTYPE"))
        .or_else(|| set("LANG"));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8") || locale.starts_with("c.")
    })
}

fn write_page(page: &str, path: &PathBuf, context: &Context) -> Outcome {
    if path.as_os_str() == "-" {
        return context.output.line(page);
    }
    fs::write(path, page).map_err(|error| Failure::io("write", path, &error))?;
    context.output.say(format_args!("wrote {}", path.display()));
    Ok(())
}

fn pretty(why: &Why) -> Outcome<String> {
    serde_json::to_string_pretty(why)
        .map_err(|error| Failure::new(Exit::Failure, "answer", error.to_string()))
}
