//! The five measures: what each asks of a contender and which columns it fills.
//!
//! A measure's values stand in the order of its columns. `None` is a value that the contender cannot have, such as the
//! CPU of a gateway that is not there.

use anyhow::{Context, ensure};
use clap::ValueEnum;

use super::contender::Contender;
use super::runs::{Bench, Streaming};
use crate::load::Report;

/// Streams of the streaming measure, and the chunks of each, 10 ms apart.
const STREAMS: u32 = 200;
const STREAM: Streaming = Streaming { chunks: 100, interval_ms: 10 };

/// Streams of the memory measure, and the chunks of each, 250 ms apart: long enough to be all open at once.
const HELD_STREAMS: u32 = 1_000;
const HELD_STREAM: Streaming = Streaming { chunks: 20, interval_ms: 250 };

/// From the last stream's beginning to the reading of memory, seconds; streams last 4.75.
const HELD_SECONDS: u64 = 2;

/// Something to find out.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Measure {
    /// How many requests one core can carry.
    Throughput,
    /// What a gateway adds to an answer when nothing is crowded.
    Latency,
    /// What streams cost.
    Streams,
    /// What an open stream occupies.
    Memory,
    /// How soon a gateway is there.
    ColdStart,
}

/// Which direction of a column is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    /// More is better.
    More,
    /// Less is better.
    Less,
    /// Tells how the run went; not compared.
    Neither,
}

/// One column of a measure's table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Heading with unit.
    pub heading: &'static str,
    /// Digits after the point.
    pub decimals: usize,
    /// Which direction is good.
    pub better: Better,
}

/// A column.
pub const fn column(heading: &'static str, decimals: usize, better: Better) -> Column {
    Column { heading, decimals, better }
}

const THROUGHPUT: &[Column] = &[
    column("requests/s per core", 0, Better::More),
    column("CPU s / 1,000 requests", 4, Better::Less),
    column("cores used", 2, Better::Neither),
    column("p50 ms", 2, Better::Less),
    column("p99 ms", 2, Better::Less),
    column("kept waiting, %", 0, Better::Neither),
    column("errors", 0, Better::Neither),
];

const LATENCY: &[Column] = &[
    column("p50 ms", 3, Better::Neither),
    column("p99 ms", 3, Better::Neither),
    column("added p50 ms", 3, Better::Less),
    column("added p99 ms", 3, Better::Less),
    column("CPU s / 1,000 requests", 3, Better::Less),
    column("kept waiting, %", 0, Better::Neither),
    column("errors", 0, Better::Neither),
];

const STREAMING: &[Column] = &[
    column("chunks/s", 0, Better::Neither),
    column("CPU s / 1,000 chunks", 4, Better::Less),
    column("first token p50 ms", 2, Better::Neither),
    column("first token p99 ms", 2, Better::Neither),
    column("added p50 ms", 2, Better::Less),
    column("added p99 ms", 2, Better::Less),
    column("kept waiting, %", 0, Better::Neither),
    column("errors", 0, Better::Neither),
];

const MEMORY: &[Column] = &[
    column("idle MiB", 1, Better::Less),
    column("1,000 streams MiB", 1, Better::Less),
    column("KiB / stream", 1, Better::Less),
    column("streams open", 0, Better::Neither),
    column("errors", 0, Better::Neither),
];

const COLD_START: &[Column] = &[column("start to first 200, ms", 1, Better::Less)];

impl Measure {
    /// Letter under which the measure is cited.
    pub fn letter(self) -> char {
        match self {
            Self::Throughput => 'a',
            Self::Latency => 'b',
            Self::Streams => 'c',
            Self::Memory => 'd',
            Self::ColdStart => 'e',
        }
    }

    /// Heading of the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Throughput => "Whole answers: 64 connections, upstream answers at once",
            Self::Latency => "Added latency: 200 requests a second, upstream answers at once",
            Self::Streams => "Streams: 200 at once, 100 chunks 10 ms apart",
            Self::Memory => "Memory (PSS of the process tree): 1,000 open streams",
            Self::ColdStart => "Cold start: from exec to the first 200 through the gateway",
        }
    }

    /// Columns of the table.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Throughput => THROUGHPUT,
            Self::Latency => LATENCY,
            Self::Streams => STREAMING,
            Self::Memory => MEMORY,
            Self::ColdStart => COLD_START,
        }
    }

    /// Whether the straight way to the upstream is measured beside the gateways.
    pub fn has_direct(self) -> bool {
        matches!(self, Self::Throughput | Self::Latency | Self::Streams)
    }

    /// One run on `contender`; `direct` are the values of the straight way in the same repetition.
    pub async fn take(
        self,
        bench: &Bench,
        contender: &Contender,
        direct: Option<&[Option<f64>]>,
    ) -> anyhow::Result<Vec<Option<f64>>> {
        let values = match self {
            Self::Throughput => throughput(bench, contender).await?,
            Self::Latency => latency(bench, contender, direct).await?,
            Self::Streams => streams(bench, contender, direct).await?,
            Self::Memory => memory(bench, contender).await?,
            Self::ColdStart => vec![bench.cold_start(contender).await?],
        };
        debug_assert_eq!(values.len(), self.columns().len());
        Ok(values)
    }
}

type Values = Vec<Option<f64>>;

async fn throughput(bench: &Bench, contender: &Contender) -> anyhow::Result<Values> {
    let load = words(&["closed", "--connections", "64"]);
    crowded(&bench.run(contender, STREAM, bench.seconds(), &load).await?)
}

/// The row of what one core carries when every connection asks again at once.
///
/// # Errors
/// Nothing was answered.
pub fn crowded(report: &Report) -> anyhow::Result<Values> {
    let answers = report.metered_answers as f64;
    ensure!(answers > 0.0, "no answer in the metered window");
    Ok(vec![
        Some(answers / report.seconds),
        report.cpu_seconds.map(|cpu| cpu * 1_000.0 / answers),
        report.cpu_seconds.map(|cpu| cpu / report.seconds),
        report.p50_ms,
        report.p99_ms,
        kept_waiting_percent(report),
        Some(report.errors as f64),
    ])
}

async fn latency(
    bench: &Bench,
    contender: &Contender,
    direct: Option<&[Option<f64>]>,
) -> anyhow::Result<Values> {
    let load = words(&["paced", "--rate", "200"]);
    let report = bench.run(contender, STREAM, bench.seconds(), &load).await?;
    let answers = report.metered_answers as f64;
    ensure!(answers > 0.0, "no answer in the metered window");
    Ok(vec![
        report.p50_ms,
        report.p99_ms,
        added(report.p50_ms, direct, 0),
        added(report.p99_ms, direct, 1),
        report.cpu_seconds.map(|cpu| cpu * 1_000.0 / answers),
        kept_waiting_percent(&report),
        Some(report.errors as f64),
    ])
}

async fn streams(
    bench: &Bench,
    contender: &Contender,
    direct: Option<&[Option<f64>]>,
) -> anyhow::Result<Values> {
    let (streams, chunks) = (STREAMS.to_string(), STREAM.chunks.to_string());
    let load = words(&["streams", "--streams", &streams, "--chunks", &chunks]);
    let report = bench.run(contender, STREAM, bench.seconds(), &load).await?;
    let arrived = report.metered_chunks as f64;
    ensure!(arrived > 0.0, "no chunk in the metered window");
    Ok(vec![
        Some(arrived / report.seconds),
        report.cpu_seconds.map(|cpu| cpu * 1_000.0 / arrived),
        report.p50_ms,
        report.p99_ms,
        added(report.p50_ms, direct, 2),
        added(report.p99_ms, direct, 3),
        kept_waiting_percent(&report),
        Some(report.errors as f64),
    ])
}

async fn memory(bench: &Bench, contender: &Contender) -> anyhow::Result<Values> {
    let (streams, chunks) = (HELD_STREAMS.to_string(), HELD_STREAM.chunks.to_string());
    let load = words(&["hold", "--streams", &streams, "--chunks", &chunks]);
    let report = bench.run(contender, HELD_STREAM, HELD_SECONDS, &load).await?;
    let memory = report.memory.context("the load read no memory")?;
    ensure!(memory.open_streams > 0, "no stream was open when memory was read");
    let (idle, open) = (memory.idle_kib as f64, memory.open_kib as f64);
    Ok(vec![
        Some(idle / 1_024.0),
        Some(open / 1_024.0),
        Some((open - idle) / memory.open_streams as f64),
        Some(memory.open_streams as f64),
        Some(report.errors as f64),
    ])
}

/// Share of the window in which the gateway could have run and something else had its CPU, %.
pub fn kept_waiting_percent(report: &Report) -> Option<f64> {
    Some(100.0 * report.queued_seconds? / report.seconds)
}

/// How much `value` is above the same column of the straight way.
fn added(value: Option<f64>, direct: Option<&[Option<f64>]>, column: usize) -> Option<f64> {
    Some(value? - direct?.get(column).copied()??)
}

/// Words of a command line.
pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}
