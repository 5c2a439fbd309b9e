//! How often answers to questions that are alike would be given, and how often they would be false, on pairs of which it is
//! known: `weir cache eval`.
//!
//! Each pair is decided upon before its label is looked at, and learned from afterwards, as it is while requests come.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::gate;
use super::learned::{Learned, Observations};
use super::proof::interval;

/// Two questions, and whether the answer to one answers the other.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// The one that was asked before.
    pub one: String,
    /// The one that is asked.
    pub other: String,
    /// Whether one answer is right for both.
    pub is_same: bool,
    /// What kind of pair it is, for the report.
    pub kind: String,
    /// How alike the two are.
    pub similarity: f32,
}

/// How a way of deciding did.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Pairs with one answer.
    pub same: usize,
    /// Those for which it would be given.
    pub hits: usize,
    /// Pairs with two answers.
    pub different: usize,
    /// Those for which it would be given all the same.
    pub false_hits: usize,
}

impl Score {
    /// The share of what would be given that is false, at least and at most (95 %).
    pub fn false_share(&self) -> (f64, f64) {
        interval(self.false_hits, self.hits + self.false_hits)
    }

    fn note(&mut self, is_same: bool, is_given: bool) {
        let (all, given) = if is_same {
            (&mut self.same, &mut self.hits)
        } else {
            (&mut self.different, &mut self.false_hits)
        };
        *all += 1;
        *given += usize::from(is_given);
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// One likeness for all, and nothing else: by the likeness.
    pub by_likeness: Vec<(f32, Score)>,
    /// The same, with the gate.
    pub by_likeness_and_gate: Vec<(f32, Score)>,
    /// As weir decides: the gate, and what was learned.
    pub learned: Score,
    /// The same by kind of pair.
    pub kinds: BTreeMap<String, Score>,
}

/// Decides upon pairs, in their order. `error_max`: the chance of a false one that is allowed.
pub fn evaluate(pairs: &[Labelled], error_max: f64) -> Report {
    /// Likenesses that others use, and some around them.
    const LIKENESSES: [f32; 6] = [0.70, 0.80, 0.85, 0.90, 0.95, 0.98];
    let mut report = Report {
        by_likeness: LIKENESSES.map(|least| (least, Score::default())).into(),
        by_likeness_and_gate: LIKENESSES.map(|least| (least, Score::default())).into(),
        ..Report::default()
    };
    let mut learned = Learned::default();
    let mut own: HashMap<&str, Observations> = HashMap::new();
    for Labelled { one, other, is_same, kind, similarity } in pairs {
        let agrees = gate::agree(one, other).is_ok();
        for (least, score) in &mut report.by_likeness {
            score.note(*is_same, similarity >= least);
        }
        for (least, score) in &mut report.by_likeness_and_gate {
            score.note(*is_same, agrees && similarity >= least);
        }
        let observed = own.entry(one).or_default();
        let is_given = agrees && learned.error(*similarity, observed) <= error_max;
        report.learned.note(*is_same, is_given);
        report.kinds.entry(kind.clone()).or_default().note(*is_same, is_given);
        if agrees {
            observed.note(*similarity, *is_same);
            learned.note(*similarity, *is_same);
        }
    }
    report
}
