//! Every act of the campaign: on bytes, on files, on records, on the whole ledger.
//!
//! The list is a function of the specimen and the seed, so that an act's number names it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use causebook_bench::Random;
use causebook_torture::{Failure, files_below};

use crate::classes::{Class, FILES};
use crate::records;
use crate::specimen::Specimen;

/// Flips at even distances, and as many at random places, in each class of files.
const FLIPS: u64 = 30;
/// Files of a class that are truncated, extended, deleted, exchanged.
const FILES_EACH: usize = 4;
const BLOCK_BYTES: usize = 512;
const BLOCKS: u64 = 8;

type Apply = dyn Fn(&Specimen, &Path) -> Result<(), Failure> + Send + Sync;

/// Where something else to put in the place of the ledger lies.
type Source = fn(&Specimen) -> PathBuf;

/// What must come of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is found, or has no effect.
    FoundOrHarmless,
    /// Nobody can know who does not hold an earlier head; who does, finds it.
    FoundByHead,
    /// Nobody can know: it is consistent with everything that anybody saw.
    BeyondProof,
}

/// Something done to a ledger's files.
pub(crate) struct Act {
    pub(crate) class: Class,
    pub(crate) kind: &'static str,
    /// What exactly, so that a human could do it again.
    pub(crate) what: String,
    pub(crate) expected: Expected,
    pub(crate) apply: Box<Apply>,
}

impl Act {
    pub(crate) fn new(
        class: Class,
        kind: &'static str,
        what: impl Into<String>,
        apply: impl Fn(&Specimen, &Path) -> Result<(), Failure> + Send + Sync + 'static,
    ) -> Self {
        Self {
            class,
            kind,
            what: what.into(),
            expected: Expected::FoundOrHarmless,
            apply: Box::new(apply),
        }
    }

    pub(crate) fn expecting(mut self, expected: Expected) -> Self {
        self.expected = expected;
        self
    }
}

/// All acts, ordered so that any first part of them takes every kind in turn.
pub(crate) fn all(specimen: &Specimen, seed: u64) -> Result<Vec<Act>, Failure> {
    let mut random = Random::new(seed);
    let mut by_class: BTreeMap<Class, Vec<String>> = BTreeMap::new();
    for path in files_below(&specimen.now())? {
        let class = Class::of(&path).ok_or_else(|| format!("{path} is of no known class"))?;
        by_class.entry(class).or_default().push(path);
    }
    let mut acts = Vec::new();
    for class in FILES {
        let files = by_class.get(&class).map_or(&[][..], Vec::as_slice);
        if files.is_empty() {
            return Err(format!("the specimen has no {}", class.title()).into());
        }
        let chosen = on_files(specimen, class, files, &mut random, &mut acts)?;
        on_bytes(specimen, class, files, &mut random, &mut acts)?;
        debug_assert!(chosen > 0);
    }
    records::acts(specimen, &mut random, &mut acts)?;
    on_ledger(&mut acts);
    Ok(in_turn(acts))
}

/// The first act of every class and kind, then the second of each, and so on.
fn in_turn(acts: Vec<Act>) -> Vec<Act> {
    let mut counts: BTreeMap<(Class, &str), usize> = BTreeMap::new();
    let mut ordered: Vec<(usize, Act)> = Vec::with_capacity(acts.len());
    for act in acts {
        let count = counts.entry((act.class, act.kind)).or_default();
        ordered.push((*count, act));
        *count += 1;
    }
    ordered.sort_by_key(|(turn, _)| *turn);
    ordered.into_iter().map(|(_, act)| act).collect()
}

fn on_bytes(
    specimen: &Specimen,
    class: Class,
    files: &[String],
    random: &mut Random,
    acts: &mut Vec<Act>,
) -> Result<(), Failure> {
    let mut lengths = Vec::new();
    for file in files {
        lengths.push(fs::metadata(specimen.now().join(file))?.len());
    }
    let total: u64 = lengths.iter().sum();
    if total == 0 {
        return Ok(());
    }
    let even = (0..FLIPS.min(total)).map(|number| number * total / FLIPS.min(total));
    let offsets: Vec<u64> = even
        .chain((0..FLIPS.min(total)).map(|_| random.below(total)))
        .collect();
    for offset in offsets {
        let (file, at) = locate(files, &lengths, offset);
        let mask = 1_u8 << random.below(8);
        let what = format!("byte {at} of {file}, mask {mask:#04x}");
        acts.push(Act::new(class, "flip a bit", what, move |_, folder| {
            change(&folder.join(&file), |bytes| {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= mask;
                }
            })
        }));
    }
    for _ in 0..BLOCKS {
        let (file, at) = locate(files, &lengths, random.below(total));
        let start = at - at % BLOCK_BYTES;
        let what = format!("{BLOCK_BYTES} bytes from {start} of {file}");
        acts.push(Act::new(class, "zero a block", what, move |_, folder| {
            change(&folder.join(&file), |bytes| {
                bytes
                    .iter_mut()
                    .skip(start)
                    .take(BLOCK_BYTES)
                    .for_each(|byte| *byte = 0);
            })
        }));
    }
    Ok(())
}

fn on_files(
    specimen: &Specimen,
    class: Class,
    files: &[String],
    random: &mut Random,
    acts: &mut Vec<Act>,
) -> Result<usize, Failure> {
    let chosen = some_of(files, random);
    for file in &chosen {
        let len = fs::metadata(specimen.now().join(file))?.len();
        for keep in [0, len / 3, len / 2, len.saturating_sub(1)] {
            let path = file.clone();
            let what = format!("{file} to {keep} of {len} bytes");
            acts.push(Act::new(class, "truncate", what, move |_, folder| {
                let keep = keep as usize;
                change(&folder.join(&path), |bytes| bytes.truncate(keep))
            }));
        }
        for more in [1_usize, 4096] {
            let (path, garbage) = (file.clone(), (random.below(255) + 1) as u8);
            let what = format!("{file} by {more} bytes");
            acts.push(Act::new(class, "extend", what, move |_, folder| {
                change(&folder.join(&path), |bytes| {
                    bytes.resize(bytes.len() + more, garbage);
                })
            }));
        }
        let path = file.clone();
        acts.push(Act::new(class, "delete", file, move |_, folder| {
            Ok(fs::remove_file(folder.join(&path))?)
        }));
    }
    for pair in chosen.windows(2) {
        let [first, second] = pair else { continue };
        let (first, second) = (first.clone(), second.clone());
        let what = format!("{first} with {second}");
        acts.push(Act::new(class, "swap two", what, move |_, folder| {
            let (first, second) = (folder.join(&first), folder.join(&second));
            let held = fs::read(&first)?;
            fs::write(&first, fs::read(&second)?)?;
            Ok(fs::write(&second, held)?)
        }));
    }
    for file in replaceable(specimen, files)? {
        for (state, folder) in [("older", specimen.older()), ("later", specimen.later())] {
            let source = folder.join(&file);
            if !source.exists() {
                continue;
            }
            let path = file.clone();
            let what = format!("{file} by that of the {state} state");
            acts.push(Act::new(
                class,
                "replace by earlier",
                what,
                move |_, folder| Ok(fs::write(folder.join(&path), fs::read(&source)?)?),
            ));
        }
    }
    Ok(chosen.len())
}

/// Files that were other ones before, as far as the earlier states have them.
fn replaceable(specimen: &Specimen, files: &[String]) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for file in files {
        let now = fs::read(specimen.now().join(file))?;
        let differs = |folder: &Path| fs::read(folder.join(file)).is_ok_and(|then| then != now);
        if differs(&specimen.older()) || differs(&specimen.later()) {
            found.push(file.clone());
        }
    }
    found.truncate(2 * FILES_EACH);
    Ok(found)
}

fn on_ledger(acts: &mut Vec<Act>) {
    let class = Class::Ledger;
    let parts: [(&'static str, &'static [&'static str]); 5] = [
        ("table", &["table"]),
        ("write-ahead log", &["wal"]),
        ("log", &["log"]),
        ("index", &["index"]),
        ("table and write-ahead log", &["table", "wal"]),
    ];
    for (name, folders) in parts {
        acts.push(Act::new(
            class,
            "part replaced by earlier",
            format!("{name} of the older state"),
            move |specimen, folder| {
                for part in folders {
                    replace_folder(&specimen.older().join(part), &folder.join(part))?;
                }
                Ok(())
            },
        ));
        acts.push(Act::new(class, "part deleted", name, move |_, folder| {
            for part in folders {
                fs::remove_dir_all(folder.join(part))?;
            }
            Ok(())
        }));
    }
    let whole: [(&'static str, &'static str, Source, Expected); 6] = [
        (
            "rolled back to before the head seen",
            "the older state",
            Specimen::older,
            Expected::FoundByHead,
        ),
        (
            "rolled back to after the head seen",
            "the later state",
            Specimen::later,
            Expected::BeyondProof,
        ),
        (
            "forked with the true key, same size",
            "other records since the older state",
            |s| s.fork("equal"),
            Expected::FoundByHead,
        ),
        (
            "forked with the true key, shorter",
            "other records, more than were seen",
            |s| s.fork("longer"),
            Expected::FoundByHead,
        ),
        (
            "forked with the true key, shorter",
            "other records, fewer than were seen",
            |s| s.fork("shorter"),
            Expected::FoundByHead,
        ),
        (
            "another ledger, other keys",
            "all of it",
            Specimen::stranger,
            Expected::FoundByHead,
        ),
    ];
    for (kind, what, source, expected) in whole {
        let act = Act::new(class, kind, what, move |specimen, folder| {
            replace_folder(&source(specimen), folder)
        });
        acts.push(act.expecting(expected));
    }
    for part in [
        "log",
        "table",
        "wal",
        "log/checkpoint",
        "ledger.json",
        "key",
    ] {
        acts.push(Act::new(
            class,
            "part of another ledger, other keys",
            part,
            move |specimen, folder| {
                let (from, to) = (specimen.stranger().join(part), folder.join(part));
                if from.is_dir() {
                    replace_folder(&from, &to)
                } else {
                    Ok(fs::write(to, fs::read(from)?)?)
                }
            },
        ));
        acts.push(Act::new(
            class,
            "part of a fork, same size",
            part,
            move |specimen, folder| {
                let (from, to) = (specimen.fork("equal").join(part), folder.join(part));
                if from.is_dir() {
                    replace_folder(&from, &to)
                } else {
                    Ok(fs::write(to, fs::read(from)?)?)
                }
            },
        ));
    }
}

fn replace_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::remove_dir_all(to)?;
    Ok(causebook_torture::copy_tree(from, to)?)
}

/// Reads, changes and writes a file.
pub(crate) fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Result<(), Failure> {
    let mut bytes = fs::read(path)?;
    change(&mut bytes);
    Ok(fs::write(path, bytes)?)
}

/// The first, the last and some between.
pub(crate) fn some_of(files: &[String], random: &mut Random) -> Vec<String> {
    if files.len() <= FILES_EACH {
        return files.to_vec();
    }
    let mut places = vec![0, files.len() - 1];
    while places.len() < FILES_EACH {
        let place = random.below(files.len() as u64) as usize;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.sort_unstable();
    places
        .into_iter()
        .filter_map(|place| files.get(place).cloned())
        .collect()
}

fn locate(files: &[String], lengths: &[u64], offset: u64) -> (String, usize) {
    let mut left = offset;
    for (file, length) in files.iter().zip(lengths) {
        if left < *length {
            return (file.clone(), left as usize);
        }
        left -= length;
    }
    (files.last().cloned().unwrap_or_default(), 0)
}
