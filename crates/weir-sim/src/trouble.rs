//! What a modelled service does with a call: refuses it, answers it late, or breaks off. Pure: time and
//! calls in flight are passed in, chance is seeded.

use std::time::Duration;

use weir_core::Chance;

use crate::arrivals::Spell;
use crate::draw;

/// A service as modelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Model {
    pub(crate) first: First,
    pub(crate) trouble: Trouble,
}

/// The time to the first token: lognormal, with a second, slow mode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct First {
    median_s: f64,
    sigma: f64,
    slow_share: f64,
    slow_median_s: f64,
    slow_sigma: f64,
}

/// A service on a good day.
pub(crate) const USUAL_FIRST: First =
    First { median_s: 0.35, sigma: 0.4, slow_share: 0.0, slow_median_s: 0.0, slow_sigma: 0.0 };

/// A slow service: p95 6.2 s, p99 17.7 s, p99.9 38.4 s.
pub(crate) const SLOW_FIRST: First =
    First { median_s: 0.9, sigma: 0.4, slow_share: 0.08, slow_median_s: 8.0, slow_sigma: 0.7 };

/// What is wrong with it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// It refuses a share of calls, each by itself.
    Refuses { share: f64 },
    /// It alternates between taking and refusing everything. `persistence`: the probability that a call is
    /// refused if one half a second before was.
    Bursts { share: f64, persistence: f64 },
    /// It takes so many calls at one time.
    Slots(Slots),
    /// It is down.
    Outage(Spell),
    /// A share of its streams stalls or breaks.
    Breaks { share: f64 },
}

/// Calls at one time that a service takes, and when it takes so many times as many: (from second, factor), in
/// order of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    pub(crate) usual: u32,
    pub(crate) turns: &'static [(f64, f64)],
}

impl Slots {
    /// Always as many.
    pub(crate) const fn always(usual: u32) -> Self {
        Self { usual, turns: &[] }
    }

    /// At this moment.
    pub(crate) fn at(&self, s: f64) -> u32 {
        let turn = self.turns.iter().rev().find(|(from_s, _)| *from_s <= s);
        turn.map_or(self.usual, |(_, factor)| (f64::from(self.usual) * factor).round() as u32)
    }
}

/// A refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No connection came about.
    Connection,
    /// An error status.
    Status(u16),
}

/// How an accepted answer goes wrong, and after what share of its words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Break {
    pub(crate) how: Broken,
    pub(crate) at: f64,
}

/// How an answer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Nothing comes for two minutes.
    Stall,
    /// The connection is reset.
    Reset,
    /// The stream ends as if it were whole, without a finish reason and without `[DONE]`.
    CleanEnd,
}

/// The length of a stall.
pub(crate) const STALL: Duration = Duration::from_secs(120);

/// How far apart the two calls are of which [`Trouble::Bursts`] speaks.
const PERSISTENCE_APART_S: f64 = 0.5;

/// The changing part of a troubled service.
pub(crate) struct Mood {
    trouble: Trouble,
    /// For what is decided call by call.
    chance: Chance,
    /// For bursts, so that they come at the same moments however often the service is called.
    weather: Chance,
    bad: bool,
    /// When a burst, or the peace between two, is over.
    until_s: f64,
}

impl First {
    pub(crate) fn draw(&self, chance: &Chance) -> Duration {
        let seconds = if draw::happens(chance, self.slow_share) {
            draw::lognormal(chance, self.slow_median_s, self.slow_sigma)
        } else {
            draw::lognormal(chance, self.median_s, self.sigma)
        };
        Duration::from_secs_f64(seconds)
    }

    pub(crate) fn mean_s(&self) -> f64 {
        let mean = |median: f64, sigma: f64| median * (sigma * sigma / 2.0).exp();
        let slow = mean(self.slow_median_s, self.slow_sigma);
        (1.0 - self.slow_share) * mean(self.median_s, self.sigma) + self.slow_share * slow
    }
}

impl Mood {
    pub(crate) fn new(trouble: Trouble, seed: u64) -> Self {
        let (chance, weather) = (draw::fork(seed, 5), draw::fork(seed, 6));
        let bad = matches!(trouble, Trouble::Bursts { share, .. } if draw::happens(&weather, share));
        let mut mood = Self { trouble, chance, weather, bad, until_s: 0.0 };
        mood.until_s = mood.spell_s();
        mood
    }

    /// Decides a call that comes at `s` while `in_flight` others are being answered.
    pub(crate) fn decide(&mut self, s: f64, in_flight: u32) -> Result<Option<Break>, Refusal> {
        self.come_to(s);
        match self.trouble {
            Trouble::None => Ok(None),
            Trouble::Refuses { share } if draw::happens(&self.chance, share) => Err(self.refusal()),
            Trouble::Bursts { .. } if self.bad => Err(self.refusal()),
            Trouble::Slots(slots) if in_flight >= slots.at(s) => Err(Refusal::Status(429)),
            Trouble::Outage(spell) if spell.contains(s) => Err(self.dead()),
            Trouble::Breaks { share } if draw::happens(&self.chance, share) => Ok(Some(self.broken())),
            _ => Ok(None),
        }
    }

    /// Whether everything in progress at `s` is cut.
    pub(crate) fn is_down(&self, s: f64) -> bool {
        matches!(self.trouble, Trouble::Outage(spell) if spell.contains(s))
    }

    /// Calls at one time that it takes at `s`; `None` where that is no question.
    pub(crate) fn slots(&self, s: f64) -> Option<u32> {
        if let Trouble::Slots(slots) = self.trouble { Some(slots.at(s)) } else { None }
    }

    fn refusal(&self) -> Refusal {
        Refusal::Status(if draw::happens(&self.chance, 0.5) { 503 } else { 429 })
    }

    fn dead(&self) -> Refusal {
        if draw::happens(&self.chance, 0.5) { Refusal::Connection } else { Refusal::Status(500) }
    }

    fn broken(&self) -> Break {
        let how = match self.chance.below(4) {
            0 | 1 => Broken::Stall,
            2 => Broken::Reset,
            _ => Broken::CleanEnd,
        };
        Break { how, at: self.chance.unit() }
    }

    fn come_to(&mut self, s: f64) {
        while s >= self.until_s {
            self.bad = !self.bad;
            self.until_s += self.spell_s();
        }
    }

    /// The length of the present spell. A chain in continuous time with mean `share` of bad time forgets
    /// its state by e^(-t/T); T follows from the persistence, and the mean lengths are T/(1 - share) bad
    /// and T/share good.
    fn spell_s(&self) -> f64 {
        let Trouble::Bursts { share, persistence } = self.trouble else { return f64::INFINITY };
        let memory_s = -PERSISTENCE_APART_S / ((persistence - share) / (1.0 - share)).ln();
        let mean = if self.bad { memory_s / (1.0 - share) } else { memory_s / share };
        draw::exponential(&self.weather, mean)
    }
}
