//! The world of one run: media, clock, engine and model, and the hook through which things happen in the middle of
//! others. One thread; the lock is held for moments only, never across a call into the engine.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use causebook_ledger::sim::{
    DiskHook, Fault, MemoryTable, Operation, OperationKind, Random, SimClock, SimDisk, Step,
    SteppedLedger, Ticket,
};
use causebook_ledger::{AppendError, LedgerError, Options, RememberedHead};
use causebook_tlog::{Verifier, open_checkpoint};

use crate::model::{Model, Seen};
use crate::plan::{Crash, Plan};
use crate::records::Spec;
use crate::totals::Totals;
use crate::trace::Trace;
use crate::violation::{Harm, Violation};

const CHECKPOINT_PATH: &str = "log/checkpoint";
/// How deep things happen in the middle of others.
const DEPTH_MAX: u32 = 2;

/// A submission whose answer is still to come.
pub(crate) struct Sent {
    pub(crate) specs: Vec<Spec>,
    pub(crate) ticket: Ticket,
    pub(crate) all_or_nothing: bool,
}

pub(crate) struct State {
    pub(crate) random: Random,
    pub(crate) trace: Trace,
    pub(crate) model: Model,
    pub(crate) totals: Totals,
    pub(crate) disk: SimDisk,
    pub(crate) table: MemoryTable,
    pub(crate) ledger: Option<Arc<SteppedLedger>>,
    pub(crate) sent: Vec<Sent>,
    /// What was ever sent under an id of the client's.
    pub(crate) history: Vec<Spec>,
    pub(crate) keys: Vec<String>,
    pub(crate) remembered: Option<RememberedHead>,
    pub(crate) violation: Option<Violation>,
    pub(crate) options: Options,
    verifiers: Vec<Verifier>,
    plan: Plan,
    /// Operations since the plan was made, and those of the kinds that it names.
    planned: u64,
    matching: u64,
    /// A fault of the present plan has happened.
    pub(crate) is_faulted: bool,
    /// The process is gone; what the next one finds is in `disk` and `table`.
    pub(crate) is_crashed: bool,
    /// Others act in the middle of one in so many operations; 0 for never.
    pub(crate) meddling: u64,
    depth: u32,
    /// Another process is at work.
    others: u32,
    /// A fault happened to it.
    is_other_faulted: bool,
    pub(crate) readings_left: u32,
}

/// What one run is about.
pub(crate) struct World {
    state: Mutex<State>,
    pub(crate) clock: Arc<SimClock>,
    me: Weak<World>,
}

struct Hook(Weak<World>);

impl DiskHook for Hook {
    fn before(&self, operation: &Operation<'_>) -> io::Result<()> {
        self.0
            .upgrade()
            .map_or(Ok(()), |world| world.before(operation))
    }
}

impl World {
    pub(crate) fn new(
        mut random: Random,
        disk: SimDisk,
        clock: Arc<SimClock>,
        keys: Vec<String>,
        options: Options,
        keeps_lines: bool,
    ) -> Arc<Self> {
        let verifiers = keys.iter().filter_map(|key| Verifier::parse(key).ok());
        let meddling = match random.below(4) {
            0 => 0,
            1 => 60,
            2 => 20,
            _ => 8,
        };
        let state = State {
            table: MemoryTable::new().copy_to(&disk),
            random,
            trace: Trace::new(keeps_lines),
            model: Model::default(),
            totals: Totals::default(),
            disk,
            ledger: None,
            sent: Vec::new(),
            history: Vec::new(),
            verifiers: verifiers.collect(),
            keys,
            remembered: None,
            violation: None,
            options,
            plan: Plan::Nothing,
            planned: 0,
            matching: 0,
            is_faulted: false,
            is_crashed: false,
            meddling,
            depth: 0,
            others: 0,
            is_other_faulted: false,
            readings_left: 12,
        };
        let world = Arc::new_cyclic(|me| Self {
            state: Mutex::new(state),
            clock,
            me: me.clone(),
        });
        world.hook(&world.state().disk);
        world
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hook(&self, disk: &SimDisk) {
        disk.set_hook(Some(Arc::new(Hook(self.me.clone()))));
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.state().random.below(bound)
    }

    pub(crate) fn one_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn disk(&self) -> SimDisk {
        self.state().disk.clone()
    }

    pub(crate) fn table(&self) -> MemoryTable {
        self.state().table.reopened()
    }

    pub(crate) fn ledger(&self) -> Option<Arc<SteppedLedger>> {
        self.state().ledger.clone()
    }

    /// The run is to go on: nothing was violated, and the process lives.
    pub(crate) fn goes_on(&self) -> bool {
        let state = self.state();
        state.violation.is_none() && !state.is_crashed
    }

    pub(crate) fn violate(&self, violation: Violation) {
        let mut state = self.state();
        if !state.is_crashed {
            state.violation.get_or_insert(violation);
        }
    }

    pub(crate) fn hold(&self, outcome: Result<(), Violation>) {
        if let Err(violation) = outcome {
            self.violate(violation);
        }
    }

    /// Notes something in the trace.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        let mut state = self.state();
        let depth = state.depth as usize;
        let line = line();
        state.trace.fold(line.as_bytes());
        if state.trace.is_kept() {
            state.trace.keep(format!("{}{line}", "    ".repeat(depth)));
        }
    }

    /// Lets things go wrong from now on as planned.
    pub(crate) fn set_plan(&self, plan: Plan) {
        self.note(|| format!("plan: {plan:?}"));
        let mut state = self.state();
        state.planned = 0;
        state.matching = 0;
        let full = match plan {
            Plan::Full { bytes } => Some(Fault::FullAfter(state.disk.bytes_grown() + bytes)),
            _ => None,
        };
        // The engine may have stopped before the next plan.
        state.is_faulted |= full.is_some();
        state.plan = plan;
        state.disk.set_fault(full);
    }

    /// Everything the ledger does until `work` ends is another process's doing.
    pub(crate) fn as_other<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = {
            let mut state = self.state();
            state.others += 1;
            std::mem::take(&mut state.is_other_faulted)
        };
        let outcome = work();
        let mut state = self.state();
        state.others -= 1;
        state.is_other_faulted |= before;
        outcome
    }

    pub(crate) fn before(&self, operation: &Operation<'_>) -> io::Result<()> {
        self.trace_operation(operation);
        if operation.kind == OperationKind::Rename && operation.to == CHECKPOINT_PATH {
            self.see_checkpoint(operation.path);
        }
        match self.due() {
            Due::Crash(crash) => {
                self.crash(crash);
                return Err(io::Error::other("the process is gone"));
            }
            Due::Nothing => {}
        }
        if self.is_meddled_with() {
            self.state().depth += 1;
            self.meddle();
            self.state().depth -= 1;
            if self.state().is_crashed {
                return Err(io::Error::other("the process is gone"));
            }
        }
        self.fault(operation)
    }

    fn trace_operation(&self, operation: &Operation<'_>) {
        let mut state = self.state();
        state.totals.operations += 1;
        let Operation {
            kind,
            path,
            to,
            at,
            bytes,
            ..
        } = *operation;
        state.trace.fold_number(kind as u64);
        state.trace.fold(path.as_bytes());
        state.trace.fold(to.as_bytes());
        state.trace.fold_number(at);
        state.trace.fold(bytes);
        if state.trace.is_kept() {
            let mut hash = Trace::new(false);
            hash.fold(bytes);
            let indent = "    ".repeat(state.depth as usize);
            let planned = state.planned;
            state.trace.keep(format!(
                "{indent}[{planned}] {kind:?} {path} {to} at {at}, {} bytes {:08x}",
                bytes.len(),
                hash.hash() as u32
            ));
        }
    }

    /// A checkpoint is about to be published: from now on somebody may know it.
    fn see_checkpoint(&self, path: &str) {
        let mut state = self.state();
        let note = state.disk.peek(path).unwrap_or_default();
        let note = String::from_utf8(note).unwrap_or_default();
        let seen = match open_checkpoint(&note, &state.verifiers) {
            Ok((checkpoint, signatures)) => {
                let time = signatures.iter().find_map(|signature| signature.time);
                let seen = Seen {
                    size: checkpoint.size,
                    root: checkpoint.root,
                    note,
                };
                state.model.see_checkpoint(seen, time)
            }
            // A write that failed half-way and was not noticed would be an error of the engine.
            Err(error) => Err(Violation::new(
                Harm::Broken,
                format!("what is published as a checkpoint is none: {error}"),
            )),
        };
        if let Err(violation) = seen {
            state.violation.get_or_insert(violation);
        }
    }

    fn due(&self) -> Due {
        let mut state = self.state();
        if state.is_crashed {
            return Due::Nothing;
        }
        state.planned += 1;
        match state.plan {
            Plan::Crash { after, crash } if state.planned == after => Due::Crash(crash),
            _ => Due::Nothing,
        }
    }

    fn fault(&self, operation: &Operation<'_>) -> io::Result<()> {
        let mut state = self.state();
        let Plan::Fail {
            kinds,
            after,
            for_good,
        } = state.plan
        else {
            return Ok(());
        };
        if state.is_crashed || !kinds.hold(operation.kind) {
            return Ok(());
        }
        state.matching += 1;
        if state.matching - 1 == after || (for_good && state.matching > after) {
            // The engine may be in the middle of a step within what another process does.
            state.is_faulted = true;
            state.is_other_faulted |= state.others > 0;
            state.totals.faults += 1;
            if state.trace.is_kept() {
                state.trace.keep("        that failed".to_owned());
            }
            return Err(io::Error::other("a fault as planned"));
        }
        Ok(())
    }

    /// Ends the process here and now. What was told before, was told.
    pub(crate) fn crash(&self, crash: Crash) {
        self.collect();
        self.note(|| format!("{crash:?}"));
        let mut state = self.state();
        if state.is_crashed {
            return;
        }
        let disk = match crash {
            Crash::PowerCut => {
                state.totals.power_cuts += 1;
                state.remembered = None;
                let seed = state.random.next_u64();
                state.disk.after_power_cut(seed)
            }
            Crash::Kill => {
                state.totals.kills += 1;
                state.disk.after_kill()
            }
        };
        if crash == Crash::PowerCut {
            let note = disk.peek("log/checkpoint").unwrap_or_default();
            let left = open_checkpoint(&String::from_utf8_lossy(&note), &state.verifiers);
            let time = left
                .ok()
                .and_then(|(_, signatures)| signatures.iter().find_map(|signature| signature.time));
            state.model.back_to_checkpoint_of(time);
        }
        state.disk.switch_off();
        state.is_crashed = true;
        state.table = state.table.copy_to(&disk);
        state.disk = disk;
        state.sent.clear();
    }

    /// The next process begins, on what the last one left.
    pub(crate) fn restart(&self) {
        let ledger = self.state().ledger.take();
        drop(ledger);
        let disk = {
            let mut state = self.state();
            state.is_crashed = false;
            state.is_faulted = false;
            state.is_other_faulted = false;
            state.sent.clear();
            state.disk.clone()
        };
        self.hook(&disk);
    }

    /// Takes the answers that have come.
    pub(crate) fn collect(&self) {
        let mut state = self.state();
        if state.is_crashed {
            return;
        }
        let sent = std::mem::take(&mut state.sent);
        for sent in sent {
            let Some(results) = sent.ticket.poll() else {
                state.sent.push(sent);
                continue;
            };
            let line = format!("answer: {results:?}");
            state.trace.fold(line.as_bytes());
            state.trace.keep(line);
            if sent.all_or_nothing
                && results.iter().flatten().any(|receipt| !receipt.repeated)
                && results.iter().any(Result::is_err)
            {
                let what =
                    format!("of an all-or-nothing batch only a part was recorded: {results:?}");
                state
                    .violation
                    .get_or_insert(Violation::new(Harm::Broken, what));
            }
            for (place, (spec, result)) in sent.specs.iter().zip(&results).enumerate() {
                let is_repeat = result.as_ref().is_ok_and(|receipt| receipt.repeated);
                let is_conflict = matches!(
                    result,
                    Err(AppendError::Conflict { .. } | AppendError::Erased { .. })
                );
                state.totals.repeats += u64::from(is_repeat);
                state.totals.conflicts += u64::from(is_conflict);
                let mut earlier = sent.specs.iter().take(place);
                let within = sent.all_or_nothing
                    && earlier.any(|earlier| earlier.id == spec.id && earlier != spec);
                if within && is_conflict {
                    state.model.settle(spec);
                } else if let Err(violation) = state.model.take_result(spec, result) {
                    state.violation.get_or_insert(violation);
                }
            }
        }
    }

    /// One commit group. Nothing new may be acknowledged by an engine that had stopped before.
    pub(crate) fn step_sequencer(&self, ledger: &SteppedLedger, submissions: usize) -> Step {
        self.collect();
        let before = ledger.poison();
        let acknowledged = self.state().model.acknowledged;
        let step = ledger.step_sequencer(submissions);
        self.collect();
        if let Some(cause) = before
            && self.state().model.acknowledged > acknowledged
        {
            let what = format!("a stopped engine acknowledged a record; it had stopped: {cause}");
            self.violate(Violation::new(Harm::Broken, what));
        }
        step
    }

    fn is_meddled_with(&self) -> bool {
        let mut state = self.state();
        let (times, depth) = (state.meddling, state.depth);
        let plain = state.violation.is_none() && !state.is_crashed;
        plain && times > 0 && depth < DEPTH_MAX && state.random.one_in(times)
    }

    /// Whether faults so far can have made the engine fail.
    pub(crate) fn is_excused(&self) -> bool {
        let state = self.state();
        state.is_faulted || state.is_crashed
    }

    /// An error that another process has is a false alarm, whatever happened to the writer, unless a fault happened to
    /// itself.
    pub(crate) fn excuse_other(&self, doing: &str, error: &LedgerError) {
        self.note(|| format!("{doing}: {error}"));
        if self.state().is_other_faulted {
            return;
        }
        self.violate(Violation::alarm(format!("{doing}: {error}")));
    }

    /// An error is one that faults explain, or else a false alarm.
    pub(crate) fn excuse(&self, doing: &str, error: &LedgerError) {
        self.note(|| format!("{doing}: {error}"));
        if !self.is_excused() {
            self.violate(Violation::alarm(format!("{doing}: {error}")));
        }
    }
}

enum Due {
    Nothing,
    Crash(Crash),
}
