//! How the driver speaks to a program that runs one system: the name of a file with the plan in, the report out.

use std::io::Write;
use std::path::Path;

use crate::plan::{GrowthPlan, Plan};
use crate::store::System;
use crate::workload::Workload;
use crate::{Failure, growth, measure};

/// What a program that runs a system is asked.
#[derive(Clone, Debug)]
pub enum Task {
    /// `plan FILE`: one report as JSON.
    Plan(Box<Plan>),
    /// `growth FILE`: a line of JSON for every size.
    Growth(GrowthPlan),
}

/// Reads a task from a program's arguments.
///
/// # Errors
/// If they are not a task.
pub fn task(arguments: &[String]) -> Result<Task, Failure> {
    let [what, file] = arguments else {
        return Err("expected: plan FILE, or growth FILE".into());
    };
    let text = std::fs::read_to_string(Path::new(file))?;
    match what.as_str() {
        "plan" => Ok(Task::Plan(serde_json::from_str(&text)?)),
        "growth" => Ok(Task::Growth(serde_json::from_str(&text)?)),
        other => Err(format!("unknown task {other}: expected plan or growth").into()),
    }
}

/// Does a task and prints what came of it.
///
/// # Errors
/// The system's own, or if it does not hold what it was given.
pub fn run_task(system: &dyn System, task: &Task) -> Result<(), Failure> {
    match task {
        Task::Plan(plan) => {
            let workload = Workload::read(&plan.workload)?;
            print_json(&measure::measure(system, plan, &workload)?)
        }
        Task::Growth(plan) => growth::grow(system, plan, &mut |decade| print_json(&decade)),
    }
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, value)?;
    writeln!(output)?;
    Ok(output.flush()?)
}
