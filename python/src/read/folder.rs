//! A ledger in a folder: read through the engine if this process has it open, else from its files, beside whoever writes it.
//! Each question is answered from the ledger as it is at that moment.

mod search;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causebook_explain::{Ask, Explainer};
use causebook_filter::Filter;
use causebook_lake::DeltaTable;
use causebook_ledger::{
    CACHE, Clock as _, Depth, Identity, LedgerError, Reader, RealDisk, Row, SystemClock, TableSink,
    VerifyRequest,
};
use causebook_record::{Pointer, Selection, Stored, facts, string_text};
use causebook_why::page::Audience;
use serde_json::{Value, json};

use self::search::select;
use super::fault::{Class, Fault};
use super::heads::Heads;
use super::source::{Page, PageAsk, Proof, Source, VerifyAsk};
use crate::embedded::live_reader;
use crate::home;

/// A record that was acknowledged a moment ago is under a signed head soon, if its writer lives.
const LOOKS_MAX: usize = 10;
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// Most records of one history, as on a server.
const HISTORY_MAX: usize = 1000;
/// Records of a page, and the most that there may be, as on a server.
const PAGE_DEFAULT: u32 = 100;
const PAGE_MAX: u32 = 1000;

/// A ledger in a folder.
#[derive(Debug)]
pub(crate) struct Folder {
    home: PathBuf,
    name: String,
    files: PathBuf,
    /// What was opened for the first page of a list: the others show the ledger as it was then.
    paged: Mutex<Option<Reader>>,
}

impl Folder {
    pub(crate) fn new(home: &Path, name: &str) -> Result<Folder, Fault> {
        Ok(Folder {
            home: home.to_owned(),
            name: name.to_owned(),
            files: home::ledger_folder(home, name)?,
            paged: Mutex::default(),
        })
    }

    fn open(&self) -> Result<Reader, Fault> {
        if let Some(reader) = live_reader(&self.files) {
            return Ok(reader);
        }
        let disk = RealDisk::new(&self.files);
        match Identity::load(&disk) {
            Ok(_) => {}
            Err(LedgerError::NoLedger) => {
                let what = format!(
                    "there is no ledger {:?} in {}",
                    self.name,
                    self.home.display()
                );
                let fault = Fault::new(Class::NotFound, "no-ledger", what);
                return Err(fault.hint("the first record that is delivered makes it"));
            }
            Err(error) => return Err(error.into()),
        }
        let table =
            DeltaTable::open(&home::table_folder(&self.files)).map_err(LedgerError::from)?;
        let table: Arc<dyn TableSink> = Arc::new(table);
        Ok(Reader::open(Arc::new(disk), table)?)
    }

    /// The ledger for a page: that of the page before it, if that is known and large enough.
    fn open_page(&self, ask: &PageAsk) -> Result<Reader, Fault> {
        // Not waited for: a child of a fork may find it taken for ever.
        let paged = self.paged.try_lock();
        let known = paged.as_ref().ok().and_then(|paged| paged.as_ref());
        let fits = |reader: &&Reader| ask.as_of.is_some_and(|as_of| reader.size() >= as_of);
        if let Some(reader) = known.filter(fits).filter(|_| ask.cursor.is_some()) {
            return Ok(reader.clone());
        }
        let reader = self.open()?;
        if let Ok(mut paged) = paged {
            *paged = Some(reader.clone());
        }
        Ok(reader)
    }

    fn find(reader: &Reader, id: &str) -> Result<Row, Fault> {
        reader.find_exact(id)?.ok_or_else(|| {
            let what = format!("no record has the id {id:?}");
            Fault::new(Class::NotFound, "no-record", what)
        })
    }

    /// The ledger once a checkpoint covers this position, or as it is after a while.
    fn covering(&self, index: u64) -> Result<Reader, Fault> {
        let mut reader = self.open()?;
        for _ in 0..LOOKS_MAX {
            let covered = reader
                .checkpoint()
                .is_some_and(|signed| signed.checkpoint.size > index);
            if covered {
                break;
            }
            std::thread::sleep(LOOK_INTERVAL);
            reader = self.open()?;
        }
        Ok(reader)
    }
}

impl Source for Folder {
    fn item(&self, id: &str) -> Result<String, Fault> {
        Ok(item(&Folder::find(&self.open()?, id)?))
    }

    fn history(&self, id: &str) -> Result<Vec<String>, Fault> {
        let reader = self.open()?;
        let first = Folder::find(&reader, id)?;
        let mut rows: Vec<Row> = Vec::new();
        let mut seen = BTreeSet::from([first.index]);
        let mut ahead = vec![first];
        while let Some(row) = ahead.pop() {
            let fields = row.record.fields();
            let mut near = Vec::new();
            if let Some(target) = &fields.refers_to {
                near.extend(reader.find_exact(target)?.map(|row| row.index));
            }
            if let Some(id) = &fields.id {
                near.extend(reader.referring_to(id)?);
            }
            rows.push(row);
            for index in near {
                if seen.len() < HISTORY_MAX && seen.insert(index) {
                    ahead.extend(reader.get(index)?);
                }
            }
        }
        rows.sort_unstable_by_key(|row| row.index);
        Ok(rows.iter().map(item).collect())
    }

    fn page(&self, ask: &PageAsk) -> Result<Page, Fault> {
        let limit = ask.limit.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Fault::setting(
                "limit",
                format!("a page has 1 to {PAGE_MAX} records, not {limit}"),
            ));
        }
        let reader = self.open_page(ask)?;
        let filter = Filter::parse(&ask.q, SystemClock::new().now()).map_err(|error| {
            let hint = error.hint();
            Fault {
                hint,
                ..Fault::new(Class::Refused, "invalid-filter", error.to_string())
            }
        })?;
        let as_of = ask.as_of.unwrap_or(u64::MAX).min(reader.size());
        let mut bounds = 0..as_of;
        if let Some(cursor) = &ask.cursor {
            let last: u64 = cursor.parse().map_err(|_| {
                let what = "the cursor is not one of this list";
                Fault::new(Class::Refused, "invalid-cursor", what)
            })?;
            if ask.oldest {
                bounds.start = last.saturating_add(1);
            } else {
                bounds.end = bounds.end.min(last);
            }
        }
        let wanted = limit as usize;
        let mut rows = select(&reader, &filter, bounds, ask.oldest, wanted + 1)?;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let last = rows.last().map(|row| row.index.to_string());
        if !more && let Ok(mut paged) = self.paged.try_lock() {
            *paged = None;
        }
        Ok(Page {
            as_of,
            records: rows.iter().map(item).collect(),
            next: last.filter(|_| more),
        })
    }

    fn digest(&self, id: &str) -> Result<Option<String>, Fault> {
        let row = Folder::find(&self.open()?, id)?;
        Ok(row.record.digest()?.map(|digest| digest.to_string()))
    }

    fn evidence(&self, id: &str, show: &[String], linked: bool) -> Result<Proof, Fault> {
        let row = Folder::find(&self.open()?, id)?;
        let selection = selection(show, row.record.text())?;
        let reader = self.covering(row.index)?;
        let evidence = reader.evidence(row.index, &selection, linked)?;
        Ok(Proof {
            text: evidence.to_json(),
            keys: reader.identity().keys.clone(),
        })
    }

    fn why(&self, id: &str, subject: bool, all_versions: bool) -> Result<String, Fault> {
        let explainer = Explainer::new(self.open()?, Some(self.files.join(CACHE)));
        let audience = if subject {
            Audience::SUBJECT
        } else {
            Audience::Authority
        };
        let ask = Ask {
            audience,
            all_versions,
        };
        let why = explainer.why(id, ask)?;
        serde_json::to_string(&why)
            .map_err(|error| Fault::new(Class::Refused, "internal", error.to_string()))
    }

    fn attachment(&self, digest: &str) -> Result<Vec<u8>, Fault> {
        self.open()?.blob(digest).map_err(|error| match error {
            LedgerError::NotFound { .. } => {
                let what = format!("there is no attachment {digest:?}");
                Fault::new(Class::NotFound, "no-attachment", what)
            }
            LedgerError::Foreign { .. } => {
                let what = format!("what is stored as {digest} has another digest");
                Fault::new(Class::Refused, "attachment-changed", what)
            }
            error => error.into(),
        })
    }

    fn sql(&self, _statement: &str, _rows_max: Option<u64>) -> Result<(Vec<u8>, bool), Fault> {
        let what = "SQL needs a server: this ledger is in a folder";
        Err(Fault::setting("no-server", what)
            .hint("start `causebook serve` and connect to it, or ask with `causebook sql`"))
    }

    fn verify(&self, ask: &VerifyAsk) -> Result<Value, Fault> {
        verify(self, ask)
    }
}

/// What to show. Each place must be there: a slip of the pen must not look like a kept secret.
fn selection(show: &[String], text: Option<&str>) -> Result<Selection, Fault> {
    if show.is_empty() {
        return Ok(Selection::All);
    }
    let facts = text.map(facts).transpose()?.unwrap_or_default();
    let mut pointers = Vec::new();
    for place in show {
        let pointer: Pointer = place.parse()?;
        if text.is_some() && !facts.iter().any(|fact| pointer.selects(&fact.path)) {
            let what = format!("the record has nothing at {place}");
            return Err(Fault::new(Class::Refused, "unfit-parameter", what));
        }
        pointers.push(pointer);
    }
    Ok(Selection::Only(pointers))
}

/// A record as a server shows it.
fn item(row: &Row) -> String {
    let index = row.index;
    let shown = |first: String, text: &str| match text.strip_prefix('{') {
        Some("}") | None => format!("{{{first}}}"),
        Some(members) => format!("{{{first},{members}"),
    };
    match &row.record {
        Stored::Whole { text, .. } => shown(format!("\"index\":{index}"), text),
        Stored::Redacted { text, redaction } => {
            let erased = redaction.hidden.len();
            shown(format!("\"index\":{index},\"erased_facts\":{erased}"), text)
        }
        Stored::Erased { id } => {
            let id = id
                .as_ref()
                .map_or_else(|| "null".to_owned(), |id| string_text(id));
            format!("{{\"index\":{index},\"erased\":true,\"id\":{id}}}")
        }
    }
}

/// Verifies, compares with the head seen last, and remembers the new one if all is well.
fn verify(folder: &Folder, ask: &VerifyAsk) -> Result<Value, Fault> {
    let reader = folder.open()?;
    let depth = match &ask.id {
        Some(id) => Depth::One(Folder::find(&reader, id)?.index),
        None if ask.quick => Depth::Quick,
        None => Depth::Full,
    };
    let identity = reader.identity();
    let heads = Heads::of_user().filter(|_| ask.remembering);
    let remembered = match &heads {
        Some(heads) => heads.recall(&identity.origin)?,
        None => None,
    };
    let request = VerifyRequest {
        depth,
        remembered: remembered.as_ref(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let report = reader.verify(&request, &mut |_, _| {})?;
    let mut findings: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "fault": finding.fault.as_str(),
                "index": finding.index,
                "id": finding.id,
                "what": finding.what,
            })
        })
        .collect();
    let mut total = report.findings_total;
    if let Some(key) = ask.keys.iter().find(|key| !identity.keys.contains(key)) {
        let shown: String = key.chars().take(60).collect();
        let what = format!("the ledger is not signed by the key {shown}");
        findings.insert(
            0,
            json!({ "fault": "wrong-key", "index": null, "id": null, "what": what }),
        );
        total += 1;
    }
    let unremembered = heads
        .filter(|_| total == 0)
        .and_then(|heads| heads.remember(identity, reader.checkpoint().as_ref()).err())
        .map(|error| error.to_string());
    let time = reader.checkpoint().and_then(|signed| signed.time);
    let head = report.checkpoint.map(|checkpoint| {
        json!({ "size": checkpoint.size, "root": checkpoint.root.to_string(), "time": time })
    });
    let keys = if ask.keys.is_empty() {
        &identity.keys
    } else {
        &ask.keys
    };
    Ok(json!({
        "intact": total == 0,
        "ledger": identity.name,
        "place": folder.home.display().to_string(),
        "origin": identity.origin,
        "stored": report.records_stored,
        "head": head,
        "continues": report.continues,
        "keys": keys,
        "first_seen": remembered.is_none(),
        "evidence": 0,
        "records_checked": report.records_checked,
        "erased_in_part": report.redacted,
        "erased_in_whole": report.erased,
        "beyond_checkpoint": report.beyond_checkpoint,
        "server": null,
        "findings_total": total,
        "findings": findings,
        "not_remembered": unremembered,
    }))
}
