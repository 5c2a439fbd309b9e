//! The service behind the mock: which profile it follows and whether it has room for a request now.

use std::time::Duration;

use crate::capacity::{Capacity, Verdict};
use crate::chance::Chance;
use crate::profile::{Manners, Profile, Service as Kind};
use crate::refusal::{Refusal, Shape};
use crate::scene::Pace;

/// What a service does with a request.
pub(crate) enum Decision {
    /// Answers it, at this pace. `holds` says whether it takes room until it leaves.
    Run { pace: Pace, holds: bool },
    /// Refuses it; `trouble` is what the log says.
    Refuse { trouble: &'static str, refusal: Refusal },
    /// Resets the connection.
    Reset,
}

/// A service that follows a profile.
pub(crate) struct Service {
    profile: Profile,
    manners: Manners,
    room: Room,
    /// When it began to follow the profile, on the caller's clock.
    since: Duration,
}

enum Room {
    Unlimited,
    Shared(Box<Capacity>),
    Down(Outage),
}

/// Draws of the service, apart from those of requests and fault rules.
const SERVICE_DRAWS: u64 = 11;

impl Service {
    /// A service that begins to follow `profile` at `now`.
    pub fn new(profile: Profile, seed: u64, now: Duration) -> Self {
        let chance = Chance::new(seed).fork(SERVICE_DRAWS);
        let manners = profile.manners();
        let room = match &manners.service {
            Kind::Unlimited => Room::Unlimited,
            Kind::Shared(load) => Room::Shared(Box::new(Capacity::new(load.clone(), &chance))),
            Kind::Down { spell_mean } => Room::Down(Outage::new(*spell_mean, chance)),
        };
        Service { profile, manners, room, since: now }
    }

    /// The profile it follows.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The share of answers that end for lack of resources.
    pub fn insufficient(&self) -> f64 {
        self.manners.insufficient
    }

    /// A request arrives at `now`, which an idle service would answer at this pace.
    pub fn arrive(&mut self, now: Duration, shape: Shape, pace: Pace) -> Decision {
        let now = now.saturating_sub(self.since);
        match &mut self.room {
            Room::Unlimited => Decision::Run { pace, holds: false },
            Room::Shared(capacity) => match capacity.arrive(now) {
                Verdict::Admitted { wait, slowdown, stretch } => {
                    let first = wait + pace.first.mul_f64(slowdown).min(self.manners.first_max);
                    let pace = Pace { first, between: pace.between.mul_f64(stretch), ..pace };
                    Decision::Run { pace, holds: true }
                }
                Verdict::Busy { retry_after } => {
                    let retry_after = retry_after.map(|seconds| seconds.to_string());
                    Decision::Refuse {
                        trouble: "busy",
                        refusal: Refusal { retry_after, ..Refusal::busy(shape) },
                    }
                }
                Verdict::OverAccountLimit => {
                    Decision::Refuse { trouble: "account_limit", refusal: Refusal::over_account_limit() }
                }
            },
            Room::Down(outage) => match outage.resets(now) {
                true => Decision::Reset,
                false => Decision::Refuse { trouble: "outage", refusal: Refusal::busy(shape) },
            },
        }
    }

    /// A request that was told it holds room has left.
    pub fn leave(&mut self) {
        if let Room::Shared(capacity) = &mut self.room {
            capacity.leave();
        }
    }

    /// The pace of an answer when nobody else is there.
    pub fn idle_pace(&self, chance: &mut Chance) -> Pace {
        let manners = &self.manners;
        let drawn = chance.lognormal(manners.first_median, manners.first_sigma);
        Pace {
            first: drawn.clamp(manners.first_min, manners.first_max),
            between: manners.between,
            unevenness: 0.33,
            keep_alive: manners.keep_alive,
        }
    }
}

/// A service that is down: for a spell it says so, for another it resets connections.
struct Outage {
    spell_mean: Duration,
    chance: Chance,
    resets: bool,
    until: Duration,
}

impl Outage {
    fn new(spell_mean: Duration, mut chance: Chance) -> Self {
        let until = chance.exponential(spell_mean);
        Outage { spell_mean, chance, resets: false, until }
    }

    fn resets(&mut self, now: Duration) -> bool {
        while now >= self.until {
            self.resets = !self.resets;
            // Never zero, so the loop ends.
            self.until += self.spell_mean.div_f64(4.0) + self.chance.exponential(self.spell_mean);
        }
        self.resets
    }
}

#[cfg(test)]
mod tests;
