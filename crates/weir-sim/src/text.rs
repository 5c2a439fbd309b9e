//! What is asked and what a right answer is, so that a wrong one is found out.
//!
//! A question is known by its number alone. A **telling** is one way of answering it: its first word names
//! the telling and every other word follows from question, telling and place, so a gap, a repetition or two
//! tellings glued together are seen at once. A question with `temperature: 0` has one telling, whoever
//! answers; any other gets a new one at each call.

use std::time::Duration;

use crate::draw;

const VOCABULARY: [&str; 32] = [
    "water", "stone", "river", "level", "steady", "over", "under", "flow", "dam", "bank", "rain", "flood",
    "quiet", "gate", "lock", "mill", "wheel", "fish", "reed", "mud", "bridge", "boat", "rope", "wind",
    "spring", "autumn", "deep", "shallow", "north", "source", "mouth", "sea",
];

/// One question of an application.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Question {
    /// Which.
    pub(crate) number: u32,
    /// Asked with `temperature: 0`: every service that has the model gives the same words each time.
    pub(crate) fixed: bool,
    /// Words of its answer, and so parts of the stream.
    pub(crate) words: u32,
    /// Time between two of them.
    pub(crate) gap: Duration,
    /// Time that its prompt adds to that before the first.
    pub(crate) prefill: Duration,
    /// What a service counts of either.
    pub(crate) prompt_tokens: u32,
    pub(crate) answer_tokens: u32,
}

/// What an application has in its hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// A right answer from beginning to end.
    Whole,
    /// The beginning of one.
    Beginning,
    /// Something no service ever said.
    Garbled,
}

impl Question {
    /// Adds one word of a telling, and the space after it.
    pub(crate) fn tell(&self, telling: u16, place: u32, out: &mut Vec<u8>) {
        if place == 0 {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            out.extend((0..4).rev().map(|digit| DIGITS[usize::from(telling >> (4 * digit) & 0xf)]));
        } else {
            let which = draw::hash(u64::from(self.number), u64::from(telling) << 32 | u64::from(place));
            out.extend_from_slice(VOCABULARY[which as usize % VOCABULARY.len()].as_bytes());
        }
        out.push(b' ');
    }

    /// Judges what came, against the telling that its first word names.
    pub(crate) fn judge(&self, came: &[u8]) -> Judged {
        let Some(head) = came.get(..4) else {
            return if came.is_empty() { Judged::Beginning } else { Judged::Garbled };
        };
        let named = std::str::from_utf8(head).ok().and_then(|text| u16::from_str_radix(text, 16).ok());
        let Some(telling) = named.filter(|telling| !self.fixed || *telling == 0) else {
            return Judged::Garbled;
        };
        let mut whole = Vec::with_capacity(came.len() + 16);
        for place in 0..self.words {
            self.tell(telling, place, &mut whole);
        }
        match whole.strip_prefix(came) {
            Some([]) => Judged::Whole,
            Some(_) => Judged::Beginning,
            None => Judged::Garbled,
        }
    }
}
