//! The front door: listeners, requests in, answers out, a clean way to close.
//!
//! What always holds: whatever comes in gets an answer in its own dialect; a stream ends with the service's own end or
//! with an error in band and a cut connection, never with a clean end on a dead stream; nothing is accepted after the door
//! closes, and what was accepted is finished or told.
#![allow(
    clippy::disallowed_methods,
    reason = "the accept loop spawns connections, on the tracker that drain waits for"
)]

pub mod accept;
pub mod admin;
mod body;
pub mod config;
mod intake;
mod models;
mod respond;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use http::{Request as HttpRequest, Response};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use weir_core::{Chance, Operation, Rejection, Request};
use weir_pipeline::Pipeline;
use weir_wire::operation::Target;
use weir_wire::queued;

pub use body::DoorBody;

use body::{Stream, Waiting};
use intake::Intake;

/// The door of the data port.
pub struct Door {
    pipeline: Arc<Pipeline>,
    intake: Intake,
    keep_alive: Duration,
    passes_other_paths: bool,
    /// Cancelled when the patience of a drain is over: streams still open are told and cut.
    cut: CancellationToken,
}

impl Door {
    /// A door in front of a pipeline.
    pub fn new(
        pipeline: Arc<Pipeline>,
        chance: Arc<Chance>,
        config: &config::Server,
        cut: CancellationToken,
    ) -> Self {
        Self {
            intake: Intake::new(pipeline.clock, chance, config),
            keep_alive: Duration::from_secs(config.keep_alive_s.max(1)),
            passes_other_paths: config.pass_other_paths,
            pipeline,
            cut,
        }
    }

    /// Answers one HTTP request.
    pub async fn handle(&self, incoming: HttpRequest<Incoming>) -> Result<Response<DoorBody>, Infallible> {
        let (parts, body) = incoming.into_parts();
        let target = weir_wire::operation::target(&parts.method, parts.uri.path());
        let request = self.intake.head(parts, &target);
        Ok(match target {
            Target::Call(Operation::Other, _) if !self.passes_other_paths => {
                self.refuse(&request, &intake::unknown_path(&request))
            }
            Target::Call(..) => self.call(request, body).await,
            // A pool for any model stands for a service that knows its own list.
            Target::Models | Target::Model(_) if self.pipeline.admit.models().takes_any() => {
                self.call(request, body).await
            }
            Target::Models => self.models(&request, None),
            Target::Model(name) => self.models(&request, Some(&name)),
            Target::WrongMethod => self.refuse(&request, &intake::wrong_method(&request)),
            Target::Unknown => self.refuse(&request, &intake::unknown_path(&request)),
        })
    }

    /// Reads the body of a caller who may call, and answers. Strangers' bodies are not read.
    async fn call(&self, mut request: Request, body: Incoming) -> Response<DoorBody> {
        if let Err(rejection) = self.pipeline.admit.identify(&request) {
            return self.refuse(&request, &rejection);
        }
        match self.intake.read_body(&mut request, body).await {
            Ok(()) => self.answer(request).await,
            Err(rejection) => self.refuse(&request, &rejection),
        }
    }

    fn refuse(&self, request: &Request, rejection: &Rejection) -> Response<DoorBody> {
        let answer = self.pipeline.refuse(request, rejection);
        respond::begun(answer, &respond::Asked::of(request), self.clock_now(), DoorBody::plain)
    }

    fn models(&self, request: &Request, name: Option<&str>) -> Response<DoorBody> {
        let models = self.pipeline.admit.models();
        let found = self.pipeline.admit.identify(request).and_then(|()| match name {
            None => Ok(models::list(models, request.dialect)),
            Some(name) => models::one(models, request.dialect, name),
        });
        match found {
            Ok(body) => respond::json(&body, request.dialect, request.id),
            Err(rejection) => self.refuse(request, &rejection),
        }
    }

    /// Runs the pipeline. A stream whose answer has not begun within a keep-alive's time is opened all the same, so that
    /// no proxy or client on the way gives up: from there on, errors are told in band.
    async fn answer(&self, request: Request) -> Response<DoorBody> {
        let request = Arc::new(request);
        let asked = respond::Asked::of(&request);
        let operation = request.operation;
        if !request.envelope.stream || operation == Operation::Other {
            let answer = self.pipeline.run(&request).await;
            return respond::begun(answer, &asked, self.clock_now(), DoorBody::plain);
        }
        let pipeline = self.pipeline.clone();
        let running = request.clone();
        let mut run: Waiting = Box::pin(async move { pipeline.run(&running).await });
        match tokio::time::timeout(self.keep_alive, run.as_mut()).await {
            Ok(answer) => respond::begun(answer, &asked, self.clock_now(), |answer| {
                if answer.exact_len().is_some() {
                    return DoorBody::plain(answer);
                }
                DoorBody::Stream(Box::new(Stream::begun(
                    answer,
                    operation,
                    self.keep_alive,
                    self.cut.clone(),
                )))
            }),
            Err(_still_waiting) => {
                let greeting = self.greeting(&request);
                let stream = Stream::waiting(run, greeting, operation, self.keep_alive, self.cut.clone());
                respond::opened(&asked, DoorBody::Stream(Box::new(stream)))
            }
        }
    }

    /// What a stream begins with whose answer has not begun, where its protocol has words for that.
    fn greeting(&self, request: &Request) -> Option<Bytes> {
        let says_so = request.operation == Operation::Responses && request.trail.is_in_line();
        says_so.then(|| {
            let since = self.pipeline.clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
            queued::responses(&request.id.to_string(), &request.model, since.as_secs())
        })
    }

    fn clock_now(&self) -> std::time::Instant {
        self.pipeline.clock.now()
    }
}
