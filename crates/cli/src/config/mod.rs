//! Settings and where each came from.
//!
//! A flag beats an environment variable, which beats `./causebook.toml`, the `causebook.toml` in the home, and
//! `$XDG_CONFIG_HOME/causebook/config.toml`, in this order; then comes the default. A key nobody knows is refused.

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::args::Global;
use crate::failure::{Failure, Outcome};

mod layer;
mod remote;
mod server;

use layer::{Keys, Layer, SqlKeys};
pub(crate) use remote::RemoteServer;

/// Name of the settings file, in the working folder and in a home.
pub(crate) const FILE_NAME: &str = "causebook.toml";

/// All settings, merged.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Folder that holds the ledgers.
    pub(crate) home: Setting<PathBuf>,
    /// The server that has the ledgers, if they are not in a folder.
    pub(crate) remote: Option<RemoteServer>,
    /// Name of the ledger to work on.
    pub(crate) ledger: Setting<String>,
    /// Who records, as it will stand in `recorded.by`.
    pub(crate) by: Setting<String>,
    /// Seconds after which a query is stopped.
    pub(crate) sql_timeout_s: Setting<u64>,
    /// Memory a query may use, in megabytes.
    pub(crate) sql_memory_mb: Setting<u64>,
    /// What was said of the server, by the names of its settings.
    pub(crate) server: BTreeMap<String, Setting<String>>,
}

/// One setting and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Setting<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Where a setting came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of this command line.
    Flag(&'static str),
    /// An environment variable.
    Environment(&'static str),
    /// An environment variable of the server.
    ServerVariable(String),
    /// A line of a file.
    File { path: PathBuf, line: usize },
    /// Nothing was said.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => write!(f, "flag {name}"),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::ServerVariable(name) => write!(f, "environment {name}"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

impl Settings {
    /// Reads and merges every layer.
    pub(crate) fn load(global: &Global) -> Outcome<Settings> {
        let mut layers = Vec::new();
        layers.extend(Layer::read(Path::new(FILE_NAME))?);
        let user = match user_file() {
            Some(path) => Layer::read(&path)?,
            None => None,
        };
        let homes: Vec<&Layer> = layers.iter().chain(&user).collect();
        let home = home(global, &homes)?;
        layers.extend(home_layer(&home.value)?);
        layers.extend(user);
        let layers: Vec<&Layer> = layers.iter().collect();
        let remote = RemoteServer::load(global, &layers, &home)?;
        let ledger = pick(
            flag("--ledger", global.ledger.clone()),
            "CAUSEBOOK_LEDGER",
            &layers,
            |keys| keys.ledger.as_ref(),
            || "main".to_owned(),
        )?;
        let by = pick(
            None,
            "CAUSEBOOK_BY",
            &layers,
            |keys| keys.by.as_ref(),
            login_name,
        )?;
        let timeout = pick(
            None,
            "CAUSEBOOK_SQL_TIMEOUT_S",
            &layers,
            |keys| sql(keys)?.timeout_s.as_ref(),
            || 60,
        )?;
        let memory = pick(
            None,
            "CAUSEBOOK_SQL_MEMORY_MB",
            &layers,
            |keys| sql(keys)?.memory_mb.as_ref(),
            || 1024,
        )?;
        Ok(Settings {
            home,
            remote,
            ledger,
            by,
            sql_timeout_s: timeout,
            sql_memory_mb: memory,
            server: server::read(&layers)?,
        })
    }

    /// Every setting as key, value and origin.
    pub(crate) fn entries(&self) -> Vec<(&'static str, String, &Origin)> {
        let mut entries = vec![
            (
                "home",
                self.home.value.display().to_string(),
                &self.home.origin,
            ),
            ("ledger", self.ledger.value.clone(), &self.ledger.origin),
            ("by", self.by.value.clone(), &self.by.origin),
            (
                "sql.timeout_s",
                self.sql_timeout_s.value.to_string(),
                &self.sql_timeout_s.origin,
            ),
            (
                "sql.memory_mb",
                self.sql_memory_mb.value.to_string(),
                &self.sql_memory_mb.origin,
            ),
        ];
        if let Some(remote) = &self.remote {
            // The home is of no account then.
            entries.remove(0);
            entries.extend(remote.entries());
        }
        entries
    }
}

/// The files that are looked for, strongest first, and whether each is there.
pub(crate) fn files(settings: &Settings) -> Vec<(PathBuf, bool)> {
    let mut paths = vec![
        PathBuf::from(FILE_NAME),
        settings.home.value.join(FILE_NAME),
    ];
    paths.extend(user_file());
    paths
        .into_iter()
        .map(|path| (path.clone(), path.is_file()))
        .collect()
}

/// `$XDG_CONFIG_HOME/causebook/config.toml`, or under `~/.config`.
fn user_file() -> Option<PathBuf> {
    let folder = absolute_from("XDG_CONFIG_HOME")
        .or_else(|| Some(absolute_from("HOME")?.join(".config")))?;
    Some(folder.join("causebook").join("config.toml"))
}

/// The folder this user's state is kept in, `$XDG_STATE_HOME/causebook` or `~/.local/state/causebook`.
pub(crate) fn state_folder() -> Option<PathBuf> {
    let folder = absolute_from("XDG_STATE_HOME")
        .or_else(|| Some(absolute_from("HOME")?.join(".local/state")))?;
    Some(folder.join("causebook"))
}

/// The XDG base directory specification says to ignore paths that are not absolute.
fn absolute_from(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
}

/// Whoever the operating system says is logged in, marked as unauthenticated by its `local:` prefix.
fn login_name() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|it| !it.is_empty()));
    format!("local:{}", name.as_deref().unwrap_or("unknown"))
}

/// The home is needed before its own settings file can be read, so that file cannot set it.
fn home(global: &Global, layers: &[&Layer]) -> Outcome<Setting<PathBuf>> {
    let given = flag("--home", global.home.clone());
    let mut home = pick(
        given,
        "CAUSEBOOK_HOME",
        layers,
        |keys| keys.home.as_ref(),
        || "causebook".into(),
    )?;
    if let Origin::File { path, .. } = &home.origin {
        home.value = path.parent().unwrap_or(Path::new("")).join(&home.value);
    }
    Ok(home)
}

fn home_layer(home: &Path) -> Outcome<Option<Layer>> {
    let path = home.join(FILE_NAME);
    let is_working_folder = path.canonicalize().is_ok_and(|path| {
        Path::new(FILE_NAME)
            .canonicalize()
            .is_ok_and(|it| it == path)
    });
    if is_working_folder {
        return Ok(None);
    }
    let layer = Layer::read(&path)?;
    match layer.as_ref().and_then(|layer| {
        layer
            .keys
            .home
            .as_ref()
            .map(|home| (layer, layer.line_of(home)))
    }) {
        Some((layer, line)) => Err(Failure::usage("a home cannot name another home")
            .place(format!("{}:{line}", layer.path.display()))
            .hint("set `home` in ./causebook.toml, by --home or CAUSEBOOK_HOME")),
        None => Ok(layer),
    }
}

fn flag<T>(name: &'static str, value: Option<T>) -> Option<(&'static str, T)> {
    value.map(|value| (name, value))
}

fn sql(keys: &Keys) -> Option<&SqlKeys> {
    keys.sql.as_ref()
}

/// The strongest of flag, environment, files and default.
fn pick<T: Clone + std::str::FromStr>(
    flag: Option<(&'static str, T)>,
    variable: &'static str,
    layers: &[&Layer],
    select: impl Fn(&Keys) -> Option<&Spanned<T>>,
    default: impl Fn() -> T,
) -> Outcome<Setting<T>> {
    if let Some((name, value)) = flag {
        return Ok(Setting {
            value,
            origin: Origin::Flag(name),
        });
    }
    if let Ok(text) = env::var(variable)
        && !text.is_empty()
    {
        let refused =
            |_| Failure::usage(format!("{variable} is set to {text:?}, which it cannot be"));
        return Ok(Setting {
            value: text.parse().map_err(refused)?,
            origin: Origin::Environment(variable),
        });
    }
    for layer in layers {
        if let Some(value) = select(&layer.keys) {
            let origin = Origin::File {
                path: layer.path.clone(),
                line: layer.line_of(value),
            };
            return Ok(Setting {
                value: value.get_ref().clone(),
                origin,
            });
        }
    }
    Ok(Setting {
        value: default(),
        origin: Origin::Default,
    })
}
