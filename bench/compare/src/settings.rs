//! What the driver is told: `name=value` for each.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use causebook_load::Failure;

/// Settings by name.
#[derive(Debug)]
pub(crate) struct Settings(BTreeMap<String, String>);

impl Settings {
    pub(crate) fn read(arguments: &[String]) -> Result<Self, Failure> {
        let pair = |argument: &String| {
            let (name, value) = argument
                .split_once('=')
                .ok_or_else(|| format!("{argument}: expected name=value"))?;
            Ok((name.to_owned(), value.to_owned()))
        };
        Ok(Self(
            arguments.iter().map(pair).collect::<Result<_, Failure>>()?,
        ))
    }

    pub(crate) fn path(&self, name: &str) -> Result<PathBuf, Failure> {
        Ok(PathBuf::from(
            self.0
                .get(name)
                .ok_or_else(|| format!("{name}= is missing"))?,
        ))
    }

    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let parse = |text: &String| {
            text.parse()
                .map_err(|_| format!("{name}={text} is not a number"))
        };
        Ok(self.0.get(name).map(parse).transpose()?)
    }

    /// A list separated by commas.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.0.get(name).map(|list| list.split(',').collect())
    }
}
