//! One event on its way to the caller, and what it says in the terms of the relay, whatever its dialect.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use weir_core::{Chunk, Finish};

use crate::delta::Kind;

/// One event.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// The event's bytes, and blank lines before it.
    pub(super) bytes: Bytes,
    /// What it says.
    pub(super) said: Said,
}

/// What an event says. An event may say several things at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Nothing at all: a comment, a ping. Such an event may overtake others.
    pub(super) idle: bool,
    /// A block opens: its index and, when it is text, what the text is.
    pub(super) start: Option<(usize, Option<Kind>)>,
    /// Where the event's text of the answer lies, as written.
    pub(super) content: Option<Range<usize>>,
    /// Where the event's text of the reasoning lies, as written.
    pub(super) reasoning: Option<Range<usize>>,
    /// Something of a call of a tool.
    pub(super) tools: bool,
    /// Something that no other attempt could go on from.
    pub(super) other: bool,
    /// The block with this index closes.
    pub(super) stop: Option<usize>,
    /// How the answer ended.
    pub(super) finish: bool,
    /// Nothing comes after it.
    pub(super) last: bool,
}

impl Said {
    /// What an event says that could not be read.
    pub(super) fn unknown() -> Self {
        Self { other: true, ..Self::default() }
    }

    /// How many pieces of text it carries.
    pub(super) fn parts(&self) -> u64 {
        u64::from(self.content.is_some()) + u64::from(self.reasoning.is_some())
    }

    /// Whether it carries something of the answer.
    pub(super) fn is_progress(&self) -> bool {
        self.parts() > 0 || self.tools || self.other || self.finish
    }
}

/// The pieces as a chunk. `ended`: how the answer ended, if one of them says that it did.
pub(super) fn chunk_of(pieces: &[Piece], ended: Option<Finish>) -> Chunk {
    let finish = ended.filter(|_| pieces.iter().any(|piece| piece.said.finish));
    let progress = pieces.iter().any(|piece| piece.said.is_progress());
    let bytes = match pieces {
        [] => Bytes::new(),
        [only] => only.bytes.clone(),
        several => {
            let mut bytes = BytesMut::with_capacity(several.iter().map(|piece| piece.bytes.len()).sum());
            several.iter().for_each(|piece| bytes.extend_from_slice(&piece.bytes));
            bytes.freeze()
        }
    };
    Chunk { bytes, progress, finish, ..Chunk::default() }
}

/// Whether the pieces are all of a block and nothing else, so that the block can go out uncopied.
pub(super) fn are_all_of(pieces: &[Piece], block: &Bytes) -> bool {
    let within = block.as_ptr_range();
    let length: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
    length == block.len() && pieces.iter().all(|piece| within.contains(&piece.bytes.as_ptr()))
}
