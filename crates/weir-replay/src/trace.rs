//! A trace: when requests arrived and how long prompt and answer were.
//!
//! Two CSV forms are understood by their header: the Azure LLM inference traces
//! (`TIMESTAMP,ContextTokens,GeneratedTokens`) and a plain one (`arrival_ms,context_tokens,generated_tokens` with an
//! optional `priority`). What always holds: at least one arrival, in order of time, the first at offset zero.

mod timestamp;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use crate::input::{Column, InputError, Row, Table, read_file};
use crate::priorities::Priority;

/// 600 arrivals over 148 s from the Azure trace; source and licence in `data/README.md`.
const EXCERPT: &str = include_str!("../../../data/azure_llm_trace_excerpt.csv");

const EXPECTED: &str = "`TIMESTAMP,ContextTokens,GeneratedTokens` \
    or `arrival_ms,context_tokens,generated_tokens[,priority]`";
const TIMESTAMP_REMEDY: &str = "write it like 2023-11-16 18:15:46.6805900 (UTC)";
const ARRIVAL_REMEDY: &str = "write milliseconds from the start, 0 to a year, like 1250 or 1250.5";

const TOKENS_REMEDY: &str = "write a whole number of tokens, 0 to 4294967295";
const PRIORITY_REMEDY: &str = "write 0 (most urgent) to 9, or leave it empty";

/// The latest arrival, in milliseconds: a year. A larger number is not meant as milliseconds from the start.
const ARRIVAL_MS_MAX: f64 = 366.0 * 86_400_000.0;

/// When a request came and how large it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Time since the first arrival, at the recorded speed.
    pub offset: Duration,
    /// Tokens of the prompt.
    pub context_tokens: u32,
    /// Tokens of the answer.
    pub generated_tokens: u32,
    /// The priority, where the trace says one; otherwise it is drawn from the mix in the options.
    pub priority: Option<Priority>,
}

/// Arrivals in order of time, at least one, the first at offset zero.
#[derive(Debug, Clone)]
pub struct Trace(Vec<Arrival>);

impl Trace {
    /// The built-in excerpt: 600 real arrivals over 148 s.
    pub fn excerpt() -> Self {
        Self::parse("the built-in trace", EXCERPT.as_bytes()).expect("a test parses the built-in trace")
    }

    /// Reads a trace file of at most 256 MiB.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        Self::parse(&path.display().to_string(), &read_file(path)?)
    }

    /// Parses a trace; `file` names it in errors. Rows out of order are sorted: some collectors write a request when
    /// it ends.
    pub fn parse(file: &str, content: &[u8]) -> Result<Self, InputError> {
        let table = Table::open(file, content)?;
        let Some(columns) = Columns::find(&table) else { return Err(table.unknown_columns(EXPECTED)) };
        let mut arrivals = table.rows(|row| columns.arrival(row))?;
        arrivals.sort_by_key(|arrival| arrival.offset);
        let start = arrivals.first().map_or(Duration::ZERO, |first| first.offset);
        for arrival in &mut arrivals {
            arrival.offset -= start;
        }
        Ok(Self(arrivals))
    }

    /// The arrivals, in order of time.
    pub fn arrivals(&self) -> &[Arrival] {
        &self.0
    }
}

struct Columns {
    time: TimeColumn,
    context_tokens: Column,
    generated_tokens: Column,
    priority: Option<Column>,
}

enum TimeColumn {
    Timestamp(Column),
    Milliseconds(Column),
}

impl Columns {
    fn find(table: &Table<'_>) -> Option<Self> {
        if let Some(timestamp) = table.column("TIMESTAMP") {
            return Some(Self {
                time: TimeColumn::Timestamp(timestamp),
                context_tokens: table.column("ContextTokens")?,
                generated_tokens: table.column("GeneratedTokens")?,
                priority: None,
            });
        }
        Some(Self {
            time: TimeColumn::Milliseconds(table.column("arrival_ms")?),
            context_tokens: table.column("context_tokens")?,
            generated_tokens: table.column("generated_tokens")?,
            priority: table.column("priority"),
        })
    }

    /// The row with its offset still counted from the epoch of its own file.
    fn arrival(&self, row: &Row<'_>) -> Result<Arrival, InputError> {
        let tokens = |column| row.parsed(column, TOKENS_REMEDY, |value| value.parse().ok());
        Ok(Arrival {
            offset: match self.time {
                TimeColumn::Timestamp(column) => row.parsed(column, TIMESTAMP_REMEDY, timestamp::parse)?,
                TimeColumn::Milliseconds(column) => row.parsed(column, ARRIVAL_REMEDY, milliseconds)?,
            },
            context_tokens: tokens(self.context_tokens)?,
            generated_tokens: tokens(self.generated_tokens)?,
            priority: match self.priority {
                Some(column) if !row.value(column).is_empty() => {
                    Some(row.parsed(column, PRIORITY_REMEDY, |value| value.parse().ok())?)
                }
                _ => None,
            },
        })
    }
}

fn milliseconds(value: &str) -> Option<Duration> {
    let ms: f64 = value.parse().ok()?;
    (0.0..=ARRIVAL_MS_MAX).contains(&ms).then(|| Duration::from_secs_f64(ms / 1_000.0))
}
