//! One keep-alive connection to a server on 127.0.0.1, on which one exchange happens at a time.
//!
//! An exchange is two system calls (one write, usually one read) and no allocation, which is what lets the generator
//! outrun the gateways it measures. An exchange is good only if the status was 200 and the body arrived whole.

use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use anyhow::{Context, bail, ensure};
use rustix::net::sockopt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::events::EventCounter;
use crate::reply::Reply;

/// Read buffer, bytes. Larger than any answer, so that one read drains the socket and no second one is tried.
const BUFFER_BYTES: usize = 16 * 1_024;

/// An open connection.
pub struct Connection {
    socket: TcpStream,
    buffer: Box<[u8]>,
}

impl Connection {
    /// Connects to `port` on 127.0.0.1.
    pub async fn open(port: u16) -> anyhow::Result<Self> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.context("connecting")?;
        tune(&socket)?;
        Ok(Self { socket, buffer: vec![0; BUFFER_BYTES].into_boxed_slice() })
    }

    /// Sends `request` and reads the response to its end; `body` sees the body's bytes as they arrive. Returns what the
    /// response said of a cache.
    pub async fn exchange(
        &mut self,
        request: &[u8],
        mut body: impl FnMut(&[u8]),
    ) -> anyhow::Result<Option<&'static str>> {
        self.socket.write_all(request).await.context("sending")?;
        let mut reply = Reply::new();
        loop {
            let count = self.socket.read(&mut self.buffer).await.context("receiving")?;
            if count == 0 {
                bail!("connection closed inside the response (status {})", reply.status());
            }
            if reply.feed(&self.buffer[..count], &mut body)? {
                ensure!(reply.status() == 200, "status {}", reply.status());
                return Ok(reply.cache());
            }
        }
    }

    /// An exchange whose answer must be one JSON object.
    pub async fn exchange_json(&mut self, request: &[u8]) -> anyhow::Result<Option<&'static str>> {
        // First and last byte are enough to tell an object from an error page or nothing; framing did the rest.
        let (mut first, mut last) = (None, None);
        let cache = self
            .exchange(request, |piece| {
                first = first.or(piece.first().copied());
                last = piece.last().copied().or(last);
            })
            .await?;
        ensure!((first, last) == (Some(b'{'), Some(b'}')), "a body that is not a JSON object");
        Ok(cache)
    }

    /// An exchange whose answer must be `chunks` events and `[DONE]`; `arrived` sees each step of the count.
    pub async fn exchange_stream(
        &mut self,
        request: &[u8],
        chunks: usize,
        mut arrived: impl FnMut(usize),
    ) -> anyhow::Result<Option<&'static str>> {
        let mut counter = EventCounter::default();
        let cache = self
            .exchange(request, |piece| {
                let before = counter.events();
                counter.feed(piece);
                if counter.events() > before {
                    arrived(counter.events() - before);
                }
            })
            .await?;
        ensure!(counter.done(), "stream without [DONE] after {} chunks", counter.events());
        ensure!(counter.events() == chunks, "{} chunks of {chunks}", counter.events());
        Ok(cache)
    }
}

/// Sets what generator and upstream want of a socket: nothing held back, nothing paced.
///
/// Some machines pace every TCP connection by default (BBR), with a timer per segment. On loopback that measures the
/// timer; Reno is compiled into every kernel and open to every user.
pub fn tune(socket: &impl AsFd) -> anyhow::Result<()> {
    sockopt::set_tcp_nodelay(socket, true).context("TCP_NODELAY")?;
    sockopt::set_tcp_congestion(socket, "reno").context("TCP_CONGESTION")
}
