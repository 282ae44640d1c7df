//! What the simulation is to reach, it reaches: a check of something that never happens would be worth nothing.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use causebook_sim::{Totals, run};

#[test]
fn sixty_seeds_reach_everything() {
    let mut totals = Totals::default();
    for seed in 2_000_000..2_000_060 {
        let outcome = run(seed, None, false);
        assert!(
            outcome.violation.is_none(),
            "seed {seed}: {:?}",
            outcome.violation
        );
        totals.add(&outcome.totals);
    }
    for (what, count) in [
        ("power cuts", totals.power_cuts),
        ("kills", totals.kills),
        ("faults", totals.faults),
        ("recoveries", totals.recoveries),
        ("verifications", totals.verifications),
        ("steps in the middle of others", totals.interleaved),
        ("erasures", totals.erasures),
        ("merges", totals.merges),
        ("repeats", totals.repeats),
        ("conflicts", totals.conflicts),
        ("evidence files", totals.evidence),
    ] {
        assert!(count >= 10, "{count} {what}");
    }
}
