//! The load generator: lanes that each hold one connection and ask in one of four ways.
//!
//! It prints one JSON report. The CPU of the process it watches is read at the very edges of the metered window, here
//! and not by the parent, so that requests and CPU seconds are counted over the same time.

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

mod lane;
mod tally;

use crate::process;
use lane::{Lane, Plan};
use tally::Tally;

/// How long lanes may take to finish what they had begun when the window closed.
const GRACE: Duration = Duration::from_secs(10);

/// Whom to ask, for how long, and how.
#[derive(Parser, Clone)]
pub struct Arguments {
    /// Port on 127.0.0.1.
    #[arg(long)]
    pub port: u16,
    /// Bearer token to send.
    #[arg(long)]
    pub key: Option<String>,
    /// Process whose CPU (or, with `hold`, memory) is measured, descendants included.
    #[arg(long)]
    pub watch: Option<u32>,
    /// Metered window, seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Time before the window in which answers are not counted, seconds.
    #[arg(long, default_value_t = 2)]
    pub warm_up_seconds: u64,
    /// What is asked, and what of a cache's answers counts.
    #[command(flatten)]
    pub asking: Asking,
    /// The way of asking.
    #[command(subcommand)]
    pub manner: Manner,
}

/// What is asked, and which answers count, where a cache may give them. Without these, no two requests are the same.
#[derive(Args, Clone)]
pub struct Asking {
    /// Ask so many questions over and over, numbered from 1, instead of a new one each time.
    #[arg(long)]
    pub questions: Option<u64>,
    /// Lanes that ask the same question at the same time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub together: u32,
    /// What every answer that counts says in `x-cache`; any other is an error.
    #[arg(long)]
    pub state: Option<String>,
    /// What others may say, without being counted.
    #[arg(long)]
    pub besides: Vec<String>,
}

/// A way of asking.
#[derive(Subcommand, Clone, Copy)]
pub enum Manner {
    /// Every connection asks again as soon as it has its answer.
    Closed {
        /// Connections.
        #[arg(long, default_value_t = 64)]
        connections: u32,
        /// Ask for streams that have so many chunks; an answer's time is to its end all the same.
        #[arg(long)]
        chunks: Option<u32>,
    },
    /// A fixed number of requests a second, whatever the answers do.
    Paced {
        /// Requests per second over all connections.
        #[arg(long, default_value_t = 200)]
        rate: u32,
        /// Ask for streams that have so many chunks; an answer's time is to its end all the same.
        #[arg(long)]
        chunks: Option<u32>,
    },
    /// Streams, each followed by another on the same connection.
    Streams {
        /// Streams at the same time.
        #[arg(long, default_value_t = 200)]
        streams: u32,
        /// Chunks that a whole stream must have.
        #[arg(long, default_value_t = 100)]
        chunks: u32,
    },
    /// One stream on every connection; memory is read when all are open.
    Hold {
        /// Streams at the same time.
        #[arg(long, default_value_t = 1_000)]
        streams: u32,
        /// Chunks that a whole stream must have.
        #[arg(long, default_value_t = 20)]
        chunks: u32,
    },
}

/// What the generator saw.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Report {
    /// Whole, correct answers over the entire run, warm-up included.
    pub answers: u64,
    /// Of those, the ones that ended inside the metered window.
    pub metered_answers: u64,
    /// Chunks that arrived inside the metered window.
    pub metered_chunks: u64,
    /// Failed exchanges over the entire run.
    pub errors: u64,
    /// The first failure, in words.
    pub first_error: Option<String>,
    /// Length of the metered window, seconds.
    pub seconds: f64,
    /// Median time to the answer, for streams to the first chunk, of exchanges begun inside the window, ms.
    pub p50_ms: Option<f64>,
    /// 99th percentile of the same, ms.
    pub p99_ms: Option<f64>,
    /// CPU of the watched tree over the window, seconds.
    pub cpu_seconds: Option<f64>,
    /// Time over the window in which the watched tree was kept from its CPU by others, seconds: the noise of the run.
    pub queued_seconds: Option<f64>,
    /// Memory of the watched tree, with `hold`.
    pub memory: Option<Memory>,
}

/// Memory of the watched tree before and with open streams.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
pub struct Memory {
    /// PSS before the first connection, KiB.
    pub idle_kib: u64,
    /// PSS with the streams open, KiB.
    pub open_kib: u64,
    /// Streams that had begun and not ended at that moment.
    pub open_streams: u64,
}

/// The metered part of a run.
#[derive(Clone, Copy)]
struct Window {
    opens: Instant,
    closes: Instant,
}

/// Readings taken on the edges of the window.
struct Readings {
    seconds: f64,
    cpu_seconds: Option<f64>,
    queued_seconds: Option<f64>,
    memory: Option<(u64, u64)>,
}

/// Runs one load and prints its report as one line of JSON.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(&measure(&arguments).await?)?);
    Ok(())
}

async fn measure(arguments: &Arguments) -> anyhow::Result<Report> {
    let begun = Instant::now();
    let opens = begun + Duration::from_secs(arguments.warm_up_seconds);
    let window = Window { opens, closes: opens + Duration::from_secs(arguments.seconds) };
    let holds = matches!(arguments.manner, Manner::Hold { .. });
    let idle_kib = match arguments.watch {
        Some(pid) if holds => Some(process::pss_kib(pid)?),
        _ => None,
    };

    let plan = Plan::new(arguments.manner, arguments.asking.together)?;
    let mut lanes = JoinSet::new();
    for index in 0..plan.lanes() {
        lanes.spawn(Lane::new(index, plan, arguments, window).run(begun));
    }
    let readings = read_edges(arguments.watch, window, idle_kib).await?;
    let tally = gather(lanes, window).await?;
    Ok(report(tally, readings, window))
}

/// Sleeps through the window and reads the watched tree on its edges.
async fn read_edges(watch: Option<u32>, window: Window, idle_kib: Option<u64>) -> anyhow::Result<Readings> {
    let cpu = || watch.map(process::cpu_seconds).transpose();
    let queued = || watch.map(process::queued_seconds).transpose();
    let between = |before: Option<f64>, after: Option<f64>| Some(after? - before?);
    sleep_until(window.opens).await;
    let (began, cpu_before, queued_before) = (Instant::now(), cpu()?, queued()?);
    sleep_until(window.closes).await;
    let (seconds, cpu_after, queued_after) = (began.elapsed().as_secs_f64(), cpu()?, queued()?);
    let memory = match (watch, idle_kib) {
        (Some(pid), Some(idle)) => Some((idle, process::pss_kib(pid)?)),
        _ => None,
    };
    Ok(Readings {
        seconds,
        cpu_seconds: between(cpu_before, cpu_after),
        queued_seconds: between(queued_before, queued_after),
        memory,
    })
}

/// Waits for the lanes; one that is still waiting after the grace is a failure and is given up.
async fn gather(mut lanes: JoinSet<Tally>, window: Window) -> anyhow::Result<Tally> {
    let mut total = Tally::default();
    while let Ok(Some(tally)) = timeout_at(window.closes + GRACE, lanes.join_next()).await {
        total.add(tally.context("a lane panicked")?);
    }
    for _ in 0..lanes.len() {
        total.failed(&anyhow::anyhow!("no end of the answer {} s after the window", GRACE.as_secs()));
    }
    ensure!(total.exchanges() > 0, "no lane got as far as asking");
    Ok(total)
}

fn report(mut tally: Tally, readings: Readings, window: Window) -> Report {
    let (p50_ms, p99_ms) = (tally.percentile_ms(50.0), tally.percentile_ms(99.0));
    let open_streams = tally.open_at(window.closes);
    Report {
        answers: tally.answers,
        metered_answers: tally.metered_answers,
        metered_chunks: tally.metered_chunks,
        errors: tally.errors,
        first_error: tally.first_error,
        seconds: readings.seconds,
        p50_ms,
        p99_ms,
        cpu_seconds: readings.cpu_seconds,
        queued_seconds: readings.queued_seconds,
        memory: readings.memory.map(|(idle_kib, open_kib)| Memory { idle_kib, open_kib, open_streams }),
    }
}
