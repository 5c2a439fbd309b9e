//! One log line per request, written at its end. Nothing of the prompt or the answer is ever in it.
//!
//! A line is a few hundred bytes appended to a buffer; a thread of the binary's writes it out. So a log that nobody reads
//! (a full disk, a stuck pipe) never holds a request up: beyond a limit, lines are dropped and counted.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
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

/// A JSON object being written member by member. By hand: a serializer checks each name anew for what needs an escape, and
/// takes three times as long; there is a line for each request.
struct Object<'a> {
    out: &'a mut Vec<u8>,
    /// What stands before the next member.
    before: u8,
}

impl<'a> Object<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        Self { out, before: b'{' }
    }

    /// A name of letters and underscores; its value is to follow.
    fn name(&mut self, name: &str) -> &mut Vec<u8> {
        self.out.push(std::mem::replace(&mut self.before, b','));
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Text that may have anything in it.
    fn text(&mut self, name: &str, value: Option<&str>) {
        // Writing to memory cannot fail, and text is always JSON.
        let _infallible = serde_json::to_writer(self.name(name), &value);
    }

    /// Text in which nothing needs an escape: words of weir's own, ids.
    fn word(&mut self, name: &str, value: &[u8]) {
        let out = self.name(name);
        out.push(b'"');
        out.extend_from_slice(value);
        out.push(b'"');
    }

    fn number(&mut self, name: &str, value: u64) {
        decimal(self.name(name), value);
    }

    /// Milliseconds to a tenth: what a person compares.
    fn ms(&mut self, name: &str, duration: Option<Duration>) {
        let out = self.name(name);
        let Some(duration) = duration else { return out.extend_from_slice(b"null") };
        let tenths = tenths_of_ms(duration);
        decimal(out, tenths / 10);
        out.extend_from_slice(&[b'.', b'0' + (tenths % 10) as u8]);
    }

    fn end(self) {
        self.out.push(b'}');
    }
}

fn as_json(out: &mut Vec<u8>, settled: &Settled) {
    let mut line = Object::begin(out);
    // Writing to memory cannot fail.
    let timestamp = humantime::format_rfc3339_millis(settled.ended);
    let _infallible = write!(line.name("timestamp"), "\"{timestamp}\"");
    line.word("level", b"INFO");
    line.word("message", b"request");
    line.word("id", &settled.id.text());
    line.text("key", Some(settled.caller.as_ref().map_or("-", |(key, _)| key)));
    match &settled.caller {
        Some((_, priority)) => line.number("priority", u64::from(priority.level())),
        None => line.name("priority").extend_from_slice(b"null"),
    }
    line.word("operation", settled.operation.name().as_bytes());
    line.text("model", Some(&settled.model));
    line.name("stream").extend_from_slice(if settled.stream { b"true" } else { b"false" });
    line.word("outcome", settled.outcome.label().as_bytes());
    line.number("status", u64::from(settled.status));
    line.text("endpoint", settled.via.as_ref().map(|via| &*via.endpoint));
    line.number("attempts", u64::from(settled.attempts));
    line.word("cache", settled.cache.header().as_bytes());
    line.ms("queue_ms", Some(settled.queue));
    line.ms("first_token_ms", settled.first_token);
    line.ms("total_ms", Some(settled.total));
    line.number("prompt_tokens", settled.usage.prompt);
    line.number("completion_tokens", settled.usage.completion);
    // Writing to memory cannot fail, and what no number is (an infinite price) is `null`.
    let _infallible = serde_json::to_writer(line.name("cost_usd"), &settled.cost_usd);
    if !settled.parts.is_empty() {
        parts(line.name("parts"), &settled.parts);
    }
    if let Some(failure) = &settled.failure {
        line.text("failure", Some(failure));
    }
    line.end();
    out.push(b'\n');
}

/// Each service's share in an answer that broke off.
fn parts(out: &mut Vec<u8>, parts: &[Part]) {
    for (at, part) in parts.iter().enumerate() {
        out.push(if at == 0 { b'[' } else { b',' });
        let mut object = Object::begin(out);
        object.text("endpoint", Some(&part.via.endpoint));
        object.text("model", Some(&part.via.model));
        object.number("prompt_tokens", part.usage.prompt);
        object.number("completion_tokens", part.usage.completion);
        object.name("estimated").extend_from_slice(if part.estimated { b"true" } else { b"false" });
        object.end();
    }
    out.push(b']');
}

/// A whole number.
fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
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

/// Milliseconds to a tenth.
fn ms(duration: Duration) -> f64 {
    tenths_of_ms(duration) as f64 / 10.0
}

fn tenths_of_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros() / 100).unwrap_or(u64::MAX)
}
