//! The dialects that are relayed: how each one's events are read and changed.
//!
//! What always holds: a glance finds nothing that a reading would not find; what it is unsure of it leaves to
//! a reading.

use std::ops::Range;

use bytes::Bytes;

use super::piece::Said;
use super::{choices, messages};
use crate::delta::{self, Usual};
use crate::sse::events;

/// How events are read and changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    Chat,
    Legacy,
    Messages,
}

impl Wire {
    /// Finds the texts of a block that says nothing else. `false`: there is more to it.
    pub(super) fn glance(self, block: &[u8], found: &mut Vec<Usual>) -> bool {
        let mut all = |usual: Option<Usual>| usual.map(|usual| found.push(usual)).is_some();
        match self {
            Self::Chat => delta::deltas(block, &delta::CHAT).all(all),
            Self::Legacy => delta::texts(block).all(all),
            Self::Messages => {
                let mut names = events(block).map(|event| &block[event.name]);
                (are_plain_deltas(block) || names.all(|name| name == b"content_block_delta"))
                    && delta::deltas(block, &delta::MESSAGES).all(&mut all)
            }
        }
    }

    pub(super) fn read(self, event: &[u8]) -> Said {
        if says_nothing(event) {
            return Said { idle: true, ..Said::default() };
        }
        match self {
            Self::Messages => messages::read(event),
            Self::Chat | Self::Legacy => choices::read(event),
        }
    }

    /// The event with another text; `None` when then it says nothing.
    pub(super) fn with_text(self, event: &Bytes, text: &str) -> Option<Bytes> {
        match self {
            Self::Messages => messages::with_text(event, text),
            Self::Chat | Self::Legacy => choices::with_text(event, text),
        }
    }

    pub(super) fn names(self, event: &[u8]) -> Vec<(&'static str, String)> {
        match self {
            // Only the first event has them, and a second such event is not given.
            Self::Messages => Vec::new(),
            Self::Chat | Self::Legacy => choices::names(event),
        }
    }
}

/// Whether a block is nothing but deltas, written as everyone writes them: a quarter of the cost of finding its events.
fn are_plain_deltas(mut block: &[u8]) -> bool {
    while let Some(rest) = block.strip_prefix(b"event: content_block_delta\ndata: ") {
        match memchr::memchr(b'\n', rest).map(|end| rest.split_at(end + 1).1) {
            Some([b'\n', rest @ ..]) => block = rest,
            _ => return false,
        }
    }
    block.is_empty()
}

/// Whether the bytes are no event at all: comments, blank lines.
pub(super) fn says_nothing(bytes: &[u8]) -> bool {
    events(bytes).all(|event| event.data_lines == 0)
}

/// The data of the one event in `bytes`, and where it lies; `None` when it has none or is not UTF-8.
pub(super) fn data_of(bytes: &[u8]) -> Option<(&str, Range<usize>)> {
    let event = events(bytes).next().filter(|event| event.data_lines > 0)?;
    let data = std::str::from_utf8(&bytes[event.data.clone()]).ok()?;
    Some((data, event.data))
}

/// The event with other data.
pub(super) fn rewritten(event: &[u8], place: &Range<usize>, data: &str) -> Bytes {
    [&event[..place.start], data.as_bytes(), &event[place.end..]].concat().into()
}
