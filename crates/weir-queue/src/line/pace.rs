//! How fast permits come back: what a prediction of a wait is made of.
//!
//! Counted only while someone waits. When nobody does, permits come back as fast as work comes in, which says nothing of
//! how fast they could: a burst after a quiet hour would be told to expect that hour's pace.

use std::time::{Duration, Instant};

/// Memory of the pace, at least.
const WINDOW_S: f64 = 5.0;
/// Memory at most, where permits come back rarely.
const WINDOW_MAX_S: f64 = 60.0;
/// A window should hold so many returns, or the pace flickers between two of them.
const RETURNS_IN_WINDOW: f64 = 8.0;
/// So long must someone have waited before only the count speaks; until then room ÷ holding time fills in.
const TRUSTED_AFTER_S: f64 = 1.0;
/// Returns before anything is said at all: the first to come back are the shortest answers.
const RETURNS_MIN: u32 = 10;
/// So much of room ÷ holding time is believed while permits come back at all.
const ASSUMED_SHARE: f64 = 0.75;
/// Weight of one answer in the mean holding time.
const HELD_WEIGHT: f64 = 0.1;
/// What cannot be predicted, because nothing comes back, is "an hour".
pub(super) const WAIT_MAX: Duration = Duration::from_secs(3600);

/// The recent past, fading.
pub(super) struct Pace {
    returns: f64,
    busy_s: f64,
    held_s: f64,
    known: u32,
    seen: Instant,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self { returns: 0.0, busy_s: 0.0, held_s: 0.0, known: 0, seen: now }
    }

    /// Time passes; `busy`: someone waited all the while.
    pub(super) fn tick(&mut self, now: Instant, busy: bool, room: usize) {
        let passed = now.saturating_duration_since(self.seen).as_secs_f64();
        if passed <= 0.0 {
            return;
        }
        self.seen = now;
        let apart = self.held_s / room.max(1) as f64;
        let window = (RETURNS_IN_WINDOW * apart).clamp(WINDOW_S, WINDOW_MAX_S);
        let kept = (-passed / window).exp();
        self.returns *= kept;
        self.busy_s *= kept;
        if busy {
            self.busy_s += window * (1.0 - kept);
        }
    }

    /// Permits came back from an answer that held them so long; `busy`: someone was waiting for them.
    pub(super) fn came_back(&mut self, permits: usize, held: Duration, busy: bool) {
        let held = held.as_secs_f64();
        let first = self.known == 0;
        self.held_s = if first { held } else { self.held_s + HELD_WEIGHT * (held - self.held_s) };
        self.known = self.known.saturating_add(1);
        if busy {
            self.returns += permits as f64;
        }
    }

    /// Permits a second; `None` while too little has been seen.
    fn per_second(&self, room: usize) -> Option<f64> {
        if self.known < RETURNS_MIN {
            return None;
        }
        let missing_s = (TRUSTED_AFTER_S - self.busy_s).max(0.0);
        let assumed = room as f64 / self.held_s.max(1e-6);
        let counted = (self.returns + assumed * missing_s) / (self.busy_s + missing_s);
        // Where room has just grown, what went out into it is still on its way: the count lags by the length of an answer.
        let flows = self.returns >= RETURNS_IN_WINDOW / 2.0;
        Some(if flows { counted.max(ASSUMED_SHARE * assumed) } else { counted })
    }

    /// How long it takes until `turns` permits have come back; `None` while too little has been seen.
    pub(super) fn wait_for(&self, turns: usize, room: usize) -> Option<Duration> {
        let seconds = turns as f64 / self.per_second(room)?;
        // A pace of zero makes it infinite.
        Some(Duration::from_secs_f64(seconds.min(WAIT_MAX.as_secs_f64())))
    }
}

/// The shortest wait of those served lately: a queue that is only a burst lets someone through at once, a standing one
/// nobody (CoDel's observation).
pub(super) struct Shortest {
    /// One for each slot of time, the newest first.
    slots: [Option<Duration>; Self::SLOTS],
    began: Instant,
}

impl Shortest {
    const SLOTS: usize = 4;
    const SLOT: Duration = Duration::from_millis(500);

    pub(super) const fn new(now: Instant) -> Self {
        Self { slots: [None; Self::SLOTS], began: now }
    }

    pub(super) fn served(&mut self, now: Instant, waited: Duration) {
        self.turn_to(now);
        let slot = &mut self.slots[0];
        *slot = Some(slot.map_or(waited, |least| least.min(waited)));
    }

    /// The shortest of the last two seconds; `None` when nobody was served.
    pub(super) fn get(&mut self, now: Instant) -> Option<Duration> {
        self.turn_to(now);
        self.slots.iter().flatten().min().copied()
    }

    fn turn_to(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.began).as_nanos() / Self::SLOT.as_nanos();
        let steps = usize::try_from(passed).unwrap_or(usize::MAX);
        if steps == 0 {
            return;
        }
        for _ in 0..steps.min(Self::SLOTS) {
            self.slots.rotate_right(1);
            self.slots[0] = None;
        }
        let whole = Self::SLOT.saturating_mul(u32::try_from(steps).unwrap_or(u32::MAX));
        self.began = self.began.checked_add(whole).map_or(now, |began| began.min(now));
    }
}
