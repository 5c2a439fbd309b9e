//! An answer: a head, a body of chunks, and those who watch it pass.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{Class, Clock, End, Failure, Finish, Observer, Usage, Watchers};

/// A piece of an answer on its way to the caller: whole events of a stream, or a whole body.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    /// What the caller gets.
    pub bytes: Bytes,
    /// Whether it carries something of the answer itself. Comments and blank lines do not.
    pub progress: bool,
    /// Token counts found in it; cumulative.
    pub usage: Option<Usage>,
    /// How the service said the answer ended, when this chunk says so.
    pub finish: Option<Finish>,
    /// What it says, when whoever read it knows that it says one piece of text and nothing else: as most do.
    pub said: Option<Said>,
}

/// A piece of text in an event, and where it lies: as written, without quotes. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The model thinks, and does not answer yet.
    pub reasoning: bool,
    /// Where it begins.
    pub from: u32,
    /// Where it ends.
    pub to: u32,
}

impl Said {
    /// The text, of the bytes in which it lies.
    pub fn of<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.from as usize..self.to as usize).unwrap_or_default()
    }
}

/// Chunks as they arrive. The end without an error means that the answer is whole: whoever makes a stream says so
/// only after having seen the service's own mark of the end.
pub trait ChunkStream: Send {
    /// The next chunk, the end, or why there is no more.
    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>>;
}

/// What follows the head.
pub enum Body {
    /// Everything at once; `None` once taken.
    Whole(Option<Chunk>),
    /// Piece by piece.
    Stream(Pin<Box<dyn ChunkStream>>),
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Stream(_) => "Stream",
        })
    }
}

/// Status and headers.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// The HTTP status.
    pub status: StatusCode,
    /// Headers for the caller; hop-by-hop ones are already gone.
    pub headers: HeaderMap,
}

/// What the caller gets.
#[derive(Debug)]
pub struct Answer {
    /// Status and headers.
    pub head: Head,
    body: Body,
    watchers: Watchers,
}

impl Answer {
    /// An answer that nobody watches yet.
    pub const fn new(clock: Clock, head: Head, body: Body) -> Self {
        Self { head, body, watchers: Watchers::new(clock) }
    }

    /// Adds an observer; it sees every chunk from here on, and the end.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Observer + 'static) -> Self {
        self.watchers.push(Box::new(observer));
        self
    }

    /// The next chunk for the caller. Observers have seen it; at the end, or on a failure, they have been told.
    pub fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        let next = match &mut self.body {
            Body::Whole(chunk) => chunk.take().map(Ok),
            Body::Stream(stream) => match stream.as_mut().poll_chunk(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(next) => next,
            },
        };
        match &next {
            Some(Ok(chunk)) => {
                self.watchers.chunk(chunk);
                // A whole body has nothing after it: ending here, not at the next poll, settles the request even
                // when the server knows the length and never asks again.
                if matches!(self.body, Body::Whole(_)) {
                    self.watchers.end(End::Complete);
                }
            }
            Some(Err(failure)) => self.watchers.end(End::Failed(failure.class)),
            None => self.watchers.end(End::Complete),
        }
        Poll::Ready(next)
    }

    /// How many bytes will come, when that is known before the first.
    pub fn exact_len(&self) -> Option<u64> {
        match &self.body {
            Body::Whole(chunk) => Some(chunk.as_ref().map_or(0, |chunk| chunk.bytes.len() as u64)),
            Body::Stream(_) => None,
        }
    }

    /// Tells the observers that the answer is over although its body is never asked for (HEAD, 204, 304).
    pub fn finish(&mut self) {
        self.watchers.end(End::Complete);
    }

    /// Tells the observers that the answer broke off for a reason outside its body (a deadline, a drain).
    pub fn fail(&mut self, class: Class) {
        self.watchers.end(End::Failed(class));
    }
}
