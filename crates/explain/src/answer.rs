//! One answer, block by block.

use std::sync::Arc;

use causebook_ledger::{LedgerError, Row};
use causebook_model::Model;
use causebook_why::contrast::History;
use causebook_why::page::redact;
use causebook_why::registration::{Encoder, Registration};
use causebook_why::replay::{Engine, not_replayable, replay};
use causebook_why::{
    Basis, Block, FORMAT, ModelName, Outcome, Override, Proof, Provenance, Replay, Why, json_at,
    outcome, recorded,
};

use serde_json::Value as Json;

use crate::catalogue::Standing;
use crate::compared::Compared;
use crate::explainer::{Ask, Explainer};
use crate::kept::Kept;
use crate::{ExplainError, changed, weighed};

/// What runs models, as it stands in answers.
pub(crate) const ENGINE: &str = concat!("causebook-model ", env!("CARGO_PKG_VERSION"));
/// Most records about a decision that are looked at.
const LINKED_MAX: usize = 1000;
/// Members of a record that tell where things come from.
const PROVENANCE: [&str; 9] = [
    "model",
    "parameters",
    "data",
    "source",
    "actor",
    "automation",
    "context",
    "attachments",
    "recorded",
];

/// A decision, with what is needed to answer for it.
pub(crate) struct Answer<'a> {
    pub(crate) explainer: &'a Explainer,
    pub(crate) kept: &'a Kept,
    pub(crate) index: u64,
    pub(crate) id: String,
    pub(crate) text: &'a str,
    record: Json,
    pub(crate) model: ModelName,
    pub(crate) standing: Option<Standing>,
    /// The model, ready to run, or why it cannot be.
    pub(crate) runs: Result<Runs, String>,
}

/// A model that can be run on recorded decisions.
pub(crate) struct Runs {
    pub(crate) model: Arc<Model>,
    pub(crate) encoder: Encoder,
    pub(crate) artefact: String,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(
        explainer: &'a Explainer,
        kept: &'a Kept,
        row: &'a Row,
    ) -> Result<Self, ExplainError> {
        let labels = row.record.fields();
        let id = labels.id.unwrap_or_default();
        let text = row
            .record
            .text()
            .ok_or_else(|| ExplainError::Erased { id: id.clone() })?;
        let model = ModelName {
            name: labels.model_name,
            version: labels.model_version,
            digest: labels.model_digest,
        };
        let standing = kept.catalogue.standing(&model, row.index)?;
        let runs = runs(explainer, &model, standing.as_ref());
        Ok(Self {
            explainer,
            kept,
            index: row.index,
            id,
            text,
            record: serde_json::from_str(text).unwrap_or_default(),
            model,
            standing,
            runs,
        })
    }

    pub(crate) fn registration(&self) -> Option<&Registration> {
        self.standing.as_ref().map(Standing::registration)
    }

    /// The decisions of the model, if there are any.
    pub(crate) fn history(&self) -> Option<&History> {
        let name = self.model.name.as_deref().unwrap_or_default();
        self.kept.histories.get(name)
    }

    pub(crate) fn why(&self, ask: Ask) -> Result<Why, ExplainError> {
        let linked = self.linked()?;
        let review = linked
            .iter()
            .rev()
            .find_map(|text| Override::from_review(text));
        let outcome = outcome(self.text, self.registration(), review.as_ref());
        let replay = self.replay();
        let compared = Compared::new(self, ask, &outcome);
        let weighed = weighed::weigh(self, &linked, &outcome, &replay, &compared.unusual);
        let counterfactuals = changed::counterfactuals(self, &outcome, &replay);
        let why = Why {
            format: FORMAT.to_owned(),
            ledger: self.explainer.reader.identity().name.clone(),
            id: self.id.clone(),
            index: self.index,
            time: string(self.text, "/time"),
            as_of: self.kept.seen,
            model: self.model.clone(),
            reasons: weighed.reasons,
            attributions: weighed.attributions,
            outcome,
            replay: Block::new(Basis::Recomputed, replay),
            counterfactuals,
            contrast: compared.contrast,
            unusual: compared.unusual,
            conversation: recorded::conversation(&self.record),
            provenance: Block::new(Basis::Recorded, self.provenance()),
            acts: acts(&linked),
            proof: Block::new(Basis::Recorded, self.proof()?),
            withheld: Vec::new(),
        };
        Ok(redact(&why, ask.audience))
    }

    /// The canonical texts of the records that refer to the decision, by index.
    fn linked(&self) -> Result<Vec<String>, LedgerError> {
        let mut texts = Vec::new();
        let positions = self.explainer.reader.referring_to(&self.id)?;
        for position in positions.into_iter().take(LINKED_MAX) {
            let row = self.explainer.reader.get(position)?;
            texts.extend(row.and_then(|row| row.record.text().map(str::to_owned)));
        }
        Ok(texts)
    }

    pub(crate) fn replay(&self) -> Replay {
        let not = |why: &str| not_replayable(ENGINE, why);
        let (runs, standing) = match (&self.runs, &self.standing) {
            (Ok(runs), Some(standing)) => (runs, standing),
            (Err(why), _) => return not(why),
            (Ok(_), None) => return not("the model is not registered"),
        };
        let registered = standing.registered.digest.as_deref();
        if let (Some(named), Some(registered)) = (self.model.digest.as_deref(), registered)
            && named != registered
        {
            return not(&format!(
                "the decision was made by the artefact {named}; registered is {registered}"
            ));
        }
        let engine = Engine {
            model: &runs.model,
            encoder: &runs.encoder,
            artefact: &runs.artefact,
            name: ENGINE,
        };
        let input = json_text(self.text);
        Replay {
            input,
            ..replay(self.text, standing.registration(), &engine)
        }
    }

    fn provenance(&self) -> Provenance {
        let members = PROVENANCE.iter().filter_map(|member| {
            let value = json_at(self.text, &format!("/{member}"))?;
            Some(((*member).to_owned(), value))
        });
        let mut warnings = self.kept.catalogue.warnings(&self.model);
        if self.standing.as_ref().is_some_and(|it| it.registered_after) {
            warnings.push(
                "the model was registered after this decision was recorded: what was in force then is taken from the registration".to_owned(),
            );
        }
        let standing = self.standing.as_ref();
        Provenance {
            registered_by: standing.map(|it| it.registered.id.clone()),
            warnings,
            in_force: standing
                .map(|it| it.in_force.set_by.clone())
                .unwrap_or_default(),
            members: members.collect(),
        }
    }

    fn proof(&self) -> Result<Proof, ExplainError> {
        let reader = &self.explainer.reader;
        let row = reader.get(self.index)?;
        let digest = row.and_then(|row| row.record.digest().ok().flatten());
        let head = reader.checkpoint().map(|signed| signed.checkpoint.size);
        Ok(Proof {
            digest: digest.map(|digest| digest.to_string()),
            origin: reader.identity().origin.clone(),
            head: head.filter(|size| *size > self.index),
            command: format!("causebook prove {}", self.id),
        })
    }
}

fn acts(linked: &[String]) -> Block<Vec<causebook_why::Act>> {
    let acts = recorded::acts(linked.iter().map(String::as_str));
    if acts.is_empty() {
        return Block::absent("nothing that came after is on record");
    }
    Block::new(Basis::Recorded, acts)
}

/// Whether a decision can be run again, and by what.
fn runs(
    explainer: &Explainer,
    model: &ModelName,
    standing: Option<&Standing>,
) -> Result<Runs, String> {
    let Some(standing) = standing else {
        let name = model
            .name
            .as_deref()
            .or(model.digest.as_deref())
            .unwrap_or("it");
        let version = model
            .version
            .as_deref()
            .map(|it| format!(" {it}"))
            .unwrap_or_default();
        return Err(format!(
            "{name}{version} is not registered: `causebook model add` registers a model"
        ));
    };
    let registration = standing.registration();
    let (Some(format), Some(artefact)) = (registration.format, standing.registered.digest.clone())
    else {
        return Err(
            "the registered artefact is kept, but is not of a format that is run".to_owned(),
        );
    };
    let model = explainer
        .loaded()
        .model(&explainer.reader, &artefact, format)?;
    let encoder = registration
        .encoder(&model)
        .map_err(|error| error.to_string())?;
    Ok(Runs {
        model,
        encoder,
        artefact,
    })
}

/// Digest of the input's canonical text.
fn json_text(text: &str) -> Option<String> {
    let input = causebook_record::value_at(text, "/input")?;
    Some(crate::loaded::sha256(input.as_bytes()))
}

fn string(text: &str, pointer: &str) -> String {
    let value = causebook_record::value_at(text, pointer);
    value
        .and_then(causebook_record::string_value)
        .map(std::borrow::Cow::into_owned)
        .unwrap_or_default()
}

/// The decision that the model made, as it stands in the outcome.
pub(crate) fn decided(outcome: &Block<Outcome>) -> Option<&str> {
    outcome.content()?.decision.as_deref()
}
