//! The cache, measured over real sockets: what a hit takes from each tier, what an entry takes, what repeats bring.
//!
//! Weir stands alone on CPU 0 with one worker, as in `gateway`; generator, upstream and this process share CPU 1. What
//! always holds: a reply counts only if its `x-cache` says that it came the way that is measured, and one that came another
//! way makes the run fail.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Parser;

mod tier;

mod measure;

mod replies;

mod entries;
mod promotion;
mod repeats;
mod results;
mod stand;
mod trace;

#[cfg(test)]
mod tests;

use crate::gateway::runs::Bench;
use crate::gateway::{look_at_the_machine, stay_on_cpu_1, unless_told_to_stop};
use measure::Measure;
use results::Results;
use tier::Tier;

/// What to measure and for how long.
#[derive(Parser, Clone)]
pub struct Arguments {
    /// The weir binary; by default the one beside this program.
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// Measures to take.
    #[arg(long, value_delimiter = ',', default_value = "latency,streams,throughput,entries,promotion,trace")]
    measures: Vec<Measure>,
    /// Metered seconds of one run [default: 5, with --quick 2].
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=120))]
    seconds: Option<u64>,
    /// Repetitions, of which the medians are shown; the trace is played once [default: 3, with --quick 1].
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=20))]
    repeat: Option<u32>,
    /// A first impression: one short repetition.
    #[arg(long)]
    quick: bool,
    /// A recorded trace, as `weir replay` reads it; by default the built-in excerpt, over and over.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Print the tables once more as Markdown, ready for docs/benchmarks.md.
    #[arg(long)]
    markdown: bool,
}

/// What all measures share.
pub struct Shop<'a> {
    bench: Bench,
    weir: PathBuf,
    tiers: Vec<&'static Tier>,
    trace: Option<&'a Path>,
    /// Whether a first impression is enough.
    quick: bool,
}

/// Takes all measures, prints the tables, and leaves no process behind, also when interrupted.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    unless_told_to_stop(measure_all(&arguments)).await
}

async fn measure_all(arguments: &Arguments) -> anyhow::Result<()> {
    stay_on_cpu_1().context("two CPUs are needed: one for weir, one for the rest")?;
    let machine = look_at_the_machine()?;
    let weir = match &arguments.weir {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("weir"),
    };
    ensure!(weir.is_file(), "{} is not there; build it: cargo build -p weir --profile dist", weir.display());
    let repeat = arguments.repeat.unwrap_or(if arguments.quick { 1 } else { 3 });
    let seconds = arguments.seconds.unwrap_or(if arguments.quick { 2 } else { 5 });
    let shop = Shop {
        bench: Bench::new(seconds)?,
        weir,
        tiers: tier::found(),
        trace: arguments.trace.as_deref(),
        quick: arguments.quick,
    };
    let mut results = Results::new(machine, seconds, repeat);
    for &measure in &arguments.measures {
        let repeat = if measure.is_taken_once() { 1 } else { repeat };
        for repetition in 0..repeat {
            eprintln!("{} #{}", measure.letter(), repetition + 1);
            measure.take(&shop, &mut results).await;
        }
    }
    println!("{}", results.human());
    if arguments.markdown {
        println!("{}", results.markdown());
    }
    ensure!(results.failures() == 0, "{} runs failed", results.failures());
    Ok(())
}
