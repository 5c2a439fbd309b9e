//! Which question comes next: a model of how people ask the same.
//!
//! A share of requests is asked once and never again; the others draw from a fixed number of questions, of which the
//! k-th most popular has a weight of 1/k^s (Zipf). Seeded, so that every run asks the same.

use std::collections::HashSet;

use weir_core::Chance;

/// The model.
pub struct Repeats {
    /// Sums of the weights up to each question, the most popular first.
    sums: Vec<f64>,
    once: f64,
    chance: Chance,
    /// Questions so far that are asked once.
    asked_once: u64,
}

impl Repeats {
    /// `questions` that come again with exponent `s`, and the share `once` of requests that do not.
    pub fn new(questions: u32, s: f64, once: f64, seed: u64) -> Self {
        let mut sum = 0.0;
        let add = |rank: u32| {
            sum += f64::from(rank).powf(-s);
            sum
        };
        let sums = (1..=questions).map(add).collect();
        Self { sums, once, chance: Chance::seeded(seed), asked_once: 0 }
    }

    /// The next question: those that come again are numbered from 1 by popularity, the others follow them.
    pub fn next(&mut self) -> u64 {
        let questions = self.sums.len() as u64;
        if self.chance.unit() < self.once {
            self.asked_once += 1;
            return questions + self.asked_once;
        }
        let drawn = self.chance.unit() * self.sums.last().copied().unwrap_or_default();
        let before = self.sums.partition_point(|sum| *sum <= drawn) as u64;
        before.min(questions - 1) + 1
    }
}

/// How many of these were asked before: the hits of a cache that forgets nothing.
pub fn asked_before(questions: &[u64]) -> usize {
    let different: HashSet<_> = questions.iter().collect();
    questions.len() - different.len()
}
