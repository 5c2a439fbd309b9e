//! Whom to turn away: a cursor over everybody in order of urgency, after WeChat's DAGOR (Zhou et al., "Overload control
//! for scaling WeChat microservices", SoCC 2018).
//!
//! A place in the order is (class, user's slot, priority inside the class). Whoever stands before the cursor is
//! admitted, whoever stands after it is shed; of those at the very place a share is. So the same users are served all
//! the time instead of everybody some of the time, which is what makes a conversation of ten calls succeed; the slots
//! are dealt anew every hour. The cursor moves once a second by a share of the *demand* that was seen, not of the
//! places, so a lone tenant is thinned and not switched off, and empty places cost no time.
//!
//! Invariants: if somebody is shed, so is everybody after them; a user's more urgent request is never shed while a less
//! urgent one is admitted; the most urgent class is shed only while there is no place at all.

use std::time::{Duration, Instant};

use weir_core::{Chance, Priority, Urgency};

use crate::level::{Level, Strain};

/// Users in a class that are told apart.
const SLOTS: usize = 128;
/// Priorities in a class at most: one user's are next to each other, the urgent first.
const RANKS: usize = 3;
const PLACES: usize = Urgency::ALL.len() * SLOTS * RANKS;
/// The end of the order: everybody is admitted.
const OPEN: Cursor = Cursor { place: PLACES, part: 0.0 };
/// After the most urgent class.
const URGENT: Cursor = Cursor { place: SLOTS * RANKS, part: 0.0 };

const STEP: Duration = Duration::from_secs(1);
/// At most; less where the line is less than twice as long as it may be, or the operator's threshold is nearer: a full step
/// for a little too much is taken back for minutes, a hundredth at a time.
const DOWN: f64 = 0.05;
/// Nor, as long as there is a place, more than this part of what is admitted: where five or ten times too much is asked
/// for, a twentieth of the demand is half of what can be served.
const DOWN_PART: f64 = 0.2;
const UP: f64 = 0.01;
const UP_IDLE: f64 = 0.05;
/// Part of the excess that should go within a step. Were the cursor to go on falling all the time that a long line takes
/// to drain, far more would be shed than is too much; so it stays when the excess goes at this speed, and rises when it
/// goes at twice of it. A line ten seconds too long then gets shorter by 0.3 s a second, which a service can do that
/// turns away a third of its work.
const CLOSING: f64 = 0.03;
/// Part of a step's demand in what is remembered of all: seconds at a time, so that a moment without somebody is not
/// taken for their leaving.
const WEIGHT: f64 = 0.5;
/// Demand, in requests a second, that is none.
const NONE: f64 = 0.001;

const REKEYED: Duration = Duration::from_secs(3600);

/// How far the order is admitted: the places before, and a part of this one.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Cursor {
    place: usize,
    part: f64,
}

/// One pool's cursor.
#[derive(Debug)]
pub struct Shedder {
    seed: u64,
    start: Instant,
    stepped: Instant,
    cursor: Cursor,
    /// Whether there is no place at all.
    hard: bool,
    shedding: bool,
    excess: f64,
    /// Requests since the last step, and requests a second before it, by place.
    recent: Box<[u32; PLACES]>,
    demand: Box<[f64; PLACES]>,
}

impl Shedder {
    /// Admits everybody. `seed` decides who shares a slot with whom.
    pub fn new(seed: u64, now: Instant) -> Self {
        Self {
            seed,
            start: now,
            stepped: now,
            cursor: OPEN,
            hard: false,
            shedding: false,
            excess: 0.0,
            recent: Box::new([0; PLACES]),
            demand: Box::new([0.0; PLACES]),
        }
    }

    /// Somebody asks to be admitted. `user`: a hash of the tenant, or of the tenant's user.
    pub fn asked(&mut self, priority: Priority, user: u64, now: Instant) {
        let recent = &mut self.recent[self.place(priority, user, now)];
        *recent = recent.saturating_add(1);
    }

    /// Whether to turn them away if there is no room for them. `chance`, from 0 to 1, decides at the cursor's own place.
    pub fn sheds(&self, priority: Priority, user: u64, chance: f64, now: Instant) -> bool {
        chance >= self.share(self.place(priority, user, now))
    }

    /// Whether some would be turned away.
    pub fn is_shedding(&self) -> bool {
        self.cursor < OPEN
    }

    /// The share of the demand that is admitted.
    pub fn admitted(&self) -> f64 {
        let total: f64 = self.demand.iter().sum();
        if total < NONE {
            return 1.0;
        }
        let admitted = self.demand.iter().enumerate().map(|(place, demand)| demand * self.share(place));
        admitted.sum::<f64>() / total
    }

    /// Moves the cursor once a second, and at once when the level says to shed.
    pub fn on_tick(&mut self, now: Instant, level: Level, strain: &Strain) {
        let sheds = level.actions().sheds;
        let begins = sheds && !std::mem::replace(&mut self.shedding, sheds);
        self.hard = strain.hard;
        if begins || now.saturating_duration_since(self.stepped) >= STEP {
            self.remember(now);
            self.step(strain);
        }
        if !sheds {
            self.cursor = OPEN;
        } else if !self.hard && self.cursor < URGENT {
            self.cursor = URGENT;
        }
    }

    fn step(&mut self, strain: &Strain) {
        let total: f64 = self.demand.iter().sum();
        let before = std::mem::replace(&mut self.excess, strain.excess);
        if strain.rests && !strain.forced {
            // Whom to shed for a service that answers nobody? The bounds of the line hold, and so do deadlines.
            return;
        }
        let admitted = self.admitted();
        let down_max = if strain.hard { DOWN } else { DOWN.min(DOWN_PART * admitted) };
        // The share of what is asked for that is above the operator's threshold though it is admitted.
        let over_rate =
            strain.per_s_max.map_or(0.0, |max| admitted - f64::from(max) / f64::from(strain.per_s.max(1)));
        if strain.forced {
            self.down(DOWN * total);
        } else if over_rate > 0.0 {
            self.down(over_rate.min(down_max) * total);
        } else if strain.excess > 0.0 {
            let closed = (before - strain.excess) / before.max(strain.excess);
            if closed < CLOSING {
                self.down(strain.excess.min(1.0) * down_max * total);
            } else if closed > 2.0 * CLOSING {
                self.up(UP * total);
            }
        } else {
            self.up(if strain.idle { UP_IDLE } else { UP } * total);
        }
    }

    /// Admits so much less.
    fn down(&mut self, mut amount: f64) {
        let end = if self.hard { 0 } else { URGENT.place };
        let Cursor { mut place, mut part } = self.cursor;
        while amount > 0.0 {
            let here = self.demand.get(place).copied().unwrap_or(0.0);
            if part * here > amount {
                part -= amount / here;
                break;
            }
            amount -= part * here;
            part = 0.0;
            if place <= end {
                break;
            }
            (place, part) = (place - 1, 1.0);
        }
        self.cursor = Cursor { place, part };
    }

    /// Admits so much more; everybody, when that is all.
    fn up(&mut self, mut amount: f64) {
        let Cursor { mut place, mut part } = self.cursor;
        while let Some(&here) = self.demand.get(place) {
            let left = (1.0 - part) * here;
            if left > amount.max(NONE) {
                part += amount / here;
                break;
            }
            amount -= left.min(amount);
            (place, part) = (place + 1, 0.0);
        }
        self.cursor = Cursor { place, part };
    }

    /// What was asked for since the last step becomes part of what is known.
    fn remember(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.stepped).as_secs_f64().max(0.1);
        for (demand, recent) in self.demand.iter_mut().zip(self.recent.iter_mut()) {
            *demand += WEIGHT * (f64::from(std::mem::take(recent)) / seconds - *demand);
        }
        self.stepped = now;
    }

    fn share(&self, place: usize) -> f64 {
        match place.cmp(&self.cursor.place) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => self.cursor.part,
            std::cmp::Ordering::Greater => 0.0,
        }
    }

    fn place(&self, priority: Priority, user: u64, now: Instant) -> usize {
        let hour = now.saturating_duration_since(self.start).as_secs() / REKEYED.as_secs();
        let key = Chance::mixed(self.seed ^ Chance::mixed(hour.wrapping_add(1)));
        let slot = (Chance::mixed(user ^ key) % SLOTS as u64) as usize;
        let class = Urgency::of(priority) as usize;
        let rank = (usize::from(priority.level()) + RANKS - 1) % RANKS;
        (class * SLOTS + slot) * RANKS + rank
    }
}
