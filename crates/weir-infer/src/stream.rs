//! An answer that comes in pieces: held until its first meaningful part, then passed on as it comes.
//!
//! Invariant: the stream ends without an error only after the service said how the answer ended.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::{HeaderMap, Response, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::time::Sleep;
use weir_core::{Body, Chunk, ChunkStream, Class, Clock, Failure, Head};
use weir_wire::dialect::Format;
use weir_wire::stream::StreamReader;

use crate::{Begun, Timers, outgoing, whole};

/// Bytes held before the first meaningful part. An answer opens with a few hundred.
const HELD_BYTES_MAX: usize = 1 << 20;
/// How long to wait for the connection's own end after the answer's, so that it can be used again.
const REUSE_GRACE: Duration = Duration::from_millis(100);

/// Waits for the first meaningful part.
pub(crate) async fn begin(
    clock: Clock,
    response: Response<Incoming>,
    format: &'static dyn Format,
    keeps_usage: bool,
    timers: Timers,
) -> Result<Begun, Failure> {
    let (parts, mut body) = response.into_parts();
    whole::readable(&parts.headers)?;
    if !is_event_stream(&parts.headers) {
        return not_a_stream(parts, body, format).await;
    }
    let mut reader = StreamReader::new(format, keeps_usage);
    let mut held = Chunk::default();
    while !held.progress {
        let chunk = match body.frame().await {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => reader.push(data)?,
                Err(_trailers) => None,
            },
            Some(Err(error)) => return Err(broke(&error)),
            None => {
                let last = reader.finish()?;
                held = join(held, last.unwrap_or_default())?;
                break;
            }
        };
        held = join(held, chunk.unwrap_or_default())?;
    }
    let head = Head { status: parts.status, headers: outgoing::for_caller(parts.headers) };
    let stream = Events::new(clock, body, reader, held, timers);
    Ok(Begun { head, body: Body::Stream(Box::pin(stream)) })
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
}

/// A 200 that is no stream. Some services answer whole although a stream was asked for: if it is an answer, it is passed
/// on as it is. An error object says what is wrong; anything else (HTML, nothing) is a broken service.
async fn not_a_stream(
    parts: http::response::Parts,
    body: Incoming,
    format: &'static dyn Format,
) -> Result<Begun, Failure> {
    match whole::read(parts, body, format, HELD_BYTES_MAX).await {
        Err(failure) if failure.class == Class::Hard => {
            let message = format!("the service answered 200 without an event stream: {}", failure.message);
            Err(Failure::new(Class::Hard, message))
        }
        result => result,
    }
}

fn join(held: Chunk, next: Chunk) -> Result<Chunk, Failure> {
    if held.bytes.len() + next.bytes.len() > HELD_BYTES_MAX {
        let message = format!("{HELD_BYTES_MAX} bytes came without anything of an answer in them");
        return Err(Failure::new(Class::Hard, message));
    }
    let bytes = match (held.bytes.is_empty(), next.bytes.is_empty()) {
        (true, _) => next.bytes,
        (_, true) => held.bytes,
        (false, false) => {
            let mut both = BytesMut::from(&held.bytes[..]);
            both.extend_from_slice(&next.bytes);
            both.freeze()
        }
    };
    let usage = match (held.usage, next.usage) {
        (Some(a), Some(b)) => Some(a.merged(b)),
        (a, b) => a.or(b),
    };
    Ok(Chunk { bytes, usage, progress: held.progress | next.progress, finish: held.finish.or(next.finish) })
}

fn broke(error: &hyper::Error) -> Failure {
    Failure::new(Class::Truncated, format!("the stream broke: {error}"))
}

/// A service that shows it is alive (a ping, a comment) while it makes a long part in silence may take so many times longer.
const ALIVE_FACTOR: u32 = 4;

/// One timer for two limits: the pause between meaningful parts, and the deadline. It is set anew only when it fires, so
/// that a chunk costs a clock reading and no timer.
struct Patience {
    clock: Clock,
    stall: Duration,
    deadline: Instant,
    progress_at: Instant,
    alive: bool,
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    fn new(clock: Clock, timers: Timers) -> Self {
        let progress_at = clock.now();
        let due = (progress_at + timers.pauses.stall).min(timers.deadline);
        let timer = Box::pin(tokio::time::sleep_until(due.into()));
        Self {
            clock,
            stall: timers.pauses.stall,
            deadline: timers.deadline,
            progress_at,
            alive: false,
            timer,
        }
    }

    fn progressed(&mut self) {
        self.progress_at = self.clock.now();
        self.alive = false;
    }

    /// Something came that is no progress.
    const fn heard(&mut self) {
        self.alive = true;
    }

    /// The failure, once patience has run out.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        loop {
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = self.clock.now();
            if now >= self.deadline {
                return Poll::Ready(Failure::new(
                    Class::Deadline,
                    "the request's deadline passed in the middle of its answer",
                ));
            }
            let limit = if self.alive { self.stall * ALIVE_FACTOR } else { self.stall };
            let due = self.progress_at + limit;
            if now >= due {
                let message = format!(
                    "the stream stalled: nothing of the answer came for {:.1} s",
                    limit.as_secs_f64()
                );
                return Poll::Ready(Failure::new(Class::Timeout, message));
            }
            self.timer.as_mut().reset(due.min(self.deadline).into());
        }
    }
}

/// A stream of events.
struct Events {
    body: Incoming,
    reader: StreamReader,
    held: Option<Chunk>,
    patience: Patience,
    /// Set once the answer is whole: only the connection's end is still waited for.
    reuse: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl Events {
    fn new(clock: Clock, body: Incoming, reader: StreamReader, held: Chunk, timers: Timers) -> Self {
        let ended = body.is_end_stream() && reader.is_over();
        Self { body, reader, held: Some(held), patience: Patience::new(clock, timers), reuse: None, ended }
    }

    fn read(&mut self, frame: hyper::body::Frame<bytes::Bytes>) -> Result<Option<Chunk>, Failure> {
        let Ok(data) = frame.into_data() else { return Ok(None) };
        let chunk = self.reader.push(data)?;
        if chunk.as_ref().is_some_and(|chunk| chunk.progress) {
            self.patience.progressed();
        } else {
            self.patience.heard();
        }
        Ok(chunk)
    }

    /// The answer is whole; a connection whose end is read can carry the next call.
    fn poll_reuse(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.reuse.get_or_insert_with(|| Box::pin(tokio::time::sleep(REUSE_GRACE)));
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => timer.as_mut().poll(cx),
        }
    }
}

impl ChunkStream for Events {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        if let Some(held) = self.held.take() {
            return Poll::Ready(Some(Ok(held)));
        }
        loop {
            if self.ended {
                return Poll::Ready(None);
            }
            if self.reader.is_over() {
                std::task::ready!(self.poll_reuse(cx));
                self.ended = true;
                continue;
            }
            let result = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.read(frame),
                Poll::Ready(Some(Err(error))) => Err(broke(&error)),
                Poll::Ready(None) => {
                    self.ended = true;
                    self.reader.finish()
                }
                Poll::Pending => Err(std::task::ready!(self.patience.poll_out(cx))),
            };
            match result {
                Ok(Some(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Ok(None) => {}
                Err(failure) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(failure)));
                }
            }
        }
    }
}

/// A body passed through unread.
pub(crate) struct Raw {
    body: Incoming,
    patience: Patience,
}

impl Raw {
    pub(crate) fn new(clock: Clock, body: Incoming, timers: Timers) -> Self {
        Self { body, patience: Patience::new(clock, timers) }
    }
}

impl ChunkStream for Raw {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        loop {
            match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    self.patience.progressed();
                    return Poll::Ready(Some(Ok(Chunk { bytes, progress: true, ..Chunk::default() })));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(broke(&error)))),
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    let failure = std::task::ready!(self.patience.poll_out(cx));
                    return Poll::Ready(Some(Err(failure)));
                }
            }
        }
    }
}
