//! Artefacts that were read, and backgrounds that were made, kept because they are needed again.

use std::sync::Arc;

use causebook_ledger::Reader;
use causebook_model::attribute::Background;
use causebook_model::{Format, Limits, Model};
use causebook_why::Baseline;
use causebook_why::registration::{BackgroundSet, Feature, Policy};

use sha2::{Digest as _, Sha256};

use crate::explainer::LoadedModel;

/// Models held at a time; the one that was asked for the longest ago goes first.
const MODELS_MAX: usize = 16;
/// Backgrounds held at a time.
const BACKGROUNDS_MAX: usize = 32;
/// Bytes of an artefact that is run.
const ARTEFACT_BYTES_MAX: u64 = 256 << 20;

/// What is held.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    models: Held<String, LoadedModel>,
    backgrounds: Held<BackgroundKey, Arc<Made>>,
}

/// Of what a background was made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BackgroundKey {
    /// Digest of the artefact.
    pub(crate) artefact: String,
    pub(crate) set: BackgroundSet,
    pub(crate) policy: Option<Policy>,
    pub(crate) features: Vec<Feature>,
    pub(crate) version: String,
}

/// A background, and what is said of it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) background: Background,
    pub(crate) baseline: Baseline,
    /// Decisions in the history when it was made.
    pub(crate) history: usize,
    /// Erasures that had been met then.
    pub(crate) erasures: u64,
}

/// A few values, the one asked for last at the end.
#[derive(Debug)]
struct Held<K, V>(Vec<(K, V)>);

impl<K, V> Default for Held<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq, V: Clone> Held<K, V> {
    fn get(&mut self, key: &K) -> Option<V> {
        let at = self.0.iter().position(|(held, _)| held == key)?;
        let entry = self.0.remove(at);
        let value = entry.1.clone();
        self.0.push(entry);
        Some(value)
    }

    fn put(&mut self, key: K, value: V, most: usize) {
        self.0.retain(|(held, _)| *held != key);
        if self.0.len() >= most {
            self.0.remove(0);
        }
        self.0.push((key, value));
    }
}

impl Loaded {
    pub(crate) fn model(&mut self, reader: &Reader, digest: &str, format: Format) -> LoadedModel {
        let key = digest.to_owned();
        if let Some(held) = self.models.get(&key) {
            return held;
        }
        let loaded = load(reader, digest, format);
        self.models.put(key, loaded.clone(), MODELS_MAX);
        loaded
    }

    pub(crate) fn background(&mut self, key: &BackgroundKey) -> Option<Arc<Made>> {
        self.backgrounds.get(key)
    }

    pub(crate) fn keep_background(&mut self, key: BackgroundKey, made: Arc<Made>) {
        self.backgrounds.put(key, made, BACKGROUNDS_MAX);
    }
}

fn load(reader: &Reader, digest: &str, format: Format) -> LoadedModel {
    let missing = |error: causebook_ledger::LedgerError| {
        format!("the artefact {digest} cannot be read: {error}")
    };
    let size = reader.open_blob(digest).map_err(missing)?.size();
    if size > ARTEFACT_BYTES_MAX {
        return Err(format!(
            "the artefact has {size} bytes, at most {ARTEFACT_BYTES_MAX} are run"
        ));
    }
    let bytes = reader.blob(digest).map_err(missing)?;
    Model::read(format, &bytes, &Limits::default())
        .map(Arc::new)
        .map_err(|error| error.to_string())
}

/// `sha256:` and the digest of the bytes.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// `sha256:` and a digest.
pub(crate) fn hexadecimal(digest: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = "sha256:".to_owned();
    for byte in digest {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
