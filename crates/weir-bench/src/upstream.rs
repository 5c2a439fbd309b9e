//! An upstream that costs almost nothing: whatever is posted to it is answered at once with prepared bytes.
//!
//! A body with `"stream":true` gets a stream of chunks at a fixed interval, any other a whole JSON answer. It counts
//! what it answered, so that a benchmark can show that the gateway did not answer in its place.

use std::cell::Cell;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Parser;
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::chat::{BYTES_PER_TOKEN, StreamedAnswer, answer_body, json_response, whole_answer};
use crate::connection::tune;

/// Largest request, head and body, bytes.
const REQUEST_BYTES_MAX: usize = 64 * 1_024;

/// Path that tells how many answers have been sent, as a bare number.
pub const SERVED_PATH: &str = "/served";

/// How the upstream answers.
#[derive(Parser, Clone)]
pub struct Arguments {
    /// Port on 127.0.0.1.
    #[arg(long)]
    pub port: u16,
    /// Chunks of a streamed answer; two or more.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub chunks: u32,
    /// Time between two chunks; the first leaves at once.
    #[arg(long, default_value_t = 10)]
    pub interval_ms: u64,
    /// Time before a whole answer.
    #[arg(long, default_value_t = 0)]
    pub delay_ms: u64,
}

/// What every connection shares.
struct Upstream {
    whole: Vec<u8>,
    streamed: StreamedAnswer,
    chunks: u32,
    interval: Duration,
    delay: Duration,
    served: Cell<u64>,
}

/// Serves until the process is ended.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await.context("listening")?;
    let upstream = Rc::new(Upstream {
        whole: whole_answer(),
        streamed: StreamedAnswer::new(),
        chunks: arguments.chunks,
        interval: Duration::from_millis(arguments.interval_ms),
        delay: Duration::from_millis(arguments.delay_ms),
        served: Cell::new(0),
    });
    LocalSet::new()
        .run_until(async move {
            loop {
                let (socket, _) = listener.accept().await.context("accepting")?;
                let upstream = Rc::clone(&upstream);
                tokio::task::spawn_local(async move {
                    // A caller that leaves mid-stream ends its connection with an error; that is its right, and the
                    // generator reports whatever went wrong on its side.
                    let _ = upstream.converse(socket).await;
                });
            }
        })
        .await
}

impl Upstream {
    /// Answers requests on one connection until the caller closes it.
    async fn converse(&self, mut socket: TcpStream) -> anyhow::Result<()> {
        tune(&socket)?;
        let mut buffer = vec![0; REQUEST_BYTES_MAX];
        let mut filled = 0;
        loop {
            let count = socket.read(&mut buffer[filled..]).await?;
            if count == 0 {
                return Ok(());
            }
            filled += count;
            if let Some(length) = request_length(&buffer[..filled])? {
                self.answer(&mut socket, &buffer[..length]).await?;
                buffer.copy_within(length..filled, 0);
                filled -= length;
            }
            if filled == buffer.len() {
                bail!("a request longer than {REQUEST_BYTES_MAX} bytes");
            }
        }
    }

    async fn answer(&self, socket: &mut TcpStream, request: &[u8]) -> anyhow::Result<()> {
        if request.starts_with(b"GET ") {
            let asks_served = request[4..].starts_with(SERVED_PATH.as_bytes());
            // Any other GET is a gateway asking whether its endpoint lives.
            let body = if asks_served { self.served.get().to_string() } else { "{\"data\":[]}".into() };
            return Ok(socket.write_all(&json_response(&body)).await?);
        }
        if memmem::find(request, b"\"stream\":true").is_some() {
            self.stream(socket).await?;
        } else {
            if !self.delay.is_zero() {
                sleep(self.delay).await;
            }
            match tokens_wanted(request) {
                Some(tokens) => {
                    let body = answer_body(tokens * BYTES_PER_TOKEN);
                    socket.write_all(&json_response(&body)).await?;
                }
                None => socket.write_all(&self.whole).await?,
            }
        }
        self.served.set(self.served.get() + 1);
        Ok(())
    }

    async fn stream(&self, socket: &mut TcpStream) -> anyhow::Result<()> {
        let begun = Instant::now();
        socket.write_all(&self.streamed.opening).await?;
        for index in 1..self.chunks {
            // A timer that is due at once still takes until the next tick.
            if !self.interval.is_zero() {
                // From the beginning, not from the last chunk: late timers must not add up.
                sleep_until(begun + self.interval * index).await;
            }
            let is_last = index == self.chunks - 1;
            socket.write_all(if is_last { &self.streamed.closing } else { &self.streamed.chunk }).await?;
        }
        Ok(())
    }
}

/// The length of answer that a request asks for, in tokens; no more than the largest prompt has.
pub fn tokens_wanted(request: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"\"max_tokens\":";
    let at = memmem::find(request, NAME)? + NAME.len();
    let digits = request[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let tokens: usize = std::str::from_utf8(&request[at..at + digits]).ok()?.parse().ok()?;
    Some(tokens.min(REQUEST_BYTES_MAX / BYTES_PER_TOKEN))
}

/// Length of the request at the front of `bytes`, head and body; `None` while it is incomplete.
fn request_length(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(head_end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let mut body = 0;
    for line in bytes[..head_end].split(|&byte| byte == b'\n').skip(1) {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        if line[..colon].eq_ignore_ascii_case(b"content-length") {
            body = std::str::from_utf8(line[colon + 1..].trim_ascii())?.parse().context("content-length")?;
        } else if line[..colon].eq_ignore_ascii_case(b"transfer-encoding") {
            bail!("a request body must have a content-length");
        }
    }
    let length = head_end + 4 + body;
    Ok((length <= bytes.len()).then_some(length))
}
