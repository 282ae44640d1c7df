//! A ledger in a folder.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use causebook_client::{Item, Receipt};
use causebook_explain::replay::Replayed;
use causebook_explain::{Ask, Explainer, Version};
use causebook_filter::Filter;
use causebook_lake::DeltaTable;
use causebook_ledger::{
    AppendError, CACHE, Depth, Erasure, Ledger, LinkError, Links, Reader, Receipt as LedgerReceipt,
    Row, VerifyRequest, may_link,
};
use causebook_query::Answer;
use causebook_record::{Draft, Mask, Pointer, Selection, Stored};
use causebook_why::Why;

use super::{
    Attachment, Book, Erased, Integrity, Made, News, NotRecorded, Pen, Proof, Question, Recording,
    Stopped, local_search,
};
use crate::commands::init;
use crate::config::Settings;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::progress::Progress;
use crate::store;
use crate::verdict::Verdict;

/// A record that was acknowledged a moment ago is under a signed head soon, if its writer lives.
const LOOKS_MAX: usize = 10;
/// How often it is looked whether the log has grown. A record is under a new head about 100 ms after its receipt.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// A ledger in a folder, as it was when it was opened.
pub(crate) struct Local {
    settings: Settings,
    table: Arc<DeltaTable>,
    reader: Reader,
    explainer: Explainer,
}

impl Local {
    pub(crate) fn open(settings: &Settings) -> Outcome<Local> {
        let (table, reader) = store::open(settings)?;
        let cache = store::folder(settings).join(CACHE);
        Ok(Local {
            explainer: Explainer::new(reader.clone(), Some(cache)),
            settings: settings.clone(),
            table,
            reader,
        })
    }
}

/// Makes a ledger, and a home around it where there is none.
pub(super) fn create(settings: &Settings, origin: Option<&str>) -> Outcome<Made> {
    let identity = store::create(settings, origin)?;
    let home = &settings.home.value;
    init::write_settings(home)?;
    Ok(Made {
        place_is: "home",
        place: home.display().to_string(),
        name: identity.name,
        origin: identity.origin,
        created: identity.created.to_string(),
        keys: identity.keys,
    })
}

/// What a command shows of a stored record.
fn item(row: Row) -> Item {
    let index = row.index;
    let (text, kept_id, erased_facts) = match row.record {
        Stored::Whole { text, .. } => (Some(text), None, 0),
        Stored::Redacted { text, redaction } => (Some(text), None, redaction.hidden.len() as u64),
        Stored::Erased { id } => (None, id, 0),
    };
    Item {
        index,
        text,
        kept_id,
        erased_facts,
        masked: Vec::new(),
    }
}

impl Book for Local {
    fn find(&self, id: &str) -> Outcome<Item> {
        Ok(item(self.reader.find(id)?))
    }

    fn find_exact(&self, id: &str) -> Outcome<Option<Item>> {
        Ok(self.reader.find_exact(id)?.map(item))
    }

    fn about(&self, id: &str) -> Outcome<Vec<Item>> {
        let mut items = Vec::new();
        for index in self.reader.referring_to(id)? {
            items.extend(self.reader.get(index)?.map(item));
        }
        Ok(items)
    }

    fn select(&self, filter: &Filter, oldest: bool, limit: usize) -> Outcome<Vec<Item>> {
        let rows = local_search::select(&self.reader, filter, oldest, limit)?;
        Ok(rows.into_iter().map(item).collect())
    }

    fn each(&self, filter: &Filter, visit: &mut dyn FnMut(Item) -> ControlFlow<()>) -> Outcome {
        let all = 0..self.reader.size();
        Ok(self.reader.scan(all, &mut |row| {
            if local_search::admits(filter, &row) {
                visit(item(row))
            } else {
                ControlFlow::Continue(())
            }
        })?)
    }

    fn table(&self, filter: &Filter) -> Outcome<Answer> {
        let query = store::query(&self.settings, &self.table, &self.reader, None)?;
        Ok(query.records(filter, u64::MAX, &Mask::default())?)
    }

    fn follow(
        &self,
        filter: &Filter,
        last: usize,
        tell: &mut dyn FnMut(News) -> Outcome,
    ) -> Outcome {
        for item in self.select(filter, false, last)?.into_iter().rev() {
            tell(News::Record(item))?;
        }
        let mut next = self.reader.size();
        loop {
            let head = store::head(&self.settings);
            let reader = store::reader(&self.settings)?;
            let mut fresh = Vec::new();
            reader.scan(next..reader.size(), &mut |row| {
                fresh.push(row);
                ControlFlow::Continue(())
            })?;
            next = next.max(reader.size());
            for row in fresh
                .into_iter()
                .filter(|row| local_search::admits(filter, row))
            {
                tell(News::Record(item(row)))?;
            }
            while store::head(&self.settings) == head {
                std::thread::sleep(LOOK_INTERVAL);
            }
        }
    }

    fn integrity(&self, item: &Item) -> Outcome<Integrity> {
        let request = VerifyRequest {
            depth: Depth::One(item.index),
            remembered: None,
            threads: 1,
        };
        let report = self.reader.verify(&request, &mut |_, _| {})?;
        let digest = match self.reader.get(item.index)? {
            Some(row) => row.record.digest().ok().flatten(),
            None => None,
        };
        let signed = self
            .reader
            .checkpoint()
            .filter(|signed| signed.checkpoint.size > item.index);
        Ok(Integrity {
            size: self.reader.size(),
            digest: digest.map(|digest| digest.to_string()),
            signed: signed.and_then(|signed| signed.time),
            findings: report.findings.iter().map(ToString::to_string).collect(),
            unchecked: None,
        })
    }

    fn evidence(&self, item: &Item, show: &[Pointer], linked: bool) -> Outcome<Proof> {
        let mut reader = self.reader.clone();
        for _ in 0..LOOKS_MAX {
            let covered = reader
                .checkpoint()
                .is_some_and(|signed| signed.checkpoint.size > item.index);
            if covered {
                break;
            }
            std::thread::sleep(LOOK_INTERVAL);
            reader = store::reader(&self.settings)?;
        }
        let selection = match show {
            [] => Selection::All,
            places => Selection::Only(places.to_vec()),
        };
        let evidence = reader.evidence(item.index, &selection, linked)?;
        let key = reader.identity().keys.first().cloned();
        Ok(Proof {
            text: evidence.to_json(),
            key: key.unwrap_or_default(),
        })
    }

    fn why(&self, id: &str, ask: Ask) -> Outcome<Why> {
        Ok(self.explainer.why(id, ask)?)
    }

    fn models(&self) -> Outcome<Vec<Version>> {
        Ok(self.explainer.versions()?)
    }

    fn replay(&self, filter: &Filter, limit: usize, output: &Output) -> Outcome<Replayed> {
        let rows = local_search::select(&self.reader, filter, false, limit)?;
        let positions: Vec<u64> = rows.iter().map(|row| row.index).collect();
        let progress = Progress::new(output, "replaying", "decisions");
        let total = positions.len() as u64;
        let tell = |done| progress.at(done, total);
        Ok(self.explainer.replay_all(&positions, &tell)?)
    }

    fn sql(&self, statement: &str, rows_max: Option<usize>) -> Outcome<Answer> {
        let query = store::query(&self.settings, &self.table, &self.reader, rows_max)?;
        Ok(query.run(statement)?)
    }

    fn verify(&self, question: &Question, output: &Output) -> Outcome<Verdict> {
        super::local_verify::reach(&self.reader, question, output)
    }
}

/// A ledger in a folder that is written to.
pub(crate) struct LocalPen {
    settings: Settings,
    ledger: Ledger,
    how: Recording,
}

impl LocalPen {
    pub(crate) fn open(settings: &Settings, how: Recording) -> Outcome<LocalPen> {
        Ok(LocalPen {
            settings: settings.clone(),
            ledger: store::writer(settings)?,
            how,
        })
    }

    /// Whether each may refer to what it refers to. Nobody else writes while this pen is open, so it stays true.
    fn linked(&self, drafts: &[Draft]) -> Vec<Result<(), LinkError>> {
        if !drafts.iter().any(|draft| may_link(draft.text().as_bytes())) {
            return drafts.iter().map(|_| Ok(())).collect();
        }
        let reader = self.ledger.reader();
        let mut links = Links::new(&reader, self.how.allow_missing_target);
        drafts.iter().map(|draft| links.check(draft)).collect()
    }

    fn by(&self) -> &str {
        &self.settings.by.value
    }
}

impl Pen for LocalPen {
    fn append_all(&self, drafts: Vec<Draft>) -> Result<Vec<Receipt>, Stopped> {
        let refused = |position: usize, failure: Failure| Stopped {
            position,
            failure,
            recorded: Vec::new(),
        };
        for (position, linked) in self.linked(&drafts).into_iter().enumerate() {
            linked.map_err(|error| refused(position, error.into()))?;
        }
        match self.ledger.append_all(drafts, self.by(), self.how.via) {
            Ok(receipts) => Ok(receipts.into_iter().map(receipt).collect()),
            Err((position, error)) => Err(refused(position, error.into())),
        }
    }

    fn append_batch(&self, drafts: Vec<Draft>) -> Vec<Result<Receipt, NotRecorded>> {
        let linked = self.linked(&drafts);
        let fit = drafts.into_iter().zip(&linked);
        let fit = fit.filter_map(|(draft, linked)| linked.is_ok().then_some(draft));
        let results = self
            .ledger
            .append_batch(fit.collect(), self.by(), self.how.via);
        let refused = |error: AppendError| NotRecorded {
            ends: matches!(error, AppendError::Failed { .. } | AppendError::Busy { .. }),
            failure: error.into(),
        };
        let mut results = results
            .into_iter()
            .map(|result| result.map(receipt).map_err(refused));
        let unfit = |error: LinkError| NotRecorded {
            ends: matches!(error, LinkError::Ledger(_)),
            failure: error.into(),
        };
        let result = |linked: Result<(), LinkError>| match linked {
            Ok(()) => results.next(),
            Err(error) => Some(Err(unfit(error))),
        };
        linked.into_iter().filter_map(result).collect()
    }

    fn attach(&self, content: &mut dyn Read) -> Outcome<Attachment> {
        let blob = self.ledger.put_blob(content)?;
        Ok(Attachment {
            digest: blob.digest,
            size: blob.size,
        })
    }

    fn erase(&self, id: &str, places: &[Pointer], reason: &str) -> Outcome<Erased> {
        let erasure = match places {
            [] => Erasure::Payload,
            places => Erasure::Facts(places.to_vec()),
        };
        let report = self.ledger.erase(id, &erasure, reason, self.by())?;
        Ok(Erased {
            index: report.index,
            facts_erased: report.facts_erased,
            recorded_as: report.receipt.id,
            recorded_at_index: report.receipt.index,
            not_searched: report.not_searched,
            bytes_searched: Some(report.bytes_searched),
            found_in_files: report.found_in_files,
            found_in_records: report.found_in_records,
        })
    }

    fn close(self: Box<Self>) -> Outcome {
        store::close(self.ledger, &self.settings)
    }
}

fn receipt(receipt: LedgerReceipt) -> Receipt {
    Receipt {
        id: receipt.id,
        index: receipt.index,
        digest: receipt.digest.to_string(),
        repeated: receipt.repeated,
    }
}
