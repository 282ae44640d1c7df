//! The checks of a server: is it there, who does it take us for, and does anything in between hold things back.

use std::time::Duration;

use causebook_client::{Client, ClientError, LedgerInfo, Me};
use causebook_ledger::{Clock as _, SystemClock};
use jiff::Timestamp;

use super::checks::clock_is_set;
use super::{Check, State};
use crate::config::{RemoteServer, Settings};
use crate::failure::Failure;
use crate::output::printable;
use crate::units::second;

/// Clocks that differ by more make times of recording hard to compare with times of deciding.
const CLOCKS_APART: Duration = Duration::from_secs(5);
/// The server gives a sign of life every 15 s; what is later than that was held back.
const SIGN_WITHIN: Duration = Duration::from_secs(18);

/// Everything that is looked at, in order. What cannot be without the one before is left out.
pub(super) fn examine(settings: &Settings, server: &RemoteServer) -> Vec<Check> {
    let url = &server.url;
    let shown = format!(
        "{} ({}), ledger {}",
        url.value, url.origin, settings.ledger.value
    );
    let client = match server.connect() {
        Ok(client) => client,
        Err(failure) => return vec![failed("server", failure)],
    };
    let clock = SystemClock::new();
    let pulse = match client.pulse() {
        Ok(pulse) => pulse,
        Err(error) => return vec![failed("server", error.into())],
    };
    let mut checks = vec![
        Check::ok("server", format!("{shown} answers")),
        encryption(server),
        clock_is_set(clock.now()),
        clocks(pulse.date.as_deref(), clock.now()),
    ];
    if let Some(via) = pulse.via {
        checks.push(Check::ok(
            "proxy",
            format!("there is one between: {}", printable(&via)),
        ));
    }
    let me = match client.me() {
        Ok(me) => me,
        Err(error) => {
            checks.push(failed("token", error.into()));
            return checks;
        }
    };
    checks.push(rights(&me, &settings.ledger.value));
    let ledger = client.ledger(&settings.ledger.value);
    checks.push(match ledger.info() {
        Ok(info) => checkpoint(&info),
        Err(error) => failed("ledger", error.into()),
    });
    checks.push(stream(&client, &settings.ledger.value));
    checks
}

fn failed(name: &'static str, failure: Failure) -> Check {
    let found = match &failure.detail {
        Some(detail) => format!("{}: {}", failure.title, detail.replace('\n', "; ")),
        None => failure.title,
    };
    let check = Check::new(name, State::Failed, found);
    match failure.hint {
        Some(hint) => check.fix(hint),
        None => check,
    }
}

fn encryption(server: &RemoteServer) -> Check {
    let url = &server.url.value;
    if url.scheme() == "https" {
        return Check::ok("tls", "encrypted, by a certificate that is trusted here");
    }
    if server.is_on_this_machine() {
        return Check::ok("tls", "not encrypted, but it does not leave this machine");
    }
    Check::new(
        "tls",
        State::Warning,
        "not encrypted: anyone on the way reads and changes everything",
    )
    .fix("use an https:// address")
}

/// The server's clock against ours. Its header counts seconds.
fn clocks(date: Option<&str>, now: Timestamp) -> Check {
    let theirs = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
    let Some(theirs) = theirs.map(|zoned| zoned.timestamp()) else {
        return Check::new(
            "clocks",
            State::Warning,
            "the server does not tell its time",
        );
    };
    let apart = theirs.duration_since(now).unsigned_abs();
    let found = format!("the server has {} UTC", second(theirs));
    if apart > CLOCKS_APART {
        let found = format!("{found}, {} s from the time here", apart.as_secs());
        return Check::new("clocks", State::Warning, found).fix("set both by NTP");
    }
    Check::ok("clocks", format!("{found}, as here"))
}

fn rights(me: &Me, ledger: &str) -> Check {
    let via = if me.via.is_empty() {
        String::new()
    } else {
        format!(", known by {}", printable(&me.via))
    };
    let who = format!("{}{via}", printable(&me.principal));
    let roles = |name: &str| me.roles.get(name).cloned().unwrap_or_default();
    let mut here = roles(ledger);
    here.extend(roles("*"));
    here.sort_unstable();
    here.dedup();
    if here.is_empty() {
        let found = format!("{who}, may do nothing on the ledger {ledger}");
        return Check::new("token", State::Warning, found)
            .fix("ask an admin for a role on it, or name another by --ledger");
    }
    let roles = printable(&here.join(", "));
    Check::ok("token", format!("{who}, on {ledger}: {roles}"))
}

fn checkpoint(info: &LedgerInfo) -> Check {
    let size = info.size;
    let covered = info.checkpoint.as_ref().map_or(0, |signed| signed.size);
    if covered >= size {
        return Check::ok("ledger", format!("{size} records, all under a signed head"));
    }
    Check::ok(
        "ledger",
        format!("{size} records, {covered} of them under a signed head"),
    )
}

/// Whether events arrive when they are sent. A proxy that collects them makes `tail` tell late or never.
fn stream(client: &Client, ledger: &str) -> Check {
    match client.ledger(ledger).listen(SIGN_WITHIN) {
        Ok(()) => Check::ok("stream", "events arrive as they are sent"),
        Err(ClientError::Timeout { .. }) => {
            let found = format!(
                "no sign of life within {} s: something in between holds events back",
                SIGN_WITHIN.as_secs()
            );
            Check::new("stream", State::Warning, found)
                .fix("switch off response buffering in the proxy, for nginx: proxy_buffering off")
        }
        Err(error) if error.problem().is_some() => {
            let failure = Failure::from(error);
            Check::ok("stream", format!("not for this token: {}", failure.title))
        }
        Err(error) => failed("stream", error.into()),
    }
}
