//! Joins an attempt's Anthropic events on to an earlier attempt's: one message, whose blocks follow each
//! other.
//!
//! What always holds: the caller sees one `message_start`; a block opens only after the one before has
//! closed; indices rise by one.

use bytes::Bytes;
use weir_core::Failure;

use super::join::{Join, failure};
use super::messages::{Opened, block_stop, text_delta, with_index, without_text};
use super::seam::Seam;
use super::wire::{data_of, rewritten, says_nothing};

/// Where the attempt's blocks go.
pub(super) struct Blocks {
    /// The delivered text blocks that this attempt is expected to say again, or to go on with.
    pub(super) delivered: Vec<Delivered>,
    /// The attempt says the delivered blocks again; otherwise it goes on with the last.
    pub(super) replays: bool,
    /// The block that the caller has open.
    pub(super) open: Option<usize>,
    /// The index of the caller's next block.
    pub(super) next: usize,
    /// How many text blocks the attempt has opened.
    pub(super) texts: usize,
    pub(super) current: Current,
}

/// A delivered text block.
pub(super) struct Delivered {
    pub(super) text: String,
    pub(super) index: usize,
}

/// What becomes of the attempt's present block.
pub(super) enum Current {
    /// There is none.
    None,
    /// It is left out.
    LeftOut,
    /// It is the caller's block with this index.
    Goes(usize),
    /// It must be what the caller has as a closed block.
    Compared,
    /// It becomes a block when its first text is clear. Its opening event.
    Unopened(Bytes),
}

/// Joins one event. Gives what goes to the caller now.
pub(super) fn join(join: &mut Join, blocks: &mut Blocks, event: &Bytes) -> Result<Vec<Bytes>, Failure> {
    if says_nothing(event) {
        return join.pass(event.clone());
    }
    let read = data_of(event).and_then(|(data, place)| Some((Opened::read(data)?, place)));
    let Some((mut opened, place)) = read else { return blocks.pass_unread(join, event) };
    match opened.kind {
        "message_start" => Ok(Vec::new()),
        "content_block_start" => blocks.start(join, event, &opened),
        "content_block_delta" => blocks.delta(join, event, &opened),
        "content_block_stop" => blocks.stop(join, event),
        "message_delta" => {
            let mut out = if opened.finish() { blocks.end(join, true)? } else { Vec::new() };
            if !join.is_over() {
                if let Some(usage) = opened.top.get("usage") {
                    opened.top.replace("usage", join.tally.in_bytes(usage));
                }
                out.push(rewritten(event, &place, &opened.top.write()));
            }
            Ok(out)
        }
        _ => join.pass(event.clone()),
    }
}

impl Blocks {
    /// An event that cannot be read. It may say text of a block that is to come again.
    fn pass_unread(&self, join: &mut Join, event: &Bytes) -> Result<Vec<Bytes>, Failure> {
        if self.misses_some() {
            return Err(failure(
                "an event that cannot be read came before all that was delivered had come again",
            ));
        }
        join.pass_unread(event.clone())
    }

    /// Whether delivered blocks have not come again that must.
    fn misses_some(&self) -> bool {
        self.replays && self.delivered.iter().skip(self.texts).any(|block| !block.text.is_empty())
    }

    fn start(&mut self, join: &mut Join, event: &Bytes, opened: &Opened<'_>) -> Result<Vec<Bytes>, Failure> {
        match opened.part_kind {
            "text" => {
                self.start_text(join, event);
                match opened.text() {
                    Some(text) => self.text(join, &text_delta(0, ""), text),
                    None => Ok(Vec::new()),
                }
            }
            "redacted_thinking" if join.leaves_reasoning_out => Err(signed()),
            "thinking" if join.leaves_reasoning_out && opened.is_signed() => Err(signed()),
            "thinking" if join.leaves_reasoning_out => {
                join.reasoned = true;
                self.current = Current::LeftOut;
                Ok(Vec::new())
            }
            _ => {
                let mut out = self.end(join, false)?;
                if !join.is_over() {
                    out.push(with_index(event, self.open_next()));
                }
                Ok(out)
            }
        }
    }

    fn start_text(&mut self, join: &mut Join, event: &Bytes) {
        let expected = if self.replays { self.delivered.get(self.texts) } else { self.delivered.last() };
        let expected = expected.filter(|_| self.replays || self.texts == 0);
        self.texts += 1;
        let unopened = || Current::Unopened(without_text(event));
        self.current = match expected {
            Some(block) if self.open == Some(block.index) => Current::Goes(block.index),
            Some(_) if self.replays => Current::Compared,
            _ => unopened(),
        };
        if let Some(block) = expected.filter(|_| self.replays) {
            join.seam = Seam::replayed(block.text.clone());
        }
    }

    fn delta(&mut self, join: &mut Join, event: &Bytes, opened: &Opened<'_>) -> Result<Vec<Bytes>, Failure> {
        match (&self.current, opened.part_kind) {
            (Current::LeftOut, _) if opened.is_signed() => Err(signed()),
            (Current::LeftOut, _) => Ok(Vec::new()),
            // Of no block: what it says cannot be told from what is to come again.
            (Current::None, _) => self.pass_unread(join, event),
            (_, "text_delta") => self.text(join, event, opened.text().unwrap_or_default()),
            (Current::Goes(index), _) => join.pass(with_index(event, *index)),
            // What is said about a text that the caller has, it has too.
            (Current::Compared, _) => Ok(Vec::new()),
            (Current::Unopened(_), _) => {
                let mut out = self.open_if_unopened();
                out.extend(join.pass(with_index(event, self.next.saturating_sub(1)))?);
                Ok(out)
            }
        }
    }

    /// A piece of a text block's text came in an event.
    fn text(&mut self, join: &mut Join, event: &Bytes, written: &str) -> Result<Vec<Bytes>, Failure> {
        let text = join.whole_characters(written);
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let index = match self.current {
            Current::Goes(index) => index,
            _ => self.next,
        };
        let as_written =
            crate::json::decode(written.as_bytes()) == text && data_of(event).is_some_and(says_text);
        let event = if as_written { with_index(event, index) } else { text_delta(index, &text) };
        let out = join.text(event, text)?;
        self.opened_before(out)
    }

    /// New text of the present block, after its opening if that is not said yet.
    fn opened_before(&mut self, texts: Vec<Bytes>) -> Result<Vec<Bytes>, Failure> {
        match self.current {
            _ if texts.is_empty() => Ok(texts),
            Current::Compared => {
                Err(failure("the service's second answer goes on where the first had ended a block"))
            }
            _ => {
                let mut out = self.open_if_unopened();
                out.extend(texts);
                Ok(out)
            }
        }
    }

    fn open_if_unopened(&mut self) -> Vec<Bytes> {
        let Current::Unopened(start) = &self.current else { return Vec::new() };
        let start = start.clone();
        let mut out: Vec<Bytes> = self.close().into_iter().collect();
        out.push(with_index(&start, self.open_next()));
        out
    }

    fn stop(&mut self, join: &mut Join, event: &Bytes) -> Result<Vec<Bytes>, Failure> {
        if let Current::LeftOut = self.current {
            self.current = Current::None;
            return Ok(Vec::new());
        }
        let texts = join.end(false)?;
        let mut out = self.opened_before(texts)?;
        if let Current::Goes(index) = self.current
            && !join.is_over()
        {
            out.push(with_index(event, index));
            self.open = None;
        }
        self.current = Current::None;
        Ok(out)
    }

    /// The text is over; `answer`: so is the answer. Whatever was delivered must have come again.
    pub(super) fn end(&mut self, join: &mut Join, answer: bool) -> Result<Vec<Bytes>, Failure> {
        if self.misses_some() {
            return Err(failure("the service's second answer is shorter than the one that broke off"));
        }
        let mut out = join.end(answer)?;
        if !join.is_over() {
            out.extend(self.close());
        }
        Ok(out)
    }

    fn close(&mut self) -> Option<Bytes> {
        self.open.take().map(block_stop)
    }

    fn open_next(&mut self) -> usize {
        let index = self.next;
        self.next += 1;
        self.open = Some(index);
        self.current = Current::Goes(index);
        index
    }
}

/// The caller would be left with thinking that nobody signed, or none, which the service refuses in the next turn.
fn signed() -> Failure {
    failure("the service signs its thinking, which cannot be joined on to another")
}

fn says_text((data, _): (&str, std::ops::Range<usize>)) -> bool {
    Opened::read(data).is_some_and(|opened| opened.text().is_some())
}
