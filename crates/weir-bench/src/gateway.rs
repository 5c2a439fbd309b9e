//! The comparison: every measure, every contender, on this machine, in one run.
//!
//! The gateway under test stands alone on CPU 0 with one worker; generator, upstream and this process share CPU 1.
//! Each single run starts a fresh gateway and a fresh upstream and ends both, and contenders take turns inside every
//! repetition, so a noisy minute falls on all of them.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Parser;
use rustix::thread::{CpuSet, sched_setaffinity};
use tokio::signal::unix::{SignalKind, signal};

pub mod child;
pub mod contender;
pub mod machine;
pub mod measure;
pub mod results;
pub mod runs;
pub mod setup;
pub mod table;
#[cfg(test)]
mod tests;

use contender::{Contender, Gateway};
use measure::Measure;
use results::Results;
use runs::Bench;

/// What to compare and for how long.
#[derive(Parser, Clone)]
pub struct Arguments {
    /// The weir binary; by default the one beside this program.
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// An earlier weir binary, measured in turn with this one: what a change did to the path of a request.
    #[arg(long, value_name = "PATH")]
    before: Option<PathBuf>,
    /// Gateways to measure.
    #[arg(long, value_delimiter = ',', default_value = "weir,nginx,haproxy")]
    only: Vec<Gateway>,
    /// Measures to take.
    #[arg(long, value_delimiter = ',', default_value = "throughput,latency,streams,memory,cold-start")]
    measures: Vec<Measure>,
    /// Metered seconds of one run [default: 5, with --quick 2].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: Option<u64>,
    /// Repetitions, of which the medians are shown [default: 3, with --quick 1].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=20))]
    repeat: Option<u32>,
    /// A first impression: one short repetition.
    #[arg(long)]
    quick: bool,
    /// Write every value of every repetition to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Print the tables once more as Markdown, ready for docs/benchmarks.md.
    #[arg(long)]
    markdown: bool,
}

/// Takes all measures, prints the tables, and leaves no process behind, also when interrupted.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    unless_told_to_stop(compare(&arguments)).await
}

/// Works, unless the process is told to stop.
pub async fn unless_told_to_stop(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        biased;
        // Dropping the work drops its children, and those take their process groups with them.
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
        outcome = Box::pin(work) => outcome,
    }
}

/// The machine that is measured on. Says so if it has other things to do.
pub fn look_at_the_machine() -> anyhow::Result<machine::Machine> {
    let machine = machine::Machine::read()?;
    eprintln!("{machine}");
    if machine.is_busy() {
        eprintln!("the machine is not quiet: other work runs beside the measurement and will show in it");
    }
    Ok(machine)
}

async fn compare(arguments: &Arguments) -> anyhow::Result<()> {
    stay_on_cpu_1().context("two CPUs are needed: one for the gateway, one for the rest")?;
    let machine = look_at_the_machine()?;
    let contenders =
        contender::find_all(&arguments.only, arguments.weir.as_deref(), arguments.before.as_deref());
    ensure!(!contenders.is_empty(), "no gateway to measure");

    let repeat = arguments.repeat.unwrap_or(if arguments.quick { 1 } else { 3 });
    let seconds = arguments.seconds.unwrap_or(if arguments.quick { 2 } else { 5 });
    let bench = Bench::new(seconds)?;
    let mut results = Results::new(machine, &contenders, seconds, repeat);
    for &measure in &arguments.measures {
        for repetition in 0..repeat {
            repeat_once(&bench, measure, &contenders, repetition, &mut results).await;
        }
    }

    println!("{}", results.human());
    if arguments.markdown {
        println!("{}", results.markdown());
    }
    if let Some(file) = &arguments.json {
        std::fs::write(file, results.json()?).with_context(|| file.display().to_string())?;
    }
    ensure!(results.failures() == 0, "{} runs failed", results.failures());
    Ok(())
}

/// One repetition of one measure: direct first, where the measure has it, then every gateway in turn.
async fn repeat_once(
    bench: &Bench,
    measure: Measure,
    contenders: &[Contender],
    repetition: u32,
    results: &mut Results,
) {
    let direct = if measure.has_direct() {
        take(bench, measure, &Contender::Direct, repetition, None, results).await
    } else {
        None
    };
    for turn in 0..contenders.len() {
        // Another gateway goes first in each repetition, so that none always follows the same neighbour.
        let contender = &contenders[(turn + repetition as usize) % contenders.len()];
        take(bench, measure, contender, repetition, direct.as_deref(), results).await;
    }
}

/// One single run; a failure is reported, remembered and does not end the comparison.
async fn take(
    bench: &Bench,
    measure: Measure,
    contender: &Contender,
    repetition: u32,
    direct: Option<&[Option<f64>]>,
    results: &mut Results,
) -> Option<Vec<Option<f64>>> {
    eprintln!("{} {} #{}", measure.letter(), contender.name(), repetition + 1);
    match measure.take(bench, contender, direct).await {
        Ok(values) => {
            results.add(measure, contender, values.clone());
            Some(values)
        }
        Err(error) => {
            eprintln!("  failed: {error:#}");
            results.add_failure(measure, contender, &error);
            None
        }
    }
}

/// Pins this process and all it starts; gateways are moved to CPU 0 by `taskset`.
pub fn stay_on_cpu_1() -> rustix::io::Result<()> {
    let mut cpus = CpuSet::new();
    cpus.set(1);
    sched_setaffinity(None, &cpus)
}
