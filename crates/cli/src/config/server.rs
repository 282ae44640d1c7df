//! The settings of the server, `[server]` of a settings file: every key of its table, and no other.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use causebook_server::{KEYS, Key, ValueKind};
use toml::{Table, Value};

use super::layer::Layer;
use super::{Origin, Setting};
use crate::failure::{Exit, Failure, Outcome};
use crate::suggest::nearest;

/// What environment and files say of the server; flags are the command's own.
pub(super) fn read(layers: &[&Layer]) -> Outcome<BTreeMap<String, Setting<String>>> {
    let mut settings = BTreeMap::new();
    for layer in layers.iter().rev() {
        let Some(table) = &layer.keys.server else {
            continue;
        };
        let mut found = BTreeMap::new();
        flatten(table, "", layer, &mut found)?;
        settings.extend(found);
    }
    for key in KEYS {
        let variable = key.variable();
        if let Ok(value) = env::var(&variable)
            && !value.is_empty()
        {
            let origin = Origin::ServerVariable(variable);
            settings.insert(key.name.to_owned(), Setting { value, origin });
        }
    }
    Ok(settings)
}

fn flatten(
    table: &Table,
    prefix: &str,
    layer: &Layer,
    settings: &mut BTreeMap<String, Setting<String>>,
) -> Outcome {
    for (name, value) in table {
        let name = format!("{prefix}{name}");
        let key = KEYS.iter().find(|key| key.name == name);
        match (key, value) {
            (None, Value::Table(inner)) => flatten(inner, &format!("{name}."), layer, settings)?,
            (None, _) => return Err(unknown(&name, layer)),
            (Some(key), value) => {
                let value = text(key, value, &layer.path).ok_or_else(|| unfit(key, layer))?;
                let origin = Origin::File {
                    path: layer.path.clone(),
                    line: layer.line_of_key(&name),
                };
                settings.insert(name, Setting { value, origin });
            }
        }
    }
    Ok(())
}

/// The value as text; none if it is of another type than the setting's.
fn text(key: &Key, value: &Value, file: &Path) -> Option<String> {
    match (key.kind, value) {
        (ValueKind::Text, Value::String(text)) => Some(text.clone()),
        (ValueKind::Path, Value::String(text)) => {
            let folder = file.parent().unwrap_or(Path::new(""));
            Some(folder.join(text).display().to_string())
        }
        (ValueKind::Number, Value::Integer(number)) => Some(number.to_string()),
        (ValueKind::Switch, Value::Boolean(switch)) => Some(switch.to_string()),
        (ValueKind::List, Value::Array(items)) => {
            let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            Some(items?.join(","))
        }
        _ => None,
    }
}

fn unknown(name: &str, layer: &Layer) -> Failure {
    let title = format!("`server.{name}` is not a setting");
    let failure = Failure::new(Exit::Usage, "config-unknown-key", title).place(place(name, layer));
    match nearest(name, KEYS.iter().map(|key| key.name)) {
        Some(known) => failure.hint(format!("did you mean `server.{known}`?")),
        None => failure.hint("`causebook serve --help` lists every setting"),
    }
}

fn unfit(key: &Key, layer: &Layer) -> Failure {
    let expected = match key.kind {
        ValueKind::Text | ValueKind::Path => "a text in quotes",
        ValueKind::Number => "a whole number",
        ValueKind::Switch => "true or false",
        ValueKind::List => "a list of texts",
    };
    let title = format!("`server.{}` is not {expected}", key.name);
    Failure::new(Exit::Usage, "config-invalid", title).place(place(key.name, layer))
}

fn place(name: &str, layer: &Layer) -> String {
    format!("{}:{}", layer.path.display(), layer.line_of_key(name))
}
