//! One run: a ledger is created and lives through several processes, each of which may be cut off anywhere, also while
//! it recovers; after every recovery and in the end everything is checked.

use std::sync::Arc;

use causebook_ledger::sim::{Fault, Lie, Random, SimClock, SimDisk, SteppedLedger};
use causebook_ledger::{Disk as _, Identity, LedgerError, create};
use jiff::Timestamp;

use crate::plan::{Crash, Plan, options};
use crate::totals::Totals;
use crate::violation::{Harm, Violation};
use crate::world::World;

/// Openings that may be cut off one after another.
const INTERRUPTIONS_MAX: u64 = 3;
/// Operations of a process that opens a ledger, and of one that works with it, roughly.
const OPENING_SPAN: u64 = 120;
const WORKING_SPAN: u64 = 900;
/// 2026-06-01.
const START_SECONDS: i64 = 1_780_272_000;

/// How a run ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Folded from everything that happened: the same for the same seed.
    pub trace: u64,
    /// What happened, counted.
    pub totals: Totals,
    /// The promise that was not kept.
    pub violation: Option<Violation>,
    /// The last lines of the trace, if they were asked for.
    pub lines: Vec<String>,
}

/// Runs the scenario of a seed, on a disk that may break a promise.
pub fn run(seed: u64, lie: Option<Lie>, keeps_lines: bool) -> Outcome {
    let mut random = Random::new(seed);
    let disk = SimDisk::seeded(random.next_u64());
    let start = Timestamp::from_second(START_SECONDS).unwrap_or(Timestamp::UNIX_EPOCH);
    let clock = Arc::new(SimClock::new(start));
    let (disk, created) = create_through_failures(disk, clock.as_ref(), &mut random);
    disk.set_lie(lie);
    let options = options(&mut random);
    let keys = created
        .as_ref()
        .map_or(Vec::new(), |identity| identity.keys.clone());
    let world = World::new(random, disk, clock, keys, options, keeps_lines);
    if let Err(error) = created {
        let what = format!("creating a ledger: {error}");
        world.violate(Violation::new(Harm::Broken, what));
    }
    world.live();
    let mut state = world.state();
    state.ledger = None;
    state.sent.clear();
    state.disk.set_hook(None);
    state.totals.runs = 1;
    state.totals.acknowledged = state.model.acknowledged;
    Outcome {
        trace: state.trace.hash(),
        totals: state.totals,
        violation: state.violation.clone(),
        lines: state.trace.lines(),
    }
}

/// Creates a ledger, which may fail anywhere or be killed, and is then tried again.
fn create_through_failures(
    mut disk: SimDisk,
    clock: &SimClock,
    random: &mut Random,
) -> (SimDisk, Result<Identity, LedgerError>) {
    let creating = |disk: &SimDisk| create(disk, clock, "main", "example.com/main");
    if random.one_in(4) {
        let first = disk.operations() + random.below(24);
        let is_killed = random.one_in(2);
        disk.set_fault(Some(if is_killed {
            Fault::From(first)
        } else {
            Fault::At(first)
        }));
        // What came of it is seen below.
        let _ = creating(&disk);
        disk.set_fault(None);
        disk = if random.one_in(2) {
            disk.after_kill()
        } else {
            disk.after_power_cut(random.next_u64())
        };
    }
    let created = match creating(&disk) {
        // Nobody has opened it yet, so what was killed in the making could still vanish, and would be made again.
        Err(LedgerError::Exists) => disk
            .sync_dir("")
            .map_err(|_| LedgerError::Exists)
            .and_then(|()| Identity::load(&disk)),
        other => other,
    };
    (disk, created)
}

impl World {
    fn live(&self) {
        let lives = 1 + self.below(4);
        for _ in 0..lives {
            if self.state().violation.is_some() {
                return;
            }
            self.live_once();
        }
        if self.state().violation.is_none() {
            self.end();
        }
    }

    fn live_once(&self) {
        let Some(ledger) = self.open_through_interruptions() else {
            return;
        };
        if self.one_in(4) && ledger.poison().is_none() {
            self.set_plan(Plan::Nothing);
            self.check_all(&ledger);
        } else {
            self.check_recovered(&ledger.reader());
        }
        let plan = Plan::random(&mut self.state().random, WORKING_SPAN);
        self.set_plan(plan);
        let acts = 5 + self.below(60);
        let mut last_acts = 4;
        for _ in 0..acts {
            if !self.goes_on() || last_acts == 0 {
                break;
            }
            self.act(&ledger);
            if ledger.poison().is_some() {
                last_acts -= 1;
            }
        }
        if self.goes_on() {
            self.end_life(&ledger);
        }
        drop(ledger);
        self.restart();
    }

    fn open_through_interruptions(&self) -> Option<Arc<SteppedLedger>> {
        for attempt in 0..=INTERRUPTIONS_MAX {
            let plan = if attempt == INTERRUPTIONS_MAX {
                Plan::Nothing
            } else if self.one_in(4) {
                Plan::random(&mut self.state().random, OPENING_SPAN)
            } else {
                Plan::crash_or_nothing(&mut self.state().random, OPENING_SPAN)
            };
            self.set_plan(plan);
            if let Some(ledger) = self.open() {
                return Some(ledger);
            }
            if self.state().violation.is_some() {
                return None;
            }
            if self.goes_on() {
                let crash = if self.one_in(2) {
                    Crash::Kill
                } else {
                    Crash::PowerCut
                };
                self.crash(crash);
            }
            self.restart();
        }
        None
    }

    fn open(&self) -> Option<Arc<SteppedLedger>> {
        let options = self.state().options.clone();
        let opened = SteppedLedger::open(
            Arc::new(self.disk()),
            Arc::clone(&self.clock) as _,
            Arc::new(self.table()),
            options,
        );
        match opened {
            Ok(ledger) if self.goes_on() => {
                let ledger = Arc::new(ledger);
                let mut state = self.state();
                state.totals.recoveries += 1;
                state.ledger = Some(Arc::clone(&ledger));
                drop(state);
                self.note(|| "opened".to_owned());
                Some(ledger)
            }
            Ok(_) => None,
            Err(error) => {
                self.excuse("opening", &error);
                None
            }
        }
    }

    /// Nothing fails any more: the ledger opens, keeps every promise, goes on, closes, and is read without a writer.
    fn end(&self) {
        self.set_plan(Plan::Nothing);
        let Some(ledger) = self.open() else {
            return;
        };
        self.check_all(&ledger);
        if !self.goes_on() {
            return;
        }
        for _ in 0..4 {
            self.act(&ledger);
        }
        self.check_all(&ledger);
        if !self.goes_on() {
            return;
        }
        if let Err(error) = ledger.close() {
            self.excuse("closing in the end", &error);
        }
        self.state().ledger = None;
        drop(ledger);
        self.state().readings_left = 1;
        self.read_beside();
    }
}
