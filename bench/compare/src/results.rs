//! Where the figures go: to the folder of results as soon as there are any, and at the end to standard output too.

use std::io::Write;
use std::path::PathBuf;

use causebook_load::Failure;
use serde::Serialize;

use crate::say;
use crate::settings::Settings;

/// Files of one run.
pub(crate) struct Results {
    json: PathBuf,
    tables: PathBuf,
}

impl Results {
    /// Makes the folder, before anything is measured that would have to go there.
    pub(crate) fn new(settings: &Settings, name: &str) -> Result<Self, Failure> {
        let folder = settings.path("results")?;
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            json: folder.join(format!("{name}.json")),
            tables: folder.join(format!("{name}.md")),
        })
    }

    /// Leaves what there is so far.
    pub(crate) fn save(&self, tables: &str, measured: &impl Serialize) -> Result<(), Failure> {
        std::fs::write(&self.json, serde_json::to_vec_pretty(measured)?)?;
        Ok(std::fs::write(&self.tables, tables)?)
    }

    /// Leaves everything, and prints the tables.
    pub(crate) fn finish(&self, tables: &str, measured: &impl Serialize) -> Result<(), Failure> {
        self.save(tables, measured)?;
        std::io::stdout().write_all(tables.as_bytes())?;
        say(&format!("\neverything measured: {}", self.json.display()));
        Ok(())
    }
}
