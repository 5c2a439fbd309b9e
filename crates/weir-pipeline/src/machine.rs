//! What to do next when an attempt has failed: a pure state machine with time and chance passed in.
//!
//! Another endpoint comes first when there is one; else a wait with full jitter (Brooker, "Exponential backoff and
//! jitter", AWS 2015), with the service's own `Retry-After` as its floor; and always an end: attempts, the moment by which
//! the caller must have its answer begun, and failures that no attempt can mend.
//!
//! Invariants: at most `attempts_max` sends; no wait reaches beyond `begin_by`; after `GiveUp` nothing follows.

use std::time::{Duration, Instant};

use weir_core::{Chance, Class, Failure};
use weir_route::EndpointId;

/// How attempts are made.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Attempts for one request, the first included.
    pub attempts_max: u32,
    /// Base of the wait between attempts.
    pub backoff: Duration,
    /// Cap of that wait.
    pub backoff_max: Duration,
    /// The longest `Retry-After` that is waited for.
    pub retry_after_max: Duration,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// The request has its permit, or a wait is over.
    Ready,
    /// Every endpoint is at its limit.
    NoRoom,
    /// An attempt failed before its first meaningful part.
    Failed {
        /// Where.
        endpoint: EndpointId,
        /// How.
        failure: Failure,
        /// Whether an endpoint not tried yet could take the call now.
        another: bool,
    },
}

/// What to do.
#[derive(Debug)]
pub enum Action {
    /// Send an attempt, preferring endpoints not tried yet.
    Send,
    /// Wait, then say [`Event::Ready`].
    Wait(Instant),
    /// Stop: no attempt can help any more.
    GiveUp(Failure),
}

/// One request's attempts.
#[derive(Debug)]
pub struct Machine<'p> {
    policy: &'p Policy,
    /// A request that may have effects is not sent again once a service may have begun to work on it.
    repeatable: bool,
    begin_by: Instant,
    sent: u32,
    waits: u32,
    tried: Vec<EndpointId>,
}

/// How long to wait for a place when every endpoint is full: a call usually ends sooner than this many times over.
const ROOM_WAIT: Duration = Duration::from_millis(50);

impl<'p> Machine<'p> {
    /// The machine of a request whose answer must have begun at `begin_by`.
    pub const fn new(policy: &'p Policy, repeatable: bool, begin_by: Instant) -> Self {
        Self { policy, repeatable, begin_by, sent: 0, waits: 0, tried: Vec::new() }
    }

    /// Endpoints that have failed this request.
    pub fn tried(&self) -> &[EndpointId] {
        &self.tried
    }

    /// Takes what happened, says what to do.
    pub fn on_event(&mut self, now: Instant, event: Event, chance: &Chance) -> Action {
        match event {
            Event::Ready if now >= self.begin_by => Action::GiveUp(self.too_late()),
            Event::Ready => {
                self.sent += 1;
                Action::Send
            }
            Event::NoRoom => {
                // Nothing was sent after all.
                self.sent -= 1;
                self.wait_for_room(now, chance)
            }
            Event::Failed { endpoint, failure, another } => {
                self.after(now, endpoint, failure, another, chance)
            }
        }
    }

    fn after(
        &mut self,
        now: Instant,
        endpoint: EndpointId,
        failure: Failure,
        another: bool,
        chance: &Chance,
    ) -> Action {
        if !self.tried.contains(&endpoint) {
            self.tried.push(endpoint);
        }
        let spent = self.sent >= self.policy.attempts_max || now >= self.begin_by;
        if spent || (failure.sent && !self.repeatable) {
            return Action::GiveUp(failure);
        }
        if another && failure.class.rules().moves {
            self.sent += 1;
            return Action::Send;
        }
        if !failure.class.rules().again {
            return Action::GiveUp(failure);
        }
        let asked = failure.retry_after.unwrap_or(Duration::ZERO);
        if asked > self.policy.retry_after_max {
            return Action::GiveUp(failure);
        }
        let until = now + self.backoff(asked, chance);
        if until >= self.begin_by { Action::GiveUp(failure) } else { Action::Wait(until) }
    }

    /// Full jitter: uniform up to a bound that doubles. What the service asked for is a floor, spread by a quarter so
    /// that those who were told the same do not come back together.
    fn backoff(&mut self, asked: Duration, chance: &Chance) -> Duration {
        let bound = self.policy.backoff.saturating_mul(1 << self.waits.min(16)).min(self.policy.backoff_max);
        self.waits += 1;
        bound.mul_f64(chance.unit()).max(asked.mul_f64(1.0 + chance.unit() / 4.0))
    }

    fn wait_for_room(&self, now: Instant, chance: &Chance) -> Action {
        let until = now + ROOM_WAIT.mul_f64(0.5 + chance.unit() / 2.0);
        if until >= self.begin_by { Action::GiveUp(self.too_late()) } else { Action::Wait(until) }
    }

    fn too_late(&self) -> Failure {
        let message = format!("the deadline passed after {} attempts, before one could answer", self.sent);
        Failure::new(Class::Deadline, message)
    }
}
