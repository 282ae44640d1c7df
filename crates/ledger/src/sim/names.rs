//! Names of files: as a running process sees them, and as they would be found after a power cut. Each change of a name
//! is certain once its directory was synced; until then it may survive or not, independently of the others. A rename
//! is one change: never is there half of it.

use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Set { name: String, file: u64 },
    Remove { name: String, file: u64 },
    Rename { from: String, to: String, file: u64 },
}

impl Change {
    fn touches(&self, directory: &str) -> bool {
        match self {
            Self::Set { name, .. } | Self::Remove { name, .. } => is_in(name, directory),
            Self::Rename { from, to, .. } => is_in(from, directory) || is_in(to, directory),
        }
    }

    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Set { name, file } => {
                names.insert(name.clone(), *file);
            }
            Self::Remove { name, file } => {
                if names.get(name) == Some(file) {
                    names.remove(name);
                }
            }
            Self::Rename { from, to, file } => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    visible: BTreeMap<String, u64>,
    durable: BTreeMap<String, u64>,
    /// Changes that are not durable yet, in order.
    pending: Vec<Change>,
}

impl Names {
    pub(super) fn get(&self, name: &str) -> Option<u64> {
        self.visible.get(name).copied()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &String> {
        self.visible.keys()
    }

    /// Names and files that are visible now or may be found after a power cut.
    pub(super) fn files(&self) -> BTreeSet<u64> {
        let pending = self.pending.iter().map(|change| match change {
            Change::Set { file, .. }
            | Change::Remove { file, .. }
            | Change::Rename { file, .. } => *file,
        });
        let named = self.visible.values().chain(self.durable.values()).copied();
        named.chain(pending).collect()
    }

    pub(super) fn set(&mut self, name: &str, file: u64) {
        self.make(Change::Set {
            name: name.to_owned(),
            file,
        });
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Some(file) = self.get(name) {
            self.make(Change::Remove {
                name: name.to_owned(),
                file,
            });
        }
    }

    /// `false` if there is no file of the old name.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(file) = self.get(from) else {
            return false;
        };
        self.make(Change::Rename {
            from: from.to_owned(),
            to: to.to_owned(),
            file,
        });
        true
    }

    fn make(&mut self, change: Change) {
        change.apply(&mut self.visible);
        self.pending.push(change);
    }

    pub(super) fn sync(&mut self, directory: &str) {
        let pending = std::mem::take(&mut self.pending);
        for change in pending {
            if change.touches(directory) {
                change.apply(&mut self.durable);
                if let Change::Rename { from, file, .. } = &change {
                    let (name, file) = (from.clone(), *file);
                    let made = Change::Set { name, file };
                    self.pending.retain(|earlier| *earlier != made);
                }
            } else {
                self.pending.push(change);
            }
        }
    }

    /// Names as a running process sees them, all of them durable.
    pub(super) fn settled(names: BTreeMap<String, u64>) -> Self {
        Self {
            durable: names.clone(),
            visible: names,
            pending: Vec::new(),
        }
    }

    pub(super) fn visible(&self) -> &BTreeMap<String, u64> {
        &self.visible
    }

    /// Names after a power cut: what is durable, and of the rest nothing, everything, what came first, or anything.
    pub(super) fn survivors(
        &self,
        random: &mut Random,
        torn_renames: bool,
    ) -> BTreeMap<String, u64> {
        let mut names = self.durable.clone();
        let manner = random.below(4);
        let reached = random.below(self.pending.len() as u64 + 1) as usize;
        for (place, change) in self.pending.iter().enumerate() {
            let survives = match manner {
                0 => false,
                1 => true,
                2 => place < reached,
                _ => random.one_in(2),
            };
            if survives {
                change.apply(&mut names);
            }
            if let (true, Change::Rename { to, .. }) = (torn_renames, change)
                && random.one_in(2)
            {
                names.remove(to);
            }
        }
        names
    }
}

/// Whether a file is in a directory, not below another one in it. Asked for every change not synced yet, so it first looks
/// at what differs most often.
fn is_in(name: &str, directory: &str) -> bool {
    if directory.is_empty() {
        return !name.contains('/');
    }
    let rest = name.get(directory.len()..).unwrap_or_default();
    rest.strip_prefix('/')
        .is_some_and(|file| name.starts_with(directory) && !file.contains('/'))
}
