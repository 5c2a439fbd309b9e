//! Questions that many ask: which requests repeat one, and what a gateway could know of it by then.
//!
//! Some requests ask one of a closed set of questions, some of them far more often than others (Zipf's law); all others ask
//! something that nobody asked before. What always holds: whether a request is among those, and what it then asks, follows
//! from its own number alone, so that every arm meets the same repeats, and who repeats at one share does at every larger one.

use weir_core::Chance;

use crate::draw;

/// How requests repeat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Repeats {
    /// The share of requests that ask one of the set.
    pub(crate) share: f64,
    /// How many questions are in it.
    pub(crate) questions: u32,
    /// The question of rank r is asked in proportion to r to the power of minus this.
    pub(crate) exponent: f64,
    /// How long an answer is good, in seconds: what is asked again later had to be answered anew in any case.
    pub(crate) life_s: f64,
}

/// The numbers of the set's questions begin here: no run has so many requests.
const FIRST: u32 = 1 << 31;

/// The rank of a question less one; `None` for one that is not of the set.
fn rank(question: u32) -> Option<usize> {
    question.checked_sub(FIRST).map(|rank| rank as usize)
}

/// Whether a question is of the set.
pub(crate) fn is_of_the_set(question: u32) -> bool {
    rank(question).is_some()
}

/// The set of a run.
pub(crate) struct Set {
    seed: u64,
    share: f64,
    /// Of each rank: the probability that a question of the set is of that rank or a lower one.
    up_to: Vec<f64>,
}

impl Set {
    pub(crate) fn new(seed: u64, repeats: &Repeats) -> Self {
        const PURPOSE: u64 = 7;
        let weights = (1..=repeats.questions).map(|rank| f64::from(rank).powf(-repeats.exponent));
        let mut sum = 0.0;
        let mut up_to: Vec<f64> = weights
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        up_to.iter_mut().for_each(|up_to| *up_to /= sum);
        Self { seed: draw::hash(seed, PURPOSE), share: repeats.share, up_to }
    }

    /// What the request of a number asks: one of the set, or what its number says.
    pub(crate) fn question(&self, number: u32) -> u32 {
        let chance: Chance = draw::fork(self.seed, u64::from(number));
        if !draw::happens(&chance, self.share) {
            return number;
        }
        let drawn = chance.unit();
        let rank = self.up_to.partition_point(|up_to| *up_to <= drawn).min(self.up_to.len() - 1);
        FIRST + rank as u32
    }
}

/// What has been asked and answered of the set so far.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    life_s: f64,
    /// Of each rank: since when an answer would be known, if every call were answered.
    since_s: Vec<Option<f64>>,
    /// Of each rank: somebody was given an answer.
    answered: Vec<bool>,
}

impl Asked {
    pub(crate) fn new(repeats: &Repeats) -> Self {
        let questions = repeats.questions as usize;
        Self { life_s: repeats.life_s, since_s: vec![None; questions], answered: vec![false; questions] }
    }

    /// Somebody asks: whether somebody else did within the life of an answer.
    pub(crate) fn is_a_repeat(&mut self, question: u32, s: f64) -> bool {
        let Some(rank) = rank(question) else { return false };
        let is_known = self.since_s[rank].is_some_and(|since_s| s - since_s < self.life_s);
        if !is_known {
            self.since_s[rank] = Some(s);
        }
        is_known
    }

    /// Somebody was given an answer.
    pub(crate) fn was_answered(&mut self, question: u32) {
        if let Some(rank) = rank(question) {
            self.answered[rank] = true;
        }
    }

    /// Whether anybody was ever given an answer.
    pub(crate) fn has_an_answer(&self, question: u32) -> bool {
        rank(question).is_some_and(|rank| self.answered[rank])
    }
}
