//! The mock over real sockets: what callers see on the wire, and what the log says of them.
//!
//! The client here is a bare socket, so that a reset, a close and a body's proper end are told apart. No test
//! sleeps for a fixed time: waits end when what is waited for happens, or fail after a few seconds.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{LogEntry, Mock, Options, Profile};

mod apis;
mod controls;
mod faults;
mod http2;
mod replays;
mod timing;

const PATIENCE: Duration = Duration::from_secs(5);

/// A mock without delays on a port of its own.
async fn mock() -> Mock {
    mock_of(Profile::Instant).await
}

async fn mock_of(profile: Profile) -> Mock {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    Mock::start(listener, Options { profile, ..Options::default() }).await.expect("the mock starts")
}

/// A mock that plays this plan.
async fn mock_with(plan: Value) -> Mock {
    let mock = mock().await;
    mock.set_faults(crate::FaultPlan::parse(&plan.to_string()).expect("a plan that makes sense"));
    mock
}

/// How a connection ended, as its client saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The body came to its proper end.
    Whole,
    /// FIN before that.
    Closed,
    /// RST.
    Reset,
    /// Nothing more came while the client was willing to wait.
    Silent,
}

/// What a client saw of one exchange.
#[derive(Debug)]
struct Seen {
    status: Option<u16>,
    head: String,
    /// The body, chunks joined.
    body: String,
    end: End,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {:?}", self.body))
    }

    /// The data of the events, comments left out.
    fn events(&self) -> Vec<String> {
        let data = self.body.split("\n\n").filter_map(|event| {
            event.lines().find_map(|line| line.strip_prefix("data: ")).map(str::to_owned)
        });
        data.collect()
    }

    /// The data of the events that are JSON.
    fn chunks(&self) -> Vec<Value> {
        self.events().iter().filter_map(|data| serde_json::from_str(data).ok()).collect()
    }

    /// The text of a streamed chat answer.
    fn streamed_text(&self) -> String {
        let chunks = self.chunks();
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
    }

    /// The finish reason of a streamed chat answer.
    fn finish(&self) -> Option<String> {
        let chunks = self.chunks();
        chunks.iter().find_map(|chunk| chunk["choices"][0]["finish_reason"].as_str().map(str::to_owned))
    }

    fn has_done(&self) -> bool {
        self.events().iter().any(|data| data == "[DONE]")
    }
}

/// A request about to be sent.
struct Call<'a> {
    mock: &'a Mock,
    method: &'a str,
    path: &'a str,
    headers: String,
    body: String,
    wait: Duration,
}

fn post<'a>(mock: &'a Mock, path: &'a str, body: &Value) -> Call<'a> {
    Call { mock, method: "POST", path, headers: String::new(), body: body.to_string(), wait: PATIENCE }
}

fn get<'a>(mock: &'a Mock, path: &'a str) -> Call<'a> {
    Call { mock, method: "GET", path, headers: String::new(), body: String::new(), wait: PATIENCE }
}

impl Call<'_> {
    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// Silence after which the client gives up.
    fn patience(mut self, milliseconds: u64) -> Self {
        self.wait = Duration::from_millis(milliseconds);
        self
    }

    async fn begin(&self) -> TcpStream {
        let mut socket = TcpStream::connect(self.mock.addr()).await.expect("the mock listens");
        let request = format!(
            "{} {} HTTP/1.1\r\nhost: mock\r\nconnection: close\r\ncontent-type: application/json\r\n{}content-length: {}\r\n\r\n{}",
            self.method,
            self.path,
            self.headers,
            self.body.len(),
            self.body
        );
        socket.write_all(request.as_bytes()).await.expect("the mock reads");
        socket
    }

    /// Sends it and reads until the connection ends or goes silent.
    async fn send(self) -> Seen {
        let mut socket = self.begin().await;
        let mut bytes = Vec::new();
        let end = loop {
            match tokio::time::timeout(self.wait, socket.read_buf(&mut bytes)).await {
                Err(_elapsed) => break End::Silent,
                Ok(Ok(0)) => break End::Closed,
                Ok(Ok(_)) => {}
                Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionReset => break End::Reset,
                Ok(Err(error)) => panic!("{error}"),
            }
        };
        // A character may be cut in the middle on purpose.
        seen(&String::from_utf8_lossy(&bytes), end)
    }
}

fn seen(text: &str, end: End) -> Seen {
    let Some((head, rest)) = text.split_once("\r\n\r\n") else {
        return Seen { status: None, head: text.to_owned(), body: String::new(), end };
    };
    let head = head.to_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    let (body, whole) = match length {
        Some(length) => (rest.to_owned(), rest.len() == length),
        None => join_chunks(rest),
    };
    let end = if whole && end == End::Closed { End::Whole } else { end };
    Seen { status, head, body, end }
}

/// The chunks of a chunked body, and whether the last one came.
fn join_chunks(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a chunk size");
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = after.get(..size) else {
            return (body + after, false);
        };
        body.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    (body, false)
}

/// The only attempt in the log, once it is over.
async fn only_attempt(mock: &Mock) -> LogEntry {
    let over = async {
        loop {
            if let [entry] = &mock.log()[..]
                && entry.ended.is_some()
            {
                return entry.clone();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, over).await.unwrap_or_else(|_| panic!("still under way: {:?}", mock.log()))
}

fn chat(stream: bool) -> Value {
    serde_json::json!({
        "model": "deepseek-flash", "stream": stream,
        "messages": [{"role": "user", "content": "Tell me about the sea."}],
    })
}
