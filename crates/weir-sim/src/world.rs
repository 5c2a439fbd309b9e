//! The worlds: who asks how often, and what is wrong with the service. One world is one line in
//! [`World::ALL`] and one arm in [`World::setting`].

mod known;
mod overload;

use serde::{Serialize, Serializer};

use crate::arrivals::{Arrivals, Rate, Spell};
use crate::crowd::{Group, Sizes, USUAL_SIZES};
use crate::repeats::Repeats;
use crate::run::Plan;
use crate::trouble::{Model, SLOW_FIRST, Slots, Trouble, USUAL_FIRST};

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum World {
    /// Every call is refused with the same probability, whatever became of others.
    B1,
    /// Refusals come in bursts.
    B2,
    /// The service has room for fewer calls at one time than are wanted, and does not say how many.
    B3,
    /// Everything is down for a minute.
    B4a,
    /// Everything is down for ten minutes.
    B4b,
    /// First tokens come late, some very late.
    B5,
    /// Streams stall or break.
    B6,
    /// Three times as many ask for a minute.
    B7,
    /// One noisy caller beside nine quiet ones.
    B8,
    /// A flood of bulk work beside people who wait.
    B9,
    /// A walk through the thresholds of all levels of pressure and back.
    B10,
    /// The service's room halves and doubles.
    B11,
    /// Recorded traffic, twice as much as there is room for.
    B12,
    /// [`Self::B1`], and some questions are asked again.
    B13,
    /// [`Self::B2`], and some questions are asked again.
    B14,
    /// Hours, some of which everything is down, and some questions are asked again.
    B15,
}

/// Who stands between the application and the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// Nobody: one call, no retry.
    None,
    /// An official SDK, which retries twice.
    Client,
    /// The same SDK, and weir behind it.
    Weir,
}

/// Of every world: the mean share of calls that a troubled service takes.
pub const AVAILABILITY: f64 = 0.78;
/// Of the second service, in every world: independent of the first.
const SECOND_AVAILABILITY: f64 = 0.95;
/// P(refused | refused when asked half a second before).
const PERSISTENCE: f64 = 0.8;
/// Calls at one time that the service with too little room takes. Nobody is told.
const SLOTS: u32 = 100;
/// Share of the room used before the spike.
const BEFORE_SPIKE: f64 = 0.7;
const SPIKE_FACTOR: f64 = 3.0;
/// The share of streams that stall or break.
const BROKEN_SHARE: f64 = 0.03;
/// Requests a second in worlds whose trouble does not depend on it.
const PER_S: f64 = 50.0;
/// The same among bursts, of which a run must see many; for the same reason so many times more requests
/// come there.
const AMONG_BURSTS_PER_S: f64 = 25.0;
const AMONG_BURSTS_FACTOR: u32 = 2;

/// One world, laid out for a run.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// Who asks.
    pub(crate) groups: Vec<Group>,
    pub(crate) primary: Model,
    pub(crate) second: Model,
    /// The trouble that has a beginning and an end.
    pub(crate) spell: Option<Spell>,
    /// Whole answers a second that the first service can give, with the slots that it usually has.
    pub(crate) capacity_per_s: Option<f64>,
    /// The operator's thresholds for the levels of pressure, in requests a second.
    pub(crate) qps: Option<[u32; 3]>,
    /// How questions are asked again, where they are.
    pub(crate) repeats: Option<Repeats>,
    /// What is looked at, besides what is of every world.
    pub(crate) view: View,
}

/// What the score of a world looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum View {
    /// Nothing besides.
    Plain,
    /// Where the levels go, and what is answered meanwhile.
    Walked,
    /// How much of the room is used some time after it changed.
    Room(&'static [f64]),
}

impl World {
    /// Every world, in order.
    pub const ALL: [Self; 16] = [
        Self::B1,
        Self::B2,
        Self::B3,
        Self::B4a,
        Self::B4b,
        Self::B5,
        Self::B6,
        Self::B7,
        Self::B8,
        Self::B9,
        Self::B10,
        Self::B11,
        Self::B12,
        Self::B13,
        Self::B14,
        Self::B15,
    ];

    /// Its short name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::B1 => "B1",
            Self::B2 => "B2",
            Self::B3 => "B3",
            Self::B4a => "B4a",
            Self::B4b => "B4b",
            Self::B5 => "B5",
            Self::B6 => "B6",
            Self::B7 => "B7",
            Self::B8 => "B8",
            Self::B9 => "B9",
            Self::B10 => "B10",
            Self::B11 => "B11",
            Self::B12 => "B12",
            Self::B13 => "B13",
            Self::B14 => "B14",
            Self::B15 => "B15",
        }
    }

    /// What is wrong in it, in a few words.
    pub const fn says(self) -> &'static str {
        match self {
            Self::B1 => "22 % of calls refused, each by itself",
            Self::B2 => "22 % of calls refused, in bursts of about two seconds",
            Self::B3 => "room for 78 % of what is asked",
            Self::B4a => "down for one minute",
            Self::B4b => "down for ten minutes",
            Self::B5 => "first tokens late, 8 % of them very late",
            Self::B6 => "3 % of streams stall or break",
            Self::B7 => "three times the load for one minute, beyond the room there is",
            Self::B8 => "one caller asks for 20 times its share, nine for half of theirs",
            Self::B9 => "a flood of bulk work, three times the room there is, beside people who wait",
            Self::B10 => "300 requests a second, up to 1,500 and back; room for 900",
            Self::B11 => "the room halves, comes back, doubles, comes back",
            Self::B12 => "recorded traffic, twice as much as there is room for",
            Self::B13 => "22 % of calls refused, each by itself; some questions asked again",
            Self::B14 => "22 % of calls refused, in bursts; some questions asked again",
            Self::B15 => "three hours, down for half of the last; some questions asked again",
        }
    }

    /// The world of a name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|world| world.name().eq_ignore_ascii_case(name))
    }

    /// Whether it is about more work than room rather than about a service in trouble.
    pub const fn is_about_overload(self) -> bool {
        matches!(self, Self::B8 | Self::B9 | Self::B10 | Self::B11 | Self::B12)
    }

    /// Whether it is about questions that are asked again.
    pub const fn is_about_repeats(self) -> bool {
        matches!(self, Self::B13 | Self::B14 | Self::B15)
    }

    pub(crate) fn setting(self, plan: &Plan<'_>) -> Setting {
        let Plan { requests, repeats, trace, .. } = *plan;
        let steady = Arrivals { rate: Rate::Steady(PER_S), until_s: f64::INFINITY, requests_max: requests };
        let usual = Setting {
            groups: vec![Group::everybody(steady, USUAL_SIZES)],
            primary: Model { first: USUAL_FIRST, trouble: Trouble::None },
            second: Model {
                first: USUAL_FIRST,
                trouble: Trouble::Refuses { share: 1.0 - SECOND_AVAILABILITY },
            },
            spell: None,
            capacity_per_s: None,
            qps: None,
            repeats: None,
            view: View::Plain,
        };
        let refused = 1.0 - AVAILABILITY;
        match self {
            Self::B1 => usual.with(Trouble::Refuses { share: refused }),
            Self::B2 => {
                let requests_max = requests.saturating_mul(AMONG_BURSTS_FACTOR);
                let rate = Rate::Steady(AMONG_BURSTS_PER_S);
                let arrivals = Arrivals { rate, until_s: f64::INFINITY, requests_max };
                let bursts = Trouble::Bursts { share: refused, persistence: PERSISTENCE };
                usual.with(bursts).asked(arrivals)
            }
            Self::B3 => full(usual, requests),
            Self::B4a => outage(usual, 60.0, requests),
            Self::B4b => outage(usual, 600.0, requests),
            Self::B5 => {
                let primary = Model { first: SLOW_FIRST, trouble: Trouble::None };
                Setting { primary, ..usual }
            }
            Self::B6 => usual.with(Trouble::Breaks { share: BROKEN_SHARE }),
            Self::B7 => spike(usual, requests),
            Self::B8 => overload::noisy(usual, requests),
            Self::B9 => overload::flood(usual, requests),
            Self::B10 => overload::walk(usual, requests),
            Self::B11 => overload::changing(usual, requests),
            Self::B12 => overload::recorded(usual, requests, trace),
            Self::B13 => known::repeating(Self::B1.setting(plan), repeats),
            Self::B14 => known::repeating(Self::B2.setting(plan), repeats),
            Self::B15 => known::repeating(known::hours(usual, requests), repeats),
        }
    }
}

impl Setting {
    fn with(mut self, trouble: Trouble) -> Self {
        self.primary.trouble = trouble;
        self
    }

    /// By everybody, like this.
    fn asked(mut self, arrivals: Arrivals) -> Self {
        self.groups = vec![Group::everybody(arrivals, USUAL_SIZES)];
        self
    }
}

/// Forty seconds of peace, the outage, a minute after.
fn outage(usual: Setting, seconds: f64, requests: u32) -> Setting {
    let spell = Spell { from_s: 40.0, until_s: 40.0 + seconds };
    outage_at(usual, spell, spell.until_s + 60.0, requests)
}

/// An outage in so many seconds.
fn outage_at(usual: Setting, spell: Spell, until_s: f64, requests: u32) -> Setting {
    let per_s = (f64::from(requests) / until_s).min(PER_S);
    let arrivals = Arrivals { rate: Rate::Steady(per_s), until_s, requests_max: u32::MAX };
    Setting { spell: Some(spell), ..usual.with(Trouble::Outage(spell)).asked(arrivals) }
}

/// So many ask that a service without any queue loses what Erlang's formula says.
fn full(usual: Setting, requests: u32) -> Setting {
    let hold_s = answer_s_mean(&USUAL_SIZES);
    let rate = Rate::Steady(offered_erlangs(SLOTS, 1.0 - AVAILABILITY) / hold_s);
    let arrivals = Arrivals { rate, until_s: f64::INFINITY, requests_max: requests };
    let setting = usual.with(Trouble::Slots(Slots::always(SLOTS))).asked(arrivals);
    Setting { capacity_per_s: Some(f64::from(SLOTS) / hold_s), ..setting }
}

/// Forty seconds of peace, a minute of spike, a minute after. The time is given, so a short run has a
/// smaller service.
fn spike(usual: Setting, requests: u32) -> Setting {
    let slots = (requests / 50).clamp(SLOTS * 2 / 5, SLOTS);
    let capacity_per_s = f64::from(slots) / answer_s_mean(&USUAL_SIZES);
    let spell = Spell { from_s: 40.0, until_s: 100.0 };
    let rate = Rate::Spike { per_s: BEFORE_SPIKE * capacity_per_s, spell, factor: SPIKE_FACTOR };
    let arrivals = Arrivals { rate, until_s: spell.until_s + 60.0, requests_max: u32::MAX };
    let setting = usual.with(Trouble::Slots(Slots::always(slots))).asked(arrivals);
    Setting { spell: Some(spell), capacity_per_s: Some(capacity_per_s), ..setting }
}

/// How long a call holds its slot.
fn answer_s_mean(sizes: &Sizes) -> f64 {
    USUAL_FIRST.mean_s() + sizes.telling_s_mean()
}

/// The load, in calls at one time, of which `slots` slots without a queue lose the share `lost` (Erlang's
/// formula B, which holds for any distribution of the holding time).
fn offered_erlangs(slots: u32, lost: f64) -> f64 {
    let (mut low, mut high) = (0.0, 4.0 * f64::from(slots));
    for _halving in 0..60 {
        let middle = (low + high) / 2.0;
        if erlang_b(slots, middle) < lost { low = middle } else { high = middle }
    }
    low
}

fn erlang_b(slots: u32, load: f64) -> f64 {
    (1..=slots).fold(1.0, |lost, slot| load * lost / (f64::from(slot) + load * lost))
}

impl Arm {
    /// Every arm, in order.
    pub const ALL: [Self; 3] = [Self::None, Self::Client, Self::Weir];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Client => "client",
            Self::Weir => "weir",
        }
    }

    /// The arm of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|arm| arm.name() == name)
    }
}

impl Serialize for World {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Serialize for Arm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
