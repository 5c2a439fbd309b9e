//! The level of pressure of one pool: a pure machine that looks at the pool ten times a second.
//!
//! Two tables say everything. [`TRIGGERS`]: what raises the level, to what, and for how long it must have been so.
//! [`Levels::is_calm`]: what must hold, and for how long, before a level is left. The numbers are those of the
//! requirement (wait < 3 s; 1 : 1.6 : 2.4), or follow from them.
//!
//! ```text
//!   up at once, to the highest level that a trigger asks for
//!   L0 ──────► L1 queue and pace ──────► L2 answer cheaper ──────► L3 shed
//!      ◄────── one step, after 5 s there and 5 s (L1) or 10 s (L2, L3) of calm
//! ```
//!
//! Invariants: at every look the level is at least that of every trigger whose time has come; it comes down one step at
//! a time, never within [`DWELL`] of its last change, and not from L3 while somebody would still be turned away.
//! No arrival is needed to come down.

use std::time::{Duration, Instant};

use crate::arrivals::Arrivals;
use crate::process::Floor;

/// How hard a pool is pressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Normal: whoever comes, goes.
    #[default]
    L0,
    /// Queue and pace.
    L1,
    /// Answer in a cheaper way where that is allowed.
    L2,
    /// Shed.
    L3,
}

impl Level {
    /// Every level, in order: the place of each is its number.
    pub const ALL: [Self; 4] = [Self::L0, Self::L1, Self::L2, Self::L3];

    /// 0 to 3.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The number as text, for labels and headers.
    pub const fn name(self) -> &'static str {
        ["0", "1", "2", "3"][self as usize]
    }

    /// One step down; L0 stays.
    const fn below(self) -> Self {
        Self::ALL[(self as usize).saturating_sub(1)]
    }
}

/// Why a level changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// More requests a second than the operator's threshold.
    Qps,
    /// The predicted wait.
    Wait,
    /// No permit is free, the line does not empty, or it is nearly full.
    Queue,
    /// First attempts fail.
    Success,
    /// Every circuit is open.
    Circuits,
    /// The process's memory.
    Memory,
    /// The event loop comes late.
    Lag,
    /// Nothing asks for the level any more: a step down.
    Calm,
}

impl Cause {
    /// The name used in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Qps => "qps",
            Self::Wait => "wait",
            Self::Queue => "queue",
            Self::Success => "success",
            Self::Circuits => "circuits",
            Self::Memory => "memory",
            Self::Lag => "lag",
            Self::Calm => "calm",
        }
    }
}

/// A pool as it stands at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Signals {
    /// Calls that its endpoints with closed circuits take at one time, together.
    pub room: usize,
    /// Permits out.
    pub out: usize,
    /// Requests in line.
    pub waiting: usize,
    /// The most that the line takes.
    pub waiters_max: usize,
    /// How long someone who came now would wait; zero while a permit is free.
    pub predicted_wait: Duration,
    /// The shortest wait of those who got their turn since the last look; `None` if nobody did.
    pub shortest_wait: Option<Duration>,
    /// First attempts within the last 30 s that ended, as far as the service had a part in it.
    pub first_attempts: u32,
    /// Those of them that succeeded.
    pub first_attempts_ok: u32,
    /// Whether every circuit of the pool is open.
    pub open_circuits: bool,
    /// Nobody serves just now: every endpoint is being left alone, for whatever reason.
    pub rests: bool,
    /// Whether somebody else (a fallback, a smaller or local model) could answer in the pool's place.
    pub degraded_target: bool,
    /// The time that half of those in line still have, or more.
    pub remaining_deadline_p50: Option<Duration>,
}

/// The level moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// From here …
    pub from: Level,
    /// … to here.
    pub to: Level,
    /// What moved it.
    pub cause: Cause,
}

/// How far from rest a pool is, for those who decide how many to shed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Strain {
    /// How far wait and line are above where shedding may end: 0.5 is half as much again, 0 or less is not.
    pub excess: f64,
    /// Nothing that is shed would be enough: memory.
    pub forced: bool,
    /// Nobody serves: how long the line is says nothing of how much is too much.
    pub rests: bool,
    /// Requests a second.
    pub per_s: u32,
    /// Requests a second above which the operator wants shedding.
    pub per_s_max: Option<u32>,
    /// Nobody is in line.
    pub idle: bool,
    /// There is no place at all: memory, or a full line. Only then may the most urgent be turned away.
    pub hard: bool,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The least time between the last change and a step down.
pub(crate) const DWELL: Duration = ms(5_000);

const WAIT_QUEUED: Duration = ms(100);
/// The requirement: a queued request waits less than 3 s.
const WAIT_LONG: Duration = ms(3_000);
const WAIT_TOO_LONG: Duration = ms(10_000);
/// A patience of less would call every wait too long.
const PATIENCE_MIN: Duration = ms(1_000);
/// L3 is left at this part of the wait that brings it: 3 s of 10 s.
const WAIT_SHED_LEAVE: f64 = 0.3;
const WAIT_LONG_LEAVE: Duration = ms(1_000);
/// Everybody waits at least this long: the line stands (CoDel's sign of a queue that does no good).
const STANDING: Duration = ms(1_000);

/// First attempts below which their share means nothing.
const ATTEMPTS_MIN: u32 = 20;
const SUCCESS_MIN: f64 = 0.5;
const SUCCESS_LEAVE: f64 = 0.7;

const LINE_PERCENT_MAX: usize = 90;
const LINE_PERCENT_LEAVE: usize = 50;
/// A threshold in requests a second is left at this part of it.
const QPS_PERCENT_LEAVE: u64 = 80;

/// What raises the level.
struct Trigger {
    to: Level,
    cause: Cause,
    /// How long it must have been so.
    after: Duration,
    holds: fn(&View<'_>) -> bool,
}

const fn trigger(to: Level, cause: Cause, after_ms: u64, holds: fn(&View<'_>) -> bool) -> Trigger {
    Trigger { to, cause, after: ms(after_ms), holds }
}

/// Highest level first; within a level the first whose time has come names the cause.
const TRIGGERS: [Trigger; 16] = [
    trigger(Level::L3, Cause::Memory, 0, |view| view.floor.memory >= Level::L3),
    trigger(Level::L3, Cause::Circuits, 0, |view| view.is_nobody_left()),
    trigger(Level::L3, Cause::Queue, 0, |view| view.line_percent() >= LINE_PERCENT_MAX),
    trigger(Level::L3, Cause::Wait, 1_000, |view| view.signals.predicted_wait > view.patience()),
    trigger(Level::L3, Cause::Qps, 500, |view| view.is_above(Level::L3)),
    trigger(Level::L2, Cause::Memory, 0, |view| view.floor.memory >= Level::L2),
    trigger(Level::L2, Cause::Lag, 0, |view| view.floor.lag >= Level::L2),
    trigger(Level::L2, Cause::Circuits, 0, |view| view.signals.open_circuits),
    trigger(Level::L2, Cause::Success, 0, |view| view.success().is_some_and(|share| share < SUCCESS_MIN)),
    trigger(Level::L2, Cause::Queue, 2_000, |view| view.standing),
    trigger(Level::L2, Cause::Wait, 1_000, |view| view.signals.predicted_wait > WAIT_LONG),
    trigger(Level::L2, Cause::Qps, 1_000, |view| view.is_above(Level::L2)),
    trigger(Level::L1, Cause::Lag, 0, |view| view.floor.lag >= Level::L1),
    trigger(Level::L1, Cause::Queue, 0, |view| view.signals.out >= view.signals.room),
    trigger(Level::L1, Cause::Wait, 0, |view| view.signals.predicted_wait > WAIT_QUEUED),
    trigger(Level::L1, Cause::Qps, 500, |view| view.is_above(Level::L1)),
];

/// How long it must have been calm before a level is left, L1 to L3.
const CALM: [Duration; 3] = [ms(5_000), ms(10_000), ms(10_000)];

/// What is looked at.
struct View<'a> {
    signals: &'a Signals,
    floor: Floor,
    qps: Option<[u32; 3]>,
    per_s: u32,
    standing: bool,
}

impl View<'_> {
    /// The operator's threshold of a level.
    fn qps_max(&self, level: Level) -> Option<u32> {
        self.qps.map(|qps| qps[usize::from(level.number()) - 1])
    }

    fn is_above(&self, level: Level) -> bool {
        self.qps_max(level).is_some_and(|max| self.per_s > max)
    }

    fn is_well_below(&self, level: Level) -> bool {
        let below = |max| u64::from(self.per_s) * 100 < u64::from(max) * QPS_PERCENT_LEAVE;
        self.qps_max(level).is_none_or(below)
    }

    /// The longest wait that still makes sense to those in line.
    fn patience(&self) -> Duration {
        let theirs = self.signals.remaining_deadline_p50.unwrap_or(WAIT_TOO_LONG);
        theirs.clamp(PATIENCE_MIN, WAIT_TOO_LONG)
    }

    /// The wait below which L3 may be left.
    fn patience_leave(&self) -> Duration {
        self.patience().mul_f64(WAIT_SHED_LEAVE)
    }

    /// How full the line is. Where nobody may wait there is none.
    fn line_percent(&self) -> usize {
        (self.signals.waiting.saturating_mul(100)).checked_div(self.signals.waiters_max).unwrap_or(0)
    }

    /// The share of first attempts that succeed; `None` where there are too few to tell.
    fn success(&self) -> Option<f64> {
        let Signals { first_attempts: all, first_attempts_ok: ok, .. } = *self.signals;
        (all >= ATTEMPTS_MIN).then(|| f64::from(ok) / f64::from(all))
    }

    fn is_nobody_left(&self) -> bool {
        self.signals.open_circuits && !self.signals.degraded_target
    }
}

/// How long something has been so.
#[derive(Clone, Copy, Debug, Default)]
struct Lasting(Option<Instant>);

impl Lasting {
    /// Whether it is so and has been for `time`.
    fn for_at_least(&mut self, time: Duration, holds: bool, now: Instant) -> bool {
        self.0 = if holds { self.0.or(Some(now)) } else { None };
        self.0.is_some_and(|since| now.saturating_duration_since(since) >= time)
    }
}

/// One pool's machine.
#[derive(Debug)]
pub struct Levels {
    qps: Option<[u32; 3]>,
    arrivals: Arrivals,
    level: Level,
    /// When it last changed.
    changed: Option<Instant>,
    /// Whether the line stood when somebody last got their turn.
    standing: bool,
    triggers: [Lasting; TRIGGERS.len()],
    calm: [Lasting; CALM.len()],
}

impl Levels {
    /// A pool at rest. `qps`: the operator's thresholds, rising.
    pub fn new(qps: Option<[u32; 3]>, now: Instant) -> Self {
        Self {
            qps,
            arrivals: Arrivals::new(now),
            level: Level::L0,
            changed: None,
            standing: false,
            triggers: Default::default(),
            calm: Default::default(),
        }
    }

    /// A request came.
    pub fn arrived(&mut self, now: Instant) {
        self.arrivals.count(now);
    }

    /// The level.
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Looks at the pool, about every 100 ms. `floor` is what the process asks for, `shedding` whether some would be turned
    /// away.
    pub fn on_tick(
        &mut self,
        now: Instant,
        signals: &Signals,
        floor: Floor,
        shedding: bool,
    ) -> Option<Change> {
        // While nobody gets a turn, those who wait show nothing new.
        let before = self.standing && signals.waiting > 0;
        self.standing = signals.shortest_wait.map_or(before, |shortest| shortest > STANDING);
        let view = self.view(now, signals, floor);

        let mut wanted: Option<&Trigger> = None;
        let mut asked = [false; Level::ALL.len()];
        for (trigger, lasting) in TRIGGERS.iter().zip(&mut self.triggers) {
            let holds = (trigger.holds)(&view);
            asked[usize::from(trigger.to.number())] |= holds;
            if lasting.for_at_least(trigger.after, holds, now) && wanted.is_none() {
                wanted = Some(trigger);
            }
        }
        let mut calm_enough = [true; Level::ALL.len()];
        for (level, lasting) in Level::ALL.into_iter().skip(1).zip(&mut self.calm) {
            let index = usize::from(level.number());
            // What would bring a level back at once must not be there when it is left.
            let calm = Self::is_calm(level, &view) && !asked[index..].contains(&true);
            calm_enough[index] = lasting.for_at_least(CALM[index - 1], calm, now);
        }

        if let Some(trigger) = wanted.filter(|trigger| trigger.to > self.level) {
            return Some(self.turn(trigger.to, trigger.cause, now));
        }
        let dwelt = self.changed.is_none_or(|then| now.saturating_duration_since(then) >= DWELL);
        let held = self.level == Level::L3 && shedding;
        let leaves = dwelt && !held && calm_enough[usize::from(self.level.number())];
        (leaves && self.level > Level::L0).then(|| self.turn(self.level.below(), Cause::Calm, now))
    }

    /// How far from rest the pool is.
    pub fn strain(&mut self, now: Instant, signals: &Signals, floor: Floor) -> Strain {
        let view = self.view(now, signals, floor);
        let memory = floor.memory >= Level::L3;
        let wait = signals.predicted_wait.as_secs_f64() / view.patience_leave().as_secs_f64();
        let line = view.line_percent() as f64 / LINE_PERCENT_LEAVE as f64;
        Strain {
            excess: wait.max(line) - 1.0,
            forced: memory,
            rests: signals.rests,
            per_s: view.per_s,
            per_s_max: view.qps_max(Level::L3),
            idle: signals.waiting == 0,
            hard: memory || view.line_percent() >= 100,
        }
    }

    fn is_calm(level: Level, view: &View<'_>) -> bool {
        let Signals { waiting, predicted_wait, .. } = *view.signals;
        let adaptive = match level {
            Level::L0 => return true,
            Level::L1 => waiting == 0,
            Level::L2 => {
                predicted_wait < WAIT_LONG_LEAVE && view.success().is_none_or(|share| share > SUCCESS_LEAVE)
            }
            Level::L3 => predicted_wait < view.patience_leave() && view.line_percent() < LINE_PERCENT_LEAVE,
        };
        adaptive && view.is_well_below(level)
    }

    fn view<'a>(&mut self, now: Instant, signals: &'a Signals, floor: Floor) -> View<'a> {
        View { signals, floor, qps: self.qps, per_s: self.arrivals.per_s(now), standing: self.standing }
    }

    fn turn(&mut self, to: Level, cause: Cause, now: Instant) -> Change {
        let from = std::mem::replace(&mut self.level, to);
        self.changed = Some(now);
        Change { from, to, cause }
    }
}
