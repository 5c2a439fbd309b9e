//! An answer that comes in pieces: held until its first meaningful part, then passed on as it comes.
//!
//! Invariant: the stream ends without an error only after the service said how the answer ended; then it ends soon, whether
//! the service closes it or not.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, header};
use http_body::Body as HttpBody;
use tokio::time::Sleep;
use weir_core::{Body, Chunk, ChunkStream, Class, Failure, Head};
use weir_wire::dialect::Format;
use weir_wire::stream::StreamReader;

use crate::watch::Watch;
use crate::{Begun, BoxError, broken, outgoing, whole};

/// Bytes held before the first meaningful part. An answer opens with a few hundred.
const HELD_BYTES_MAX: usize = 1 << 20;
/// How long to wait for the connection's own end after the answer's, so that it can be used again.
const REUSE_GRACE: Duration = Duration::from_millis(100);
/// Reads without anything for the caller before others on this thread get their turn.
const BARREN_READS_MAX: u32 = 32;

/// Waits for the first meaningful part.
pub(crate) async fn begin<B>(
    response: Response<B>,
    format: &'static dyn Format,
    reader: StreamReader,
    watch: Watch,
) -> Result<Begun, Failure>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = response.into_parts();
    whole::readable(&parts.headers)?;
    if !is_event_stream(&parts.headers) {
        return not_a_stream(parts, body, format, watch).await;
    }
    let mut events = Events { body, reader, watch, held: None, reuse: None, ended: false };
    let mut held = Chunk::default();
    while !held.progress {
        match std::future::poll_fn(|cx| events.poll_part(cx)).await {
            Some(chunk) => held = join(held, chunk?)?,
            None => break,
        }
    }
    // A failure in the same read as the first part: nothing has been given out, so it can be tried again unseen.
    if let Some(failure) = events.reader.take_failure() {
        return Err(failure);
    }
    events.held = Some(held);
    let head = Head { status: parts.status, headers: outgoing::for_caller(parts.headers) };
    Ok(Begun { head, body: Body::Stream(Box::pin(events)) })
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream")
}

/// A 200 that is no stream. Some services answer whole although a stream was asked for: if it is an answer, it is passed
/// on as it is. An error object says what is wrong; anything else (HTML, nothing) is a broken service.
async fn not_a_stream<B>(
    parts: http::response::Parts,
    body: B,
    format: &'static dyn Format,
    watch: Watch,
) -> Result<Begun, Failure>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    match whole::read(parts, body, format, watch, HELD_BYTES_MAX).await {
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
    let progress = held.progress | next.progress;
    Ok(Chunk { bytes, usage, progress, finish: held.finish.or(next.finish), ..Chunk::default() })
}

/// A stream of events.
struct Events<B> {
    body: B,
    reader: StreamReader,
    watch: Watch,
    /// What was read before the answer counted as begun.
    held: Option<Chunk>,
    /// Set once the answer is whole: only the connection's end is still waited for.
    reuse: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

impl<B> Events<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// The next events for the caller.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        for _read in 0..BARREN_READS_MAX {
            if !self.ended && self.reader.is_over() {
                ready!(self.poll_reuse(cx));
                self.ended = true;
            }
            if self.ended {
                return Poll::Ready(None);
            }
            if let Some(failure) = self.reader.take_failure() {
                self.ended = true;
                return Poll::Ready(Some(Err(failure)));
            }
            let result = match Pin::new(&mut self.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => self.read(frame),
                Poll::Ready(Some(Err(error))) => self.broke(broken::in_answer("the stream broke", error)),
                Poll::Ready(None) => {
                    self.ended = true;
                    self.reader.finish()
                }
                Poll::Pending => {
                    let failure = ready!(self.watch.poll_out(cx));
                    self.broke(failure)
                }
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
        if let Err(failure) = self.watch.check() {
            let rest = self.broke(failure);
            self.ended = true;
            return Poll::Ready(rest.transpose());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The connection or patience ended. An answer whose end was said is whole without what closes it.
    fn broke(&mut self, failure: Failure) -> Result<Option<Chunk>, Failure> {
        if !self.reader.is_whole() {
            return Err(failure);
        }
        self.ended = true;
        self.reader.finish()
    }

    fn read(&mut self, frame: http_body::Frame<Bytes>) -> Result<Option<Chunk>, Failure> {
        let Ok(data) = frame.into_data() else { return Ok(None) };
        let chunk = self.reader.push(data)?;
        if chunk.as_ref().is_some_and(|chunk| chunk.progress) {
            self.watch.part(self.reader.parts(), self.reader.phase());
        } else {
            self.watch.heard(self.reader.phase());
        }
        if self.reader.is_whole() {
            self.watch.ended();
        }
        Ok(chunk)
    }

    /// The answer is whole; a connection whose end is read can carry the next call.
    fn poll_reuse(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.body.is_end_stream() {
            return Poll::Ready(());
        }
        let timer = self.reuse.get_or_insert_with(|| Box::pin(tokio::time::sleep(REUSE_GRACE)));
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => timer.as_mut().poll(cx),
        }
    }
}

impl<B> ChunkStream for Events<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        match self.held.take() {
            Some(held) => Poll::Ready(Some(Ok(held))),
            None => self.poll_part(cx),
        }
    }
}
