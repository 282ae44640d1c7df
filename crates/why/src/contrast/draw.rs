//! Decisions of the history that attributions are counted from.

use super::history::{History, Standing};

impl History {
    /// Places of the decisions of a version that stand, were made as `passed` says, and have their scores nearest to one of
    /// `cutoffs`; of equally near ones the earlier. At most `most`, by place.
    pub fn nearest_to_score(
        &self,
        version: &str,
        cutoffs: &[f64],
        passed: impl Fn(&str) -> bool,
        most: usize,
    ) -> Vec<u64> {
        let distance = |row: usize| {
            let score = self.score[row];
            let away = cutoffs.iter().map(|cutoff| (score - cutoff).abs());
            away.min_by(f64::total_cmp).filter(|away| away.is_finite())
        };
        let mut near: Vec<(f64, usize)> = self
            .standing_rows(version)
            .filter(|row| passed(self.decisions.name(self.decision[*row])))
            .filter_map(|row| Some((distance(row)?, row)))
            .collect();
        let by_distance =
            |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if near.len() > most {
            near.select_nth_unstable_by(most, by_distance);
            near.truncate(most);
        }
        let mut places: Vec<u64> = near.into_iter().map(|(_, row)| self.index[row]).collect();
        places.sort_unstable();
        places
    }

    /// Places of at most `most` decisions of a version that stand, evenly spread over the history.
    pub fn sample(&self, version: &str, most: usize) -> Vec<u64> {
        let rows: Vec<usize> = self.standing_rows(version).collect();
        let count = rows.len().min(most);
        let spread = |nth: usize| rows.get(nth * rows.len() / count);
        (0..count)
            .filter_map(|nth| Some(self.index[*spread(nth)?]))
            .collect()
    }

    fn standing_rows(&self, version: &str) -> impl Iterator<Item = usize> {
        let version = self.versions.find(version);
        (0..self.index.len()).filter(move |row| {
            Some(self.version[*row]) == version && self.standing[*row] == Standing::InForce
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::{Fields, Scalar};

    fn history() -> History {
        let mut history = History::default();
        for nth in 0..100_u64 {
            let fields = Fields::from([("/input/a".to_owned(), Scalar::Number(nth as f64))]);
            let score = nth as f64 / 100.0;
            let decision = if score < 0.5 { "approve" } else { "deny" };
            let version = if nth % 10 == 0 { "2" } else { "1" };
            history
                .push(nth * 2, version, decision, Some(score), &fields)
                .unwrap();
        }
        history.mark(98, Standing::Overridden);
        history
    }

    #[test]
    fn those_that_passed_nearest_to_the_cutoff_are_found() {
        let near = history().nearest_to_score("1", &[0.5], |decision| decision == "approve", 3);
        // 49 was overridden.
        assert_eq!(near, [92, 94, 96]);
        let none = history().nearest_to_score("3", &[0.5], |_| true, 3);
        assert!(none.is_empty());
    }

    #[test]
    fn a_sample_is_spread_over_the_history() {
        assert_eq!(history().sample("2", 5), [0, 40, 80, 120, 160]);
        assert_eq!(history().sample("2", 50).len(), 10);
        assert!(history().sample("2", 0).is_empty());
    }
}
