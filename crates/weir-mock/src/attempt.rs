//! Attempts: the guard of one request, from its arrival to its end.
//!
//! Invariant: whoever drops it, at whatever point, the log learns once how the attempt ended and the capacity
//! model gets its slot back. A drop before `end` means that the caller left.

use std::sync::Arc;

use crate::log::Ended;
use crate::state::{Slot, State};

/// One request under way.
pub(crate) struct Attempt {
    state: Arc<State>,
    id: u64,
    tokens: u32,
    first_byte_ms: Option<u64>,
    slot: Option<Slot>,
    stalled: bool,
    over: bool,
}

impl Attempt {
    pub fn new(state: Arc<State>, id: u64) -> Self {
        Attempt { state, id, tokens: 0, first_byte_ms: None, slot: None, stalled: false, over: false }
    }

    /// Keeps a slot of the service until the attempt is over.
    pub fn hold(&mut self, slot: Slot) {
        self.slot = Some(slot);
    }

    /// Names the fault or trouble in the log.
    pub fn note_fault(&self, fault: &str) {
        self.state.log_entry(self.id, |entry| entry.fault = Some(fault.to_owned()));
    }

    /// Writes down what was asked.
    pub fn note_ask(&self, model: &str, stream: bool, prompt_tokens: u32) {
        self.state.log_entry(self.id, |entry| {
            entry.model = Some(model.to_owned());
            entry.stream = stream;
            entry.prompt_tokens = prompt_tokens;
        });
    }

    /// Writes down what would be answered; `prefill` says whether it goes on from a begun answer.
    pub fn note_answer(&self, prefill: bool, tokens: u32) {
        self.state.log_entry(self.id, |entry| {
            entry.prefill = prefill;
            entry.answer_tokens = tokens;
        });
    }

    /// The status line leaves.
    pub fn note_status(&self, status: u16) {
        self.state.log_entry(self.id, |entry| entry.status = Some(status));
    }

    /// Bytes leave, which complete the answer up to `tokens`.
    pub fn sent(&mut self, tokens: u32) {
        self.tokens = tokens;
        if self.first_byte_ms.is_none() {
            self.first_byte_ms = Some(self.state.now_ms());
        }
    }

    /// Tokens that have left.
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// From here on the mock is silent on purpose.
    pub fn stall(&mut self) {
        self.stalled = true;
    }

    /// The attempt is over; later calls change nothing.
    pub fn end(&mut self, ended: Ended) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        if let Some(slot) = self.slot.take() {
            self.state.leave(slot);
        }
        let ended_ms = self.state.now_ms();
        self.state.log_entry(self.id, |entry| {
            entry.first_byte_ms = self.first_byte_ms;
            entry.tokens_sent = self.tokens;
            entry.ended_ms = Some(ended_ms);
            entry.ended = Some(ended);
        });
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.end(if self.stalled { Ended::Stalled } else { Ended::ClientGone });
    }
}
