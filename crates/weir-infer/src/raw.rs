//! A body passed through unread: every byte is progress, and its end is the connection's word.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body as HttpBody;
use weir_core::{Chunk, ChunkStream, Failure};
use weir_wire::dialect::Phase;

use crate::watch::Watch;
use crate::{BoxError, broken};

/// Bytes have no pace to judge, as those of a tool call have none.
const OPAQUE: Phase = Phase::Tool;

/// A body passed through.
pub(crate) struct Raw<B> {
    body: B,
    watch: Watch,
    parts: u64,
}

impl<B> Raw<B> {
    pub(crate) fn new(body: B, mut watch: Watch) -> Self {
        // Its head is all the beginning it has.
        watch.part(0, OPAQUE);
        Self { body, watch, parts: 0 }
    }
}

impl<B> ChunkStream for Raw<B>
where
    B: HttpBody<Data = Bytes> + Send + Unpin,
    B::Error: Into<BoxError>,
{
    fn poll_chunk(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, Failure>>> {
        let this = &mut *self;
        loop {
            match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    this.parts += 1;
                    this.watch.part(this.parts, OPAQUE);
                    return Poll::Ready(Some(Ok(Chunk { bytes, progress: true, ..Chunk::default() })));
                }
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(broken::in_answer("the answer broke off", error))));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => {
                    let failure = ready!(this.watch.poll_out(cx));
                    return Poll::Ready(Some(Err(failure)));
                }
            }
        }
    }
}
