//! Answers to questions that are alike: off unless the operator wants them, and given only as far as they have been shown to be
//! right.
//!
//! A request for which there is no answer is compared with those that are the same in everything but the last words of the
//! user (`index`, in one partition), by how alike these words are (`embedder`). What stands in them (`gate`) must agree; what was
//! seen of that question (`learned`) must make it likely that its answer is right; and it must have been shown (`proof`), by
//! answers that were fetched all the same and compared (`judge`), that fewer are false than the operator allows.
//!
//! What always holds: whom an answer belongs to is part of the partition, exactly, and never of what is only alike; whatever
//! fails here, the request goes on as if there had been nothing.

pub mod gate;
pub(crate) mod index;
pub mod judge;
pub(crate) mod learned;
pub(crate) mod proof;

pub mod embedder;
pub mod eval;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use weir_core::{Chance, Operation};

use crate::config;
use crate::entry::{Entry, Labels};
use crate::key::Key;
use crate::metrics::Likeness;
use crate::tiers::Which;

use index::{Index, Near};
use judge::{Judge, Pair, Text};
use learned::Learned;
use proof::Proof;

pub use proof::interval;

/// A share of what could be given is compared instead, so that the proof stays of today.
const COMPARED: f64 = 0.01;
/// Comparisons that may wait for the judge.
const WAITING_MAX: usize = 256;

/// What is known of questions.
pub(crate) struct Semantic {
    config: config::Semantic,
    known: Arc<Known>,
    chance: Arc<Chance>,
    text: Text,
    /// Closed with the stage, which ends whoever compares.
    comparisons: mpsc::Sender<Comparison>,
}

/// What the stage and whoever compares for it have in common.
struct Known {
    index: Index,
    /// Guards some hundred numbers.
    knowledge: Mutex<Knowledge>,
    metrics: Likeness,
}

#[derive(Default)]
struct Knowledge {
    learned: Learned,
    proof: Proof,
}

/// The last words of a user, and everything else that must be the same.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) partition: Key,
    pub(crate) text: Arc<str>,
    /// The least likeness that the caller accepts.
    pub(crate) at_least: f32,
}

/// A question of which the answer may be the answer to this one.
pub(crate) struct Candidate {
    pub(crate) near: Near,
    /// Whether what is known of it says that its answer may be given.
    pub(crate) is_likely: bool,
    /// Whether it is given.
    pub(crate) is_given: bool,
}

/// What is learned from the answer that comes.
pub(crate) struct Lesson {
    pub(crate) semantic: Arc<Semantic>,
    pub(crate) asked: Asked,
    pub(crate) vector: Vec<f32>,
    /// Whose answer it is compared with.
    pub(crate) with: Option<(Candidate, Entry)>,
}

/// Two answers for the judge.
struct Comparison {
    operation: Operation,
    asked: Asked,
    candidate: Candidate,
    kept: String,
    new: String,
}

/// Compares, one at a time.
pub struct Comparing {
    known: Arc<Known>,
    comparisons: mpsc::Receiver<Comparison>,
}

impl Semantic {
    pub(crate) fn new(
        config: &config::Semantic,
        chance: Arc<Chance>,
        text: Text,
        metrics: Likeness,
    ) -> (Self, Comparing) {
        let (sender, comparisons) = mpsc::channel(WAITING_MAX);
        let index = Index::new(config.entries_max);
        let known = Arc::new(Known { index, knowledge: Mutex::default(), metrics });
        let comparing = Comparing { known: known.clone(), comparisons };
        (Self { config: config.clone(), known, chance, text, comparisons: sender }, comparing)
    }

    /// What came of a question: `given`, `compared`, `none` or `failed`.
    pub(crate) fn came(&self, result: &'static str) {
        self.known.metrics.came(result);
    }

    /// Of the nearest questions, the first of which the words agree with these.
    pub(crate) fn candidate(&self, asked: &Asked, vector: &[f32]) -> Option<Candidate> {
        let near = self.known.index.nearest(&asked.partition, vector);
        let alike = near.into_iter().take_while(|near| near.similarity >= self.config.similarity_min);
        let mut agreeing = alike.filter(|near| match gate::agree(&asked.text, &near.text) {
            Ok(()) => true,
            Err(difference) => {
                self.known.metrics.differs(difference.name());
                false
            }
        });
        let near = agreeing.next()?;
        let knowledge = self.known.knowledge();
        let is_likely = near.similarity >= asked.at_least
            && knowledge.learned.error(near.similarity, &near.observed) <= self.config.error_max;
        let is_shown = knowledge.proof.bounds().1 <= self.config.error_max;
        let is_given = is_likely && is_shown && !self.config.shadow_only && self.chance.unit() >= COMPARED;
        Some(Candidate { near, is_likely, is_given })
    }

    /// A question's answer is there no more.
    pub(crate) fn gone(&self, asked: &Asked, candidate: &Candidate) {
        self.known.index.remove(&asked.partition, &candidate.near.key);
    }

    pub(crate) fn purge(&self, which: &Which) {
        self.known.index.purge(which);
    }

    /// How many questions are held; trials, and false ones among them; the share that is false at most, at 95 %.
    pub(crate) fn stats(&self) -> SemanticStats {
        let knowledge = self.known.knowledge();
        let (trials, false_ones) = knowledge.proof.counted();
        let (at_least, at_most) = knowledge.proof.bounds();
        SemanticStats {
            questions: self.known.index.len(),
            trials,
            false_ones,
            false_share_at_least: at_least,
            false_share_at_most: at_most,
            error_max: self.config.error_max,
            given: at_most <= self.config.error_max && !self.config.shadow_only,
        }
    }
}

impl Known {
    fn knowledge(&self) -> MutexGuard<'_, Knowledge> {
        self.knowledge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the answers to questions that are alike are doing.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SemanticStats {
    /// Questions held.
    pub questions: usize,
    /// Answers that could have been given, and were compared with the one that came.
    pub trials: usize,
    /// Those of them that said something else.
    pub false_ones: usize,
    /// The share that is false, at least (95 % interval of Clopper and Pearson).
    pub false_share_at_least: f64,
    /// The share that is false, at most.
    pub false_share_at_most: f64,
    /// What the operator allows.
    pub error_max: f64,
    /// Whether answers are given.
    pub given: bool,
}

impl Lesson {
    /// The answer came, and is kept under this key.
    pub(crate) fn learn(self, operation: Operation, key: Key, entry: &Entry) {
        let Self { semantic, asked, vector, with } = self;
        let labels: Labels = entry.labels.clone();
        semantic.known.index.insert(asked.partition, (key, asked.text.clone(), labels), &vector);
        let Some((candidate, kept)) = with else { return };
        let said = |entry: &Entry| (semantic.text)(operation, entry);
        let (Some(kept), Some(new)) = (said(&kept), said(entry)) else { return };
        let comparison = Comparison { operation, asked, candidate, kept, new };
        // A judge that does not keep up learns less.
        if semantic.comparisons.try_send(comparison).is_err() {
            semantic.known.metrics.unjudged.inc();
        }
    }
}

impl Comparing {
    /// Compares until the stage is gone.
    pub async fn run(mut self, judge: Box<dyn Judge>) {
        while let Some(comparison) = self.comparisons.recv().await {
            self.compare(comparison, &*judge).await;
        }
    }

    /// Compares what waits to be.
    #[cfg(test)]
    pub(crate) async fn run_some(mut self, judge: Box<dyn Judge>) -> Self {
        while let Ok(comparison) = self.comparisons.try_recv() {
            self.compare(comparison, &*judge).await;
        }
        self
    }

    async fn compare(&self, comparison: Comparison, judge: &dyn Judge) {
        let Comparison { operation, asked, candidate, kept, new } = comparison;
        let pair = Pair { operation, question: &asked.text, kept: &kept, new: &new };
        let Some(is_same) = judge.is_same(pair).await else {
            self.known.metrics.unjudged.inc();
            return;
        };
        let Near { key, similarity, .. } = candidate.near;
        self.known.index.observe(&asked.partition, &key, similarity, is_same);
        let mut knowledge = self.known.knowledge();
        knowledge.learned.note(similarity, is_same);
        if candidate.is_likely {
            knowledge.proof.note(is_same);
        }
        let bounds = knowledge.proof.bounds();
        drop(knowledge);
        self.known.metrics.judged(is_same, candidate.is_likely, bounds);
    }
}

/// The questions of one partition, for measuring how long going through them takes.
#[doc(hidden)]
pub struct Scanned(Index);

impl Scanned {
    /// Holds these vectors, each of length 1.
    pub fn new<'a>(vectors: impl ExactSizeIterator<Item = &'a [f32]>) -> Self {
        let index = Index::new(vectors.len());
        let labels = Labels { tenant: "".into(), model: "".into(), tag: "".into() };
        for (number, vector) in vectors.enumerate() {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_le_bytes());
            index.insert([0; 32], (key, "".into(), labels.clone()), vector);
        }
        Self(index)
    }

    /// How alike the nearest ones are.
    pub fn nearest(&self, vector: &[f32]) -> Vec<f32> {
        self.0.nearest(&[0; 32], vector).into_iter().map(|near| near.similarity).collect()
    }
}
