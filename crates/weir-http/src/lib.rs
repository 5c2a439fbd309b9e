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
use std::time::Duration;

use http::{Request as HttpRequest, Response};
use hyper::body::Incoming;
use tokio_util::sync::CancellationToken;
use weir_core::{Chance, Operation, Rejection, Request};
use weir_pipeline::Pipeline;
use weir_wire::operation::Target;

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

/// What is asked at the door.
enum Asked {
    /// Something the pipeline answers.
    Call(Operation),
    /// The list of models, or one of them.
    Models(Option<String>),
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
        let (target, below) = weir_wire::operation::target(&parts.method, parts.uri.path());
        let asked = match target {
            Target::Call(Operation::Other) if !self.passes_other_paths => Err(respond::unknown_path(&parts)),
            Target::Call(operation) => Ok(Asked::Call(operation)),
            // A pool for any model stands for a service that knows its own list.
            Target::Models | Target::Model(_) if self.pipeline.admit.models().takes_any() => {
                Ok(Asked::Call(Operation::Other))
            }
            Target::Models => Ok(Asked::Models(None)),
            Target::Model(name) => Ok(Asked::Models(Some(name.to_owned()))),
            Target::WrongMethod => Err(respond::wrong_method(&parts)),
            Target::Unknown => Err(respond::unknown_path(&parts)),
        };
        let operation = match asked {
            Ok(Asked::Call(operation)) => operation,
            _ => Operation::Other,
        };
        let dialect = intake::dialect(operation, &parts.headers);
        let below = below.to_owned();
        let request = self.intake.head(parts, below, dialect);
        let id = request.id;
        let answered = match asked {
            Err(rejection) => Err(rejection),
            Ok(Asked::Models(name)) => self.models(&request, name.as_deref()),
            Ok(Asked::Call(operation)) => match self.intake.read(request, operation, body).await {
                Ok(request) => Ok(self.answer(request).await),
                Err(rejection) => Err(rejection),
            },
        };
        Ok(answered.unwrap_or_else(|rejection| respond::refusal(dialect, &rejection, id)))
    }

    fn models(&self, request: &Request, name: Option<&str>) -> Result<Response<DoorBody>, Rejection> {
        self.pipeline.admit.identify(request)?;
        let models = self.pipeline.admit.models();
        let body = match name {
            None => models::list(models, request.dialect),
            Some(name) => models::one(models, request.dialect, name)?,
        };
        Ok(respond::json(&body, request.dialect, request.id))
    }

    /// Runs the pipeline. A stream whose answer has not begun within a keep-alive's time is opened all the same, so that
    /// no proxy or client on the way gives up: from there on, errors are told in band.
    async fn answer(&self, request: Request) -> Response<DoorBody> {
        let (id, trail, dialect) = (request.id, request.trail.clone(), request.dialect);
        let operation = request.operation;
        if !request.envelope.stream || operation == Operation::Other {
            let answer = self.pipeline.run(&request).await;
            return respond::begun(answer, dialect, id, &trail, self.clock_now(), DoorBody::plain);
        }
        let pipeline = self.pipeline.clone();
        let mut run: Waiting = Box::pin(async move { pipeline.run(&request).await });
        match tokio::time::timeout(self.keep_alive, run.as_mut()).await {
            Ok(answer) => respond::begun(answer, dialect, id, &trail, self.clock_now(), |answer| {
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
                let stream = Stream::waiting(run, operation, self.keep_alive, self.cut.clone());
                respond::opened(dialect, id, DoorBody::Stream(Box::new(stream)))
            }
        }
    }

    fn clock_now(&self) -> std::time::Instant {
        self.pipeline.clock.now()
    }
}
