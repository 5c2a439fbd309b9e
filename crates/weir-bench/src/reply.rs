//! Reads one HTTP/1.1 response, as far as a load generator must: status, framing, the body's bytes, its true end.
//!
//! Sans-IO: bytes go in as the socket gives them, body bytes come out through a closure. A response that is neither
//! counted nor chunked, is malformed, or has bytes after its end is an error, never a short success.

use anyhow::{Context, bail, ensure};

/// Longest status, header or chunk-size line, bytes.
const LINE_BYTES_MAX: usize = 8 * 1_024;

/// What a gateway can say of its cache in `x-cache`.
pub const CACHE_STATES: [&str; 8] =
    ["HIT-memory", "HIT-redis", "HIT-disk", "HIT-semantic", "HIT-stale", "COALESCED", "MISS", "BYPASS"];

/// What the next byte belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Next {
    StatusLine,
    Header,
    Body { left: usize },
    ChunkSize,
    ChunkData { left: usize },
    ChunkEnd,
    Trailer,
    Nothing,
}

/// A response being read.
pub struct Reply {
    next: Next,
    /// The start of a line whose end has not arrived.
    line: Vec<u8>,
    status: u16,
    length: Option<usize>,
    chunked: bool,
    cache: Option<&'static str>,
}

impl Reply {
    /// Awaits a status line.
    pub fn new() -> Self {
        let (next, line) = (Next::StatusLine, Vec::new());
        Self { next, line, status: 0, length: None, chunked: false, cache: None }
    }

    /// Status code; 0 until the status line has been read.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// What its head said of the cache; `None` if it said nothing that is known.
    pub fn cache(&self) -> Option<&'static str> {
        self.cache
    }

    /// Takes the next bytes and hands those of the body to `body`; true once the response is whole.
    pub fn feed(&mut self, mut bytes: &[u8], body: &mut impl FnMut(&[u8])) -> anyhow::Result<bool> {
        while !bytes.is_empty() {
            match self.next {
                Next::Nothing => bail!("{} bytes after the end of the response", bytes.len()),
                Next::Body { left } => {
                    let left = hand_over(&mut bytes, left, body);
                    self.next = if left == 0 { Next::Nothing } else { Next::Body { left } };
                }
                Next::ChunkData { left } => {
                    let left = hand_over(&mut bytes, left, body);
                    self.next = if left == 0 { Next::ChunkEnd } else { Next::ChunkData { left } };
                }
                _ => self.feed_line(&mut bytes)?,
            }
        }
        Ok(self.next == Next::Nothing)
    }

    /// Takes one line, or the rest of the bytes when the line's end is not among them.
    fn feed_line(&mut self, bytes: &mut &[u8]) -> anyhow::Result<()> {
        let end = memchr::memchr(b'\n', bytes);
        let taken = end.map_or(bytes.len(), |end| end + 1);
        ensure!(self.line.len() + taken <= LINE_BYTES_MAX, "a line longer than {LINE_BYTES_MAX} bytes");
        let (head, rest) = bytes.split_at(taken);
        *bytes = rest;
        if end.is_none() {
            self.line.extend_from_slice(head);
            return Ok(());
        }
        if self.line.is_empty() {
            return self.close_line(head);
        }
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(head);
        self.close_line(&line)?;
        line.clear();
        self.line = line;
        Ok(())
    }

    fn close_line(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let line = line.trim_ascii_end();
        self.next = match self.next {
            Next::StatusLine => {
                self.status = status_code(line)?;
                Next::Header
            }
            Next::Header if line.is_empty() => self.after_head()?,
            Next::Header => self.header(line)?,
            Next::ChunkSize => match chunk_size(line)? {
                0 => Next::Trailer,
                left => Next::ChunkData { left },
            },
            Next::ChunkEnd => {
                ensure!(line.is_empty(), "a chunk is longer than it says");
                Next::ChunkSize
            }
            Next::Trailer if line.is_empty() => Next::Nothing,
            Next::Trailer => Next::Trailer,
            Next::Body { .. } | Next::ChunkData { .. } | Next::Nothing => {
                unreachable!("these are not read by lines")
            }
        };
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> anyhow::Result<Next> {
        let colon = memchr::memchr(b':', line).context("a header without a colon")?;
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            let value = std::str::from_utf8(value).context("content-length")?;
            self.length = Some(value.parse().with_context(|| format!("content-length {value:?}"))?);
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.chunked = value.eq_ignore_ascii_case(b"chunked");
        } else if name.eq_ignore_ascii_case(b"x-cache") {
            self.cache = CACHE_STATES.into_iter().find(|state| state.as_bytes() == value);
        }
        Ok(Next::Header)
    }

    fn after_head(&self) -> anyhow::Result<Next> {
        match (self.chunked, self.length) {
            (true, _) => Ok(Next::ChunkSize),
            (false, Some(0)) => Ok(Next::Nothing),
            (false, Some(left)) => Ok(Next::Body { left }),
            (false, None) => bail!("status {} with neither content-length nor chunked", self.status),
        }
    }
}

/// Gives up to `left` bytes to `body`; returns how many are still to come.
fn hand_over(bytes: &mut &[u8], left: usize, body: &mut impl FnMut(&[u8])) -> usize {
    let (piece, rest) = bytes.split_at(left.min(bytes.len()));
    body(piece);
    *bytes = rest;
    left - piece.len()
}

fn status_code(line: &[u8]) -> anyhow::Result<u16> {
    let text = String::from_utf8_lossy(line);
    let code = text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    code.with_context(|| format!("not a status line: {text:?}"))
}

fn chunk_size(line: &[u8]) -> anyhow::Result<usize> {
    let text = String::from_utf8_lossy(line);
    let digits = text.split(';').next().unwrap_or_default().trim();
    usize::from_str_radix(digits, 16).with_context(|| format!("not a chunk size: {text:?}"))
}
