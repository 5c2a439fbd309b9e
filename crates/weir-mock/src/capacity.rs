//! The capacity model: a service shared with strangers, whose bursts leave no room for us.
//!
//! A pure state machine: time is passed in, chance is seeded, nothing waits. Requests fail because the
//! service is full at that moment, not by a coin each, so failures come in bursts, a quick retry of a refused
//! request mostly fails again, and first tokens slow down before the first refusal.
//! Invariant: `ours` is the number of admitted requests that have not left.

use std::time::Duration;

use crate::chance::Chance;

/// The shape of a shared service. Shares are of `slots`, the requests it can run at once.
#[derive(Clone, Debug)]
pub struct Load {
    /// Requests the whole service runs at once, ours and the strangers'.
    pub slots: u32,
    /// Requests of ours it runs at once; one more is 429.
    pub account_slots: u32,
    /// Tokens a second the whole service makes; beyond it all answers slow down alike.
    pub tokens_per_second: f64,
    /// Tokens a second one running request wants.
    pub token_rate: f64,
    /// Spells in which the strangers leave room.
    pub quiet: Spell,
    /// Spells in which they do not.
    pub busy: Spell,
    /// Mean length of the first quiet spell, short so that a short look at the service sees a burst.
    pub first_quiet_mean: Duration,
    /// Time constant with which demand follows a new spell.
    pub ramp: Duration,
    /// Share of `slots` that may wait when all are taken; beyond it requests are refused.
    pub waiting_room: f64,
    /// Longest wait for a slot, for the last in the waiting room.
    pub wait_max: Duration,
    /// In a burst, mean time between moments at which a slot happens to be free …
    pub opening_gap_mean: Duration,
    /// … and how long on average such a moment lasts, unless a request of ours takes the slot.
    pub opening_mean: Duration,
    /// Share of the bursts whose refusals carry `Retry-After`.
    pub retry_after_share: f64,
}

/// One state of the strangers' demand: how long it lasts and how high it goes.
#[derive(Clone, Debug)]
pub struct Spell {
    /// Every such spell lasts at least this long …
    pub at_least: Duration,
    /// … and beyond that an exponentially distributed time with this mean.
    pub beyond_mean: Duration,
    /// The demand it heads for, as a share of the slots, drawn between these.
    pub level: (f64, f64),
}

/// What the service does with a request that has arrived.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It runs, after `wait`; its first token takes `slowdown` times and each token `stretch` times as long as
    /// on an idle service. Holds a slot until [`Capacity::leave`].
    Admitted {
        /// Time in the waiting room.
        wait: Duration,
        /// Factor on the time to the first token.
        slowdown: f64,
        /// Factor on the time between tokens.
        stretch: f64,
    },
    /// The service is full: 503 or 529.
    Busy {
        /// Seconds for a `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// We hold all the slots our account may hold: 429.
    OverAccountLimit,
}

/// Utilisation beyond which the first token gets no slower: 0.94 makes it about nine times as slow.
const UTILISATION_MAX: f64 = 0.94;

/// What the refusals of some bursts promise; bursts mostly last longer.
const RETRY_AFTER_SECONDS: u32 = 1;

/// A service shared with strangers, as of the last `now` it was given.
#[derive(Clone, Debug)]
pub struct Capacity {
    load: Load,
    ours: u32,
    strangers: Strangers,
    openings: Openings,
}

impl Capacity {
    /// A service at time zero, in a quiet spell.
    pub fn new(load: Load, chance: &Chance) -> Self {
        let strangers = Strangers::new(&load, chance.fork(1));
        let openings = Openings::new(&load, chance.fork(2));
        Capacity { load, ours: 0, strangers, openings }
    }

    /// A request arrives at `now`, a time since the service's start that never goes back.
    pub fn arrive(&mut self, now: Duration) -> Verdict {
        if self.ours >= self.load.account_slots {
            return Verdict::OverAccountLimit;
        }
        let demand = self.demand(now);
        let over = demand - 1.0;
        if over > self.load.waiting_room && !self.openings.take(&self.load, now) {
            return Verdict::Busy { retry_after: self.strangers.retry_after };
        }
        self.ours += 1;
        let share_of_wait = (over / self.load.waiting_room).clamp(0.0, 1.0);
        let utilisation = demand.min(UTILISATION_MAX);
        let running = demand * f64::from(self.load.slots);
        Verdict::Admitted {
            wait: self.load.wait_max.mul_f64(share_of_wait),
            slowdown: 1.0 + 0.5 * utilisation / (1.0 - utilisation),
            stretch: (running * self.load.token_rate / self.load.tokens_per_second).max(1.0),
        }
    }

    /// An admitted request has been answered, cut or abandoned.
    pub fn leave(&mut self) {
        debug_assert!(self.ours > 0, "more requests left than were admitted");
        self.ours = self.ours.saturating_sub(1);
    }

    /// Slots wanted by everyone at `now`, as a share of those there are: above 1 the service is full.
    pub fn demand(&mut self, now: Duration) -> f64 {
        self.strangers.advance(&self.load, now);
        self.strangers.level_at(&self.load, now) + f64::from(self.ours) / f64::from(self.load.slots)
    }
}

/// The strangers' demand: it heads for the level of the present spell with time constant `ramp`.
#[derive(Clone, Debug)]
struct Strangers {
    chance: Chance,
    busy: bool,
    began: Duration,
    until: Duration,
    level_at_start: f64,
    target: f64,
    retry_after: Option<u32>,
}

impl Strangers {
    fn new(load: &Load, mut chance: Chance) -> Self {
        let until =
            load.first_quiet_mean.div_f64(2.0) + chance.exponential(load.first_quiet_mean.div_f64(2.0));
        let target = chance.between(load.quiet.level.0, load.quiet.level.1);
        let began = Duration::ZERO;
        Strangers { chance, busy: false, began, until, level_at_start: target, target, retry_after: None }
    }

    fn advance(&mut self, load: &Load, now: Duration) {
        while now >= self.until {
            self.level_at_start = self.level_at(load, self.until);
            self.began = self.until;
            self.busy = !self.busy;
            let spell = if self.busy { &load.busy } else { &load.quiet };
            self.until += spell.at_least + self.chance.exponential(spell.beyond_mean);
            self.target = self.chance.between(spell.level.0, spell.level.1);
            let says_when = self.chance.happens(load.retry_after_share);
            self.retry_after = says_when.then_some(RETRY_AFTER_SECONDS);
        }
    }

    fn level_at(&self, load: &Load, now: Duration) -> f64 {
        let elapsed = now.saturating_sub(self.began).as_secs_f64();
        let left = (-elapsed / load.ramp.as_secs_f64()).exp();
        self.target + (self.level_at_start - self.target) * left
    }
}

/// The moments in a burst at which a slot is free before a stranger takes it.
#[derive(Clone, Debug)]
struct Openings {
    chance: Chance,
    opens: Duration,
    closes: Duration,
}

/// Openings longer ago than this are not drawn one by one: an idle hour costs no more than an idle minute.
const OPENINGS_REPLAYED: Duration = Duration::from_secs(60);

impl Openings {
    fn new(load: &Load, chance: Chance) -> Self {
        let mut openings = Openings { chance, opens: Duration::ZERO, closes: Duration::ZERO };
        openings.draw(load);
        openings
    }

    /// Takes the slot that is free at `now`, if one is.
    fn take(&mut self, load: &Load, now: Duration) -> bool {
        self.closes = self.closes.max(now.saturating_sub(OPENINGS_REPLAYED));
        while now >= self.closes {
            self.draw(load);
        }
        let free = now >= self.opens;
        if free {
            self.closes = now;
        }
        free
    }

    fn draw(&mut self, load: &Load) {
        self.opens = self.closes + self.chance.exponential(load.opening_gap_mean);
        self.closes = self.opens + self.chance.exponential(load.opening_mean);
    }
}

#[cfg(test)]
mod tests;
