//! A chat completions server on a loopback port that misbehaves on demand and remembers what it was asked.
//!
//! What always holds: it ends with the test, for its accept loop and connections belong to a set that it owns.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Channel, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const ROLE: &str = "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
const TEXT: &str = ": keep-alive\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";
const FINISH: &str = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const DONE: &str = "data: [DONE]\n\n";

/// How one request is answered.
#[derive(Debug, Clone, Copy)]
pub(super) enum Answer {
    /// A whole stream with a pause between its first token and its end.
    Stream { pause_ms: u64 },
    /// A whole stream, once this many requests have come in.
    AfterRequests(usize),
    /// A whole stream, marked as a lesser answer.
    Degraded,
    /// A whole answer that is no stream.
    Json,
    /// This status and a foreign error.
    Status(u16),
    /// 503 as weir sheds.
    Shed,
    /// 503, to be tried again after a millisecond.
    RetryAtOnce,
    /// A token, then the connection breaks.
    CutStream,
    /// A token, then a clean end.
    ShortStream,
    /// A token, then an error in the stream.
    ErrorEvent,
    /// A token, then silence.
    StalledStream,
    /// Silence.
    Hang,
    /// The connection is closed instead of answered.
    Reset,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: serde_json::Value,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(super) struct Server {
    port: u16,
    state: Arc<State>,
    _accepting: JoinSet<()>,
}

struct State {
    script: Box<dyn Fn(usize) -> Answer + Send + Sync>,
    seen: Mutex<Vec<Seen>>,
    arrived: Notify,
    connections: AtomicUsize,
    open_requests: AtomicUsize,
}

impl Server {
    /// A server that answers the nth request, counted from 0 in order of arrival, as `script` says.
    pub(super) async fn answering(script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            script: Box::new(script),
            seen: Mutex::default(),
            arrived: Notify::new(),
            connections: AtomicUsize::new(0),
            open_requests: AtomicUsize::new(0),
        });
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&state)));
        Self { port, state, _accepting: accepting }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Requests whose client is still there and whose answer has not begun.
    pub(super) fn open_requests(&self) -> usize {
        self.state.open_requests.load(Ordering::SeqCst)
    }
}

/// A port that was free a moment ago.
pub(super) async fn unused_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // Otherwise a token waits 40 ms for the acknowledgement of the one before.
        stream.set_nodelay(true).unwrap();
        state.connections.fetch_add(1, Ordering::SeqCst);
        connections.spawn(serve(stream, Arc::clone(&state)));
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    // An error here is a client that left or an answer that was meant to break.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

type Body = UnsyncBoxBody<Bytes, io::Error>;

struct Open(Arc<State>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open_requests.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn answer(request: Request<Incoming>, state: Arc<State>) -> io::Result<Response<Body>> {
    state.open_requests.fetch_add(1, Ordering::SeqCst);
    let _open = Open(Arc::clone(&state));
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let seen = Seen {
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body: serde_json::from_slice(&body).unwrap(),
    };
    let place = {
        let mut all = state.seen.lock().unwrap();
        all.push(seen);
        all.len() - 1
    };
    state.arrived.notify_waiters();
    match (state.script)(place) {
        Answer::Stream { pause_ms } => Ok(stream(&[ROLE, TEXT], pause_ms, &[FINISH, DONE])),
        Answer::AfterRequests(wanted) => {
            wait_for_requests(&state, wanted).await;
            Ok(stream(&[ROLE, TEXT], 0, &[FINISH, DONE]))
        }
        Answer::Degraded => {
            let mut response = stream(&[ROLE, TEXT], 0, &[FINISH, DONE]);
            response.headers_mut().insert("x-weir-degraded", "stale".parse().unwrap());
            Ok(response)
        }
        Answer::Json => Ok(json(200, r#"{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#)),
        Answer::Status(status) => Ok(json(status, r#"{"error":{"message":"busy","code":"overloaded"}}"#)),
        Answer::Shed => Ok(json(503, r#"{"error":{"message":"busy","code":"weir_overloaded"}}"#)),
        Answer::RetryAtOnce => {
            let mut response = json(503, "{}");
            response.headers_mut().insert("retry-after-ms", "1".parse().unwrap());
            Ok(response)
        }
        Answer::CutStream => Ok(cut_stream()),
        Answer::ShortStream => Ok(stream(&[ROLE, TEXT], 0, &[])),
        Answer::ErrorEvent => Ok(stream(&[TEXT], 0, &["data: {\"error\":{\"message\":\"busy\"}}\n\n", DONE])),
        Answer::StalledStream => Ok(stream(&[ROLE, TEXT], 60_000, &[])),
        Answer::Hang => std::future::pending().await,
        Answer::Reset => Err(io::Error::other("meant to break")),
    }
}

async fn wait_for_requests(state: &State, wanted: usize) {
    loop {
        // Listening before looking: a request that comes between the two is not missed.
        let arrived = state.arrived.notified();
        if state.seen.lock().unwrap().len() >= wanted {
            return;
        }
        arrived.await;
    }
}

fn json(status: u16, body: &'static str) -> Response<Body> {
    let body = Full::from(body).map_err(|never: Infallible| match never {}).boxed_unsync();
    Response::builder().status(status).header("content-type", "application/json").body(body).unwrap()
}

fn stream(before: &[&'static str], pause_ms: u64, after: &[&'static str]) -> Response<Body> {
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(16);
    let (before, after) = (before.to_vec(), after.to_vec());
    tokio::spawn(async move {
        for event in before {
            sender.send_data(event.into()).await.ok()?;
        }
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        for event in after {
            sender.send_data(event.into()).await.ok()?;
        }
        Some(())
    });
    event_stream(body.boxed_unsync())
}

fn cut_stream() -> Response<Body> {
    let (mut sender, body) = Channel::<Bytes, io::Error>::new(16);
    tokio::spawn(async move {
        sender.send_data(TEXT.into()).await.ok()?;
        tokio::time::sleep(Duration::from_millis(5)).await;
        sender.abort(io::Error::other("meant to break"));
        Some(())
    });
    event_stream(body.boxed_unsync())
}

fn event_stream(body: Body) -> Response<Body> {
    Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
}
