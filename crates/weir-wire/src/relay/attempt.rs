//! A later attempt at an answer of which the caller has something: what it was given of it decides how it is
//! joined on.

use bytes::Bytes;
use weir_core::{Failure, Prefill, Rung, Usage};

use super::blocks::{self, Blocks, Current, Delivered};
use super::choices;
use super::join::Join;
use super::request::Asked;
use super::seam::Seam;
use super::story::Story;
use super::tally::Tally;
use super::wire::Wire;
use crate::delta::Kind;

/// Whether some services that are given the beginning so say it again. A message that is marked as begun is never said
/// again, nor a prompt that was not asked to be.
pub(super) fn may_echo(wire: Wire, rung: Rung) -> bool {
    let unmarked = matches!(rung, Rung::Prefill(Prefill::ContinueFinalMessage | Prefill::Trailing));
    unmarked && wire != Wire::Legacy
}

/// A later attempt.
pub(super) struct Attempt {
    pub(super) join: Join,
    blocks: Blocks,
}

impl Attempt {
    /// An attempt at the request itself: it says again what was delivered.
    pub(super) fn again(wire: Wire, story: &Story) -> Self {
        let mut join = Self::join(wire, story);
        let content = story.text(Kind::Content);
        // A message says its blocks again one by one.
        if wire != Wire::Messages && !content.is_empty() {
            join.seam = Seam::replayed(content);
        }
        Self { join, blocks: Self::blocks(story, true) }
    }

    /// An attempt that was given `sent` of what was delivered, to go on after it.
    pub(super) fn further(wire: Wire, story: &Story, asked: &Asked, (rung, sent): (Rung, &str)) -> Self {
        let mut join = Self::join(wire, story);
        let content = story.text(Kind::Content);
        let stops = asked.stops();
        join.continues = true;
        join.seam = match rung {
            Rung::Prefill(_) if may_echo(wire, rung) => Seam::prefilled(&content, &stops).echoing(sent),
            Rung::Prefill(_) => Seam::prefilled(&content, &stops),
            _ => Seam::instructed(&content, &stops),
        };
        Self { join, blocks: Self::blocks(story, false) }
    }

    /// The same, with the tokens delivered counted as answer, not as prompt. `prompt_told`: what the caller
    /// was already told of the prompt.
    pub(super) fn counting(mut self, delivered: u64, prompt_told: Option<Usage>) -> Self {
        self.join.tally = Tally { delivered, prompt_told };
        self
    }

    /// Takes an event. Gives what goes to the caller now.
    pub(super) fn take(&mut self, event: &Bytes) -> Result<Vec<Bytes>, Failure> {
        match self.join.wire {
            Wire::Messages => blocks::join(&mut self.join, &mut self.blocks, event),
            Wire::Chat | Wire::Legacy => choices::join(&mut self.join, event),
        }
    }

    /// The stream is over. Gives what waited.
    pub(super) fn end(&mut self) -> Result<Vec<Bytes>, Failure> {
        match self.join.wire {
            Wire::Messages => self.blocks.end(&mut self.join, true),
            Wire::Chat | Wire::Legacy => self.join.end(true),
        }
    }

    /// The block that the caller has open.
    pub(super) const fn open(&self) -> Option<usize> {
        self.blocks.open
    }

    fn join(wire: Wire, story: &Story) -> Join {
        let mut join = Join::new(wire, story.names.clone());
        join.leaves_reasoning_out = story.blocks.iter().any(|block| !block.is_empty());
        join
    }

    fn blocks(story: &Story, replays: bool) -> Blocks {
        let texts = story.blocks.iter().filter(|block| block.kind == Kind::Content);
        let delivered = texts.map(|block| Delivered { text: block.text(), index: block.index }).collect();
        let (open, next) = (story.open(), story.next);
        Blocks { delivered, replays, open, next, texts: 0, current: Current::None }
    }
}
