//! One connection: HTTP/1.1 or HTTP/2 over it, and the ways it can be ended under its requests.

use std::os::fd::AsFd;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use socket2::Socket;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::exchange;
use crate::reply::Sever;
use crate::state::State;

/// How long a GOAWAY has to leave before the connection is closed after it.
const GOAWAY_FLUSH: Duration = Duration::from_millis(20);
/// Streams a client may have open on one HTTP/2 connection.
const STREAMS_MAX: u32 = 1_000;

/// The connection as its requests see it: something that can be ended.
#[derive(Default)]
pub(crate) struct Wire {
    how: OnceLock<Sever>,
    severed: CancellationToken,
    retired: CancellationToken,
}

impl Wire {
    /// Ends the connection; the first to ask decides how.
    pub fn sever(&self, how: Sever) {
        if self.how.set(how).is_ok() {
            self.severed.cancel();
        }
    }

    /// Ends the connection once what runs on it has ended.
    pub fn retire(&self) {
        self.retired.cancel();
    }
}

/// Serves one connection until it ends, is severed, or `stop` says so.
pub(crate) async fn converse(
    stream: TcpStream,
    state: Arc<State>,
    tracker: TaskTracker,
    stop: CancellationToken,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    // A second handle on the socket: hyper owns the first one, and only a socket can be told to reset.
    let socket = Socket::from(stream.as_fd().try_clone_to_owned()?);
    let wire = Arc::new(Wire::default());
    let service = {
        let wire = Arc::clone(&wire);
        service_fn(move |request| exchange::serve(request, Arc::clone(&state), Arc::clone(&wire)))
    };
    let mut builder = Builder::new(TrackedExecutor(tracker));
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut retiring = false;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = wire.severed.cancelled() => break,
            () = wire.retired.cancelled(), if !retiring => {
                retiring = true;
                connection.as_mut().graceful_shutdown();
            }
            // A client that leaves in the middle of something is an error to hyper and everyday to us.
            _ = connection.as_mut() => return Ok(()),
        }
    }
    match wire.how.get() {
        Some(Sever::Rst) => socket.set_linger(Some(Duration::ZERO)),
        Some(Sever::Goaway) => {
            connection.as_mut().graceful_shutdown();
            // Answers still under way are cut with the connection: that is the fault.
            let _timeout_or_end = tokio::time::timeout(GOAWAY_FLUSH, connection).await;
            Ok(())
        }
        Some(Sever::Fin) | None => Ok(()),
    }
}

/// Spawns HTTP/2 streams where `Mock::stop` waits for them.
#[derive(Clone)]
struct TrackedExecutor(TaskTracker);

impl<F> hyper::rt::Executor<F> for TrackedExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}
