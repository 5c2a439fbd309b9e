//! Who asks: groups of applications, each with its key, its urgency, its pace and the size of its questions.

use std::sync::Arc;
use std::time::Duration;

use weir_core::Chance;

use crate::arrivals::{Arrivals, Coming};
use crate::draw;
use crate::repeats;
use crate::text::Question;
use crate::trace::Recorded;

/// The share of requests with `temperature: 0`, which every service answers with the same words each time.
pub(crate) const FIXED_SHARE: f64 = 0.5;

/// One group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) role: Role,
    /// The key that it calls with, and so the tenant it is; without one it is everybody.
    pub(crate) key: Option<String>,
    /// The urgency it asks for.
    pub(crate) priority: Option<u8>,
    pub(crate) arrivals: Arrivals,
    pub(crate) sizes: Sizes,
}

/// What a group is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is the only one.
    All,
    /// It is to be served as if the crowd were not there.
    Guarded,
    /// It is what is wrong. A world with a crowd is also played without it.
    Crowd,
}

impl Group {
    /// The only one.
    pub(crate) const fn everybody(arrivals: Arrivals, sizes: Sizes) -> Self {
        Self { role: Role::All, key: None, priority: None, arrivals, sizes }
    }
}

/// How long questions and answers are.
#[derive(Clone, Debug)]
pub(crate) enum Sizes {
    /// So many words, one each so many seconds: the least and the most of either.
    Drawn { words: (u64, u64), gap_s: (f64, f64) },
    /// As recorded, in this order, over and over.
    Recorded(Arc<[Recorded]>),
}

/// Of every world where nothing else is said.
pub(crate) const USUAL_SIZES: Sizes = Sizes::Drawn { words: (6, 18), gap_s: (0.2, 0.4) };

/// A recorded answer is told in parts of so many tokens, since a part costs the simulation as much as a
/// token would.
const PART_TOKENS: u32 = 10;
/// How fast a recorded answer is told, and how fast its prompt is read.
const TOKENS_PER_S: f64 = 40.0;
const PROMPT_TOKENS_PER_S: f64 = 10_000.0;
/// Of a question that was not recorded.
const PROMPT_TOKENS: u32 = 12;

impl Sizes {
    /// The mean time from the beginning of an answer to its end, its prompt read in between, in seconds.
    pub(crate) fn telling_s_mean(&self) -> f64 {
        match self {
            Self::Drawn { words, gap_s } => {
                (words.0 + words.1) as f64 / 2.0 * f64::midpoint(gap_s.0, gap_s.1)
            }
            Self::Recorded(trace) => {
                let told = |recorded: &Recorded| {
                    let (parts, gap, prefill) = parts(recorded);
                    f64::from(parts) * gap.as_secs_f64() + prefill.as_secs_f64()
                };
                trace.iter().map(told).sum::<f64>() / trace.len().max(1) as f64
            }
        }
    }
}

fn parts(recorded: &Recorded) -> (u32, Duration, Duration) {
    let gap = Duration::from_secs_f64(f64::from(PART_TOKENS) / TOKENS_PER_S);
    let prefill = Duration::from_secs_f64(f64::from(recorded.prompt_tokens) / PROMPT_TOKENS_PER_S);
    (recorded.answer_tokens.div_ceil(PART_TOKENS).max(1), gap, prefill)
}

/// Every question of a run, by its number: what is asked follows from that, and never from who else asks.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    seed: u64,
    sizes: Arc<[Sizes]>,
}

impl Book {
    pub(crate) fn new(seed: u64, groups: &[Group]) -> Self {
        Self { seed, sizes: groups.iter().map(|group| group.sizes.clone()).collect() }
    }

    /// The question of a number.
    pub(crate) fn question(&self, number: u32) -> Question {
        let groups = self.sizes.len() as u32;
        let (group, place) = (number % groups, number / groups);
        let chance = draw::fork(self.seed, u64::from(number));
        let fixed = draw::happens(&chance, FIXED_SHARE) || repeats::is_of_the_set(number);
        match &self.sizes[group as usize] {
            Sizes::Drawn { words, gap_s } => {
                let words = (words.0 + chance.bits() % (words.1 - words.0 + 1)) as u32;
                let gap = Duration::from_secs_f64(draw::between(&chance, gap_s.0, gap_s.1));
                let (prompt_tokens, prefill) = (PROMPT_TOKENS, Duration::ZERO);
                Question { number, fixed, words, gap, prefill, prompt_tokens, answer_tokens: words }
            }
            Sizes::Recorded(trace) => {
                let recorded = trace[place as usize % trace.len()];
                let (words, gap, prefill) = parts(&recorded);
                let Recorded { prompt_tokens, answer_tokens, .. } = recorded;
                Question { number, fixed, words, gap, prefill, prompt_tokens, answer_tokens }
            }
        }
    }
}

/// An application that comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comer {
    /// When, in seconds since the beginning.
    pub(crate) at_s: f64,
    /// Of which group.
    pub(crate) group: usize,
    /// What it asks.
    pub(crate) number: u32,
}

/// All groups, in the order in which their applications come.
pub(crate) struct Crowd {
    coming: Vec<Coming>,
    next: Vec<Option<f64>>,
}

impl Crowd {
    /// The groups of a world, without those that `leaves_out` says.
    pub(crate) fn new(seed: u64, groups: &[Group], leaves_out: impl Fn(&Group) -> bool) -> Self {
        const ARRIVALS: u64 = 4;
        const APART: u64 = 1_000;
        let chance = |index: usize| -> Chance { draw::fork(seed, ARRIVALS + APART * index as u64) };
        let mut coming: Vec<_> = groups
            .iter()
            .enumerate()
            .map(|(index, group)| Coming::new(group.arrivals.clone(), chance(index)))
            .collect();
        let next = coming.iter_mut().zip(groups).map(|(coming, group)| {
            let comes = !leaves_out(group);
            comes.then(|| coming.next_s()).flatten()
        });
        let next = next.collect();
        Self { coming, next }
    }

    /// The next one; `None` after the last.
    pub(crate) fn next(&mut self) -> Option<Comer> {
        let due = self.next.iter().enumerate().filter_map(|(group, at_s)| Some((group, (*at_s)?)));
        let (group, at_s) = due.min_by(|(_, one), (_, other)| one.total_cmp(other))?;
        // It has come already, and is counted.
        let place = self.coming[group].come() - 1;
        let number = place * self.coming.len() as u32 + group as u32;
        self.next[group] = self.coming[group].next_s();
        Some(Comer { at_s, group, number })
    }
}
