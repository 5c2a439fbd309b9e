//! A later attempt on its way to be joined on to an earlier one: what of it the caller already has, and what
//! must be made to look as if it came from the first.
//!
//! What always holds: an event waits as long as it is not clear whether its text is new, within a bound; events keep their
//! order; a join that fails has given nothing out.

use bytes::Bytes;
use weir_core::{Class, Failure};

use super::seam::{Seam, Verdict};
use super::tally::Tally;
use super::wire::Wire;
use crate::json::{decode, half_at_end};

/// How many bytes wait until it is clear whether their text is new, with what keeping each event costs. A few events wait
/// where all is well; a service that gives no clarity in so many does not go on with the answer.
const WAITING_BYTES_MAX: usize = 4 << 20;

/// What keeping an event costs besides its bytes.
const WAITING_EVENT_BYTES: usize = 64;

/// The join of one attempt.
pub(super) struct Join {
    pub(super) wire: Wire,
    /// What every event of a chat answer repeats.
    pub(super) names: Vec<(&'static str, String)>,
    pub(super) tally: Tally,
    pub(super) leaves_reasoning_out: bool,
    /// Reasoning was left out.
    pub(super) reasoned: bool,
    /// The service continues: an attempt that only reasons has lost its way.
    pub(super) continues: bool,
    pub(super) seam: Seam,
    /// The stop sequence that was completed.
    pub(super) stopped_by: Option<String>,
    /// Nobody could tell whether it went on or began again.
    pub(super) unclear: bool,
    spoke: bool,
    /// Events whose text is not decided, and their text.
    waiting: Vec<(Bytes, String)>,
    waiting_bytes: usize,
    /// The first half of a character whose second half has not come, as written.
    half: String,
}

impl Join {
    pub(super) fn new(wire: Wire, names: Vec<(&'static str, String)>) -> Self {
        Self {
            wire,
            names,
            tally: Tally::default(),
            leaves_reasoning_out: false,
            reasoned: false,
            continues: false,
            seam: Seam::default(),
            stopped_by: None,
            unclear: false,
            spoke: false,
            waiting: Vec::new(),
            waiting_bytes: 0,
            half: String::new(),
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        self.stopped_by.is_some()
    }

    /// The text that is whole after this piece of it, decoded: half a character at its end is kept for the
    /// next.
    pub(super) fn whole_characters(&mut self, written: &str) -> String {
        let mut text = std::mem::take(&mut self.half);
        text.push_str(written);
        if let Some(at) = half_at_end(text.as_bytes()) {
            self.half = text.split_off(at);
        }
        decode(text.as_bytes())
    }

    /// Takes an event and its text. Gives what goes out now.
    pub(super) fn text(&mut self, event: Bytes, text: String) -> Result<Vec<Bytes>, Failure> {
        self.spoke |= !text.is_empty();
        let verdict = self.seam.feed(&text);
        self.wait(event, text)?;
        self.act_on(verdict)
    }

    /// Takes an event without text.
    pub(super) fn pass(&mut self, event: Bytes) -> Result<Vec<Bytes>, Failure> {
        if self.waiting.is_empty() {
            return Ok(vec![event]);
        }
        self.wait(event, String::new())?;
        Ok(Vec::new())
    }

    /// Takes an event that cannot be read. It may say text, so it can be given out only where all text is new.
    pub(super) fn pass_unread(&mut self, event: Bytes) -> Result<Vec<Bytes>, Failure> {
        if !self.seam.is_clear() {
            return Err(failure(
                "an event that cannot be read came before it was clear where the answer goes on",
            ));
        }
        self.pass(event)
    }

    fn wait(&mut self, event: Bytes, text: String) -> Result<(), Failure> {
        self.waiting_bytes += event.len() + text.len() + WAITING_EVENT_BYTES;
        if self.waiting_bytes > WAITING_BYTES_MAX {
            return Err(failure("the service says too much before it is clear where its answer goes on"));
        }
        self.waiting.push((event, text));
        Ok(())
    }

    /// The text is over; `answer`: so is the answer. Gives what waited.
    pub(super) fn end(&mut self, answer: bool) -> Result<Vec<Bytes>, Failure> {
        if answer && self.continues && self.reasoned && !self.spoke {
            return Err(failure("the service reasoned on instead of continuing the answer"));
        }
        let verdict = self.seam.end();
        self.act_on(verdict)
    }

    fn act_on(&mut self, verdict: Verdict) -> Result<Vec<Bytes>, Failure> {
        match verdict {
            Verdict::Hold => Ok(Vec::new()),
            Verdict::Cut(bytes) => Ok(self.drain(bytes)),
            Verdict::Differs => Err(failure("the service's second answer is not the one that broke off")),
            Verdict::Unclear => {
                self.unclear = true;
                Err(failure("the service repeats the beginning it was given, or the answer repeats itself"))
            }
            Verdict::Over(stop) => {
                self.waiting.clear();
                self.waiting_bytes = 0;
                self.stopped_by = Some(stop);
                Ok(Vec::new())
            }
        }
    }

    /// What waits, without the first `cut` bytes of its text.
    fn drain(&mut self, mut cut: usize) -> Vec<Bytes> {
        self.waiting_bytes = 0;
        let mut out = Vec::with_capacity(self.waiting.len());
        for (event, text) in self.waiting.drain(..) {
            let known = cut.min(text.len());
            cut -= known;
            if known == 0 {
                out.push(event);
            } else {
                out.extend(self.wire.with_text(&event, &text[known..]));
            }
        }
        out
    }
}

/// A join that did not succeed.
pub(super) fn failure(message: &str) -> Failure {
    Failure::new(Class::Truncated, message)
}
