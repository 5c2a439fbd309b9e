//! A kept answer in the form that a request asks for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderValue, header};
use weir_core::{
    Answer, Body, CacheState, Chunk, ChunkStream, Clock, Failure, Head, Kind, Operation, Rejection, Request,
    Trail, names,
};

use crate::Forms;
use crate::config::Lives;
use crate::entry::{Entry, Moment};
use crate::fill::Fill;
use crate::flight::FlightKey;
use crate::key::has_forms;
use crate::metrics::Metrics;

/// How stale an answer may be that is given because the service is pressed.
const STALE_PRESSED_MS: u64 = 30_000;
/// Headers of an answer: two from here, and those that the door adds. With room for them from the start none is moved.
const HEADERS: usize = 14;

/// How a request wants its answer.
#[derive(Clone)]
pub(crate) struct Wanted {
    clock: Clock,
    forms: Forms,
    operation: Operation,
    stream: bool,
    usage: bool,
    trail: Arc<Trail>,
    metrics: Arc<Metrics>,
}

impl Wanted {
    pub(crate) fn by(request: &Request, clock: Clock, forms: Forms, metrics: Arc<Metrics>) -> Self {
        let envelope = &request.envelope;
        Self {
            clock,
            forms,
            operation: request.operation,
            stream: envelope.stream && has_forms(request.operation),
            usage: envelope.wants_usage,
            trail: request.trail.clone(),
            metrics,
        }
    }

    /// The kept answer; `None` if it cannot be given in this form.
    pub(crate) fn give(&self, entry: &Entry, state: CacheState) -> Option<Answer> {
        let age = entry.age_ms(Moment::of(self.clock.wall())) / 1000;
        let mut head = Head { headers: HeaderMap::with_capacity(HEADERS), ..Head::default() };
        head.headers.insert(header::AGE, HeaderValue::from(age));
        let (kind, body) = if self.stream {
            let Some(bytes) = (self.forms.play)(self.operation, entry, self.usage) else {
                self.metrics.unplayable.inc();
                return None;
            };
            let chunk = Chunk { bytes, progress: true, ..Chunk::default() };
            ("text/event-stream", Body::Stream(Box::pin(Played(Some(chunk)))))
        } else {
            let chunk = Chunk { bytes: entry.body.clone(), progress: true, ..Chunk::default() };
            ("application/json", Body::Whole(Some(chunk)))
        };
        head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        self.trail.cache_said(state);
        self.metrics.given(state);
        Some(Answer::new(self.clock, head, body))
    }
}

impl Wanted {
    /// The kept answer to a question that is so much alike.
    pub(crate) fn give_alike(&self, entry: &Entry, similarity: f32) -> Option<Answer> {
        let mut answer = self.give(entry, CacheState::HitSemantic)?;
        let told = HeaderValue::from_str(&format!("{similarity:.3}"));
        answer.head.headers.insert(&names::CACHE_SIMILARITY, told.expect("a number is a header's value"));
        Some(answer)
    }
}

/// The events of a kept answer.
struct Played(Option<Chunk>);

impl ChunkStream for Played {
    fn poll_chunk(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// An answer that is fresh no more: for when there is no better one.
pub struct Stale {
    pub(crate) old: Option<Box<Old>>,
}

pub(crate) struct Old {
    pub(crate) entry: Entry,
    pub(crate) wanted: Wanted,
    /// For how long after it was fresh it may be given instead of an error.
    pub(crate) on_error_ms: u64,
    /// How old it may be while nobody can be reached.
    pub(crate) offline_ms: u64,
}

/// What is needed to fetch a new answer for an old one.
pub struct Refresh {
    /// Keeps it.
    pub fill: Fill,
    /// The call, of which one is made.
    pub shared: FlightKey,
    pub(crate) old: Box<Old>,
}

impl Refresh {
    /// Whether the old answer will do for now, since it is hardly stale and the service is pressed. The answer then says so.
    pub fn can_wait(&self) -> bool {
        let now = Moment::of(self.old.wanted.clock.wall());
        let can_wait = self.old.entry.stale_ms(now) <= STALE_PRESSED_MS;
        if can_wait {
            self.old.mark(now);
        }
        can_wait
    }
}

impl Stale {
    pub(crate) const NONE: Self = Self { old: None };

    /// The same, or nothing for a caller who will have no lesser answer.
    #[must_use]
    pub fn only_if(self, may_be_given: bool) -> Self {
        if may_be_given { self } else { Self::NONE }
    }

    /// The answer, if it is hardly stale: the service is pressed, and one call less helps it.
    pub fn under_pressure(&self) -> Option<Answer> {
        let old = self.old.as_ref()?;
        old.give_if(|entry, now| entry.stale_ms(now) <= STALE_PRESSED_MS)
    }

    /// There is none.
    pub const fn is_none(&self) -> bool {
        self.old.is_none()
    }

    /// The answer, if it is better than waiting for services that cannot be reached.
    pub fn while_down(&self) -> Option<Answer> {
        let old = self.old.as_ref()?;
        old.give_if(|entry, now| old.is_better_than_none(entry, now))
    }

    /// The answer, if it is better than what the caller would be told.
    pub fn instead_of(&self, rejection: &Rejection) -> Option<Answer> {
        let old = self.old.as_ref()?;
        // The caller's own mistakes are not mended by an old answer.
        let ours = matches!(
            rejection.kind,
            Kind::Overloaded
                | Kind::QueueTimeout
                | Kind::UpstreamsDown
                | Kind::DeadlineExceeded
                | Kind::Upstream
        );
        if !ours || rejection.reply.is_some() {
            return None;
        }
        if rejection.kind == Kind::UpstreamsDown {
            return self.while_down();
        }
        old.give_if(|entry, now| entry.stale_ms(now) <= old.on_error_ms)
    }
}

impl Old {
    pub(crate) fn new(entry: Entry, wanted: Wanted, on_error_ms: u64, lives: &Lives) -> Self {
        Self { entry, wanted, on_error_ms, offline_ms: lives.offline_s.saturating_mul(1000) }
    }

    fn is_better_than_none(&self, entry: &Entry, now: Moment) -> bool {
        entry.stale_ms(now) <= self.on_error_ms || entry.age_ms(now) <= self.offline_ms
    }

    /// Says on the answer that it is less than was asked for.
    fn mark(&self, now: Moment) {
        self.wanted.trail.degraded(format!("stale;age={}", self.entry.age_ms(now) / 1000));
    }

    fn give_if(&self, may: impl Fn(&Entry, Moment) -> bool) -> Option<Answer> {
        let now = Moment::of(self.wanted.clock.wall());
        if !may(&self.entry, now) {
            return None;
        }
        let answer = self.wanted.give(&self.entry, CacheState::HitStale)?;
        self.mark(now);
        Some(answer)
    }
}
