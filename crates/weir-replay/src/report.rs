//! What a run came to: availability, latencies, and what happened to the rest.
//!
//! Latencies (`mean_ms`, `p*_ms`, `ttft_*_ms`) are taken over **good requests only** and count from the scheduled
//! arrival; a fast refusal must not improve them. `mean_all_ms` has the failures in it. Percentiles are nearest-rank:
//! the smallest value that at least p % of the values do not exceed, so each is a latency that some request had.
//! What always holds: `good = full + degraded`, and `by_status` and `by_priority` each add up to `requests`.

mod render;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::record::{How, Outcome, Record};

/// One run in numbers. Times in milliseconds unless the name says otherwise; a time is absent (`null`) where no
/// request had it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Requests of the plan, sent or not; at least one.
    pub requests: u64,
    /// Requests that got a whole answer, full or degraded.
    pub good: u64,
    /// `good / requests`: the availability, 0 to 1.
    pub good_share: f64,
    /// Of good requests.
    #[serde(flatten)]
    pub latencies: Latencies,
    /// How requests ended: a status, or `connect`, `timeout`, `truncated`, `error_event`, `invalid`, `client_limit`.
    /// `200` are the good ones.
    pub by_status: BTreeMap<String, u64>,
    /// The same per priority that was sent.
    pub by_priority: BTreeMap<u8, PriorityReport>,
    /// Requests sent, the client's own retries included.
    pub tries: u64,
    /// Good answers without a mark.
    pub full: u64,
    /// Good answers marked `x-weir-degraded`.
    pub degraded: u64,
    /// Requests that weir turned away on purpose.
    pub shed: u64,
    /// Good answers that weir had without a call of their own.
    pub known: Known,
    /// Why the first request without an answer got none; there is no such reason without such a request.
    pub connect_error: Option<String>,
    /// From the first scheduled arrival to the last end, in seconds.
    pub duration_s: f64,
    /// `requests / duration_s`.
    pub rps: f64,
    /// Which requests the latencies are of: always `good`.
    pub latencies_of: &'static str,
    /// The mean of all requests that were sent, failed ones with the time at which they failed.
    pub mean_all_ms: Option<f64>,
    /// How far behind its schedule the replay itself was, for the worst per cent. It is part of every latency; beyond
    /// some milliseconds this machine, not the target, is being measured.
    pub sent_late_p99_ms: Option<f64>,
}

/// Good answers without a call of their own, by where weir had them from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Known {
    /// Its memory.
    pub memory: u64,
    /// What several nodes share.
    pub redis: u64,
    /// Its disk.
    pub disk: u64,
    /// The answer to a question that is alike.
    pub semantic: u64,
    /// The call of another request that asked the same at the same time.
    pub shared: u64,
    /// Either tier, fresh no more; they are marked degraded.
    pub stale: u64,
}

/// Latencies from the scheduled arrival, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Latencies {
    /// To the end of the answer.
    pub mean_ms: Option<f64>,
    /// To the end of the answer.
    pub p50_ms: Option<f64>,
    /// To the end of the answer.
    pub p95_ms: Option<f64>,
    /// To the end of the answer.
    pub p99_ms: Option<f64>,
    /// To the first piece of content, reasoning or a tool call; comments do not count.
    pub ttft_p50_ms: Option<f64>,
    /// To the first piece of content.
    pub ttft_p95_ms: Option<f64>,
    /// To the first piece of content.
    pub ttft_p99_ms: Option<f64>,
}

/// One priority in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PriorityReport {
    /// Requests of this priority.
    pub requests: u64,
    /// Those that got a whole answer.
    pub good: u64,
    /// Of those.
    #[serde(flatten)]
    pub latencies: Latencies,
}

impl Report {
    /// Of the records of one run, at least one.
    pub(crate) fn of(records: &[Record]) -> Self {
        debug_assert!(!records.is_empty(), "a plan has at least one request");
        let good = || records.iter().filter(|record| record.outcome == Outcome::Good);
        let count =
            |wanted: fn(&Record) -> bool| records.iter().filter(|record| wanted(record)).count() as u64;
        let sent = || records.iter().filter(|record| record.tries > 0);
        let end = records.iter().map(|record| record.due + record.total).max().unwrap_or_default();
        let requests = records.len() as u64;
        let duration_s = end.as_secs_f64();
        let degraded = good().filter(|record| record.degraded).count() as u64;
        let good_requests = good().count() as u64;
        Self {
            requests,
            good: good_requests,
            good_share: good_requests as f64 / requests as f64,
            latencies: Latencies::of(good()),
            by_status: by_status(records),
            by_priority: by_priority(records),
            tries: records.iter().map(|record| u64::from(record.tries)).sum(),
            full: good_requests - degraded,
            degraded,
            shed: count(|record| record.shed),
            known: Known::of(good()),
            connect_error: records.iter().find_map(|record| record.reason.clone()),
            duration_s: rounded(duration_s),
            rps: if duration_s > 0.0 { rounded(requests as f64 / duration_s) } else { 0.0 },
            latencies_of: "good",
            mean_all_ms: mean(&ascending_ms(sent().map(|record| record.total))),
            sent_late_p99_ms: percentile(&ascending_ms(sent().map(|record| record.sent_late)), 99),
        }
    }

    /// The report as a person reads it: a few lines and a table, no colours, ending in a line break.
    pub fn render(&self) -> String {
        render::report(self)
    }
}

impl Known {
    fn of<'a>(records: impl Iterator<Item = &'a Record>) -> Self {
        let mut known = Self::default();
        for how in records.filter_map(|record| record.known) {
            match how {
                How::Memory => known.memory += 1,
                How::Redis => known.redis += 1,
                How::Disk => known.disk += 1,
                How::Semantic => known.semantic += 1,
                How::Shared => known.shared += 1,
                How::Stale => known.stale += 1,
            }
        }
        known
    }

    /// All of them.
    pub const fn all(self) -> u64 {
        self.memory + self.redis + self.disk + self.semantic + self.shared + self.stale
    }
}

impl Latencies {
    fn of<'a>(records: impl Iterator<Item = &'a Record> + Clone) -> Self {
        let whole = ascending_ms(records.clone().map(|record| record.total));
        let first = ascending_ms(records.filter_map(|record| record.first_token));
        Self {
            mean_ms: mean(&whole),
            p50_ms: percentile(&whole, 50),
            p95_ms: percentile(&whole, 95),
            p99_ms: percentile(&whole, 99),
            ttft_p50_ms: percentile(&first, 50),
            ttft_p95_ms: percentile(&first, 95),
            ttft_p99_ms: percentile(&first, 99),
        }
    }
}

fn by_status(records: &[Record]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for record in records {
        *counts.entry(record.outcome.label().into_owned()).or_default() += 1;
    }
    counts
}

fn by_priority(records: &[Record]) -> BTreeMap<u8, PriorityReport> {
    let mut groups: BTreeMap<u8, Vec<&Record>> = BTreeMap::new();
    for record in records {
        groups.entry(record.priority.get()).or_default().push(record);
    }
    let report = |group: Vec<&Record>| {
        let good = || group.iter().copied().filter(|record| record.outcome == Outcome::Good);
        PriorityReport {
            requests: group.len() as u64,
            good: good().count() as u64,
            latencies: Latencies::of(good()),
        }
    };
    groups.into_iter().map(|(priority, group)| (priority, report(group))).collect()
}

fn ascending_ms(times: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut times: Vec<_> = times.map(|time| time.as_secs_f64() * 1_000.0).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| rounded(values.iter().sum::<f64>() / values.len() as f64))
}

/// The nearest-rank percentile of ascending values: the one at place ⌈p/100 · n⌉, counted from 1.
fn percentile(ascending: &[f64], percent: usize) -> Option<f64> {
    let place = (percent * ascending.len()).div_ceil(100);
    ascending.get(place.checked_sub(1)?).copied().map(rounded)
}

/// To three places: microseconds of a time in milliseconds, which is finer than the clock is trusted.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
