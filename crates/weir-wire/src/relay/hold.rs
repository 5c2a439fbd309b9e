//! Events that are of use only as a whole, and wait until they are: then a cut before is invisible.
//!
//! What always holds: order is kept (only comments and pings overtake); what waits is bounded, and beyond the
//! bound goes out after all.

use super::Holds;
use super::piece::Piece;
use crate::json::half_at_end;

/// What waits.
pub(super) struct Hold {
    holds: Holds,
    /// The request asks for an answer of a given shape.
    structured: bool,
    waiting: Vec<Piece>,
    until: Until,
    bytes: usize,
    /// The bound was hit.
    pub(super) overflowed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// The service says how the answer ended.
    Finish,
    /// The next event came: the other half of a character, or what follows the end of a block.
    Next,
}

impl Hold {
    pub(super) const fn new(holds: Holds, structured: bool) -> Self {
        Self { holds, structured, waiting: Vec::new(), until: Until::Next, bytes: 0, overflowed: false }
    }

    /// Whether text goes out as it comes.
    pub(super) const fn is_open(&self) -> bool {
        self.waiting.is_empty() && !(self.holds.structured && self.structured)
    }

    /// Whether nothing waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes an event. Gives what goes out now.
    pub(super) fn take(&mut self, piece: Piece) -> Vec<Piece> {
        if piece.said.idle {
            return vec![piece];
        }
        let mut out = Vec::new();
        // A piece that completes a character may end in half of the next: then both wait. And a block that is said to be
        // over could not go on if the next event says that the service broke off.
        let half = is_half(&piece) || piece.said.stop.is_some();
        if self.until == Until::Next && !half {
            out = self.release();
        }
        let said = &piece.said;
        let useless_alone = (said.tools && self.holds.tool_calls)
            || (said.content.is_some() && self.holds.structured && self.structured);
        let ends = said.finish || said.last;
        if useless_alone && !ends {
            self.until = Until::Finish;
        }
        if !ends && (self.until == Until::Finish || half) {
            self.bytes += piece.bytes.len();
            self.waiting.push(piece);
            if self.bytes > self.holds.text_bytes_max {
                self.overflowed = true;
                out.extend(self.release());
            }
            return out;
        }
        out.extend(self.release());
        out.push(piece);
        out
    }

    /// Gives what waits.
    pub(super) fn release(&mut self) -> Vec<Piece> {
        self.bytes = 0;
        self.until = Until::Next;
        std::mem::take(&mut self.waiting)
    }
}

/// Whether the event's text ends inside a character.
fn is_half(piece: &Piece) -> bool {
    let texts = [&piece.said.content, &piece.said.reasoning];
    texts.into_iter().flatten().any(|range| half_at_end(&piece.bytes[range.clone()]).is_some())
}
