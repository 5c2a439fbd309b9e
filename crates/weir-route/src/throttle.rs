//! How much of what is asked is sent to a service that refuses most of it: the throttle that the client of a service
//! keeps on itself (Beyer et al., "Site Reliability Engineering", 2016, chapter 21).
//!
//! A refusal costs a service something too, and one that spends its time on refusing answers less. Of the calls that
//! are wished for, each is held back with probability (wishes − K · taken) / (wishes + 1): nothing while at least one in
//! K is taken, so that a service that refuses a fifth of its calls keeps its traffic; at a fifth taken, three in five.
//! What is held back was wished for, so that it counts, and lets through ever more as soon as more is taken.
//!
//! A wish counts once it is decided: held back, refused or taken. In the book it counts when it is made; but a first token
//! may take longer than the window, and a burst of calls that are being worked on is no sign of trouble. The window is shorter than the book's two minutes, because that is how long it would hold back what a recovered
//! service could take: each window's length doubles what is let through.

use std::time::{Duration, Instant};

use crate::ring::Ring;

const MEMORY: Duration = Duration::from_secs(10);
const SLOTS: usize = 10;
/// As many calls are let through for each that is taken.
const K: f64 = 2.0;
/// Never hold back everything: somebody has to find out that the service is well.
const HELD_MAX: f64 = 0.9;
/// With fewer wishes than this, shares mean nothing.
const WISHES_MIN: u32 = 20;

/// One endpoint's throttle.
#[derive(Debug)]
pub(crate) struct Throttle {
    window: Ring<Slot, SLOTS>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    wishes: u32,
    taken: u32,
}

impl Throttle {
    pub(crate) fn new(now: Instant) -> Self {
        Self { window: Ring::new(MEMORY, now) }
    }

    /// A call is wished for. Whether it is held back, given chance from 0 to 1.
    pub(crate) fn holds(&mut self, chance: f64, now: Instant) -> bool {
        let held = chance < self.held_share(now);
        self.window.at(now).wishes += u32::from(held);
        held
    }

    /// A call was refused, or failed.
    pub(crate) fn refused(&mut self, now: Instant) {
        self.window.at(now).wishes += 1;
    }

    /// A call was taken: it brought its first token, or an answer of another kind that is the service's word on it.
    pub(crate) fn taken(&mut self, now: Instant) {
        let slot = self.window.at(now);
        slot.wishes += 1;
        slot.taken += 1;
    }

    /// The share of wishes that are held back now.
    pub(crate) fn held_share(&mut self, now: Instant) -> f64 {
        let (mut wishes, mut taken) = (0, 0);
        for slot in self.window.slots(now) {
            wishes += slot.wishes;
            taken += slot.taken;
        }
        if wishes < WISHES_MIN {
            return 0.0;
        }
        let (wishes, taken) = (f64::from(wishes), f64::from(taken));
        ((wishes - K * taken) / (wishes + 1.0)).clamp(0.0, HELD_MAX)
    }
}
