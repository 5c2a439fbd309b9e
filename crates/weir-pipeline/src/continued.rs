//! An answer that survives its service: what the caller reads is one stream, whoever sends it.
//!
//! What always holds: the caller never gets a byte twice nor misses one; the stream ends without an error only when some
//! service said how the answer ended; when nobody can take it up, the first break is what the caller is told.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use weir_core::{Body, Chunk, ChunkStream, Class, End, Failure, Observer};
use weir_route::Lease;
use weir_wire::relay::{Delivered, Relay};

use crate::machine::Event;
use crate::run::{Landed, Run, via};

/// What the caller gets next; `None` at the end.
type Next = Option<Result<Chunk, Failure>>;

/// The future of an attempt to take up the answer. It owns the run while it works.
type Resuming = Pin<Box<dyn Future<Output = (Box<Run>, Option<Landed>)> + Send>>;

/// A stream that is taken up when it breaks off.
pub(crate) struct Continued {
    /// `None` while the answer is being taken up: the run is inside that future.
    run: Option<Box<Run>>,
    state: State,
}

enum State {
    Flowing { lease: Lease, stream: Pin<Box<dyn ChunkStream>> },
    Resuming(Resuming),
    Over,
}

impl Continued {
    pub(crate) fn new(run: Box<Run>, lease: Lease, stream: Pin<Box<dyn ChunkStream>>) -> Self {
        Self { run: Some(run), state: State::Flowing { lease, stream } }
    }

    /// The next thing of the stream that flows now, joined on to what came before. `None`: it broke, and is being taken up.
    fn poll_flowing(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        let (State::Flowing { stream, .. }, Some(run)) = (&mut self.state, &mut self.run) else {
            return Poll::Ready(Some(None));
        };
        let relay = relay(run);
        let joined = loop {
            break match ready!(stream.as_mut().poll_chunk(cx)) {
                // Nearly all do, and each further hand that a chunk goes through is a copy.
                Some(Ok(chunk)) if relay.passes(&chunk) => return Poll::Ready(Some(Some(Ok(chunk)))),
                Some(Ok(chunk)) => match relay.take(chunk) {
                    Ok(None) if !relay.is_over() => continue,
                    joined => joined.map(|chunk| (chunk, relay.is_over())),
                },
                None => relay.finish().map(|chunk| (chunk, true)),
                Some(Err(failure)) => return Poll::Ready(self.broke(failure, false)),
            };
        };
        Poll::Ready(match joined {
            Ok((chunk, over)) => {
                if let (Some(permit), Some(chunk)) = (&mut run.permit, &chunk) {
                    permit.chunk(run.shared.clock.now(), chunk);
                }
                if over {
                    self.ended();
                }
                Some(chunk.map(Ok))
            }
            Err(failure) => self.broke(failure, true),
        })
    }

    /// The answer is whole.
    fn ended(&mut self) {
        let State::Flowing { lease, .. } = std::mem::replace(&mut self.state, State::Over) else { return };
        let Some(run) = &mut self.run else { return };
        if run.machine.is_continuing() {
            note_spent(run, &lease);
            run.shared.metrics.rescued.inc();
            run.request.trail.rescued();
        }
        let now = run.shared.clock.now();
        Box::new(lease).end(now, End::Complete);
    }

    /// The answer is whole, although its service did not come to its own end, and so not to saying what it used.
    fn ended_early(&mut self) {
        if let (State::Flowing { lease, .. }, Some(run)) = (&self.state, &self.run)
            && !run.machine.is_continuing()
        {
            note_spent(run, lease);
        }
        self.ended();
    }

    /// The stream broke, or did not join. Takes it up (`None`), or gives what the caller gets in its place.
    fn broke(&mut self, failure: Failure, differs: bool) -> Option<Next> {
        let relay = relay(self.run.as_mut()?);
        let delivered = relay.broke();
        let unclear = relay.was_unclear();
        // Only its closing was lost; or the caller has as many tokens as it asked for, whoever would have gone on.
        let bytes = Bytes::from_static(relay.closing());
        let closing = (!bytes.is_empty()).then(|| Chunk { bytes, ..Chunk::default() });
        let last = if delivered == Delivered::Finished { Some(closing) } else { relay.used_up().map(Some) };
        if let Some(last) = last {
            self.ended_early();
            return Some(last.map(Ok));
        }
        let State::Flowing { lease, .. } = std::mem::replace(&mut self.state, State::Over) else {
            return Some(Some(Err(failure)));
        };
        let mut run = self.run.take()?;
        run.delivered = delivered;
        note_spent(&run, &lease);
        let (now, endpoint) = (run.shared.clock.now(), lease.endpoint().clone());
        run.request.trail.failed(endpoint.name(), failure.class, &failure.message);
        if differs {
            // It answered well, only not with the same words; or nobody can tell.
            if !unclear {
                run.differ.push(endpoint.id());
            }
            Box::new(lease).end(now, End::Abandoned);
        } else {
            lease.failed(failure.class, failure.retry_after, now);
        }
        let event = Event::Broke { endpoint: endpoint.id(), failure, lost: delivered == Delivered::Other };
        self.state = State::Resuming(Box::pin(async move {
            let landed = run.land(event).await;
            (run, landed)
        }));
        None
    }

    fn poll_resuming(&mut self, cx: &mut Context<'_>) -> Poll<Option<Failure>> {
        let State::Resuming(resuming) = &mut self.state else { return Poll::Ready(None) };
        let (run, landed) = ready!(resuming.as_mut().poll(cx));
        let shared = run.shared.clone();
        match landed {
            Some(Landed { lease, begun, rung }) => {
                shared.metrics.taken_up(rung);
                self.run = Some(run);
                if let Body::Stream(stream) = begun.body {
                    self.state = State::Flowing { lease, stream };
                    return Poll::Ready(None);
                }
                // `judge` has called a whole answer in the middle of a stream a failure.
                debug_assert!(false, "a whole answer was taken for the rest of a stream");
                self.state = State::Over;
                let message = "the service answered whole in the middle of a stream";
                Poll::Ready(Some(Failure::new(Class::Hard, message)))
            }
            None => {
                self.state = State::Over;
                shared.metrics.lost.inc();
                Poll::Ready(Some(run.machine.reason()))
            }
        }
    }
}

impl Drop for Continued {
    /// The caller left in a later part of the answer, which was paid for as well.
    fn drop(&mut self) {
        if let (State::Flowing { lease, .. }, Some(run)) = (&self.state, &self.run)
            && run.machine.is_continuing()
        {
            note_spent(run, lease);
        }
    }
}

impl ChunkStream for Continued {
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        loop {
            match &self.state {
                State::Flowing { .. } => {
                    if let Some(next) = ready!(self.poll_flowing(cx)) {
                        return Poll::Ready(next);
                    }
                }
                State::Resuming(_) => {
                    if let Some(failure) = ready!(self.poll_resuming(cx)) {
                        self.run = None;
                        return Poll::Ready(Some(Err(failure)));
                    }
                }
                State::Over => {
                    // With it the permit: the answer is over, whenever its caller lets go of it.
                    self.run = None;
                    return Poll::Ready(None);
                }
            }
        }
    }
}

fn relay(run: &mut Run) -> &mut Relay {
    run.relay.as_mut().expect("only relayed answers are continued")
}

/// What a part of the answer cost, for the record: the caller's own count is summed once.
fn note_spent(run: &Run, lease: &Lease) {
    let Some(relay) = &run.relay else { return };
    let (usage, estimated) = relay.spent();
    run.request.trail.spent(via(lease.endpoint(), &run.request), usage, estimated);
}
