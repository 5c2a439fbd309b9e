//! What is counted of answers that were known already: how many there could have been, and how many there were.

use weir_core::CacheState;

use super::{Ending, Outcome, Seconds, Times};
use crate::repeats::{Asked, Repeats};

/// The counts.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    asked: Asked,
    /// Requests whose question somebody had asked before, within the life of an answer.
    pub(crate) repeated: u32,
    /// Requests that were answered with what was kept, stale or not.
    pub(crate) kept: u32,
    /// Of those, the ones whose answer stood in for an error or for a call too many, and was marked.
    pub(crate) stale: u32,
    /// And the times to their first word.
    pub(crate) stale_first: Times,
    /// Requests that were answered by the call of another one.
    pub(crate) shared: u32,
    /// Answered requests, by the second they came in.
    pub(crate) answered: Seconds,
    /// Requests whose question somebody had been given an answer to, by the second they came in, and those of them that
    /// were answered.
    pub(crate) known: Seconds,
    pub(crate) known_answered: Seconds,
}

impl Known {
    pub(super) fn new(repeats: &Repeats) -> Self {
        Self {
            asked: Asked::new(repeats),
            repeated: 0,
            kept: 0,
            stale: 0,
            stale_first: Times::new(),
            shared: 0,
            answered: Seconds::default(),
            known: Seconds::default(),
            known_answered: Seconds::default(),
        }
    }

    /// A request has come. Says whether somebody has been given an answer to its question.
    pub(super) fn arrived(&mut self, question: u32, s: f64) -> bool {
        self.repeated += u32::from(self.asked.is_a_repeat(question, s));
        let is_known = self.asked.has_an_answer(question);
        if is_known {
            self.known.count(s);
        }
        is_known
    }

    /// A request was answered.
    pub(super) fn answered(&mut self, outcome: &Outcome) {
        self.asked.was_answered(outcome.question);
        self.answered.count(outcome.came_s);
        if outcome.was_known {
            self.known_answered.count(outcome.came_s);
        }
        match outcome.told.cache {
            // One that is fetched anew meanwhile is hardly stale, and is not marked.
            CacheState::HitStale if outcome.told.ending == Ending::Degraded => {
                (self.kept, self.stale) = (self.kept + 1, self.stale + 1);
                self.stale_first.add(outcome.told.first.unwrap_or_default());
            }
            CacheState::HitMemory
            | CacheState::HitRedis
            | CacheState::HitDisk
            | CacheState::HitSemantic
            | CacheState::HitStale => self.kept += 1,
            CacheState::Coalesced => self.shared += 1,
            CacheState::Bypass | CacheState::Miss | CacheState::Refresh => {}
        }
    }
}
