//! One log line per request, written at its end. Nothing of the prompt or the answer is ever in it.
//!
//! A line is a few hundred bytes appended to a buffer; a thread of the binary's writes it out. So a log that nobody reads
//! (a full disk, a stuck pipe) never holds a request up: beyond a limit, lines are dropped and counted.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use serde::Serialize;

use weir_core::Part;

use crate::Sink;
use crate::settled::Settled;

/// Bytes of lines not yet written. About ten thousand requests.
const PENDING_BYTES_MAX: usize = 4 << 20;

/// Lines on their way out.
pub struct Lines {
    human: bool,
    /// Guards the buffer for one append or one swap.
    pending: Mutex<Pending>,
    filled: Condvar,
    dropped: Counter,
}

#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    closed: bool,
}

impl Lines {
    /// Lines for people, or one JSON object each.
    pub fn new(human: bool, registry: &mut Registry) -> Arc<Self> {
        let dropped = Counter::default();
        let help = "Access log lines dropped because they were not written out in time";
        registry.register("weir_access_log_lines_dropped", help, dropped.clone());
        Arc::new(Self { human, pending: Mutex::default(), filled: Condvar::new(), dropped })
    }

    /// Waits for lines and takes them; `None` once closed and empty. `spare` becomes the next buffer.
    pub fn take(&self, mut spare: Vec<u8>) -> Option<Vec<u8>> {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        while pending.bytes.is_empty() {
            if pending.closed {
                return None;
            }
            pending = self.filled.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        spare.clear();
        Some(std::mem::replace(&mut pending.bytes, spare))
    }

    /// No more lines come: whoever takes them gets what is left and then `None`.
    pub fn close(&self) {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.filled.notify_all();
    }
}

/// The sink.
pub(crate) struct AccessLog(pub(crate) Arc<Lines>);

impl Sink for AccessLog {
    fn settled(&self, settled: &Settled) {
        let mut pending = self.0.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.bytes.len() > PENDING_BYTES_MAX {
            drop(pending);
            self.0.dropped.inc();
            return;
        }
        let was_empty = pending.bytes.is_empty();
        let write = if self.0.human { for_people } else { as_json };
        write(&mut pending.bytes, settled);
        drop(pending);
        if was_empty {
            self.0.filled.notify_one();
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: Timestamp,
    level: &'static str,
    message: &'static str,
    id: Shown<'a, weir_core::RequestId>,
    key: &'a str,
    priority: Option<u8>,
    operation: &'static str,
    model: &'a str,
    stream: bool,
    outcome: &'static str,
    status: u16,
    endpoint: Option<&'a str>,
    attempts: u32,
    cache: &'static str,
    queue_ms: f64,
    first_token_ms: Option<f64>,
    total_ms: f64,
    prompt_tokens: u64,
    completion_tokens: u64,
    cost_usd: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
}

/// One service's share in an answer that broke off.
#[derive(Serialize)]
struct PartLine<'a> {
    endpoint: &'a str,
    model: &'a str,
    prompt_tokens: u64,
    completion_tokens: u64,
    estimated: bool,
}

impl<'a> PartLine<'a> {
    fn of(part: &'a Part) -> Self {
        Self {
            endpoint: &part.via.endpoint,
            model: &part.via.model,
            prompt_tokens: part.usage.prompt,
            completion_tokens: part.usage.completion,
            estimated: part.estimated,
        }
    }
}

/// RFC 3339 to the millisecond, in UTC.
struct Timestamp(SystemTime);

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_millis(self.0))
    }
}

/// A value as its `Display` shows it.
struct Shown<'a, T>(&'a T);

impl<T: std::fmt::Display> Serialize for Shown<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

fn as_json(out: &mut Vec<u8>, settled: &Settled) {
    let line = Line {
        timestamp: Timestamp(settled.ended),
        level: "INFO",
        message: "request",
        id: Shown(&settled.id),
        key: settled.caller.as_ref().map_or("-", |(key, _)| key),
        priority: settled.caller.as_ref().map(|(_, priority)| priority.level()),
        operation: settled.operation.name(),
        model: &settled.model,
        stream: settled.stream,
        outcome: settled.outcome.label(),
        status: settled.status,
        endpoint: settled.via.as_ref().map(|via| &*via.endpoint),
        attempts: settled.attempts,
        cache: settled.cache.header(),
        queue_ms: ms(settled.queue),
        first_token_ms: settled.first_token.map(ms),
        total_ms: ms(settled.total),
        prompt_tokens: settled.usage.prompt,
        completion_tokens: settled.usage.completion,
        cost_usd: settled.cost_usd,
        parts: settled.parts.iter().map(PartLine::of).collect(),
        failure: settled.failure.as_deref(),
    };
    // Writing to memory cannot fail, and every field is a plain value.
    let _infallible = serde_json::to_writer(&mut *out, &line);
    out.push(b'\n');
}

fn for_people(out: &mut Vec<u8>, settled: &Settled) {
    let key = settled.caller.as_ref().map_or("-", |(key, _)| key);
    let endpoint = settled.via.as_ref().map_or("-", |via| &*via.endpoint);
    let first_token =
        settled.first_token.map_or(String::new(), |first| format!(" first token {} ms", ms(first)));
    let failure =
        settled.failure.as_ref().map_or(String::new(), |failure| format!(", failed attempt: {failure}"));
    // Writing to memory cannot fail.
    let _infallible = writeln!(
        out,
        "{} {} {} {} {} via {endpoint}, attempts {}, cache {}, queue {} ms{first_token}, total {} ms, tokens {}+{}, key {key}, {}{failure}",
        humantime::format_rfc3339_millis(settled.ended),
        settled.outcome.label(),
        settled.status,
        settled.operation.name(),
        settled.model,
        settled.attempts,
        settled.cache.header(),
        ms(settled.queue),
        ms(settled.total),
        settled.usage.prompt,
        settled.usage.completion,
        settled.id,
    );
}

/// Milliseconds to a tenth: what a person compares.
fn ms(duration: Duration) -> f64 {
    (duration.as_micros() / 100) as f64 / 10.0
}
