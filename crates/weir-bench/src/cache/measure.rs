//! The six measures: their letters, titles and columns, and which file takes each.

use clap::ValueEnum;

use super::results::Results;
use super::{Shop, entries, promotion, replies, trace};
use crate::gateway::measure::{Better, Column, column};

/// The values of one row, in the order of the columns; `None`: it cannot have this one.
pub type Values = Vec<Option<f64>>;

/// Something to find out.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Measure {
    /// What a whole answer takes, tier by tier, when nothing is crowded.
    Latency,
    /// What a stream takes that is given again.
    Streams,
    /// How many hits one core can carry.
    Throughput,
    /// What an entry occupies.
    Entries,
    /// What the first hit of an answer on disk takes, and the second, which comes from memory.
    Promotion,
    /// How many requests of recorded traffic are hits.
    Trace,
}

const fn neutral(heading: &'static str, decimals: usize) -> Column {
    column(heading, decimals, Better::Neither)
}

const LATENCY: &[Column] = &[
    neutral("p50 ms", 3),
    neutral("p99 ms", 3),
    neutral("added p50 ms", 3),
    neutral("added p99 ms", 3),
    neutral("CPU s / 1,000 requests", 3),
    neutral("kept waiting, %", 0),
    neutral("errors", 0),
];

const THROUGHPUT: &[Column] = &[
    neutral("requests/s", 0),
    neutral("CPU s / 1,000 requests", 4),
    neutral("cores used", 2),
    neutral("p50 ms", 2),
    neutral("p99 ms", 2),
    neutral("kept waiting, %", 0),
    neutral("errors", 0),
];

const ENTRIES: &[Column] = &[
    neutral("answer, bytes", 0),
    neutral("in memory, bytes", 0),
    neutral("above the answer", 0),
    neutral("on disk, bytes", 0),
    neutral("above the answer", 0),
];

const PROMOTION: &[Column] = &[neutral("p50 ms", 3), neutral("p99 ms", 3)];

const TRACE: &[Column] = &[
    neutral("requests", 0),
    neutral("asked before, %", 2),
    neutral("from memory, %", 2),
    neutral("from disk, %", 2),
    neutral("shared, %", 2),
    neutral("called, %", 2),
    neutral("of what could be, %", 1),
];

impl Measure {
    /// Letter under which the measure is cited.
    pub fn letter(self) -> char {
        match self {
            Self::Latency => 'a',
            Self::Streams => 'b',
            Self::Throughput => 'c',
            Self::Entries => 'd',
            Self::Promotion => 'e',
            Self::Trace => 'f',
        }
    }

    /// Heading of the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::Latency => "Whole answers: 200 requests a second, upstream answers at once",
            Self::Streams => "Streams of 20 chunks, to their end: 200 a second, upstream sends them at once",
            Self::Throughput => "One core: 64 connections, each asks again at once",
            Self::Entries => "What an entry takes: 10,000 of them",
            Self::Promotion => "Found on disk, then in memory: the same questions twice after a restart",
            Self::Trace => "Recorded arrivals and lengths; a question comes again as Zipf has it",
        }
    }

    /// Columns of the table, after the one that names the row.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Latency | Self::Streams => LATENCY,
            Self::Throughput => THROUGHPUT,
            Self::Entries => ENTRIES,
            Self::Promotion => PROMOTION,
            Self::Trace => TRACE,
        }
    }

    /// Whether one repetition says it all: what is counted is the same each time.
    pub fn is_taken_once(self) -> bool {
        matches!(self, Self::Trace)
    }

    /// One repetition. A run that fails is reported, remembered and does not end the others.
    pub async fn take(self, shop: &Shop<'_>, results: &mut Results) {
        match self {
            Self::Latency => replies::latency(shop, results).await,
            Self::Streams => replies::streams(shop, results).await,
            Self::Throughput => replies::throughput(shop, results).await,
            Self::Entries => entries::take(shop, results).await,
            Self::Promotion => promotion::take(shop, results).await,
            Self::Trace => trace::take(shop, results).await,
        }
    }
}
