//! Replies: what goes over the wire and when, as a list of steps.
//!
//! A reply is made in full before its first byte leaves, so every fault is a plain function from the ordinary
//! reply to a worse one, and `play` needs to know nothing of dialects or faults.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, StatusCode};

use crate::dialect::{Frame, Part};
use crate::log::Ended;
use crate::refusal::{Refusal, Shape};

/// One thing done on the wire.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// These bytes leave.
    Send(Frame),
    /// Nothing happens for so long, counted from the end of the wait before.
    Wait(Duration),
    /// What was sent is given a moment to arrive.
    Flush,
    /// Nothing more ever comes, but for keep-alives; the caller must leave.
    Stall(Option<(Duration, Bytes)>),
    /// The connection takes no more requests and ends with the last of those that run on it.
    Retire,
    /// The connection ends, with all that runs on it.
    Sever(Sever),
    /// This answer ends: RST_STREAM on HTTP/2, a closed connection on HTTP/1.1.
    Abort,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sever {
    /// As if the peer had closed it.
    Fin,
    /// As if the peer had crashed.
    Rst,
    /// HTTP/2 GOAWAY, then closed with answers still under way.
    Goaway,
}

/// When the status line leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Before the first wait.
    AtOnce,
    /// Together with the first byte of the body; never, if there is none before the connection ends.
    WithFirstByte,
}

/// An answer, step by step.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub head: Head,
    pub steps: Vec<Step>,
    /// What the log says when the last step is done.
    pub ended: Ended,
}

/// The comment DeepSeek fills waits with.
pub(crate) const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";
/// What DeepSeek fills waits with when the answer is not streamed.
pub(crate) const BLANK_LINE: &[u8] = b"\n";

impl Reply {
    /// A 200 with this content type and nothing in it yet.
    pub fn ok(content_type: &'static str, head: Head) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if content_type.starts_with("text/event-stream") {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
        Reply { status: StatusCode::OK, headers, head, steps: Vec::new(), ended: Ended::Complete }
    }

    /// An empty stream of server-sent events.
    pub fn events() -> Self {
        Self::ok("text/event-stream; charset=utf-8", Head::AtOnce)
    }

    /// An empty JSON body.
    pub fn json() -> Self {
        Self::ok("application/json", Head::WithFirstByte)
    }

    /// A whole body that is neither streamed nor waited for.
    pub fn whole(content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut reply = Self::ok(content_type, Head::WithFirstByte);
        reply.send_whole(body.into(), 0);
        reply
    }

    /// No reply at all: these steps and no status line.
    pub fn nothing_but(step: Step) -> Self {
        let mut reply = Self::json();
        reply.steps.push(step);
        reply.ended = Ended::Cut;
        reply
    }

    /// A refusal in the caller's shape; `body` replaces it.
    pub fn refusal(refusal: &Refusal, shape: Shape, request_id: &str, body: Option<&str>) -> Self {
        let body = body.map_or_else(|| refusal.body(shape, request_id), str::to_owned);
        let mut reply = Self::whole("application/json", body);
        reply.status = refusal.status;
        reply.ended = Ended::Rejected;
        if let Some(value) =
            refusal.retry_after.as_deref().and_then(|value| HeaderValue::from_str(value).ok())
        {
            reply.headers.insert(RETRY_AFTER, value);
        }
        if let Some(milliseconds) = refusal.retry_after_ms {
            reply.headers.insert(HeaderName::from_static("retry-after-ms"), HeaderValue::from(milliseconds));
        }
        reply
    }

    /// Adds bytes that say nothing.
    pub fn send_noise(&mut self, bytes: impl Into<Bytes>) {
        let tokens = self.tokens();
        self.steps.push(Step::Send(Frame { bytes: bytes.into(), part: Part::Noise, tokens }));
    }

    /// Adds a whole body and declares its length.
    pub fn send_whole(&mut self, bytes: Bytes, tokens: u32) {
        self.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        self.steps.push(Step::Send(Frame { bytes, part: Part::Whole, tokens }));
    }

    /// Adds a wait, filled with `filler` once every `period`; true when anything was filled in.
    pub fn wait(&mut self, wait: Duration, period: Duration, filler: &'static [u8]) -> bool {
        let mut left = wait;
        while left > period && !period.is_zero() {
            self.steps.push(Step::Wait(period));
            self.send_noise(filler);
            left -= period;
        }
        if !left.is_zero() {
            self.steps.push(Step::Wait(left));
        }
        left < wait
    }

    /// Ends the connection after all the steps so far, whose bytes are given time to arrive.
    pub fn sever(&mut self, how: Sever) {
        self.steps.extend([Step::Flush, Step::Sever(how)]);
        self.ended = Ended::Cut;
    }

    /// Keeps what is sent up to token `tokens` and drops the rest, and always what closes the answer. A body
    /// that is not streamed is cut at the same share of its bytes.
    pub fn keep_tokens(&mut self, tokens: u32) {
        let all = self.tokens();
        let sends = self.steps.iter().position(|step| match step {
            Step::Send(frame) if frame.part == Part::Whole => true,
            Step::Send(frame) => frame.tokens > tokens || (frame.tokens == all && frame.part.closes()),
            _ => false,
        });
        let Some(first_dropped) = sends else {
            return;
        };
        self.steps.truncate(first_dropped + 1);
        if let Some(Step::Send(mut frame)) = self.steps.pop()
            && frame.part == Part::Whole
            && !frame.bytes.is_empty()
        {
            let share = f64::from(tokens) / f64::from(all.max(1));
            let bytes = (frame.bytes.len() as f64 * share) as usize;
            frame.bytes.truncate(bytes.min(frame.bytes.len() - 1));
            frame.tokens = tokens.min(all);
            self.steps.push(Step::Send(frame));
        }
    }

    /// Keeps the first `bytes` bytes of the body and drops the rest.
    pub fn keep_bytes(&mut self, bytes: usize) {
        let mut left = bytes;
        let mut kept = Vec::new();
        for step in self.steps.drain(..) {
            match step {
                Step::Send(mut frame) => {
                    let whole = frame.bytes.len() <= left;
                    frame.bytes.truncate(left);
                    left -= frame.bytes.len();
                    if !whole {
                        frame.tokens = frame.tokens.saturating_sub(1);
                    }
                    kept.push(Step::Send(frame));
                    if !whole || left == 0 {
                        break;
                    }
                }
                step => kept.push(step),
            }
        }
        self.steps = kept;
    }

    /// Keeps what is sent up to token `tokens` and the bytes after it as far as the first byte of a character that has
    /// several. Where there is none, it keeps just the tokens.
    pub fn keep_into_character(&mut self, tokens: u32) {
        let mut all_bytes = 0;
        let mut border = None;
        for step in &self.steps {
            let Step::Send(frame) = step else { continue };
            // An answer in one piece holds its tokens somewhere: any character of it will do.
            if frame.tokens > tokens
                && let Some(at) = frame.bytes.iter().position(|byte| !byte.is_ascii())
            {
                border = Some(all_bytes + at + 1);
                break;
            }
            all_bytes += frame.bytes.len();
        }
        match border {
            Some(bytes) => self.keep_bytes(bytes),
            None => self.keep_tokens(tokens),
        }
    }

    /// Whether no byte of a body is sent.
    pub fn sends_nothing(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step, Step::Send(_)))
    }

    /// How many events or pieces of body are sent.
    pub fn sends(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step, Step::Send(frame) if frame.part != Part::Noise))
            .count()
    }

    /// Tokens said by all the steps so far.
    pub fn tokens(&self) -> u32 {
        let sent = self.steps.iter().rev().find_map(|step| match step {
            Step::Send(frame) => Some(frame.tokens),
            _ => None,
        });
        sent.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
