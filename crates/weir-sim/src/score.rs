//! What became of a run, in the numbers that are compared.

mod known;
mod overload;

use serde::Serialize;

use crate::arrivals::Spell;
use crate::parts::Parts;
use crate::run::{Plan, Played};
use crate::tally::{Seconds, Tally, WARM_UP_S};
use crate::world::{Arm, Setting, View, World};

pub use known::Known;
pub use overload::{Crowded, Walked};

/// How an arm did in a world. Shares are of the requests that applications made; the three of answered,
/// shed and false make up the whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Score {
    /// The world.
    pub world: World,
    /// How many services there were.
    pub upstreams: usize,
    /// Who stood between.
    pub arm: Arm,
    /// Weir's measures, where it did.
    pub measures: Parts,
    /// Requests that applications made. An SDK's retries are no new ones.
    pub requests: u32,
    /// Answered, in full or degraded.
    pub answered_share: f64,
    /// Answered whole and right.
    pub full_share: f64,
    /// Answered by less than was asked for, and marked so.
    pub degraded_share: f64,
    /// Ended in an honest error, before or after a beginning.
    pub shed_share: f64,
    /// Of those, after a beginning.
    pub cut_share: f64,
    /// Looked like an answer and was none.
    pub false_share: f64,
    /// From the first try to the first word, over answered requests, in milliseconds; null when there are
    /// none.
    pub mean_ms: Option<f64>,
    /// The same, for all but the slowest hundredth.
    pub p99_ms: Option<f64>,
    /// Calls that services saw, for each request.
    pub attempts_per_request: f64,
    /// Calls that the first service saw, for each request.
    pub load_share_of_offered: f64,
    /// The same while the trouble lasted; null in a world whose trouble does not begin and end.
    pub load_in_trouble: Option<f64>,
    /// How often an application was told 429, for each request.
    pub throttled_share: f64,
    /// How often weir said that there is too much work while a place was free.
    pub shed_with_room: u32,
    /// Whole answers a second, as a share of what the first service can give: once it is full, or during the
    /// spike (B7). Null where that is no question.
    pub goodput_share_of_capacity: Option<f64>,
    /// Seconds from the end of the trouble until 95 % of the share that was served before it is served
    /// again, and stays so: answered, with the first word within ten seconds. Null where trouble does not
    /// end.
    pub recovery_s: Option<u32>,
    /// Beside a crowd (B8, B9).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crowded: Option<Crowded>,
    /// Through the levels of pressure (B10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub walked: Option<Walked>,
    /// The share of the service's room in use from ten seconds after each change to the next: the least (B11).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_used_min: Option<f64>,
    /// What was known already (B13 to B15).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<Known>,
    /// What must hold at the end of any run and did not. Empty, or a fault in weir.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
}

/// Shares of those served are looked at over so many seconds.
const SMOOTHED_S: usize = 5;
/// Back to normal is this share of what was before.
const RECOVERED: f64 = 0.95;

impl Score {
    /// Takes in the same run under another seed. Shares and means are weighted by requests; of times to
    /// recover and of slowest hundredths the longest stands.
    pub fn pool(&mut self, other: &Self) {
        let (own, its) = (f64::from(self.requests), f64::from(other.requests));
        let mean = |one: f64, another: f64| (one * own + another * its) / (own + its);
        let either =
            |one: Option<f64>, another: Option<f64>, both: &dyn Fn(f64, f64) -> f64| match (one, another) {
                (Some(one), Some(another)) => Some(both(one, another)),
                (one, another) => one.or(another),
            };
        for (one, another) in [
            (&mut self.answered_share, other.answered_share),
            (&mut self.full_share, other.full_share),
            (&mut self.degraded_share, other.degraded_share),
            (&mut self.shed_share, other.shed_share),
            (&mut self.cut_share, other.cut_share),
            (&mut self.false_share, other.false_share),
            (&mut self.attempts_per_request, other.attempts_per_request),
            (&mut self.load_share_of_offered, other.load_share_of_offered),
            (&mut self.throttled_share, other.throttled_share),
        ] {
            *one = mean(*one, another);
        }
        self.mean_ms = either(self.mean_ms, other.mean_ms, &mean);
        self.p99_ms = either(self.p99_ms, other.p99_ms, &f64::max);
        self.load_in_trouble = either(self.load_in_trouble, other.load_in_trouble, &mean);
        self.goodput_share_of_capacity =
            either(self.goodput_share_of_capacity, other.goodput_share_of_capacity, &mean);
        self.recovery_s = self.recovery_s.max(other.recovery_s);
        self.shed_with_room += other.shed_with_room;
        self.room_used_min = either(self.room_used_min, other.room_used_min, &f64::min);
        if let (Some(own), Some(its)) = (&mut self.crowded, &other.crowded) {
            own.pool(its);
        }
        if let (Some(own), Some(its)) = (&mut self.walked, &other.walked) {
            own.pool(its);
        }
        if let (Some(own), Some(its)) = (&mut self.known, &other.known) {
            own.pool(its, mean);
        }
        self.broken.extend(other.broken.iter().cloned());
        self.requests += other.requests;
    }

    /// `without`: the same world without its crowd, where it has one.
    pub(crate) fn new(plan: &Plan<'_>, setting: &Setting, played: &Played, without: Option<&Played>) -> Self {
        let Played { tally, services, last_s, .. } = played;
        let last_s = *last_s;
        let mut broken = played.broken.clone();
        broken.extend(without.iter().flat_map(|without| without.broken.iter().cloned()));
        let requests = tally.arrived.total();
        let share = |part: u32| rounded(f64::from(part) / f64::from(requests.max(1)));
        let called: Vec<Seconds> = services.iter().map(|service| service.called()).collect();
        let calls: u32 = called.iter().map(Seconds::total).sum();
        let alone = plan.upstreams == 1;
        let weir = plan.arm == Arm::Weir;
        if weir && tally.garbled > 0 {
            broken.push(format!("{} beginnings that no service had said", tally.garbled));
        }
        if weir && tally.false_answers > 0 {
            broken.push(format!("{} answers that look whole and are not", tally.false_answers));
        }
        // Where the room changes, what it can give does.
        let is_steady = !matches!(setting.view, View::Room(_) | View::Walked);
        let goodput = setting.capacity_per_s.filter(|_| alone && is_steady).map(|capacity| {
            let full = setting.spell.unwrap_or(Spell { from_s: 0.0, until_s: last_s });
            goodput(&tally.answered, full) / capacity
        });
        Self {
            world: plan.world,
            upstreams: plan.upstreams,
            arm: plan.arm,
            measures: plan.parts,
            requests,
            answered_share: share(tally.full + tally.degraded),
            full_share: share(tally.full),
            degraded_share: share(tally.degraded),
            shed_share: share(tally.refused + tally.cut),
            cut_share: share(tally.cut),
            false_share: share(tally.false_answers),
            mean_ms: tally.first.mean_ms().map(f64::round),
            p99_ms: tally.first.quantile_ms(0.99),
            attempts_per_request: share(calls),
            load_share_of_offered: share(called[0].total()),
            load_in_trouble: setting.spell.map(|spell| load(&called, &tally.arrived, spell)),
            throttled_share: share(tally.throttled),
            shed_with_room: tally.shed_with_room,
            goodput_share_of_capacity: goodput.map(rounded),
            recovery_s: setting.spell.map(|spell| recovery(tally, spell, last_s as usize)),
            crowded: without.and_then(|without| Crowded::new(setting, played, without)),
            walked: match setting.view {
                View::Walked if weir => Walked::new(setting, played),
                _ => None,
            },
            room_used_min: match setting.view {
                View::Room(changed_s) if alone => overload::room_used_min(changed_s, played).map(rounded),
                _ => None,
            },
            known: Known::new(plan, setting, played, share),
            broken,
        }
    }

    /// Beside weir without its cache, in the same world.
    pub(crate) fn beside(mut self, without: Self) -> Self {
        self.broken.extend(without.broken.iter().cloned());
        if let Some(known) = &mut self.known {
            known.without = Some(Box::new(without));
        }
        self
    }
}

/// Six places: what more there is would be noise.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

/// Whole answers a second, once a spell has lasted a while.
fn goodput(answered: &Seconds, spell: Spell) -> f64 {
    let (from, until) = (spell.from_s as usize + WARM_UP_S, spell.until_s as usize);
    f64::from(answered.sum(from, until)) / until.saturating_sub(from).max(1) as f64
}

/// Calls for each request during a spell.
fn load(called: &[Seconds], arrived: &Seconds, spell: Spell) -> f64 {
    let (from, until) = (spell.from_s as usize, spell.until_s as usize);
    let calls: u32 = called.iter().map(|calls| calls.sum(from, until)).sum();
    rounded(f64::from(calls) / f64::from(arrived.sum(from, until).max(1)))
}

/// Seconds from the end of a spell until as large a share of those who come is served as before, and stays
/// so. One that never comes back is given the whole time that was looked at.
fn recovery(tally: &Tally, spell: Spell, last: usize) -> u32 {
    let (from, until) = (spell.from_s as usize, spell.until_s as usize);
    let share = |from, until| {
        f64::from(tally.served.sum(from, until)) / f64::from(tally.arrived.sum(from, until).max(1))
    };
    let enough = RECOVERED * share(0, from);
    let seconds = until..last.saturating_sub(SMOOTHED_S).max(until);
    let bad = seconds.clone().rposition(|second| share(second, second + SMOOTHED_S) < enough);
    bad.map_or(0, |last_bad| last_bad as u32 + 1)
}
