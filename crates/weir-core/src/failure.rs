//! What can go wrong with one attempt at an endpoint, in the terms that decide what happens next.
//!
//! The class, not the status code, says whether to try again, whether to move and whether the endpoint is sick:
//! providers disagree on codes, and a 200 is not yet an answer (research: classes of failure, DeepSeek's shapes).

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The service is full (429 by rate, 503, 529, queue full). Costs nothing to try again; never a fault.
    Overload,
    /// The service is broken (connect, TLS, reset, 500/502/504, a 200 that is no answer).
    Hard,
    /// No answer within a time limit of the gateway's: the service is slow.
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
}

impl Class {
    /// Every class, in metrics order.
    pub const ALL: [Self; 10] = [
        Self::Overload,
        Self::Hard,
        Self::Timeout,
        Self::Deadline,
        Self::Truncated,
        Self::Quota,
        Self::Auth,
        Self::Client,
        Self::ContextLength,
        Self::ContentFilter,
    ];

    /// The name used in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overload => "overload",
            Self::Hard => "fault",
            Self::Timeout => "timeout",
            Self::Deadline => "deadline",
            Self::Truncated => "truncated",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::Client => "client",
            Self::ContextLength => "context_length",
            Self::ContentFilter => "content_filter",
        }
    }

    /// Whether it says that the endpoint is sick, so that the circuit counts it.
    pub const fn is_fault(self) -> bool {
        matches!(self, Self::Hard | Self::Timeout | Self::Truncated)
    }

    /// Whether another attempt could end differently on the same endpoint.
    pub const fn retries_here(self) -> bool {
        matches!(self, Self::Overload | Self::Hard | Self::Truncated)
    }

    /// Whether another endpoint could answer.
    pub const fn moves(self) -> bool {
        matches!(
            self,
            Self::Overload
                | Self::Hard
                | Self::Timeout
                | Self::Truncated
                | Self::Quota
                | Self::Auth
                | Self::ContextLength
        )
    }
}

/// One failed attempt.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What kind of failure it was.
    pub class: Class,
    /// What happened, for logs and for the caller: lowercase, no stop.
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
}
