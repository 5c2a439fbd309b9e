//! How much of the room each class of urgency may start work in.
//!
//! A class may fill the room up to its ceiling: the room less what the more urgent classes have needed lately and do not
//! hold now. So bulk work alone uses everything, and where interactive traffic comes and goes its places stay free.

use std::time::{Duration, Instant};

use weir_core::Urgency;

/// The share of the room that a class may fill whatever the more urgent ones needed lately.
const RESERVE: [f64; 4] = [1.0, 0.95, 0.85, 0.5];
/// How fast a peak is forgotten: to 37 % in this time.
const PEAK_S: f64 = 30.0;
/// Peaks sink in steps of this: an exponential for every event would cost more than it tells.
const STEP: Duration = Duration::from_millis(100);

/// Whether something may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It may, and takes so many permits.
    Fits(usize),
    /// Something of its class may, but it needs more permits than that.
    TooBig,
    /// Nothing of its class may.
    AtCeiling,
}

/// Permits out by class, and the recent peaks.
pub(super) struct Classes {
    held: [usize; 4],
    /// For each class: the recent peak of permits that the more urgent ones held together.
    peaks: [f64; 4],
    seen: Instant,
}

impl Classes {
    pub(super) const fn new(now: Instant) -> Self {
        Self { held: [0; 4], peaks: [0.0; 4], seen: now }
    }

    /// Time passes: peaks sink towards what is held.
    pub(super) fn tick(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.seen);
        if passed < STEP {
            return;
        }
        self.seen = now;
        let kept = (-passed.as_secs_f64() / PEAK_S).exp();
        for class in Urgency::ALL {
            let held = self.held_above(class) as f64;
            let peak = &mut self.peaks[class as usize];
            *peak = held + (*peak - held).max(0.0) * kept;
        }
    }

    /// Permits out.
    pub(super) fn out(&self) -> usize {
        self.held.iter().sum()
    }

    pub(super) fn take(&mut self, class: Urgency, permits: usize) {
        self.held[class as usize] += permits;
        for class in Urgency::ALL {
            let held = self.held_above(class) as f64;
            let peak = &mut self.peaks[class as usize];
            *peak = peak.max(held);
        }
    }

    pub(super) fn put_back(&mut self, class: Urgency, permits: usize) {
        debug_assert!(self.held[class as usize] >= permits, "a permit came back twice");
        self.held[class as usize] = self.held[class as usize].saturating_sub(permits);
    }

    /// Whether a request of a class that needs `seats` permits may start now.
    ///
    /// A class of which nothing is in flight may start one whatever the others need: without that, urgent traffic that
    /// fills the room every half minute would keep bulk work out for ever.
    pub(super) fn fit(&self, class: Urgency, seats: usize, room: usize) -> Fit {
        let out = self.out();
        let ceiling = self.ceiling(class, room);
        let limit = if self.held[class as usize] == 0 { room } else { ceiling };
        // What is larger than the class's share will never find more than that: it takes the share.
        let need = seats.clamp(1, ceiling.max(1));
        if out + need <= limit {
            Fit::Fits(need)
        } else if out < limit {
            Fit::TooBig
        } else {
            Fit::AtCeiling
        }
    }

    /// Permits that may be out, all together, for a class to start one more.
    fn ceiling(&self, class: Urgency, room: usize) -> usize {
        let kept_free =
            (self.peaks[class as usize] - self.held_above(class) as f64).max(0.0).round() as usize;
        let reserve = (RESERVE[class as usize] * room as f64) as usize;
        room.saturating_sub(kept_free).max(reserve).max(1).min(room)
    }

    fn held_above(&self, class: Urgency) -> usize {
        self.held[..class as usize].iter().sum()
    }
}
