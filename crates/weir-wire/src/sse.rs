//! Cuts a byte stream into whole server-sent events, without copying when the reads fall on event borders.
//!
//! What always holds: any way of cutting the same bytes into reads gives the same events; what is handed out always
//! ends at an event border, so that something else can be said between two events. Lines end in LF or CRLF.

use std::borrow::Cow;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

/// The longest single event accepted. A service that sends more without a blank line is not speaking SSE.
pub const EVENT_BYTES_MAX: usize = 16 << 20;

/// Cuts reads into blocks of whole events.
#[derive(Debug, Default)]
pub struct Splitter {
    rest: BytesMut,
}

/// An event grew beyond [`EVENT_BYTES_MAX`].
#[derive(Debug, thiserror::Error)]
#[error("an event exceeds {EVENT_BYTES_MAX} bytes")]
pub struct TooLong;

impl Splitter {
    /// Takes a read; gives back all whole events so far as one block, which may be empty.
    ///
    /// # Errors
    /// [`TooLong`] when no event border comes.
    pub fn push(&mut self, read: Bytes) -> Result<Bytes, TooLong> {
        if self.rest.is_empty() {
            let end = last_border(&read, 0);
            self.rest.extend_from_slice(&read[end..]);
            return if self.rest.len() > EVENT_BYTES_MAX { Err(TooLong) } else { Ok(read.slice(..end)) };
        }
        // A border may straddle the reads by up to three bytes (`\n\r\n`).
        let from = self.rest.len().saturating_sub(3);
        self.rest.extend_from_slice(&read);
        let end = last_border(&self.rest, from);
        let block = self.rest.split_to(end).freeze();
        if self.rest.len() > EVENT_BYTES_MAX { Err(TooLong) } else { Ok(block) }
    }

    /// What is left at the end of the stream: an event that was never closed, or nothing.
    pub fn finish(&mut self) -> Bytes {
        self.rest.split().freeze()
    }
}

/// Where the last whole event at or after `from` ends; 0 when none does.
fn last_border(bytes: &[u8], from: usize) -> usize {
    let mut newlines = memchr::memrchr_iter(b'\n', &bytes[from..]).map(|at| at + from);
    // Backwards: a newline is a border when the line before it is empty.
    newlines
        .find(|&at| {
            let line_end = if at > 0 && bytes[at - 1] == b'\r' { at - 1 } else { at };
            line_end == 0 || bytes[line_end - 1] == b'\n'
        })
        .map_or(0, |at| at + 1)
}

/// One event inside a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where it lies in the block, its closing blank line included.
    pub whole: Range<usize>,
    /// The value of its `event:` line; empty when it has none.
    pub name: Range<usize>,
    /// The value of its `data:` line; empty for comments. Of several lines, from the first to the last:
    /// see [`Event::data_in`].
    pub data: Range<usize>,
    /// It has `id:` or `retry:` lines, which some clients choke on.
    pub has_id_or_retry: bool,
    /// It has more than one `data:` line.
    pub data_lines: usize,
}

impl Event {
    /// Its data as one text: of several `data:` lines, their values joined by line ends, as SSE has it.
    pub fn data_in<'a>(&self, block: &'a [u8]) -> Cow<'a, [u8]> {
        let data = &block[self.data.clone()];
        if self.data_lines < 2 {
            return Cow::Borrowed(data);
        }
        let mut lines =
            data.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut joined = lines.next().unwrap_or_default().to_vec();
        for line in lines {
            if let Some(value) = field(line, b"data") {
                joined.push(b'\n');
                joined.extend_from_slice(&line[value..]);
            }
        }
        Cow::Owned(joined)
    }
}

/// The events of a block, in order. Runs of blank lines are skipped.
pub fn events(block: &[u8]) -> impl Iterator<Item = Event> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let event = event_from(block, at)?;
        at = event.whole.end;
        Some(event)
    })
}

/// The first event of a block at or after `at`, blank lines aside.
pub(crate) fn event_from(block: &[u8], mut at: usize) -> Option<Event> {
    while at < block.len() && matches!(block[at], b'\n' | b'\r') {
        at += 1;
    }
    (at < block.len()).then(|| read_event(block, at))
}

fn read_event(block: &[u8], start: usize) -> Event {
    let mut event =
        Event { whole: start..block.len(), name: 0..0, data: 0..0, has_id_or_retry: false, data_lines: 0 };
    let mut at = start;
    while at < block.len() {
        let end = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |found| at + found);
        let line_end = if end > at && block[end - 1] == b'\r' { end - 1 } else { end };
        let next = (end + 1).min(block.len());
        if line_end == at {
            event.whole.end = next;
            return event;
        }
        let line = &block[at..line_end];
        if let Some(value) = field(line, b"data") {
            let value = at + value..line_end;
            event.data = if event.data_lines == 0 { value } else { event.data.start..line_end };
            event.data_lines += 1;
        } else if let Some(value) = field(line, b"event") {
            event.name = at + value..line_end;
        } else if field(line, b"id").is_some() || field(line, b"retry").is_some() {
            event.has_id_or_retry = true;
        }
        at = next;
    }
    event
}

/// Where the value of `name:` begins in a line, after one optional space.
fn field(line: &[u8], name: &[u8]) -> Option<usize> {
    let rest = line.strip_prefix(name)?.strip_prefix(b":")?;
    Some(name.len() + 1 + usize::from(rest.first() == Some(&b' ')))
}
