//! A response body that follows a script on a paused clock, so that minutes take no time and any cut can be tried.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep};
use weir_core::{Failure, Request};

use super::{clock, text};
use crate::{Begun, BoxError, Timers, read};

/// One thing a body does.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// These bytes come in one read.
    Send(Bytes),
    /// Nothing comes for so many milliseconds.
    Wait(u64),
    /// The connection breaks.
    Break,
    /// Nothing ever comes.
    Silence,
    /// These bytes over and over, without a pause.
    Forever(&'static str),
}

/// Bytes as a step.
pub(super) fn send(bytes: impl Into<Bytes>) -> Step {
    Step::Send(bytes.into())
}

/// A body that ends in good order after its last step.
pub(super) struct Script {
    steps: VecDeque<Step>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        loop {
            match this.steps.front() {
                Some(Step::Wait(ms)) => {
                    let pause = Duration::from_millis(*ms);
                    let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(pause)));
                    ready!(timer.as_mut().poll(cx));
                    this.timer = None;
                    this.steps.pop_front();
                }
                Some(Step::Silence) => return Poll::Pending,
                Some(Step::Forever(bytes)) => {
                    return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(bytes.as_bytes())))));
                }
                _ => break,
            }
        }
        Poll::Ready(match this.steps.pop_front() {
            Some(Step::Send(bytes)) => Some(Ok(Frame::data(bytes))),
            Some(_) => Some(Err("connection reset".into())),
            None => None,
        })
    }
}

/// A 200 with this content type and body.
pub(super) fn response(content_type: &str, steps: impl IntoIterator<Item = Step>) -> Response<Script> {
    let body = Script { steps: steps.into_iter().collect(), timer: None };
    Response::builder().header("content-type", content_type).body(body).unwrap()
}

/// The answer's beginning, read from a script.
pub(super) async fn begin(
    request: &Request,
    timers: Timers,
    response: Response<Script>,
) -> Result<Begun, Failure> {
    read(response, request, timers, clock(), 1 << 20).await
}

/// All of an answer read from a script: its text, and the failure it ended in. A failure before the answer began has no text.
pub(super) async fn whole(
    request: &Request,
    timers: Timers,
    response: Response<Script>,
) -> (String, Option<Failure>) {
    match begin(request, timers, response).await {
        Ok(begun) => text(begun).await,
        Err(failure) => (String::new(), Some(failure)),
    }
}
