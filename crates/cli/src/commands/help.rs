//! `causebook help`: what a command does, and the topics that belong to no single command.

use std::io::Write;

use clap::CommandFactory;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::suggest::nearest;

/// Explain a command, or one of: filter, exit-codes, formats, environment
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Command or topic
    topic: Option<String>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let mut root = Cli::command();
    root.build();
    let text = match args.topic.as_deref() {
        None => root.render_long_help().to_string(),
        Some(topic) => match TOPICS.iter().find(|(name, _)| *name == topic) {
            Some((_, text)) => (*text).to_owned(),
            None => find(&root, topic)?.clone().render_long_help().to_string(),
        },
    };
    let mut out = context.output.stdout();
    writeln!(out, "{}", text.trim_end())?;
    Ok(out.flush()?)
}

/// The command of that name, or a failure that suggests one.
pub(crate) fn find<'a>(root: &'a clap::Command, name: &str) -> Outcome<&'a clap::Command> {
    if let Some(command) = root.find_subcommand(name) {
        return Ok(command);
    }
    let names = root
        .get_subcommands()
        .map(clap::Command::get_name)
        .chain(TOPICS.map(|(name, _)| name));
    let failure = Failure::usage(format!("there is no command or topic `{name}`"));
    Err(match nearest(name, names) {
        Some(known) => failure.hint(format!("did you mean `{known}`?")),
        None => failure.hint("`causebook help` lists the commands"),
    })
}

const TOPICS: [(&str, &str); 4] = [
    ("filter", FILTER),
    ("exit-codes", EXIT_CODES),
    ("formats", FORMATS),
    ("environment", ENVIRONMENT),
];

const FILTER: &str = "\
Filters

  causebook ls --filter 'decision:deny model:credit-risk@3.* score:<0.4'

  decision:deny            the field is that word
  decision:deny,refer      one of several
  model:credit-risk@3.*    name and version; * stands for any text
  score:<0.4               also <= > >= and 0.2..0.4 (both ends belong)
  time:2026-11-01          that day (UTC); also >=2026-11-01 and A..B
  since:7d until:2026-11-01T12:00:00Z
  input.age:>30            any member of a record; /input/loan.amount:>5 too
  subject:*  -subject:*    there is one; there is none
  -context.env:test        not so
  thin \"thin file\"         somewhere in the record's texts, in any case
  a b or (c -d)            both of two; one of several; groups

  Fields: id, kind, time, recorded, model, subject, decision, score,
  refers_to, trace, source, run, seq, index, by, via, automation, actor, and
  every member of a record.

Words are compared as they are written, free text in any case. Numbers of
members are compared to the last digit. A value that holds a space, a comma,
a quote, * or begins with < or > stands in quotes: subject:\"a, b\". In quotes,
\\\" is a quote, \\\\ a backslash, and * is a *.
";

const EXIT_CODES: &str = "\
Exit codes

    0  done
    1  failed: a disk, a permission, a refused record
    2  usage: the command line or a setting is wrong
    3  not found: no such record, ledger or home
    4  denied: a server does not know who asks, or does not allow it
   20  tampering found: the ledger or the evidence contradicts its log or signature
   21  could not be verified: something that is needed is missing or unreadable
  130  interrupted by Ctrl-C
  141  whoever read the output went away

20 means that bytes contradict each other. A missing file, a full disk or a
lost connection never ends in 20.
";

const FORMATS: &str = "\
Formats

  --format table      columns for people (the default on a terminal)
  --format ndjson     one JSON document a line (the default elsewhere)
  --format json       one JSON document
  --format csv        RFC 4180, with a header
  --format markdown   a Markdown table
  --format arrow      an Arrow IPC stream
  --format parquet    a Parquet file
  --format line       2024-06-01 12:00:00 - Input: {'age': 30}, Output: approved

`show`, `diff`, `verify`, `check` and `doctor` print text for people unless
--format json is given. Data goes to standard output, everything else to
standard error. With --format json or ndjson a failure is one JSON object on
standard error: code, title, at, detail, hint, exit.
";

const ENVIRONMENT: &str = "\
Environment

  CAUSEBOOK_HOME            folder that holds the ledgers (default: ./causebook)
  CAUSEBOOK_URL             server that has the ledgers, instead of a folder
  CAUSEBOOK_TOKEN           token to show it; there is no flag for it, because
                            a command line can be read by others
  CAUSEBOOK_TOKEN_FILE      file that holds the token
  CAUSEBOOK_PURPOSE         why it is asked, for the server's record of the
                            access
  CAUSEBOOK_ALLOW_PLAIN_HTTP  true: send the token unencrypted to another machine
  SSL_CERT_FILE             certificates to trust a server by, instead of the
                            system's
  CAUSEBOOK_LEDGER          ledger to work on (default: main)
  CAUSEBOOK_BY              who records, as it will stand in `recorded.by`
                            (default: local:<login name>)
  CAUSEBOOK_SQL_TIMEOUT_S   seconds after which a query is stopped (default: 60)
  CAUSEBOOK_SQL_MEMORY_MB   memory a query may use (default: 1024)
  NO_COLOR                  no colour, unless --color always
  CLICOLOR_FORCE            colour, unless --color never
  COLUMNS                   width of tables
  XDG_CONFIG_HOME           where causebook/config.toml is looked for
  XDG_STATE_HOME            where the log heads that you have seen are kept,
                            so that `verify` can tell a rollback

A flag beats a variable, a variable beats ./causebook.toml, that beats
causebook.toml in the home, that beats $XDG_CONFIG_HOME/causebook/config.toml.
`causebook config show --origin` tells which one won.
";
