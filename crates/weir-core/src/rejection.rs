//! Why weir itself says no, and what it tells the caller.
//!
//! One table maps a kind to its status, its stable code and its label: [`Kind`]. The dialects only choose the shape.

use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};

use crate::Reply;

/// What kind of no it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The body or a header cannot be understood.
    BadRequest,
    /// No key, or not a known one.
    Unauthenticated,
    /// The key may not do this.
    Forbidden,
    /// No such model.
    UnknownModel,
    /// No such path.
    UnknownPath,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The body did not arrive in time.
    RequestTimeout,
    /// The body is over the limit.
    TooLarge,
    /// The key is over its own rate.
    RateLimited,
    /// The queue is full.
    Overloaded,
    /// The deadline passed while waiting for a turn.
    QueueTimeout,
    /// Every endpoint was tried, or could not be.
    UpstreamsDown,
    /// The deadline passed while an endpoint was working.
    DeadlineExceeded,
    /// The caller wants nothing but a kept answer, and there is none.
    NotCached,
    /// An endpoint's own error, passed on as it came.
    Upstream,
    /// The gateway is shutting down.
    Draining,
    /// A fault in weir itself.
    Internal,
}

impl Kind {
    /// Every kind, in the table's order.
    pub const ALL: [Self; 17] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::UnknownModel,
        Self::UnknownPath,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::TooLarge,
        Self::RateLimited,
        Self::Overloaded,
        Self::QueueTimeout,
        Self::UpstreamsDown,
        Self::DeadlineExceeded,
        Self::NotCached,
        Self::Upstream,
        Self::Draining,
        Self::Internal,
    ];

    /// Status, stable code, OpenAI error type, Anthropic error type.
    const fn row(self) -> (u16, &'static str, &'static str, &'static str) {
        const BAD: &str = "invalid_request_error";
        match self {
            Self::BadRequest => (400, "weir_bad_request", BAD, BAD),
            Self::Unauthenticated => (401, "invalid_api_key", "authentication_error", "authentication_error"),
            Self::Forbidden => (403, "weir_forbidden", "permission_error", "permission_error"),
            Self::UnknownModel => (404, "model_not_found", BAD, "not_found_error"),
            Self::UnknownPath => (404, "unknown_url", BAD, "not_found_error"),
            Self::MethodNotAllowed => (405, "method_not_allowed", BAD, BAD),
            Self::RequestTimeout => (408, "weir_request_timeout", BAD, BAD),
            Self::TooLarge => (413, "weir_request_too_large", BAD, "request_too_large"),
            Self::RateLimited => (429, "rate_limit_exceeded", "rate_limit_error", "rate_limit_error"),
            Self::Overloaded => (503, "weir_overloaded", "service_unavailable_error", "overloaded_error"),
            Self::QueueTimeout => {
                (503, "weir_queue_timeout", "service_unavailable_error", "overloaded_error")
            }
            Self::UpstreamsDown => {
                (503, "weir_all_upstreams_down", "service_unavailable_error", "overloaded_error")
            }
            Self::DeadlineExceeded => (504, "weir_deadline_exceeded", "timeout_error", "timeout_error"),
            Self::NotCached => (504, "weir_not_cached", BAD, BAD),
            Self::Upstream => (502, "upstream_error", "api_error", "api_error"),
            Self::Draining => (503, "weir_draining", "service_unavailable_error", "overloaded_error"),
            Self::Internal => (500, "weir_internal", "api_error", "api_error"),
        }
    }

    /// The HTTP status in the OpenAI dialect.
    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().0).expect("the table holds valid statuses")
    }

    /// The stable code a program can match on.
    pub const fn code(self) -> &'static str {
        self.row().1
    }

    /// The `type` of an OpenAI error.
    pub const fn openai_type(self) -> &'static str {
        self.row().2
    }

    /// The `type` of an Anthropic error.
    pub const fn anthropic_type(self) -> &'static str {
        self.row().3
    }

    /// The outcome label of a request that ended so.
    pub const fn outcome(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Overloaded | Self::Draining => "shed",
            Self::QueueTimeout => "queue_timeout",
            Self::UpstreamsDown | Self::Upstream => "upstream_error",
            Self::DeadlineExceeded => "timeout",
            Self::Internal => "internal_error",
            _ => "client_error",
        }
    }

    /// Whether an SDK's own retry could help. `false` is said aloud (`x-should-retry: false`), so that a client's
    /// retries do not multiply the attempts weir has already made.
    pub const fn client_may_retry(self) -> bool {
        matches!(self, Self::RateLimited | Self::Overloaded | Self::Draining)
    }
}

/// A request refused, or one that could not be answered.
#[derive(Clone, Debug)]
pub struct Rejection {
    /// What kind of no.
    pub kind: Kind,
    /// What was wrong and what to do about it; one sentence or two.
    pub message: String,
    /// The offending field (`messages[0].role`), when there is one.
    pub param: Option<String>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// The endpoint's own error, which the caller gets instead of weir's words.
    pub reply: Option<Box<Reply>>,
    /// Headers that go with it (`x-ratelimit-*`).
    pub headers: Option<Box<http::HeaderMap>>,
}

impl Rejection {
    /// A header that cannot be understood. `expected`: what it should be, as in "a level from 0 to 9".
    pub fn bad_header(name: &HeaderName, value: &HeaderValue, expected: &str) -> Self {
        /// More of a value than this shows nothing that helps.
        const SHOWN_MAX: usize = 64;
        let shown: String = String::from_utf8_lossy(value.as_bytes()).chars().take(SHOWN_MAX).collect();
        let message = format!("the header `{name}` is `{shown}`, which is not {expected}");
        Self::new(Kind::BadRequest, message).at(name.as_str())
    }

    /// A rejection that says what was wrong.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), param: None, retry_after: None, reply: None, headers: None }
    }

    /// Names the offending field.
    #[must_use]
    pub fn at(mut self, param: impl Into<String>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// Says when to come back.
    #[must_use]
    pub const fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}
