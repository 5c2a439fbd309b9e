//! The soak: weir under twice what its services take, for minutes, while services fail and callers leave at random.
//!
//! What must hold at the end: every request had an answer (in full, degraded, or an error that says so), nothing is
//! stuck (permits, seats, calls), and memory does not grow. A breach is an error, and so is a run too short to tell.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Parser;
use tokio::time::Instant;

mod cast;
pub mod memory;
mod traffic;

use cast::Cast;
use memory::Memory;
use traffic::Tally;

/// How long to soak what.
#[derive(Parser, Clone)]
pub struct Arguments {
    /// The weir binary; by default the one beside this program.
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// How long.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// Seed of the faults, the questions and the leaving.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The load, as a multiple of what the services take at one time.
const OVERLOAD: f64 = 2.0;
/// After the load, everything is at rest within this time: answers under way end, retries come to nothing.
const REST_MAX: Duration = Duration::from_secs(60);
/// Growth that is none, KiB a minute, of some 3,300 requests: what a request of which a third of a KiB stays would make. A
/// half of four minutes still swings by half of that either way.
const GROWTH_MAX: f64 = 1024.0;

/// Soaks, prints what came of it, and fails if something leaked.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let weir = match &arguments.weir {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("weir"),
    };
    ensure!(weir.is_file(), "{} is not there; build it: cargo build --release -p weir", weir.display());
    let mut cast = Cast::start(&weir, arguments.seed).await?;
    let lasts = Duration::from_secs(arguments.minutes * 60);
    let rate = traffic::rate(cast.places(), OVERLOAD);
    eprintln!(
        "soaking for {} min: {rate:.0} requests a second, twice what {} places answer",
        arguments.minutes,
        cast.places()
    );
    let mut memory = Memory::default();
    let until = Instant::now() + lasts;
    let tally = tokio::select! {
        biased;
        tally = traffic::run(&cast, rate, until, arguments.seed) => tally?,
        error = memory.watch(&cast) => bail!("weir cannot be watched: {error:#}"),
    };
    cast.ensure_alive().context("weir ended under load")?;
    let stuck = until_at_rest(&cast).await?;
    memory.look(&cast).await?;
    let outcomes = cast.outcomes().await?;
    cast.stop().await;
    report(&tally, &outcomes, &memory, &stuck)
}

/// What is not at rest when it should be, in words; nothing, if all is.
async fn until_at_rest(cast: &Cast) -> anyhow::Result<String> {
    let began = Instant::now();
    loop {
        let stuck = cast.stuck().await?;
        if stuck.is_empty() || began.elapsed() > REST_MAX {
            return Ok(stuck);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn report(tally: &Tally, outcomes: &str, memory: &Memory, stuck: &str) -> anyhow::Result<()> {
    let growth = memory.growth_kib_per_min().context("too short a run to see memory grow")?;
    println!("| measure | value |\n|---|--:|");
    for (name, count) in tally.rows() {
        println!("| {name} | {count} |");
    }
    println!("| stuck permits, seats, calls | {} |", if stuck.is_empty() { "0" } else { stuck });
    let (last, highest) = memory.last_and_highest_kib();
    println!("| memory (RSS) at rest after it, MiB | {:.1} |", last as f64 / 1024.0);
    println!("| memory at its highest, MiB | {:.1} |", highest as f64 / 1024.0);
    println!("| its growth over the second half, KiB a minute | {growth:.0} |");
    println!("\nby weir's own records: {outcomes}");
    ensure!(tally.unanswered == 0, "{} requests had no answer: {}", tally.unanswered, tally.why());
    ensure!(stuck.is_empty(), "not at rest {} s after the load: {stuck}", REST_MAX.as_secs());
    ensure!(growth <= GROWTH_MAX, "memory grows by {growth:.0} KiB a minute, above {GROWTH_MAX:.0}");
    Ok(())
}
