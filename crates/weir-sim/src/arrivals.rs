//! When applications ask: a Poisson process, with a spike in one world. Open loop: nobody waits for an
//! earlier answer.

use weir_core::Chance;

use crate::draw;

/// A span of a world's time, in seconds since its beginning.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spell {
    pub(crate) from_s: f64,
    pub(crate) until_s: f64,
}

impl Spell {
    pub(crate) fn contains(&self, s: f64) -> bool {
        (self.from_s..self.until_s).contains(&s)
    }
}

/// How often applications ask, and until when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrivals {
    /// Requests a second.
    pub(crate) per_s: f64,
    /// When so many times as many come.
    pub(crate) spike: Option<(Spell, f64)>,
    /// The last moment at which one comes; infinite for a world that ends by count.
    pub(crate) until_s: f64,
    /// The most that come.
    pub(crate) requests_max: u32,
}

/// The arrivals of one run, one by one.
pub(crate) struct Coming {
    arrivals: Arrivals,
    chance: Chance,
    at_s: f64,
    come: u32,
}

impl Coming {
    pub(crate) fn new(arrivals: Arrivals, chance: Chance) -> Self {
        Self { arrivals, chance, at_s: 0.0, come: 0 }
    }

    /// How many have come.
    pub(crate) const fn come(&self) -> u32 {
        self.come
    }

    /// The next arrival, in seconds since the beginning; `None` after the last.
    pub(crate) fn next_s(&mut self) -> Option<f64> {
        if self.come >= self.arrivals.requests_max {
            return None;
        }
        // Thinning (Lewis and Shedler, 1979): candidates at the highest rate, kept by the rate of their
        // moment.
        let highest = self.arrivals.spike.map_or(1.0, |(_, factor)| factor);
        loop {
            self.at_s += draw::exponential(&self.chance, 1.0 / (self.arrivals.per_s * highest));
            if self.at_s >= self.arrivals.until_s {
                return None;
            }
            let factor = match self.arrivals.spike {
                Some((spell, factor)) if spell.contains(self.at_s) => factor,
                _ => 1.0,
            };
            if draw::happens(&self.chance, factor / highest) {
                self.come += 1;
                return Some(self.at_s);
            }
        }
    }
}
