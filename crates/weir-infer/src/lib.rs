//! Stage 5, infer: the call itself, streamed.
//!
//! What always holds: an answer is handed out only after its first meaningful part has arrived, so everything before can
//! be tried again unseen; bytes that are no progress stop no timer but that of silence; dropping an answer closes the upstream call at once;
//! no redirect is followed and no credential of the caller leaves unless the operator said so.

mod broken;
mod client;
pub mod config;
mod lanes;
mod outgoing;
mod patience;
mod raw;
mod read;
mod stream;
mod watch;
mod whole;

use std::time::{Duration, Instant};

use weir_core::{Body, Clock, Envelope, Failure, Head, Request, Secret};

pub use client::TlsError;
pub use read::read;

use client::Clients;
use watch::Watch;

/// Whatever went wrong in a transport.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

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

/// How long a call may take at each step. A service that is only slow to begin is not cut: whether somebody else could
/// answer is for whoever sends the call to say, and may change while it waits.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// Limits on its pauses.
    pub pauses: Pauses,
    /// When the answer must have begun for the caller still to be there.
    pub begin_by: Instant,
    /// The end of everything.
    pub deadline: Instant,
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
        let mut watch = Watch::new(self.clock, timers);
        let outgoing = outgoing::build(request, target)?;
        // Dropping the call at any point, this one included, closes its connection or stream.
        let response = watch.wait(self.clients.send(outgoing, target.http2)).await??;
        read::watched(response, request, watch, self.answer_bytes_max).await
    }
}
