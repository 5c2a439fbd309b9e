//! When applications ask: a Poisson process whose rate may change, or moments that were recorded. Open
//! loop: nobody waits for an earlier answer.

use std::sync::Arc;

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
#[derive(Clone, Debug)]
pub(crate) struct Arrivals {
    pub(crate) rate: Rate,
    /// The last moment at which one comes; infinite for a world that ends by count.
    pub(crate) until_s: f64,
    /// The most that come.
    pub(crate) requests_max: u32,
}

/// How often they ask.
#[derive(Clone, Debug)]
pub(crate) enum Rate {
    /// So many a second.
    Steady(f64),
    /// So many a second, and for a while so many times as many.
    Spike { per_s: f64, spell: Spell, factor: f64 },
    /// As many a second as the straight lines between these points say: (second, requests a second).
    Walk(Arc<[(f64, f64)]>),
    /// At recorded moments, so many times as fast, over and over. In seconds, rising, the last being the
    /// length of the whole.
    Recorded { at_s: Arc<[f64]>, speed: f64 },
}

impl Rate {
    fn at(&self, s: f64) -> f64 {
        match self {
            Self::Steady(per_s) => *per_s,
            Self::Spike { per_s, spell, factor } if spell.contains(s) => per_s * factor,
            Self::Spike { per_s, .. } => *per_s,
            Self::Walk(points) => on_line(points, s),
            Self::Recorded { at_s, speed } => {
                at_s.last().map_or(0.0, |whole_s| (at_s.len() - 1) as f64 / whole_s * speed)
            }
        }
    }

    fn highest(&self) -> f64 {
        match self {
            Self::Spike { per_s, factor, .. } => per_s * factor,
            Self::Walk(points) => points.iter().fold(0.0, |highest, (_, per_s)| per_s.max(highest)),
            Self::Steady(_) | Self::Recorded { .. } => self.at(0.0),
        }
    }
}

/// The height at `s` of the line through these points, which goes on level before and behind them.
fn on_line(points: &[(f64, f64)], s: f64) -> f64 {
    let next = points.partition_point(|(at, _)| *at <= s);
    match (next.checked_sub(1).and_then(|last| points.get(last)), points.get(next)) {
        (Some((from, low)), Some((to, high))) => low + (high - low) * (s - from) / (to - from),
        (Some((_, level)), None) | (None, Some((_, level))) => *level,
        (None, None) => 0.0,
    }
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
        let Arrivals { rate, until_s, requests_max } = &self.arrivals;
        if self.come >= *requests_max {
            return None;
        }
        if let Rate::Recorded { at_s, speed } = rate {
            let (whole_s, recorded) = at_s.split_last()?;
            let (round, place) = (self.come as usize / recorded.len(), self.come as usize % recorded.len());
            self.at_s = (round as f64 * whole_s + recorded[place]) / speed;
            self.come += 1;
            return (self.at_s < *until_s).then_some(self.at_s);
        }
        // Thinning (Lewis and Shedler, 1979): candidates at the highest rate, kept by the rate of their
        // moment.
        let highest = rate.highest();
        loop {
            self.at_s += draw::exponential(&self.chance, 1.0 / highest);
            if self.at_s >= *until_s {
                return None;
            }
            if draw::happens(&self.chance, rate.at(self.at_s) / highest) {
                self.come += 1;
                return Some(self.at_s);
            }
        }
    }
}
