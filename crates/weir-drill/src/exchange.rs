//! One HTTP/1.1 exchange on a connection of its own, and everything a caller hears of it, with its times.
//!
//! Plain HTTP: the services under drill are on this machine or next to it. No pool, no retry, no redirect:
//! what the gateway does is seen, not smoothed over. What always holds: it ends by the limit, and then says
//! that it was reached.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use weir_core::Clock;

use crate::events::Splitter;

/// More of an answer than this is not read, in bytes: the right ones have some ten thousand.
const BODY_BYTES_MAX: usize = 16 << 20;

/// How an exchange ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// The body came to its proper end.
    Clean,
    /// The connection failed before it.
    Broken(String),
    /// There was no connection.
    Unreachable(String),
    /// The caller lost patience.
    #[default]
    Hung,
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When its last byte had come, since the request was sent.
    pub at: Duration,
    /// Its name; empty where there is none.
    pub name: String,
    /// Its data.
    pub data: String,
}

/// What a caller heard.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The status; none when no head came.
    pub status: Option<u16>,
    /// The headers of the answer.
    pub headers: HeaderMap,
    /// The events of a stream.
    pub events: Vec<Event>,
    /// The body of what is no stream.
    pub body: Vec<u8>,
    /// How it ended.
    pub end: End,
    /// From the request to the end.
    pub took: Duration,
}

impl Heard {
    /// Whether the answer says that it is a stream of events.
    pub fn is_stream(&self) -> bool {
        self.content_type().starts_with("text/event-stream")
    }

    /// What the answer says it is; empty if it does not.
    pub fn content_type(&self) -> &str {
        self.headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Sends `request`, whose URI says where to, and listens until the answer ends or `limit` has passed.
pub async fn exchange(request: Request<Full<Bytes>>, limit: Duration, clock: Clock) -> Heard {
    let began = clock.now();
    let mut heard = Heard::default();
    if let Ok(end) = tokio::time::timeout(limit, listen(request, &mut heard, (began, clock))).await {
        heard.end = end;
    }
    heard.took = clock.now() - began;
    heard
}

async fn listen(mut request: Request<Full<Bytes>>, heard: &mut Heard, time: (Instant, Clock)) -> End {
    let uri = std::mem::replace(request.uri_mut(), Uri::from_static("/"));
    if let Some(path) = uri.path_and_query() {
        *request.uri_mut() = Uri::from(path.clone());
    }
    let authority = uri.authority().map_or("", Authority::as_str);
    if let Ok(value) = HeaderValue::from_str(authority) {
        request.headers_mut().insert(HOST, value);
    }
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(80);
    let stream = match TcpStream::connect((host, port)).await {
        Ok(stream) => stream,
        Err(error) => return End::Unreachable(format!("cannot connect to {host}:{port}: {error}")),
    };
    let (mut sender, connection) = match http1::handshake(TokioIo::new(stream)).await {
        Ok(parts) => parts,
        Err(error) => return End::Broken(error.to_string()),
    };
    let mut connection = std::pin::pin!(connection);
    let mut answer = std::pin::pin!(read(sender.send_request(request), heard, time));
    let mut gone = false;
    // The connection works only while it is polled; after its end what it has read is still to be taken.
    loop {
        tokio::select! {
            biased;
            end = &mut answer => return end,
            _ended = &mut connection, if !gone => gone = true,
        }
    }
}

async fn read(
    response: impl Future<Output = hyper::Result<http::Response<hyper::body::Incoming>>>,
    heard: &mut Heard,
    (began, clock): (Instant, Clock),
) -> End {
    let (head, mut body) = match response.await {
        Ok(response) => response.into_parts(),
        Err(error) => return End::Broken(innermost(&error)),
    };
    heard.status = Some(head.status.as_u16());
    heard.headers = head.headers;
    let stream = heard.is_stream();
    let mut splitter = Splitter::default();
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        let data = match frame {
            Ok(frame) => frame.into_data().unwrap_or_default(),
            Err(error) => return End::Broken(innermost(&error)),
        };
        bytes += data.len();
        if bytes > BODY_BYTES_MAX {
            return End::Broken(format!("more than {BODY_BYTES_MAX} bytes"));
        }
        if stream {
            let at = clock.now() - began;
            splitter.push(&data, |name, data| heard.events.push(Event { at, name, data }));
        } else {
            heard.body.extend_from_slice(&data);
        }
    }
    End::Clean
}

fn innermost(error: &hyper::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
