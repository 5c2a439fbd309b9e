//! What the caller has been given of an answer so far.
//!
//! What always holds: text is kept as it was written and decoded only when a stream breaks; only what was
//! given out is in it; beyond its bound it forgets all text and says that the answer cannot be continued.

use super::Delivered;
use super::piece::Piece;
use crate::delta::Kind;
use crate::json::decode;

/// How many blocks are kept. Answers have a few dozen; one that opens thousands of empty ones costs no more than this.
const BLOCKS_MAX: usize = 4096;

/// What was delivered.
pub(super) struct Story {
    /// What stands in each event of a chat answer and must stay the same: JSON values as written.
    pub(super) names: Vec<(&'static str, String)>,
    /// The blocks of text. Chat answers have at most one of each kind.
    pub(super) blocks: Vec<Block>,
    /// The index of the next block.
    pub(super) next: usize,
    /// Pieces of text given, which is about the number of tokens.
    pub(super) parts: u64,
    /// Anything was given.
    pub(super) opened: bool,
    /// How the answer ended was given.
    pub(super) finished: bool,
    /// The closing mark was given.
    pub(super) closed: bool,
    /// Something was given that no other attempt could go on from.
    pub(super) lost: bool,
    bytes: usize,
    bytes_max: usize,
}

/// A block of text.
pub(super) struct Block {
    pub(super) kind: Kind,
    /// Its text as written: the inside of a JSON string.
    text: Vec<u8>,
    pub(super) index: usize,
    /// More may come.
    pub(super) open: bool,
}

impl Block {
    /// Its text, decoded.
    pub(super) fn text(&self) -> String {
        decode(&self.text)
    }

    /// Whether nothing of it has been said yet.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }
}

impl Story {
    pub(super) const fn new(bytes_max: usize) -> Self {
        Self {
            names: Vec::new(),
            blocks: Vec::new(),
            next: 0,
            parts: 0,
            opened: false,
            finished: false,
            closed: false,
            lost: false,
            bytes: 0,
            bytes_max,
        }
    }

    /// What the caller has.
    pub(super) fn delivered(&self) -> Delivered {
        let has = |kind| self.blocks.iter().any(|block| block.kind == kind && !block.is_empty());
        match self {
            Self { finished: true, .. } => Delivered::Finished,
            Self { lost: true, .. } => Delivered::Other,
            _ if has(Kind::Content) => Delivered::Content,
            _ if has(Kind::Reasoning) => Delivered::Reasoning,
            _ => Delivered::Nothing,
        }
    }

    /// All text of one kind, decoded.
    pub(super) fn text(&self, kind: Kind) -> String {
        self.blocks.iter().filter(|block| block.kind == kind).map(Block::text).collect()
    }

    /// How many characters of text were given.
    pub(super) fn characters(&self) -> u64 {
        self.blocks.iter().map(|block| block.text().chars().count() as u64).sum()
    }

    /// The block that is open, if one is. Chat answers may have both of theirs open.
    pub(super) fn open(&self) -> Option<usize> {
        self.blocks.iter().rfind(|block| block.open).map(|block| block.index)
    }

    /// An event was given out.
    pub(super) fn record(&mut self, piece: &Piece) {
        let Piece { bytes, said } = piece;
        if said.idle {
            return;
        }
        self.opened = true;
        self.lost |= said.tools || said.other;
        self.finished |= said.finish;
        self.closed |= said.last;
        if let Some((index, kind)) = said.start {
            self.next = self.next.max(index.saturating_add(1));
            if let Some(kind) = kind {
                self.open_block(kind, index, &[]);
            }
        }
        let texts = [(Kind::Reasoning, &said.reasoning), (Kind::Content, &said.content)];
        for (kind, text) in texts {
            if let Some(range) = text {
                self.say(kind, &bytes[range.clone()]);
            }
        }
        if let Some(index) = said.stop {
            let stopped = self.blocks.iter_mut().rfind(|block| block.index == index && block.open);
            stopped.into_iter().for_each(|block| block.open = false);
        }
    }

    /// Text was given out.
    pub(super) fn say(&mut self, kind: Kind, text: &[u8]) {
        self.parts += 1;
        self.bytes += text.len();
        if self.lost {
            return;
        }
        if self.bytes > self.bytes_max {
            return self.forget();
        }
        match self.blocks.iter_mut().rfind(|block| block.kind == kind && block.open) {
            Some(block) => block.text.extend_from_slice(text),
            None => {
                let index = self.next;
                self.open_block(kind, index, text);
            }
        }
    }

    fn open_block(&mut self, kind: Kind, index: usize, text: &[u8]) {
        if self.blocks.len() >= BLOCKS_MAX {
            self.forget();
        }
        if !self.lost {
            self.blocks.push(Block { kind, text: text.to_vec(), index, open: true });
        }
    }

    /// It is more than is kept.
    fn forget(&mut self) {
        self.lost = true;
        self.blocks = Vec::new();
    }
}
