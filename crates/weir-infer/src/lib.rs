//! Stage 5, infer: the call itself, streamed.
//!
//! What always holds: an answer is handed out only after its first meaningful part has arrived, so everything before can
//! be tried again unseen; bytes that are no progress stop no timer; dropping an answer closes the upstream call at once;
//! no redirect is followed and no credential of the caller leaves unless the operator said so.

mod client;
pub mod config;
mod outgoing;
mod stream;
mod whole;

use std::time::{Duration, Instant};

use http::Response;
use hyper::body::Incoming;
use tokio::time::timeout_at;
use weir_core::{Body, Class, Clock, Envelope, Failure, Head, Operation, Request, Secret};
use weir_wire::{classify, dialect};

pub use client::TlsError;

use client::Clients;

#[cfg(test)]
mod tests;

/// The stage.
pub struct Infer {
    clock: Clock,
    clients: Clients,
    answer_bytes_max: usize,
}

/// Where a call goes, and with which words.
#[derive(Clone, Debug)]
pub struct Target<'a> {
    /// The URL below which the dialect's paths lie.
    pub base: &'a str,
    /// The body: the request's own, or one that takes up a begun answer.
    pub envelope: &'a Envelope,
    /// The model name to ask for; `None` keeps the caller's.
    pub model: Option<&'a str>,
    /// The key to send.
    pub key: Key<'a>,
    /// Ask for usage in streams.
    pub include_usage: bool,
    /// Pass the caller's `service_tier` on.
    pub forward_service_tier: bool,
    /// Speak HTTP/2, with TLS or without.
    pub http2: bool,
}

/// Which key a call carries.
#[derive(Clone, Copy, Debug)]
pub enum Key<'a> {
    /// None.
    None,
    /// The operator's.
    Own(&'a Secret),
    /// The caller's own headers.
    Caller,
}

/// How long a call may take at each step.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// Limits on the beginning; `None` when nobody else could answer faster.
    pub beginning: Option<Beginning>,
    /// Limits on what follows.
    pub pauses: Pauses,
    /// When the answer must have begun for the caller still to be there.
    pub begin_by: Instant,
    /// The end of everything.
    pub deadline: Instant,
}

/// Limits on the beginning of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    /// From sending to the head. Only of streams: the head of a whole answer comes when the answer does.
    pub head: Option<Duration>,
    /// From sending to the first meaningful part.
    pub first_token: Duration,
}

/// Limits on the pauses of a stream that has begun.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// Between two meaningful parts.
    pub stall: Duration,
    /// The same while the service reasons or writes a tool call and shows that it is alive (comments, pings).
    pub stall_alive: Duration,
    /// Without a single byte from a service that had shown that it is alive, the first part included.
    pub silence: Duration,
    /// The least meaningful parts a second, over ten seconds; 0 for no such limit.
    pub parts_per_s_min: f64,
}

/// An answer that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Status and headers for the caller.
    pub head: Head,
    /// The first meaningful part, and what follows.
    pub body: Body,
}

impl Infer {
    /// Builds the stage. `tls` says whether any endpoint needs TLS: loading trust roots takes longer than all else at start.
    ///
    /// # Errors
    /// The trust roots in config cannot be read.
    pub fn new(clock: Clock, config: &config::Attempts, tls: bool) -> Result<Self, TlsError> {
        let clients = Clients::new(config, tls)?;
        Ok(Self { clock, clients, answer_bytes_max: config.answer_mib_max.saturating_mul(1 << 20) })
    }

    /// Sends one call and waits until its answer has begun.
    ///
    /// # Errors
    /// What went wrong, classified; nothing of an answer has been given out.
    pub async fn call(
        &self,
        request: &Request,
        target: &Target<'_>,
        timers: Timers,
    ) -> Result<Begun, Failure> {
        let now = self.clock.now();
        let due = timers
            .beginning
            .map_or(timers.begin_by, |limits| (now + limits.first_token).min(timers.begin_by));
        let begin = self.begin(request, target, timers);
        match timeout_at(tokio::time::Instant::from_std(due), begin).await {
            Ok(result) => result,
            Err(_elapsed) => {
                // The service is slow only by the gateway's own limit: a hurried caller proves nothing.
                let class = if due < timers.begin_by { Class::Timeout } else { Class::Deadline };
                let ms = due.saturating_duration_since(now).as_millis();
                Err(Failure::new(class, format!("the answer had not begun after {ms} ms")))
            }
        }
    }

    async fn begin(&self, request: &Request, target: &Target<'_>, timers: Timers) -> Result<Begun, Failure> {
        let outgoing = outgoing::build(request, target)?;
        let response = self.clients.send(outgoing, target.http2).await?;
        let Some(format) = dialect::format(request.operation) else {
            return Ok(self.pass_through(response, timers));
        };
        if !response.status().is_success() {
            return Err(self.error_reply(response).await);
        }
        if request.envelope.stream && request.operation != Operation::Embeddings {
            stream::begin(self.clock, response, format, request.envelope.wants_usage, timers).await
        } else {
            let (parts, body) = response.into_parts();
            whole::read(parts, body, format, self.answer_bytes_max).await
        }
    }

    /// Bytes in, bytes out, whatever the status.
    fn pass_through(&self, response: Response<Incoming>, timers: Timers) -> Begun {
        let (parts, body) = response.into_parts();
        let head = Head { status: parts.status, headers: outgoing::for_caller(parts.headers) };
        Begun { head, body: Body::Stream(Box::pin(stream::Raw::new(self.clock, body, timers))) }
    }

    async fn error_reply(&self, response: Response<Incoming>) -> Failure {
        let (parts, body) = response.into_parts();
        let body = whole::collect(body, classify::REPLY_BYTES_MAX).await.unwrap_or_default();
        classify::reply(parts.status, &parts.headers, body, self.clock.wall())
    }
}
