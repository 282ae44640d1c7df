//! One number decides everything: the same seed twice is the same run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use causebook_sim::run;

#[test]
fn the_same_seed_twice_gives_the_same_trace() {
    for seed in 1_000_000..1_000_050 {
        let (first, again) = (run(seed, None, false), run(seed, None, true));
        assert_eq!(first.trace, again.trace, "seed {seed}");
        assert_eq!(first.totals, again.totals, "seed {seed}");
        assert!(
            first.violation.is_none(),
            "seed {seed}: {:?}",
            first.violation
        );
    }
}

#[test]
fn different_seeds_give_different_traces() {
    assert_ne!(run(1, None, false).trace, run(2, None, false).trace);
}
