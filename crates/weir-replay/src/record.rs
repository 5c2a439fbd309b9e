//! What became of one request.
//!
//! What always holds: every request of a plan ends as exactly one [`Record`], and all its times count from the
//! scheduled arrival.

use std::borrow::Cow;
use std::time::Duration;

use crate::priorities::Priority;

/// How a request ended, after the client's own retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Status 200 and a whole answer: a `finish_reason` of stop, length or tool_calls and, in a stream, `[DONE]`.
    Good,
    /// Any status but 200.
    Status(u16),
    /// The answer began and ended before its finish: cut, empty, or with another `finish_reason`.
    Truncated,
    /// Status 200, but an error inside the answer.
    ErrorEvent,
    /// Status 200, but not what the protocol says: no event stream, no JSON, or larger than any answer.
    Invalid,
    /// No answer: not connected, or the connection broke before the head.
    Connect,
    /// Not over in time.
    Timeout,
    /// Not sent: too many in flight, or this machine ran out of sockets.
    ClientLimit,
}

impl Outcome {
    /// The key in `by_status`.
    pub(crate) fn label(self) -> Cow<'static, str> {
        match self {
            Self::Good => "200".into(),
            Self::Status(status) => status.to_string().into(),
            Self::Truncated => "truncated".into(),
            Self::ErrorEvent => "error_event".into(),
            Self::Invalid => "invalid".into(),
            Self::Connect => "connect".into(),
            Self::Timeout => "timeout".into(),
            Self::ClientLimit => "client_limit".into(),
        }
    }
}

/// One request, from its scheduled arrival to its end.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The scheduled arrival, from the start of the run.
    pub(crate) due: Duration,
    pub(crate) priority: Priority,
    /// How far behind the schedule this program was when it sent.
    pub(crate) sent_late: Duration,
    /// Times it was sent: 1 without retries, 0 if it never was.
    pub(crate) tries: u32,
    /// From the scheduled arrival to the first piece of content.
    pub(crate) first_token: Option<Duration>,
    /// From the scheduled arrival to the end.
    pub(crate) total: Duration,
    pub(crate) outcome: Outcome,
    /// Why there was no answer, where the connection says.
    pub(crate) reason: Option<String>,
    /// The answer was marked as a lesser one (`x-weir-degraded`).
    pub(crate) degraded: bool,
    /// Weir turned it away on purpose.
    pub(crate) shed: bool,
    /// The answer came without a call of its own (`x-cache`).
    pub(crate) known: Option<How>,
}

/// How an answer came without a call of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Kept in memory.
    Memory,
    /// Kept where several nodes share what they keep.
    Redis,
    /// Kept on disk.
    Disk,
    /// Kept as the answer to a question that is alike.
    Semantic,
    /// Kept, and fresh no more.
    Stale,
    /// By the call of another request.
    Shared,
}

impl How {
    /// As weir's header `x-cache` says it.
    pub(crate) fn said(header: &[u8]) -> Option<Self> {
        match header {
            b"HIT-memory" => Some(Self::Memory),
            b"HIT-redis" => Some(Self::Redis),
            b"HIT-disk" => Some(Self::Disk),
            b"HIT-semantic" => Some(Self::Semantic),
            b"HIT-stale" => Some(Self::Stale),
            b"COALESCED" => Some(Self::Shared),
            _ => None,
        }
    }
}

impl Record {
    /// A request that was given up before it was sent.
    pub(crate) fn not_sent(due: Duration, priority: Priority) -> Self {
        Self {
            due,
            priority,
            sent_late: Duration::ZERO,
            tries: 0,
            first_token: None,
            total: Duration::ZERO,
            outcome: Outcome::ClientLimit,
            reason: None,
            degraded: false,
            shed: false,
            known: None,
        }
    }
}
