//! The outcomes as a table, for the terminal and for `docs/tampering.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use causebook_torture::{Failure, say};

use crate::acts::Act;
use crate::classes::Class;
use crate::judge::{Outcome, Verdict};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/tampering.md");
const INTRODUCTION: &str = include_str!("introduction.md");

/// One class and kind of act.
#[derive(Debug, Default)]
struct Line {
    count: usize,
    found: usize,
    found_by_head: usize,
    harmless: usize,
    beyond_proof: usize,
    broken: usize,
    rebuilt: usize,
    names: BTreeMap<String, usize>,
}

/// Outcomes by class and kind of act.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: BTreeMap<(Class, &'static str), Line>,
}

impl Table {
    pub(crate) fn of(acts: &[Act], verdicts: &[Verdict]) -> Self {
        let mut table = Self::default();
        for (act, verdict) in acts.iter().zip(verdicts) {
            let line = table.lines.entry((act.class, act.kind)).or_default();
            line.count += 1;
            line.rebuilt += usize::from(verdict.rebuilt);
            match &verdict.outcome {
                Outcome::Found(names) => {
                    line.found += 1;
                    line.name(names);
                }
                Outcome::FoundByHead(names) => {
                    line.found_by_head += 1;
                    line.name(names);
                }
                Outcome::Harmless => line.harmless += 1,
                Outcome::BeyondProof => line.beyond_proof += 1,
                Outcome::Broken(_) => line.broken += 1,
            }
        }
        table
    }

    fn sum(&self, count: impl Fn(&Line) -> usize) -> usize {
        self.lines.values().map(count).sum()
    }

    pub(crate) fn summary(&self) -> String {
        format!("{} acts: {}", self.acts(), self.outcomes())
    }

    fn acts(&self) -> usize {
        self.sum(|line| line.count)
    }

    fn outcomes(&self) -> String {
        outcomes([
            self.sum(|line| line.found),
            self.sum(|line| line.found_by_head),
            self.sum(|line| line.harmless),
            self.sum(|line| line.beyond_proof),
            self.sum(|line| line.broken),
        ])
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{:<24} {:<52} {:>5} {:>5} {:>5} {:>8} {:>6}",
            "what", "act", "acts", "found", "head", "harmless", "broken"
        );
        for ((class, kind), line) in &self.lines {
            let _ = write!(
                text,
                "\n{:<24} {kind:<52} {:>5} {:>5} {:>5} {:>8} {:>6}  {}",
                class.title(),
                line.count,
                line.found,
                line.found_by_head,
                line.harmless,
                line.broken,
                line.names()
            );
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = String::from(
            "| what | act | times | found | by head only | no effect | found as |\n|---|---|---|---|---|---|---|\n",
        );
        for ((class, kind), line) in &self.lines {
            let _ = writeln!(
                text,
                "| {} | {kind} | {} | {} | {} | {} | {} |",
                class.title(),
                line.count,
                count(line.found),
                count(line.found_by_head),
                count(line.harmless),
                line.names()
            );
        }
        text
    }

    /// Why acts of a class had no effect, for every class where one had none.
    fn reasons(&self) -> String {
        let harmless = self.lines.iter().filter(|(_, line)| line.harmless > 0);
        let classes: BTreeSet<Class> = harmless.map(|((class, _), _)| *class).collect();
        let mut text = String::new();
        for class in classes {
            let _ = writeln!(text, "- **{}**: {}.", class.title(), class.reason());
        }
        text
    }
}

impl Line {
    fn name(&mut self, names: &[String]) {
        for name in names {
            *self.names.entry(name.clone()).or_default() += 1;
        }
    }

    fn names(&self) -> String {
        let names = self
            .names
            .iter()
            .map(|(name, count)| format!("{name} {count}"));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Of acts found, found by a head only, without effect, beyond proof, broken.
fn outcomes(counts: [usize; 5]) -> String {
    let [found, by_head, harmless, beyond_proof, broken] = counts;
    format!(
        "{found} found and named, {by_head} found only by who remembers a head, {harmless} without effect, \
         {beyond_proof} beyond proof, {broken} promises broken"
    )
}

fn done_of(done: usize, all: usize) -> String {
    if done == all {
        format!("all {all} acts")
    } else {
        format!("{done} of the {all} acts, at least one of every kind")
    }
}

fn count(number: usize) -> String {
    if number == 0 {
        String::new()
    } else {
        number.to_string()
    }
}

/// Writes the page, if at least one act of every kind was done.
pub(crate) fn write(table: &Table, acts: &[Act]) -> Result<(), Failure> {
    let done = |act: &Act| table.lines.contains_key(&(act.class, act.kind));
    if !acts.iter().all(done) {
        return Err("the page needs an act of every kind: give a larger number, or none".into());
    }
    let page = INTRODUCTION
        .replace("{done}", &done_of(table.acts(), acts.len()))
        .replace("{outcomes}", &table.outcomes())
        .replace("{rebuilt}", &table.sum(|line| line.rebuilt).to_string())
        .replace("{reasons}", table.reasons().trim_end())
        .replace("{table}", table.markdown().trim_end());
    std::fs::write(Path::new(PAGE), page)?;
    say("docs/tampering.md is written");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_page_is_what_this_program_writes() -> Result<(), Failure> {
        let page = std::fs::read_to_string(Path::new(PAGE))?;
        let mut rest = page.as_str();
        for (number, part) in INTRODUCTION.split(['{', '}']).enumerate() {
            // Every other part is the name of something that a run fills in.
            if number % 2 == 0 {
                let (_, after) = rest.split_once(part).ok_or_else(|| part.to_owned())?;
                rest = after;
            }
        }
        assert_eq!(rest, "");
        Ok(())
    }

    #[test]
    fn the_sentences_of_the_committed_page_sum_up_its_table() -> Result<(), Failure> {
        let page = std::fs::read_to_string(Path::new(PAGE))?;
        let (_, table) = page.split_once("## All acts").ok_or("there is no table")?;
        let [mut acts, mut found, mut by_head, mut harmless] = [0; 4];
        for line in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
            let cells: Vec<&str> = line.split(" | ").collect();
            let number = |place: usize| -> Result<usize, Failure> {
                let cell = cells.get(place).ok_or(line)?.trim();
                Ok(if cell.is_empty() { 0 } else { cell.parse()? })
            };
            acts += number(2)?;
            found += number(3)?;
            by_head += number(4)?;
            harmless += number(5)?;
        }
        let beyond_proof = acts - found - by_head - harmless;
        let sums = outcomes([found, by_head, harmless, beyond_proof, 0]);
        let sentence = format!("The last run did {}: {sums}.", done_of(acts, acts));
        assert!(page.contains(&sentence), "{sentence}");
        Ok(())
    }
}
