//! Bodies of responses: an answer's chunks as HTTP frames, comments in its silences, errors in band.
//!
//! What always holds: after an error nothing follows but the cut of the connection; a comment stands only between events.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use weir_core::{Answer, Class, Operation};
use weir_wire::error::{broke_off, in_band};

/// Said in a silence: a comment that every client tried ignores.
const COMMENT: &[u8] = b": weir\n\n";

/// A pipeline still at work on an answer.
pub(crate) type Waiting = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// The body of a response.
pub enum DoorBody {
    /// A document of weir's own.
    Full(Option<Bytes>),
    /// An answer passed on without comments in its silences: one piece, or bytes weir does not read.
    Plain(Box<Answer>),
    /// A stream of events.
    Stream(Box<Stream>),
}

/// Why a connection is cut: the last thing hyper hears of a broken answer.
#[derive(Debug)]
pub struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(
            "the answer broke off; the connection is cut so that the caller cannot mistake it for whole",
        )
    }
}

impl std::error::Error for Cut {}

impl DoorBody {
    pub(crate) const fn full(bytes: Bytes) -> Self {
        Self::Full(Some(bytes))
    }

    pub(crate) fn plain(answer: Answer) -> Self {
        Self::Plain(Box::new(answer))
    }
}

impl Body for DoorBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match &mut *self {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Plain(answer) => answer.poll_chunk(cx).map(|next| {
                next.map(|chunk| {
                    chunk.map(|chunk| Frame::data(chunk.bytes)).map_err(|_told_to_observers| Cut)
                })
            }),
            Self::Stream(stream) => stream.poll_frame(cx),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let exact = match self {
            Self::Full(bytes) => Some(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Plain(answer) => answer.exact_len(),
            Self::Stream(_) => None,
        };
        exact.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// A stream of events on its way to a caller.
pub struct Stream {
    state: State,
    operation: Operation,
    silence_max: Duration,
    comment_due: Pin<Box<Sleep>>,
    last_said: Instant,
    /// The last chunk of a response, whose events are numbered: an error in band has the next number.
    said_last: Bytes,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

enum State {
    /// The head is out, the answer has not begun; what is said first, if it is not a comment.
    Waiting(Waiting, Option<Bytes>),
    /// The answer is coming.
    Passing(Box<Answer>),
    /// The error has been told; it is flushed before the connection is cut.
    Flushing,
    /// Nothing more comes; `true` cuts the connection.
    Over(bool),
}

impl Stream {
    /// A stream whose answer has begun.
    pub(crate) fn begun(
        answer: Answer,
        operation: Operation,
        silence_max: Duration,
        cut: CancellationToken,
    ) -> Self {
        Self::new(State::Passing(Box::new(answer)), operation, silence_max, cut)
    }

    /// A stream whose answer is still to begin: its greeting, or else its first comment, is due now.
    pub(crate) fn waiting(
        run: Waiting,
        greeting: Option<Bytes>,
        operation: Operation,
        silence_max: Duration,
        cut: CancellationToken,
    ) -> Self {
        let mut stream = Self::new(State::Waiting(run, greeting), operation, silence_max, cut);
        stream.last_said -= silence_max;
        stream.comment_due = Box::pin(tokio::time::sleep(Duration::ZERO));
        stream
    }

    fn new(state: State, operation: Operation, silence_max: Duration, cut: CancellationToken) -> Self {
        let comment_due = Box::pin(tokio::time::sleep(silence_max));
        let last_said = Instant::now();
        let (cut, said_last) = (Box::pin(cut.cancelled_owned()), Bytes::new());
        Self { state, operation, silence_max, comment_due, last_said, said_last, cut }
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        loop {
            match &mut self.state {
                State::Waiting(run, _) => match run.as_mut().poll(cx) {
                    Poll::Ready(answer) if !answer.head.status.is_success() => {
                        return self.refuse(answer, cx);
                    }
                    Poll::Ready(mut whole) if whole.exact_len().is_some() => {
                        // Its bytes are no events, and the stream is open already.
                        whole.fail(Class::Hard);
                        return self.tell(
                            "upstream_error",
                            "the service answered whole where a stream was asked for",
                        );
                    }
                    Poll::Ready(answer) => self.state = State::Passing(Box::new(answer)),
                    Poll::Pending => return self.poll_silence(cx),
                },
                State::Passing(answer) => match answer.poll_chunk(cx) {
                    Poll::Ready(Some(Ok(chunk))) if chunk.bytes.is_empty() => {}
                    Poll::Ready(Some(Ok(chunk))) => return self.say(chunk.bytes),
                    Poll::Ready(Some(Err(failure))) => {
                        self.state = State::Flushing;
                        let event = broke_off(self.operation, &failure, &self.said_last);
                        return self.say(event);
                    }
                    Poll::Ready(None) => self.state = State::Over(false),
                    Poll::Pending => return self.poll_silence(cx),
                },
                State::Flushing => {
                    // One pass through pending lets hyper write what it holds.
                    self.state = State::Over(true);
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                State::Over(true) => {
                    self.state = State::Over(false);
                    return Poll::Ready(Some(Err(Cut)));
                }
                State::Over(false) => return Poll::Ready(None),
            }
        }
    }

    /// The answer that was waited for turns out to be a refusal: its words become an event, as the head is out already.
    fn refuse(
        &mut self,
        mut refusal: Answer,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let body = match refusal.poll_chunk(cx) {
            Poll::Ready(Some(Ok(chunk))) => chunk.bytes,
            _ => Bytes::new(),
        };
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let text = |name: &str| said["error"][name].as_str();
        let code = text("code").or_else(|| text("type")).unwrap_or("upstream_error");
        let message = text("message").unwrap_or("the request could not be answered");
        self.tell(code, message)
    }

    fn say(&mut self, bytes: Bytes) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.last_said = Instant::now();
        if self.operation == Operation::Responses {
            self.said_last = bytes.clone();
        }
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn comment(&mut self) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.last_said = Instant::now();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(COMMENT)))))
    }

    fn tell(&mut self, code: &str, message: &str) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.state = State::Flushing;
        self.say(in_band(self.operation, code, message, &self.said_last))
    }

    /// Nothing to pass on: a comment when the silence has lasted, or the end of a drain's patience.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            if let State::Passing(answer) = &mut self.state {
                answer.fail(Class::Truncated);
            }
            return self.tell("weir_draining", "the gateway is shutting down; send the request again");
        }
        while self.comment_due.as_mut().poll(cx).is_ready() {
            let due = self.last_said + self.silence_max;
            if Instant::now() >= due {
                self.comment_due.as_mut().reset(Instant::now() + self.silence_max);
                let greeting = match &mut self.state {
                    State::Waiting(_, greeting) => greeting.take(),
                    _ => None,
                };
                return match greeting {
                    Some(greeting) => self.say(greeting),
                    None => self.comment(),
                };
            }
            self.comment_due.as_mut().reset(due);
        }
        Poll::Pending
    }
}
