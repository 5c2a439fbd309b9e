//! What becomes of a line while every endpoint rests: it waits, but not for longer than makes sense.
//!
//! Whoever rests is left alone, so nobody gets a turn. But where the rest ends too late for a request, or has lasted for
//! as long as a request waits for a service to come back, waiting is no use: it gets a turn all the same, as long as the pool
//! would have room if nobody rested. What to do with it, the attempts know: one call to a service that is probably
//! dead, which is better than none and shows early when the service is back; or an honest answer.

use std::time::{Duration, Instant};

use super::ask::{Moment, News};
use super::{Line, Told};

/// Those in line are told of a later end only if it is later by this: a service that refuses a hundred calls with as many
/// pauses is not to wake the line a hundred times.
const TOLD_AGAIN: Duration = Duration::from_secs(1);

/// Since when nobody serves, and until when as far as those in line know.
pub(super) struct Rest {
    wait: Duration,
    since: Option<Instant>,
    told_until: Option<Instant>,
}

impl Rest {
    /// `wait`: how long a request waits for a service to come back.
    pub(super) const fn new(wait: Duration) -> Self {
        Self { wait, since: None, told_until: None }
    }

    pub(super) fn tick(&mut self, at: Moment) {
        if at.room.rests {
            self.since.get_or_insert(at.now);
        } else {
            (self.since, self.told_until) = (None, None);
        }
    }

    /// When someone who arrived then has waited long enough for a service to come back, in line or after having been a
    /// probe; `None` while somebody serves.
    pub(super) fn ends(&self, arrived: Instant) -> Option<Instant> {
        Some(self.since?.max(arrived) + self.wait)
    }
}

impl<W: Clone> Line<W> {
    /// Whether waiting for those who rest is no use to someone.
    pub(super) fn is_no_use(
        &self,
        at: Moment,
        (arrived, begin_by): (Instant, Instant),
        returns: bool,
    ) -> bool {
        let Some(ends) = self.rest.ends(arrived) else { return false };
        // An open circuit is worth waiting for although it says when it will be called again: somebody else may find out
        // before that the service is back. A key that is of no use for many minutes is not. And whoever has found a dead
        // service need not wait for a moment that lies beyond its patience.
        let too_late = begin_by.min(if returns { ends } else { at.now + self.rest.wait });
        at.now >= ends || at.room.until.is_some_and(|until| until >= too_late)
    }

    /// Whether there would be a place if nobody rested.
    pub(super) fn has_place_without_rest(&self, at: Moment) -> bool {
        self.classes.out() < at.room.whole
    }

    /// Gives someone a turn although everybody rests.
    pub(super) fn serve_desperate(&mut self, at: Moment, id: u32, told: &mut Told<W>) {
        let (wake, mut grant) = self.take_out(at.now, id, 1);
        grant.desperate = true;
        told.push(News::Turn(wake, grant));
    }

    /// Nobody serves, or not until later than those in line know: each of them sees whether to go on waiting.
    pub(super) fn tell_of_rest(&mut self, at: Moment, told: &mut Told<W>) {
        let Some(until) = at.room.until.filter(|_| at.room.rests) else { return };
        if self.rest.told_until.is_some_and(|told| until < told + TOLD_AGAIN) {
            return;
        }
        self.rest.told_until = Some(until);
        told.extend(self.waiters.iter().map(|waiter| News::Watch(waiter.wake.clone())));
    }
}
