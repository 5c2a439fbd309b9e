//! From a response to an answer that has begun, whatever carried the response: a socket, a local model, a test.
//!
//! What always holds: nothing of an answer is given out before its first meaningful part; whatever bytes come, what comes
//! out is an answer or a failure of the service's, never a panic.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body::Body as HttpBody;
use weir_core::{Body, Clock, Failure, Head, Operation, Request};
use weir_wire::stream::StreamReader;
use weir_wire::{classify, dialect, envelope};

use crate::raw::Raw;
use crate::watch::Watch;
use crate::{Begun, BoxError, Timers, outgoing, stream, whole};

/// The words of an error reply are waited for no longer than this: its status says enough.
const REPLY_WAIT: Duration = Duration::from_secs(5);

/// Waits until an answer has begun, and gives it. For transports of one's own: [`crate::Infer::call`] reads what comes from
/// its sockets in the same way.
///
/// All limits of `timers` hold from here on.
///
/// # Errors
/// What went wrong, classified; nothing of an answer has been given out.
pub async fn read<B>(
    response: Response<B>,
    request: &Request,
    timers: Timers,
    clock: Clock,
    answer_bytes_max: usize,
) -> Result<Begun, Failure>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    watched(response, request, Watch::new(clock, timers), answer_bytes_max).await
}

/// The same with a watch that began when the call was sent.
pub(crate) async fn watched<B>(
    response: Response<B>,
    request: &Request,
    watch: Watch,
    answer_bytes_max: usize,
) -> Result<Begun, Failure>
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let Some(format) = dialect::format(request.operation) else {
        return Ok(pass_through(response, watch));
    };
    if !response.status().is_success() {
        return Err(error_reply(response, watch).await);
    }
    if request.envelope.stream && request.operation != Operation::Embeddings {
        let choices = envelope::choices(request.operation, &request.envelope);
        let reader = StreamReader::new(format, request.envelope.wants_usage).expecting(choices);
        stream::begin(response, format, reader, watch).await
    } else {
        let (parts, body) = response.into_parts();
        whole::read(parts, body, format, watch, answer_bytes_max).await
    }
}

/// Bytes in, bytes out, whatever the status.
fn pass_through<B>(response: Response<B>, watch: Watch) -> Begun
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let (parts, body) = response.into_parts();
    let head = Head { status: parts.status, headers: outgoing::for_caller(parts.headers) };
    Begun { head, body: Body::Stream(Box::pin(Raw::new(body, watch))) }
}

async fn error_reply<B>(response: Response<B>, mut watch: Watch) -> Failure
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let (parts, body) = response.into_parts();
    let wall = watch.clock().wall();
    let words = whole::collect(body, &mut watch, classify::REPLY_BYTES_MAX);
    // Words that break off, never end or never come leave the status to speak for itself.
    let words = tokio::time::timeout(REPLY_WAIT, words).await.ok().and_then(Result::ok).unwrap_or_default();
    classify::reply(parts.status, &parts.headers, words, wall)
}
