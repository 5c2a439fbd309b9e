//! Profiles: named sets of speeds and troubles, from `instant` (a pure function over HTTP) to `outage`.
//!
//! One table, `Profile::manners`, holds every number; nothing else in the crate knows what "peak" means.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::capacity::{Load, Spell};

/// How the mock behaves when no fault rule says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Profile {
    /// A good day: first token after about 150 ms, then 12 ms a token, nothing fails.
    #[default]
    Calm,
    /// A weekday afternoon: one direct request in five is refused, in bursts; first tokens come late before
    /// and after each.
    Peak,
    /// Down: spells of 503 alternate with spells of reset connections, until a plan names another profile.
    Outage,
    /// Nothing fails and nothing hurries: first token after 3 to 20 s, then 80 ms a token.
    Slow,
    /// No delays and no limits, for tests and benchmarks.
    Instant,
}

/// What a profile says about speed and room.
pub(crate) struct Manners {
    /// Time to the first token of an idle service: lognormal, `first_sigma` wide.
    pub first_median: Duration,
    pub first_sigma: f64,
    pub first_min: Duration,
    pub first_max: Duration,
    /// Time between tokens of an idle service; each gap varies by a third either way.
    pub between: Duration,
    /// A wait longer than this is filled with keep-alives, one each such period.
    pub keep_alive: Duration,
    /// Share of the started answers that end with `insufficient_system_resource`.
    pub insufficient: f64,
    pub service: Service,
}

/// Whether there is room for a request.
pub(crate) enum Service {
    Unlimited,
    Shared(Load),
    Down { spell_mean: Duration },
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

impl Profile {
    /// Every profile, in the order they are explained.
    pub const ALL: [Profile; 5] =
        [Profile::Calm, Profile::Peak, Profile::Outage, Profile::Slow, Profile::Instant];

    /// The name used on the command line and in plans.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Calm => "calm",
            Profile::Peak => "peak",
            Profile::Outage => "outage",
            Profile::Slow => "slow",
            Profile::Instant => "instant",
        }
    }

    pub(crate) fn manners(self) -> Manners {
        let calm = Manners {
            first_median: ms(150),
            first_sigma: 0.25,
            first_min: ms(40),
            first_max: ms(2_000),
            between: ms(12),
            keep_alive: ms(5_000),
            insufficient: 0.0,
            service: Service::Unlimited,
        };
        match self {
            Profile::Calm => calm,
            Profile::Peak => Manners {
                first_median: ms(180),
                first_sigma: 0.4,
                first_max: ms(20_000),
                between: ms(18),
                keep_alive: ms(1_000),
                insufficient: 0.005,
                service: Service::Shared(PEAK),
                ..calm
            },
            Profile::Outage => Manners { service: Service::Down { spell_mean: ms(8_000) }, ..calm },
            Profile::Slow => Manners {
                first_median: ms(6_000),
                first_sigma: 0.55,
                first_min: ms(3_000),
                first_max: ms(20_000),
                between: ms(80),
                keep_alive: ms(2_000),
                ..calm
            },
            Profile::Instant => Manners {
                first_median: Duration::ZERO,
                first_min: Duration::ZERO,
                between: Duration::ZERO,
                ..calm
            },
        }
    }
}

/// Tuned with the simulation in `capacity/tests.rs` (seeds 1 to 10, ten minutes each, 100 to 200 tokens an
/// answer): of single attempts 77.7 % are admitted at 20 requests a second, 77.4 % at 30 and 77.2 % at 40; with
/// the two retries of an official client 85.6 %, and less than 90 % in the first 10, 30 and 60 s of every seed.
const PEAK: Load = Load {
    slots: 800,
    account_slots: 450,
    tokens_per_second: 40_000.0,
    token_rate: 1.0 / 0.018,
    quiet: Spell { at_least: ms(9_200), beyond_mean: ms(3_500), level: (0.30, 0.62) },
    busy: Spell { at_least: ms(3_000), beyond_mean: ms(700), level: (1.45, 1.90) },
    first_quiet_mean: ms(1_500),
    ramp: ms(350),
    waiting_room: 0.06,
    wait_max: ms(4_000),
    opening_gap_mean: ms(700),
    opening_mean: ms(40),
    // DeepSeek documents no Retry-After; waiting as told would outlast half of the bursts.
    retry_after_share: 0.0,
};

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A profile name that is none; the message lists those that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownProfile(String);

impl fmt::Display for UnknownProfile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Profile::ALL.iter().map(|profile| profile.name()).collect();
        write!(formatter, "no profile is named {:?}: use one of {}", self.0, names.join(", "))
    }
}

impl std::error::Error for UnknownProfile {}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        let known = Profile::ALL.into_iter().find(|profile| profile.name() == name);
        known.ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

#[cfg(test)]
mod tests;
