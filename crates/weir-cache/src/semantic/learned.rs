//! How likely it is that a kept answer answers another question, by how alike the two are: learned for each kept question
//! from what came of others, since no one threshold fits all (the idea of vCache, arXiv 2502.03771, built anew from the paper).
//!
//! The chance that the answer is the right one rises with the likeness `s` as `1 / (1 + exp(−γ(s − t)))`. Which `t` and `γ` hold
//! for a question is not known: a grid of both is weighed by what was seen of this question, beginning with what was seen of all
//! (the paper fits each question by itself, which takes many observations of each; most questions are seen few times).
//!
//! What always holds: a pure function of what was observed; what is remembered is bounded.

/// Observations remembered of one question.
const OBSERVED_MAX: usize = 32;
/// Where the chance is a half: 0.50 to 1.04 in steps of 0.02. Beyond 1, no likeness is enough.
const MIDDLES: usize = 28;
/// How steeply it rises there.
const SLOPES: [f64; 5] = [10.0, 20.0, 40.0, 80.0, 160.0];
const CELLS: usize = MIDDLES * SLOPES.len();
/// What an observation of another question is worth at this one, and how fast it is forgotten: a thousand later, it counts a
/// third as much.
const SHARED: f64 = 0.5;
const FORGOTTEN: f64 = 0.999;
/// How many of a question's own observations all the others are worth at most: one that came out false must count against any
/// number of others, for thresholds do differ from question to question.
const SHARED_MAX: f64 = 20.0;

/// What was seen of one question: how alike another one was, and whether its answer was the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Observations(Vec<(f32, bool)>);

impl Observations {
    pub(crate) fn note(&mut self, similarity: f32, is_same: bool) {
        if self.0.len() == OBSERVED_MAX {
            self.0.remove(0);
        }
        self.0.push((similarity, is_same));
    }
}

/// What was seen of all questions.
#[derive(Clone, Debug)]
pub(crate) struct Learned {
    /// The logarithm of each cell's weight.
    weights: Vec<f64>,
    /// How many observations that is.
    seen: f64,
}

impl Default for Learned {
    fn default() -> Self {
        Self { weights: vec![0.0; CELLS], seen: 0.0 }
    }
}

impl Learned {
    /// Notes what came of one question.
    pub(crate) fn note(&mut self, similarity: f32, is_same: bool) {
        self.seen = self.seen * FORGOTTEN + SHARED;
        for (weight, (middle, slope)) in self.weights.iter_mut().zip(cells()) {
            *weight = *weight * FORGOTTEN + SHARED * likelihood(similarity, is_same, middle, slope).ln();
        }
    }

    /// How likely it is that the answer of a question of which this was seen is not the one to a question so alike.
    pub(crate) fn error(&self, similarity: f32, own: &Observations) -> f64 {
        let trust = (SHARED_MAX / self.seen).min(1.0);
        let weighed = self.weights.iter().zip(cells()).map(|(shared, (middle, slope))| {
            let seen = own
                .0
                .iter()
                .map(|&(similarity, is_same)| likelihood(similarity, is_same, middle, slope).ln());
            (shared * trust + seen.sum::<f64>(), likelihood(similarity, false, middle, slope))
        });
        let weighed: Vec<_> = weighed.collect();
        let most = weighed.iter().fold(f64::MIN, |most, (weight, _)| most.max(*weight));
        let (mut total, mut wrong) = (0.0, 0.0);
        for (weight, chance) in weighed {
            let weight = (weight - most).exp();
            total += weight;
            wrong += weight * chance;
        }
        wrong / total
    }
}

fn cells() -> impl Iterator<Item = (f64, f64)> {
    let middles = (0..MIDDLES).map(|step| 0.02f64.mul_add(step as f64, 0.5));
    middles.flat_map(|middle| SLOPES.iter().map(move |slope| (middle, *slope)))
}

/// How likely this is, if the cell holds.
fn likelihood(similarity: f32, is_same: bool, middle: f64, slope: f64) -> f64 {
    /// Judges err, and so do labels: nothing is beyond doubt.
    const DOUBT: f64 = 1e-4;
    let distance = f64::from(similarity) - middle;
    let same = 1.0 / (1.0 + (-slope * distance).exp());
    (if is_same { same } else { 1.0 - same }).clamp(DOUBT, 1.0 - DOUBT)
}
