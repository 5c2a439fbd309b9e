//! What is known of a request once it is over.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use weir_core::{CacheState, End, Kind, Operation, Part, Priority, RequestId, Trail, Usage, Via};

/// How a request ended, in one word. Throttled is not broken, left is not failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Answered at the first attempt.
    Ok,
    /// Answered at a later attempt.
    OkRetried,
    /// Answered in several parts: the stream broke off and was taken up unseen.
    OkContinued,
    /// Answered from the cache.
    OkCache,
    /// Answered by less than was asked for, and marked so: under pressure, where the caller permits it.
    Degraded,
    /// Begun, then broken off; the caller was told.
    Truncated,
    /// The caller left.
    Cancelled,
    /// Refused, or could not be answered.
    Rejected(Kind),
    /// A passed-through answer with an error status.
    PassedError,
}

impl Outcome {
    /// Every label, in metrics order.
    pub const LABELS: [&'static str; 15] = [
        "ok",
        "ok_retried",
        "ok_continued",
        "ok_cache",
        "degraded",
        "truncated",
        "cancelled",
        "upstream_error",
        "client_error",
        "rate_limited",
        "shed",
        "queue_timeout",
        "timeout",
        "internal_error",
        "passed_error",
    ];

    /// The label in metrics and logs.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::OkRetried => "ok_retried",
            Self::OkContinued => "ok_continued",
            Self::OkCache => "ok_cache",
            Self::Degraded => "degraded",
            Self::Truncated => "truncated",
            Self::Cancelled => "cancelled",
            Self::Rejected(kind) => kind.outcome(),
            Self::PassedError => "passed_error",
        }
    }

    /// Whether the caller has the whole answer that was asked for.
    pub const fn is_ok(self) -> bool {
        matches!(self, Self::Ok | Self::OkRetried | Self::OkContinued | Self::OkCache)
    }

    pub(crate) fn of(end: End, rejected: Option<Kind>, status: u16, trail: &Trail) -> Self {
        match (rejected, end) {
            (Some(kind), _) => Self::Rejected(kind),
            (None, End::Abandoned) => Self::Cancelled,
            (None, End::Failed(_)) => Self::Truncated,
            (None, End::Complete) if status >= 400 => Self::PassedError,
            (None, End::Complete) if trail.degraded_how().is_some() => Self::Degraded,
            (None, End::Complete) if trail.cache().is_hit() => Self::OkCache,
            (None, End::Complete) if trail.was_rescued() => Self::OkContinued,
            (None, End::Complete) if trail.attempts() > 1 => Self::OkRetried,
            (None, End::Complete) => Self::Ok,
        }
    }
}

/// One request, over.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Its id.
    pub id: RequestId,
    /// What it asked for.
    pub operation: Operation,
    /// The model as the caller named it.
    pub model: Arc<str>,
    /// Whether the answer was streamed.
    pub stream: bool,
    /// The key's name and the urgency; `None` when it was not let in.
    pub caller: Option<(Arc<str>, Priority)>,
    /// How it ended.
    pub outcome: Outcome,
    /// The status the caller got; 0 when it left before any.
    pub status: u16,
    /// Who answered.
    pub via: Option<Via>,
    /// Attempts sent out.
    pub attempts: u32,
    /// What the cache said.
    pub cache: CacheState,
    /// The level of pressure it met, 0 to 3.
    pub level: u8,
    /// How its answer is less than was asked for.
    pub degraded: Option<String>,
    /// Time in the queue.
    pub queue: Duration,
    /// From arrival to the first meaningful part.
    pub first_token: Option<Duration>,
    /// From the first attempt to the first meaningful part.
    pub upstream: Option<Duration>,
    /// From arrival to the end.
    pub total: Duration,
    /// When it ended, for people.
    pub ended: SystemTime,
    /// How the last failed attempt failed.
    pub failure: Option<String>,
    /// Tokens of the answer, as the caller saw them.
    pub usage: Usage,
    /// What each service used, when the answer broke off and several had a part in it.
    pub parts: Vec<Part>,
    /// What all of it cost, in US dollars.
    pub cost_usd: f64,
}
