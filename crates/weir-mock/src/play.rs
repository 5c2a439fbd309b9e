//! Playing a reply: a response body that does the steps of a [`Reply`] at their times.
//!
//! Time is kept by the schedule, not by adding up sleeps: each wait counts from the end of the wait before, so
//! a thousand tokens of 10 ms take ten seconds. Steps without a wait between them leave as one chunk.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame as BodyFrame};
use tokio::time::{Instant, Sleep};

use crate::attempt::Attempt;
use crate::log::Ended;
use crate::reply::{Reply, Step};
use crate::wire::Wire;

/// Long enough for what was written to reach a peer on the same machine.
const FLUSH: Duration = Duration::from_millis(5);
/// Steps are merged into chunks of about this many bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// A reply being played.
pub(crate) struct Play {
    steps: VecDeque<Step>,
    ended: Ended,
    attempt: Attempt,
    wire: Arc<Wire>,
    /// When the step that comes next is due.
    due: Instant,
    /// The wait that is going on, if `waiting`.
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

/// The body ends before its end on purpose.
#[derive(Debug)]
pub(crate) struct Aborted;

impl fmt::Display for Aborted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the mock aborted this answer on purpose")
    }
}

impl std::error::Error for Aborted {}

/// What comes next, once all waits before it are over.
enum Next {
    Send,
    Abort,
    End,
}

impl Play {
    /// Starts the clock of a reply.
    pub fn new(reply: Reply, attempt: Attempt, wire: Arc<Wire>) -> Self {
        let steps = reply.steps.into();
        Play { steps, ended: reply.ended, attempt, wire, due: Instant::now(), sleep: None, waiting: false }
    }

    /// The guard of the request being answered.
    pub fn attempt(&self) -> &Attempt {
        &self.attempt
    }

    /// Waits until the first byte is due. Never returns if the connection is severed or stalled before it;
    /// an error if the answer is aborted before it.
    pub async fn first_byte(&mut self) -> Result<(), Aborted> {
        match std::future::poll_fn(|context| self.poll_next_step(context)).await {
            Next::Send | Next::End => Ok(()),
            Next::Abort => {
                self.attempt.end(Ended::Cut);
                Err(Aborted)
            }
        }
    }

    fn poll_next_step(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        loop {
            match self.steps.front() {
                None => return Poll::Ready(Next::End),
                Some(Step::Send(_)) => return Poll::Ready(Next::Send),
                Some(Step::Abort) => return Poll::Ready(Next::Abort),
                Some(&Step::Wait(wait)) => {
                    ready!(self.poll_due(context, |due| due + wait));
                    self.steps.pop_front();
                }
                Some(Step::Flush) => {
                    ready!(self.poll_due(context, |_| Instant::now() + FLUSH));
                    self.steps.pop_front();
                }
                Some(Step::Stall(None)) => {
                    self.attempt.stall();
                    return Poll::Pending;
                }
                Some(Step::Stall(Some((period, comment)))) => {
                    let (period, comment) = (*period, comment.clone());
                    self.attempt.stall();
                    self.keep_alive(period, comment);
                }
                Some(Step::Retire) => {
                    self.wire.retire();
                    self.steps.pop_front();
                }
                Some(&Step::Sever(how)) => {
                    self.attempt.end(Ended::Cut);
                    self.wire.sever(how);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Puts one keep-alive before the stall that is the next step.
    fn keep_alive(&mut self, period: Duration, bytes: Bytes) {
        let tokens = self.attempt.tokens();
        let comment = crate::dialect::Frame { bytes, part: crate::dialect::Part::Noise, tokens };
        self.steps.push_front(Step::Send(comment));
        self.steps.push_front(Step::Wait(period));
    }

    /// Waits until the time that `due` makes of the time the last wait ended.
    fn poll_due(&mut self, context: &mut Context<'_>, due: impl FnOnce(Instant) -> Instant) -> Poll<()> {
        if !self.waiting {
            self.due = due(self.due);
            self.waiting = true;
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(self.due),
                None => self.sleep = Some(Box::pin(tokio::time::sleep_until(self.due))),
            }
        }
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(context));
        }
        self.waiting = false;
        Poll::Ready(())
    }

    /// Takes all that can leave now.
    fn take_chunk(&mut self) -> Bytes {
        let mut chunk = Bytes::new();
        let mut merged = BytesMut::new();
        while let Some(Step::Send(frame)) = self.steps.front() {
            if !chunk.is_empty() && chunk.len().max(merged.len()) + frame.bytes.len() > CHUNK_BYTES {
                break;
            }
            self.attempt.sent(frame.tokens);
            if chunk.is_empty() {
                chunk = frame.bytes.clone();
            } else {
                if merged.is_empty() {
                    merged.reserve(CHUNK_BYTES);
                    merged.extend_from_slice(&chunk);
                }
                merged.extend_from_slice(&frame.bytes);
            }
            self.steps.pop_front();
        }
        if merged.is_empty() { chunk } else { merged.freeze() }
    }
}

impl Body for Play {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<BodyFrame<Bytes>, Aborted>>> {
        let play = &mut *self;
        match ready!(play.poll_next_step(context)) {
            Next::Send => {
                let chunk = play.take_chunk();
                if play.steps.is_empty() {
                    // hyper does not ask again once the declared length has been written.
                    play.attempt.end(play.ended);
                }
                Poll::Ready(Some(Ok(BodyFrame::data(chunk))))
            }
            Next::Abort => {
                play.attempt.end(Ended::Cut);
                Poll::Ready(Some(Err(Aborted)))
            }
            Next::End => {
                play.attempt.end(play.ended);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty()
    }
}
