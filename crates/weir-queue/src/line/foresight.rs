//! How much of what was foreseen is charged when a turn begins; the rest when the answer has ended and its cost is known.
//!
//! That may be many seconds later, and too much in the meantime does harm: an idle tenant is lifted to the counter of a
//! busy one, and when that falls by what had been charged too much, the idle one has to wait until the busy one has
//! caught up. Too little does none: what is added at the end is added to those who had more under way. So the charge
//! is what hardly any answer stays below. It goes down at once when answers are short, and slowly up.

/// Where it begins, and never less: no turn is free.
const FIRST: f64 = 0.1;
const LEAST: f64 = 0.01;
/// Weight of one answer that took less than is charged, and of one that took more.
const WEIGHT_DOWN: f64 = 0.2;
const WEIGHT_UP: f64 = 0.02;

/// The share of the foreseen that is charged.
pub(crate) struct Foresight(f64);

impl Default for Foresight {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Foresight {
    /// What to charge for a turn that is foreseen to cost so much.
    pub(crate) const fn charge(&self, foreseen: f64) -> f64 {
        foreseen.max(0.0) * self.0
    }

    /// An answer that was foreseen to take so much took so much.
    pub(crate) fn learn(&mut self, foreseen: f64, used: f64) {
        if foreseen > 0.0 {
            let share = (used / foreseen).clamp(LEAST, 1.0);
            let weight = if share < self.0 { WEIGHT_DOWN } else { WEIGHT_UP };
            self.0 += weight * (share - self.0);
        }
    }
}
