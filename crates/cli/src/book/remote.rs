//! A ledger on a server. What can be checked without believing the server is checked on this side.

use std::ops::ControlFlow;
use std::time::Duration;

use causebook_client::{HeadError, Item, ListRequest, RemoteLedger, TailEvent};
use causebook_explain::replay::Replayed;
use causebook_explain::{Ask, Version};
use causebook_filter::Filter;
use causebook_ledger::LedgerError;
use causebook_query::Answer;
use causebook_record::Pointer;
use causebook_why::Why;
use causebook_why::page::Audience;

use super::trust::Trusted;
use super::{Book, Integrity, Made, News, Proof, Question, quoted, remote_table};
use crate::config::{RemoteServer, Settings};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::verdict::Verdict;

/// Records of a page: the most that a server gives.
const PAGE: usize = 1000;
/// As long as a ledger in a folder wants a prefix to be.
const PREFIX_CHARACTERS_MIN: usize = 4;
const CANDIDATES_SHOWN: usize = 5;
/// A record that was acknowledged a moment ago is under a signed head soon.
const LOOKS_MAX: usize = 10;
/// Decisions that a server replays at a time.
const REPLAYED_MAX: usize = 10_000;
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// A ledger on a server.
pub(crate) struct Remote {
    ledger: RemoteLedger,
    memory_mb: u64,
}

impl Remote {
    pub(crate) fn open(settings: &Settings, server: &RemoteServer) -> Outcome<Remote> {
        Ok(Remote {
            ledger: ledger(settings, server)?,
            memory_mb: settings.sql_memory_mb.value,
        })
    }

    pub(super) fn ledger(&self) -> &RemoteLedger {
        &self.ledger
    }

    /// Bytes that an answer in columns may take.
    fn memory(&self) -> usize {
        usize::try_from(self.memory_mb.saturating_mul(1 << 20)).unwrap_or(usize::MAX)
    }

    /// The record at a position.
    pub(super) fn at(&self, index: u64) -> Outcome<Option<Item>> {
        let found = self.list(&format!("index:{index}"), true, 1)?;
        Ok(found.into_iter().find(|item| item.index == index))
    }

    /// Holds a record against its evidence. What the server may not show to this caller cannot be checked by them.
    pub(super) fn proven(&self, trusted: &Trusted, item: &Item) -> Outcome<Integrity> {
        let id = Remote::id_of(item)?;
        match self.ledger.evidence(&id, &[], false) {
            Ok(text) => trusted.check(&self.ledger, item, &text),
            Err(error) if error.is_refused_as("not-covered-yet") => Ok(Integrity::default()),
            Err(error) => Ok(Integrity {
                unchecked: Some(Failure::from(error).title),
                ..Integrity::default()
            }),
        }
    }

    fn shaped<T: serde::de::DeserializeOwned>(&self, answer: &str) -> Outcome<T> {
        serde_json::from_str(answer).map_err(|error| {
            Failure::new(
                Exit::Failure,
                "answer",
                "the server's answer is not what it should be",
            )
            .place(self.ledger.address())
            .detail(error.to_string())
            .hint("it may be of another version of Causebook")
        })
    }

    fn list(&self, q: &str, oldest: bool, limit: usize) -> Outcome<Vec<Item>> {
        let request = ListRequest {
            q: q.to_owned(),
            limit: Some(limit.min(PAGE) as u32),
            oldest,
            ..ListRequest::default()
        };
        let mut found = Vec::new();
        for page in self.ledger.pages(request) {
            found.extend(page?.records);
            if found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    fn id_of(item: &Item) -> Outcome<String> {
        item.id().ok_or_else(|| {
            Failure::new(
                Exit::Failure,
                "no-id",
                "the record has no id left to ask by",
            )
            .place(format!("index {}", item.index))
        })
    }
}

/// Makes a ledger on a server. Its keys are known from now on.
pub(super) fn create(
    settings: &Settings,
    server: &RemoteServer,
    origin: Option<&str>,
) -> Outcome<Made> {
    let client = server.connect()?;
    let info = client.create_ledger(&settings.ledger.value, origin)?;
    // What the server just said of it is what it must say from now on.
    Trusted::head_of(&client.ledger(&info.name), true)?.remember()?;
    Ok(Made {
        place_is: "url",
        place: client.address(),
        name: info.name,
        origin: info.origin,
        created: info.created,
        keys: info.keys,
    })
}

/// The ledger that the settings name, on the server they name.
fn ledger(settings: &Settings, server: &RemoteServer) -> Outcome<RemoteLedger> {
    Ok(server.connect()?.ledger(&settings.ledger.value))
}

impl Book for Remote {
    fn find(&self, id: &str) -> Outcome<Item> {
        if let Some(item) = self.find_exact(id)? {
            return Ok(item);
        }
        if id.chars().count() < PREFIX_CHARACTERS_MIN {
            let prefix = id.to_owned();
            return Err(LedgerError::PrefixTooShort { prefix }.into());
        }
        // What a filter would read as more than a word begins no id.
        let plain = |c: char| c.is_alphanumeric() || "-_.:/@+=#".contains(c);
        let mut found = if id.chars().all(plain) {
            self.list(&format!("id:{id}*"), true, CANDIDATES_SHOWN + 1)?
        } else {
            Vec::new()
        };
        if found.len() > 1 {
            let ids = found.iter().filter_map(Item::id);
            let candidates = ids.take(CANDIDATES_SHOWN).collect();
            let prefix = id.to_owned();
            return Err(LedgerError::Ambiguous { prefix, candidates }.into());
        }
        let id = id.to_owned();
        found
            .pop()
            .ok_or_else(|| LedgerError::NotFound { id }.into())
    }

    fn find_exact(&self, id: &str) -> Outcome<Option<Item>> {
        Ok(self.ledger.find(id)?)
    }

    fn about(&self, id: &str) -> Outcome<Vec<Item>> {
        self.list(&format!("refers_to:{}", quoted(id)), true, usize::MAX)
    }

    fn select(&self, filter: &Filter, oldest: bool, limit: usize) -> Outcome<Vec<Item>> {
        self.list(&filter.to_string(), oldest, limit)
    }

    fn each(&self, filter: &Filter, visit: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Outcome {
        let request = ListRequest {
            q: filter.to_string(),
            oldest: true,
            ..ListRequest::default()
        };
        for item in self.ledger.stream(&request)? {
            if visit(item?).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn follow(
        &self,
        filter: &Filter,
        last: usize,
        tell: &mut dyn FnMut(News) -> Outcome,
    ) -> Outcome {
        let q = filter.to_string();
        let request = ListRequest {
            q: q.clone(),
            limit: Some(last.clamp(1, PAGE) as u32),
            ..ListRequest::default()
        };
        let mut first = Vec::new();
        let mut as_of = 0;
        for page in self.ledger.pages(request) {
            let page = page?;
            as_of = page.as_of;
            first.extend(page.records);
            if first.len() >= last {
                break;
            }
        }
        first.truncate(last);
        for item in first.into_iter().rev() {
            tell(News::Record(item))?;
        }
        for event in self.ledger.tail(&q, as_of.checked_sub(1)) {
            match event? {
                TailEvent::Record(item) => tell(News::Record(*item))?,
                TailEvent::Skipped(skipped) => tell(News::Remark(format!(
                    "{} records were passed over, because this terminal is too slow; all of them are stored",
                    skipped.count
                )))?,
                TailEvent::Reconnecting { cause, .. } => {
                    tell(News::Remark(format!("{cause}; it is tried again")))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn integrity(&self, item: &Item) -> Outcome<Integrity> {
        let integrity = match Trusted::head_of(&self.ledger, true) {
            Ok(trusted) => {
                let integrity = self.proven(&trusted, item)?;
                trusted.remember()?;
                integrity
            }
            Err(HeadError::Fault(fault)) => Integrity {
                findings: vec![format!("{}: {fault}", fault.as_str())],
                ..Integrity::default()
            },
            Err(error) => Integrity {
                unchecked: Some(Failure::from(error).title),
                ..Integrity::default()
            },
        };
        Ok(Integrity {
            size: self.ledger.info()?.size,
            ..integrity
        })
    }

    fn evidence(&self, item: &Item, show: &[Pointer], linked: bool) -> Outcome<Proof> {
        let id = Remote::id_of(item)?;
        let show: Vec<String> = show.iter().map(ToString::to_string).collect();
        let mut looks = 0;
        let text = loop {
            match self.ledger.evidence(&id, &show, linked) {
                Err(error) if error.is_refused_as("not-covered-yet") && looks < LOOKS_MAX => {
                    looks += 1;
                    std::thread::sleep(LOOK_INTERVAL);
                }
                other => break other?,
            }
        };
        let trusted = Trusted::head_of(&self.ledger, true)?;
        trusted.check_place(&self.ledger, item.index, &text)?;
        trusted.remember()?;
        Ok(Proof {
            text,
            key: trusted.keys().first().cloned().unwrap_or_default(),
        })
    }

    fn table(&self, filter: &Filter) -> Outcome<Answer> {
        remote_table::of(self, filter, self.memory())
    }

    fn why(&self, id: &str, ask: Ask) -> Outcome<Why> {
        let audience = match ask.audience {
            Audience::Authority => "authority",
            Audience::Subject { .. } => "subject",
        };
        self.shaped(&self.ledger.why(id, audience, ask.all_versions)?)
    }

    fn models(&self) -> Outcome<Vec<Version>> {
        #[derive(serde::Deserialize)]
        struct Models {
            models: Vec<Version>,
        }
        let models: Models = self.shaped(&self.ledger.models()?)?;
        Ok(models.models)
    }

    fn replay(&self, filter: &Filter, limit: usize, _: &Output) -> Outcome<Replayed> {
        let limit = limit.min(REPLAYED_MAX);
        self.shaped(&self.ledger.replay(&filter.to_string(), limit)?)
    }

    fn sql(&self, statement: &str, rows_max: Option<usize>) -> Outcome<Answer> {
        Ok(remote_table::ask(&self.ledger, statement, rows_max, self.memory())?.0)
    }

    fn verify(&self, question: &Question, output: &Output) -> Outcome<Verdict> {
        super::remote_verify::reach(self, question, output)
    }
}
