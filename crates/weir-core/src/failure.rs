//! What can go wrong with one attempt at an endpoint, in the terms that decide what happens next.
//!
//! The class, not the status code, says whether to try again, whether to move and whether the endpoint is sick:
//! providers disagree on codes, and a 200 is not yet an answer (research: classes of failure, DeepSeek's shapes).

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::Kind;

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The service is full (429 by rate, 503, 529, queue full). Costs nothing to try again; never a fault.
    Overload,
    /// The service is full of this gateway's own calls: trying again only adds to them.
    OwnLimit,
    /// The service did not begin to work on the call (`GOAWAY`, `REFUSED_STREAM`): free to send again.
    Unprocessed,
    /// The service is broken (connect, TLS, reset, 500/502/504, a 200 that is no answer).
    Hard,
    /// No answer within a time limit of the gateway's: the service is slow or silent.
    Timeout,
    /// The caller's own time ran out: says nothing about the service.
    Deadline,
    /// The answer stopped before its end.
    Truncated,
    /// The key's money or quota is used up.
    Quota,
    /// The key is not accepted.
    Auth,
    /// The caller's mistake (400, 404, 413, 422): returned as it is.
    Client,
    /// The prompt is longer than the model's window.
    ContextLength,
    /// Refused by the service's content filter: an answer, never routed around.
    ContentFilter,
    /// The service does not take up a begun answer: a fact about it to be learned, not a failure of it.
    PrefillRejected,
}

/// What a class means for what happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The name used in logs and metrics.
    pub name: &'static str,
    /// Another attempt could end differently on the same endpoint.
    pub again: bool,
    /// Another endpoint could answer.
    pub moves: bool,
    /// It says that the endpoint is sick, so that the circuit counts it.
    pub fault: bool,
    /// The endpoint's key is of no use for a while.
    pub disables_key: bool,
    /// What a repeated attempt at the same endpoint takes from its retry budget.
    pub cost: u32,
}

impl Class {
    /// Every class, in metrics order.
    pub const ALL: [Self; 13] = [
        Self::Overload,
        Self::OwnLimit,
        Self::Unprocessed,
        Self::Hard,
        Self::Timeout,
        Self::Deadline,
        Self::Truncated,
        Self::Quota,
        Self::Auth,
        Self::Client,
        Self::ContextLength,
        Self::ContentFilter,
        Self::PrefillRejected,
    ];

    /// The one table of what each class means.
    pub const fn rules(self) -> Rules {
        const YES: bool = true;
        const NO: bool = false;
        let (name, again, moves, fault, disables_key, cost) = match self {
            //                        name                again moves fault key  cost
            Self::Overload => ("overload", YES, YES, NO, NO, 1),
            Self::OwnLimit => ("own_limit", YES, YES, NO, NO, 1),
            Self::Unprocessed => ("unprocessed", YES, YES, NO, NO, 0),
            Self::Hard => ("fault", YES, YES, YES, NO, 1),
            Self::Timeout => ("timeout", NO, YES, YES, NO, 3),
            Self::Deadline => ("deadline", NO, NO, NO, NO, 0),
            Self::Truncated => ("truncated", YES, YES, YES, NO, 3),
            Self::Quota => ("quota", NO, YES, NO, YES, 0),
            Self::Auth => ("auth", NO, YES, NO, YES, 0),
            Self::Client => ("client", NO, NO, NO, NO, 0),
            Self::ContextLength => ("context_length", NO, YES, NO, NO, 0),
            Self::ContentFilter => ("content_filter", NO, NO, NO, NO, 0),
            Self::PrefillRejected => ("prefill_rejected", YES, YES, NO, NO, 0),
        };
        Rules { name, again, moves, fault, disables_key, cost }
    }

    /// The name used in logs and metrics.
    pub const fn name(self) -> &'static str {
        self.rules().name
    }

    /// Whether it says that the endpoint is sick, so that the circuit counts it.
    pub const fn is_fault(self) -> bool {
        self.rules().fault
    }

    /// Whether it is the caller's own mistake, or what it asked for: then the service's words are the caller's to read.
    pub const fn is_the_callers(self) -> bool {
        matches!(self, Self::Client | Self::ContextLength | Self::ContentFilter)
    }

    /// The stable code of an answer that ends so after it has begun.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ContentFilter => "content_filter",
            Self::ContextLength => "context_length_exceeded",
            Self::Client => "invalid_request_error",
            Self::Deadline => Kind::DeadlineExceeded.code(),
            Self::Auth | Self::Quota => Kind::Upstream.code(),
            Self::Overload
            | Self::OwnLimit
            | Self::Unprocessed
            | Self::Hard
            | Self::Timeout
            | Self::Truncated
            | Self::PrefillRejected => "stream_interrupted",
        }
    }

    /// Whether the service said "later".
    pub const fn is_overload(self) -> bool {
        matches!(self, Self::Overload | Self::OwnLimit)
    }
}

/// One failed attempt.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What kind of failure it was.
    pub class: Class,
    /// What happened, for logs: lowercase, no stop. Of this, a caller may read [`Failure::words`].
    pub message: String,
    /// How long the service asked to wait.
    pub retry_after: Option<Duration>,
    /// The service's own error answer: what the caller gets when nothing else helps.
    pub reply: Option<Box<Reply>>,
    /// Whether the service may have begun to work on the request. `false`: no connection came about.
    pub sent: bool,
}

/// An error answer of a service, as it came.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its content type, when it said one.
    pub content_type: Option<http::HeaderValue>,
    /// Its body, cut at a limit.
    pub body: Bytes,
}

impl Failure {
    /// A failure of the connection or of the protocol: there is no reply to pass on.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retry_after: None, reply: None, sent: true }
    }

    /// What a caller may read of it. What a service says of the operator's key is in the log, and nobody else's to read.
    pub fn words(&self) -> &str {
        match self.class {
            Class::Auth => "the service refused the gateway's own key; tell its operator",
            Class::Quota => "the gateway's own quota at the service is used up; tell its operator",
            _ => &self.message,
        }
    }
}
