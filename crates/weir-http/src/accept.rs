//! Accepts connections, serves them, and closes the door in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

/// How large a request's head may be.
const HEAD_BYTES_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 128;
/// How long a request's head may take to arrive, and an idle connection may stay.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
const H2_STREAMS_MAX: u32 = 256;

/// What a listener grants.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at one time.
    pub connections_max: usize,
    /// How long what was sent may stay unread or unacknowledged before the connection is cut.
    pub reader_timeout: Duration,
}

/// Serves connections until `stop`, then waits for those under way to finish on `tracker`.
///
/// A place is taken before the accept, so that what cannot be served waits in the kernel's own bounded backlog.
pub async fn serve<F, Fut, B>(
    listener: TcpListener,
    limits: Limits,
    tracker: TaskTracker,
    stop: CancellationToken,
    handle: F,
) where
    F: Fn(Request<Incoming>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<Response<B>, std::convert::Infallible>> + Send + 'static,
    B: Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync,
{
    let builder = builder();
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections_max));
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places, limits.reader_timeout) => accepted,
        };
        let Some((stream, place)) = accepted else { continue };
        let service = service_fn(handle.clone());
        let (builder, watcher, stop) = (builder.clone(), graceful.watcher(), stop.clone());
        tracker.spawn(async move {
            let speaks = tokio::select! {
                biased;
                () = stop.cancelled() => false,
                spoke = tokio::time::timeout(HEAD_TIMEOUT, speaks(&stream)) => spoke.unwrap_or(false),
            };
            if speaks {
                let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
                // A connection that ends badly is the peer's business; what was asked on it has been recorded.
                let _ended = watcher.watch(connection).await;
            }
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
    tracker.close();
    tracker.wait().await;
}

/// Waits until a connection has said enough to tell HTTP/1 from HTTP/2. hyper-util waits for that without a limit, and a
/// connection that says nothing would keep its place for ever.
async fn speaks(stream: &TcpStream) -> bool {
    const H2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const LOOK_AGAIN: Duration = Duration::from_millis(20);
    let mut seen = [0; H2_PREFACE.len()];
    loop {
        match stream.peek(&mut seen).await {
            Ok(0) | Err(_) => return false,
            Ok(count) if count == seen.len() || !H2_PREFACE.starts_with(&seen[..count]) => return true,
            // The beginning of the preface: peeking again would return at once with the same bytes.
            Ok(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .max_concurrent_streams(H2_STREAMS_MAX)
        .keep_alive_interval(Duration::from_secs(20));
    builder
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    reader_timeout: Duration,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            prepare(&stream, peer, reader_timeout);
            Some((stream, place))
        }
        Err(error) => {
            // Out of file descriptors, most likely: pausing beats spinning, and a later accept succeeds.
            warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// Without TCP_NODELAY, Nagle and delayed acknowledgements add 42 ms to a first token. Without TCP_USER_TIMEOUT, a caller that
/// stops reading would hold its permit and its call for ever: no timer above runs while its socket takes nothing.
fn prepare(stream: &TcpStream, peer: SocketAddr, reader_timeout: Duration) {
    let socket = SockRef::from(stream);
    let set = socket.set_tcp_nodelay(true).and_then(|()| socket.set_tcp_user_timeout(Some(reader_timeout)));
    if let Err(error) = set {
        warn!(%error, %peer, "the options of a connection could not be set");
    }
}
