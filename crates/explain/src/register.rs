//! Registering a model: its artefact is kept beside the ledger, a `model` record says all the rest.

use causebook_model::{Format, Limits, Model};
use causebook_record::Draft;
use causebook_why::registration::{BackgroundSet, Registration, RegistrationError, Suggestion};
use serde_json::{Value as Json, json};

use crate::ExplainError;

/// Name of the attachment that is the artefact.
pub const ARTEFACT: &str = "artefact";
/// Name of the attachment that is the background set.
pub const BACKGROUND: &str = "background.ndjson";

/// A file that is kept beside the ledger already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// What is said of a model when it is registered.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct NewModel {
    /// Its name, as decisions name it.
    pub name: String,
    /// Its version, as decisions name it.
    pub version: String,
    /// The library that made it, with its version: `xgboost 3.2.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub framework: Option<String>,
    /// Parameters that it was trained and runs with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Json>,
    /// References to training data and code: the member `data` of the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Json>,
    /// How its inputs are made, its policy, constraints and reasons. What is left out of the features is proposed from
    /// decisions of this model.
    pub registration: Registration,
}

/// An artefact that was looked at.
#[derive(Clone, Debug)]
pub enum Artefact {
    /// The engine runs it.
    Runs(Box<Model>),
    /// It is only stored, for this reason: its decisions cannot be replayed.
    Stored {
        /// Why it is not run.
        reason: String,
    },
}

/// Reads an artefact, or says why it is only stored. What executes code when it is loaded (a pickle) is never loaded.
pub fn look_at(bytes: &[u8]) -> Artefact {
    let Some(format) = Model::detect(bytes) else {
        return Artefact::Stored {
            reason: "its format is none that the engine runs (XGBoost JSON and UBJ, LightGBM text, ONNX); a pickle is never executed".to_owned(),
        };
    };
    match Model::read(format, bytes, &Limits::default()) {
        Ok(model) => Artefact::Runs(Box::new(model)),
        Err(error) => Artefact::Stored {
            reason: error.to_string(),
        },
    }
}

/// Completes and checks what is said of a model against its artefact and some of its recorded decisions (canonical texts).
///
/// # Errors
/// [`ExplainError::Unfit`] with everything that is wrong.
pub fn complete(
    mut new: NewModel,
    artefact: &Artefact,
    decisions: &[&str],
) -> Result<NewModel, ExplainError> {
    let mut problems = Vec::new();
    for (member, said) in [("name", &new.name), ("version", &new.version)] {
        if said.is_empty() {
            problems.push(format!(
                "{member}: it is empty; decisions name the model by it"
            ));
        }
    }
    let inputs = match artefact {
        Artefact::Stored { .. } => None,
        Artefact::Runs(model) => {
            new.registration.format = Some(model.format());
            if new.registration.features.is_empty() {
                propose(&mut new.registration, model, decisions, &mut problems);
            }
            Some(model.inputs())
        }
    };
    // Without features everything else would be called wrong too.
    if problems.is_empty()
        && let Err(error) = new.registration.check_inputs(inputs)
    {
        problems.extend(error.problems.iter().map(ToString::to_string));
    }
    if problems.is_empty() {
        Ok(new)
    } else {
        Err(ExplainError::Unfit { problems })
    }
}

fn propose(
    registration: &mut Registration,
    model: &Model,
    decisions: &[&str],
    problems: &mut Vec<String>,
) {
    if decisions.is_empty() {
        problems.push(
            "/features: they are not said, and no decision of this model is recorded yet from which they could be proposed".to_owned(),
        );
        return;
    }
    let proposal = Suggestion::of(model, decisions);
    registration.features = proposal.features;
    problems.extend(proposal.unmatched.iter().map(|input| {
        format!("/features: no recorded field is found for the input {input:?}; say how it is made")
    }));
    problems.extend(proposal.unlisted.iter().map(|(field, category)| {
        format!("/features: {field} was recorded as {category:?}, for which the model has no input; say what becomes of it")
    }));
}

/// The `model` record of a version.
///
/// # Errors
/// [`ExplainError::Record`] if it is more than a record holds.
pub fn record(
    new: &NewModel,
    artefact: &Kept,
    background: Option<&Kept>,
) -> Result<Draft, ExplainError> {
    let format = new.registration.format;
    let mut attachments = vec![json!({
        "name": ARTEFACT,
        "media_type": media_type(format),
        "digest": artefact.digest,
        "size": artefact.size,
    })];
    let mut registration = new.registration.clone();
    if let Some(background) = background {
        registration.background = Some(BackgroundSet::Attached);
        attachments.push(json!({
            "name": BACKGROUND,
            "media_type": "application/x-ndjson",
            "digest": background.digest,
            "size": background.size,
        }));
    }
    let mut model = json!({
        "name": new.name,
        "version": new.version,
        "digest": artefact.digest,
        "registration": registration,
    });
    if let (Some(framework), Some(model)) = (&new.framework, model.as_object_mut()) {
        model.insert("framework".to_owned(), json!(framework));
    }
    let mut record = json!({
        "id": format!("{}@{}", new.name, new.version),
        "kind": "model",
        "model": model,
        "attachments": attachments,
    });
    if let Some(record) = record.as_object_mut() {
        let given = [("parameters", &new.parameters), ("data", &new.data)];
        for (member, value) in given {
            if let Some(value) = value {
                record.insert(member.to_owned(), value.clone());
            }
        }
    }
    Ok(Draft::parse(record.to_string().as_bytes())?)
}

/// The `config` record that sets members of a registration anew.
///
/// # Errors
/// [`ExplainError::Unfit`] with everything that is wrong with it, [`ExplainError::Record`] if it is more than a record holds.
pub fn setting(name: &str, version: Option<&str>, config: &Json) -> Result<Draft, ExplainError> {
    let unfit = |error: RegistrationError| ExplainError::Unfit {
        problems: error.problems.iter().map(ToString::to_string).collect(),
    };
    let alone = Registration::default().with(config).map_err(unfit)?;
    alone.check_inputs(None).map_err(unfit)?;
    let mut model = json!({ "name": name });
    if let (Some(version), Some(model)) = (version, model.as_object_mut()) {
        model.insert("version".to_owned(), json!(version));
    }
    let record = json!({ "kind": "config", "model": model, "config": config });
    Ok(Draft::parse(record.to_string().as_bytes())?)
}

fn media_type(format: Option<Format>) -> &'static str {
    match format {
        Some(Format::XgboostJson) => "application/json",
        Some(Format::LightgbmText) => "text/plain",
        Some(Format::XgboostUbj | Format::Onnx) | None => "application/octet-stream",
    }
}
