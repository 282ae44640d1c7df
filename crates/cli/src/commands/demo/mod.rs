//! `causebook demo`: a ledger of 200 real credit decisions, one denial explained, all of it verified; and
//! `causebook demo tamper`, which alters one value on disk, so that `verify` has something to find.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causebook_ledger::{Clock, Identity, RealDisk, SystemClock};
use causebook_record::Draft;
use clap::Subcommand;

use crate::args::Global;
use crate::book::{self, Book, Question, Scope};
use crate::commands::{init, show};
use crate::config::Settings;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Format;
use crate::store;
use crate::suggest::nearest;
use crate::units::duration;

mod tamper;

/// Try it on 200 real credit decisions
///
/// Sets up a ledger with the decisions of a credit model on the German credit data, shows one denied application with
/// its recorded reasons, and verifies everything. A second run shows it again.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    act: Option<Act>,

    /// Folder to set it up in [default: --home, else causebook-demo]
    dir: Option<PathBuf>,

    /// Remove a demo that is there and begin anew
    #[arg(long)]
    fresh: bool,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Alter one recorded value on disk behind the ledger's back
    Tamper {
        /// Folder of the demo [default: --home, else causebook-demo]
        dir: Option<PathBuf>,
    },
}

/// The records of the demo; where they come from is told in examples/german-credit/SOURCE.md.
const RECORDS: &[u8] = include_bytes!("../../../../../examples/german-credit/records.ndjson");
/// The model that decided: its record names it by its digest.
const MODEL: &[u8] = include_bytes!("../../../../../examples/german-credit/model.json");
/// The application that is shown, and altered.
const SHOWN: &str = "GC-0557";
/// What marks a ledger as a demo, which may be removed and tampered with.
const ORIGIN: &str = "demo.causebook/german-credit/";
const CHECKPOINT_WAIT: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    context
        .output
        .format("demo", &[Format::Table], Format::Table)?;
    let given = match &args.act {
        Some(Act::Tamper { dir }) => dir.as_ref(),
        None => args.dir.as_ref(),
    };
    let home = given
        .or(context.global.home.as_ref())
        .cloned()
        .unwrap_or_else(|| PathBuf::from("causebook-demo"));
    if given
        .is_some_and(|dir| !dir.exists() && nearest(&dir.to_string_lossy(), ["tamper"]).is_some())
    {
        return Err(
            Failure::usage("there is no such folder").hint("did you mean `causebook demo tamper`?")
        );
    }
    let ledger = Some("main".to_owned());
    if context.global.url.is_some() {
        return Err(
            Failure::usage("a demo is set up in a folder, not on a server").hint("leave out --url"),
        );
    }
    let settings = Settings::load(&Global {
        home: Some(home),
        ledger,
        ..context.global.clone()
    })?;
    match &args.act {
        Some(Act::Tamper { .. }) => {
            let demo = is_demo(&settings);
            if !demo {
                let failure =
                    Failure::new(Exit::NotFound, "no-demo", "there is no demo to tamper with");
                let place = settings.home.value.display().to_string();
                return Err(failure
                    .place(place)
                    .hint("`causebook demo` sets one up; no other ledger is ever touched"));
            }
            tamper::run(&settings, context)
        }
        None => set_up_and_show(args, &settings, context),
    }
}

fn set_up_and_show(args: &Args, settings: &Settings, context: &Context) -> Outcome {
    let output = &context.output;
    let home = &settings.home.value;
    let clock = SystemClock::new();
    let demo = is_demo(settings);
    if !demo && occupied(home) {
        return Err(Failure::new(
            Exit::Failure,
            "occupied",
            "this folder holds something that is not a demo",
        )
        .place(home.display().to_string())
        .hint("name another one: causebook demo DIR"));
    }
    if demo && args.fresh {
        fs::remove_dir_all(home).map_err(|error| Failure::io("remove", home, &error))?;
    }
    let made = fill(settings, !demo || args.fresh)?;
    let reader = store::reader(settings)?;
    if made {
        let took = duration(clock.monotonic());
        output.line(format_args!(
            "Recorded {} entries in {} ({took}):",
            reader.size(),
            home.display()
        ))?;
        output.line("200 decisions of a real credit model with their explanations, and how each credit went.\n")?;
    } else {
        output.line(format_args!("The demo is in {} already.\n", home.display()))?;
    }
    let book = book::open(settings)?;
    let shown = book.find(SHOWN)?;
    output.line("One of the 45 denied applications:\n")?;
    output.line(show::summary(book.as_ref(), &shown, output.paint())?)?;
    output.line("")?;
    verify_and_advise(book.as_ref(), home, context)
}

fn verify_and_advise(book: &dyn Book, home: &Path, context: &Context) -> Outcome {
    let output = &context.output;
    let everything = Question {
        scope: Scope::Full,
        sample: None,
        remembering: true,
    };
    let verdict = book.verify(&everything, output)?;
    output.line(verdict.text(output.paint()))?;
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "causebook".to_owned());
    let program = format!("{program} --home {}", home.display());
    if !verdict.is_intact() {
        output.hint(format_args!("{program} demo --fresh    begins anew"));
        return Err(Failure::reported(Exit::Tampered));
    }
    output.say("\nTry next:");
    for (arguments, purpose) in NEXT {
        output.say(format_args!(
            "  {program} {arguments}\n      {}",
            output.paint_err().faint(purpose)
        ));
    }
    Ok(())
}

const NEXT: [(&str, &str); 8] = [
    (
        "why GC-0557",
        "why: replayed, explained, with what would have changed it",
    ),
    ("show GC-0557", "everything recorded of this decision"),
    ("ls --decision deny", "the other denials"),
    ("diff GC-0557 GC-0664", "a denial beside an approval"),
    (
        "sql \"SELECT decision, count(*) FROM decisions GROUP BY decision\"",
        "SQL over everything recorded",
    ),
    (
        "prove GC-0557 --show /decision,/input/credit_amount -o evidence.json",
        "evidence of just that, which `causebook check evidence.json` checks without the ledger",
    ),
    ("demo tamper", "alters one value on disk"),
    ("verify", "finds it, and ends with 20"),
];

/// Records everything in a new ledger, or what an interrupted run left out. Whether there was anything to do.
fn fill(settings: &Settings, anew: bool) -> Outcome<bool> {
    let drafts: Vec<Draft> = RECORDS
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(Draft::parse)
        .collect::<Result<_, _>>()?;
    let count = drafts.len() as u64;
    if anew {
        let stamp = store::now().strftime("%Y%m%dT%H%M%S.%3fZ").to_string();
        store::create(settings, Some(&format!("{ORIGIN}{stamp}")))?;
        init::write_settings(&settings.home.value)?;
    } else if store::reader(settings)?.size() >= count {
        return Ok(false);
    }
    let ledger = store::writer(settings)?;
    // Before the record that names it.
    let kept = ledger.put_blob(&mut &MODEL[..]);
    let appended = kept.map_err(Failure::from).and_then(|_| {
        let appended = ledger.append_all(drafts, "demo", "demo");
        appended.map_err(|(_, error)| Failure::from(error))
    });
    let settled = appended.and_then(|_| Ok(ledger.flush()?)).and_then(|()| {
        ledger.wait_checkpoint(count, CHECKPOINT_WAIT)?;
        Ok(())
    });
    let closed = ledger.close();
    settled?;
    closed?;
    Ok(true)
}

/// Whether the folder holds a ledger that this command made.
fn is_demo(settings: &Settings) -> bool {
    let identity = Identity::load(&RealDisk::new(&store::folder(settings)));
    identity.is_ok_and(|identity| identity.origin.starts_with(ORIGIN))
}

fn occupied(home: &Path) -> bool {
    fs::read_dir(home).map_or_else(|_| home.exists(), |mut entries| entries.next().is_some())
}
