//! The models that a ledger knows: those registered, and those that decisions name.
//!
//! Registrations and settings are records, so what was in force for a decision is what the records before it say.

use std::collections::BTreeMap;

use causebook_why::ModelName;
use causebook_why::registration::{InForce, Registration};
use serde_json::{Value as Json, json};

use crate::ExplainError;

/// Most versions of models, named by decisions, that are counted. Whoever names more has a fault in what names them.
const VERSIONS_SEEN_MAX: usize = 65_536;

/// All `model` and `config` records of a ledger that name a model, and what decisions name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    /// By name and version.
    models: BTreeMap<(String, String), Registered>,
    /// By name of the model, in order of recording.
    settings: BTreeMap<String, Vec<Setting>>,
    seen: BTreeMap<(String, String, String), Seen>,
}

/// A `model` record.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// Place of the record in the ledger.
    pub index: u64,
    /// Its id.
    pub id: String,
    /// Digest of the artefact.
    pub digest: Option<String>,
    /// The record.
    pub record: Json,
}

/// A `config` record about a model.
#[derive(Clone, Debug, PartialEq)]
struct Setting {
    index: u64,
    id: String,
    /// The version it is for; all if none is named.
    version: Option<String>,
    config: Json,
    record: Json,
}

/// Decisions of one version, as they name it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seen {
    /// How many.
    pub decisions: u64,
    /// Place of the first.
    pub first: u64,
    /// Place of the last.
    pub last: u64,
}

/// What was in force for a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The registration, with the settings made before the decision.
    pub in_force: InForce,
    /// The `model` record.
    pub registered: Registered,
    /// The model was registered only after the decision was recorded.
    pub registered_after: bool,
}

impl Standing {
    /// What was registered and set.
    pub fn registration(&self) -> &Registration {
        &self.in_force.registration
    }
}

/// A version of a model, as `causebook model list` shows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Version {
    /// Name of the model.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Digest of the artefact, as registered or, where it is not, as decisions name it.
    pub digest: Option<String>,
    /// Id of the `model` record; none if it is not registered.
    pub registered_by: Option<String>,
    /// Format of the artefact, if the engine runs it.
    pub format: Option<String>,
    /// Decisions that name this version and digest.
    pub seen: Seen,
    /// What does not fit, in sentences.
    pub warnings: Vec<String>,
}

/// A catalogue as a file keeps it: the records that it was made of, and counts.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct CatalogueFile {
    records: Vec<(u64, Json)>,
    seen: Vec<(String, String, String, Seen)>,
}

impl From<CatalogueFile> for Catalogue {
    fn from(file: CatalogueFile) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for (index, record) in file.records {
            catalogue.note(index, record);
        }
        let seen = file.seen.into_iter();
        catalogue.seen = seen
            .map(|(name, version, digest, seen)| ((name, version, digest), seen))
            .collect();
        catalogue
    }
}

impl Catalogue {
    pub(crate) fn to_file(&self) -> CatalogueFile {
        let models = self.models.values().map(|it| (it.index, it.record.clone()));
        let settings = self.settings.values().flatten();
        let mut records: Vec<(u64, Json)> = models
            .chain(settings.map(|it| (it.index, it.record.clone())))
            .collect();
        records.sort_by_key(|(index, _)| *index);
        let seen = self.seen.iter();
        CatalogueFile {
            records,
            seen: seen
                .map(|((name, version, digest), seen)| {
                    (name.clone(), version.clone(), digest.clone(), seen.clone())
                })
                .collect(),
        }
    }

    /// Takes note of a `model` or `config` record. What names no model is none of a model's.
    pub(crate) fn note(&mut self, index: u64, record: Json) {
        let text = |pointer: &str| record.pointer(pointer)?.as_str().map(str::to_owned);
        let (Some(id), Some(name)) = (text("/id"), text("/model/name")) else {
            return;
        };
        let version = text("/model/version");
        if text("/kind").as_deref() == Some("config") {
            let config = record.get("config").cloned().unwrap_or_default();
            let setting = Setting {
                index,
                id,
                version,
                config,
                record,
            };
            self.settings.entry(name).or_default().push(setting);
            return;
        }
        let registered = Registered {
            index,
            id,
            digest: text("/model/digest"),
            record,
        };
        let key = (name, version.unwrap_or_default());
        // A version is registered once: what a later record says of it are settings.
        self.models.entry(key).or_insert(registered);
    }

    /// Lets go of a record that was erased.
    pub(crate) fn forget(&mut self, id: &str) {
        self.models.retain(|_, registered| registered.id != id);
        for settings in self.settings.values_mut() {
            settings.retain(|setting| setting.id != id);
        }
    }

    /// Counts a decision.
    pub(crate) fn count(&mut self, index: u64, model: &ModelName) {
        let word = |part: &Option<String>| part.clone().unwrap_or_default();
        let key = (word(&model.name), word(&model.version), word(&model.digest));
        if self.seen.len() >= VERSIONS_SEEN_MAX && !self.seen.contains_key(&key) {
            return;
        }
        let seen = self.seen.entry(key).or_insert_with(|| Seen {
            first: index,
            ..Seen::default()
        });
        seen.decisions += 1;
        seen.last = index;
    }

    /// The registration of a version; that of another record with the same digest if none has its name.
    pub fn registered(&self, model: &ModelName) -> Option<&Registered> {
        let name = model.name.clone().unwrap_or_default();
        let version = model.version.clone().unwrap_or_default();
        self.models.get(&(name, version)).or_else(|| {
            let digest = model.digest.as_deref()?;
            let mut all = self.models.values();
            all.find(|it| it.digest.as_deref() == Some(digest))
        })
    }

    /// What was in force for a decision at `index`. A version that was registered later is taken as it was registered.
    ///
    /// # Errors
    /// [`ExplainError::Registration`] if what is recorded cannot be read as a registration.
    pub fn standing(
        &self,
        model: &ModelName,
        index: u64,
    ) -> Result<Option<Standing>, ExplainError> {
        let Some(registered) = self.registered(model) else {
            return Ok(None);
        };
        let unreadable = |id: &str| {
            let id = id.to_owned();
            move |error: causebook_why::registration::RegistrationError| {
                ExplainError::Registration {
                    id,
                    problem: error.to_string(),
                }
            }
        };
        let config = registered.record.pointer("/model/registration");
        let config = config.cloned().unwrap_or_else(|| json!({}));
        let mut in_force =
            InForce::new(&registered.id, &config).map_err(unreadable(&registered.id))?;
        let name = model.name.as_deref().unwrap_or_default();
        for setting in self.settings.get(name).map_or(&[][..], Vec::as_slice) {
            let is_for = setting.version.is_none() || setting.version == model.version;
            if is_for && setting.index <= index.max(registered.index) {
                in_force = in_force
                    .then(&setting.id, &setting.config)
                    .map_err(unreadable(&setting.id))?;
            }
        }
        Ok(Some(Standing {
            in_force,
            registered: registered.clone(),
            registered_after: registered.index > index,
        }))
    }

    /// All versions, registered or named by decisions.
    pub fn versions(&self) -> Vec<Version> {
        let mut versions: Vec<Version> = Vec::new();
        for ((name, version), registered) in &self.models {
            let format = registered.record.pointer("/model/registration/format");
            let key = (
                name.clone(),
                version.clone(),
                registered.digest.clone().unwrap_or_default(),
            );
            versions.push(Version {
                name: name.clone(),
                version: version.clone(),
                digest: registered.digest.clone(),
                registered_by: Some(registered.id.clone()),
                format: format.and_then(Json::as_str).map(str::to_owned),
                seen: self.seen.get(&key).cloned().unwrap_or_default(),
                warnings: Vec::new(),
            });
        }
        for ((name, version, digest), seen) in &self.seen {
            let known = self.models.get(&(name.clone(), version.clone()));
            let registered = known.and_then(|it| it.digest.as_deref());
            let warning = match (known, registered) {
                (Some(_), Some(registered)) if registered == digest => continue,
                (Some(_), Some(_)) if digest.is_empty() => {
                    "decisions name no digest: whether the registered artefact made them is not on record".to_owned()
                }
                (Some(_), _) => "decisions name another digest than the registered one".to_owned(),
                (None, _) => "not registered".to_owned(),
            };
            versions.push(Version {
                name: name.clone(),
                version: version.clone(),
                digest: Some(digest.clone()).filter(|digest| !digest.is_empty()),
                registered_by: None,
                format: None,
                seen: seen.clone(),
                warnings: vec![warning],
            });
        }
        versions.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        versions
    }

    /// What is wrong with how a decision names its model, in sentences.
    pub fn warnings(&self, model: &ModelName) -> Vec<String> {
        let Some(registered) = self.registered(model) else {
            return vec![
                "this version of the model is not registered: `causebook model add` registers it"
                    .to_owned(),
            ];
        };
        match (&model.digest, &registered.digest) {
            (Some(named), Some(registered)) if named != registered => vec![format!(
                "the decision names the artefact {named}, but {registered} is registered under this name and version"
            )],
            (None, Some(_)) => vec![
                "the decision names no digest: that the registered artefact made it is taken from name and version".to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}
