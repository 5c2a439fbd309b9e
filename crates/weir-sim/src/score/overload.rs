//! The numbers of the worlds in which more is asked than there is room for.

use serde::Serialize;
use weir_pressure::Level;

use super::rounded;
use crate::crowd::Role;
use crate::run::Played;
use crate::tally::{GroupTally, Times, WARM_UP_S};
use crate::world::Setting;

/// How those who are guarded fare beside the crowd, once the service is as full as it will be (after fifteen seconds).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Crowded {
    /// The share of the guarded ones' requests that is answered.
    pub guarded_answered_share: f64,
    /// Their time to the first word, for all but the slowest hundredth, in milliseconds.
    pub guarded_p99_ms: f64,
    /// The same where the crowd is not there.
    pub alone_p99_ms: f64,
    /// Jain's index over the callers' goodput ÷ fair share: 1 where all have as much of what is theirs.
    pub fairness: f64,
    /// Whole answers a second to the crowd, as a share of the room that the guarded ones leave.
    pub crowd_share_of_rest: f64,
}

impl Crowded {
    /// How many times as long the guarded ones wait.
    pub fn ratio(&self) -> f64 {
        self.guarded_p99_ms / self.alone_p99_ms
    }

    pub(super) fn new(setting: &Setting, played: &Played, without: &Played) -> Option<Self> {
        let capacity_per_s = setting.capacity_per_s?;
        let (from, until) = (WARM_UP_S, played.last_s as usize);
        let seconds = until.saturating_sub(from).max(1) as f64;
        let of = |role: Role, played: &'_ Played| -> Vec<GroupTally> {
            let groups = setting.groups.iter().zip(&played.tally.groups);
            groups.filter(|(group, _)| group.role == role).map(|(_, tally)| tally.clone()).collect()
        };
        let (guarded, crowd) = (of(Role::Guarded, played), of(Role::Crowd, played));
        let alone = of(Role::Guarded, without);
        let goodput = |tally: &GroupTally| f64::from(tally.answered.sum(from, until)) / seconds;
        let demand = |tally: &GroupTally| f64::from(tally.arrived.sum(from, until)) / seconds;
        let everybody: Vec<_> = guarded.iter().chain(&crowd).collect();
        let fair = fair_shares(capacity_per_s, &everybody.iter().map(|one| demand(one)).collect::<Vec<_>>());
        let had: Vec<_> = everybody.iter().zip(&fair).map(|(one, fair)| goodput(one) / fair).collect();
        let rest = capacity_per_s - guarded.iter().map(goodput).sum::<f64>();
        let sum = |count: fn(&GroupTally) -> u32| guarded.iter().map(count).sum::<u32>();
        let (asked, answered) = (sum(|one| one.arrived.total()), sum(|one| one.answered.total()));
        Some(Self {
            guarded_answered_share: rounded(f64::from(answered) / f64::from(asked.max(1))),
            guarded_p99_ms: p99_ms(&guarded)?,
            alone_p99_ms: p99_ms(&alone)?,
            fairness: rounded(jain(&had)),
            crowd_share_of_rest: rounded(crowd.iter().map(goodput).sum::<f64>() / rest.max(1e-6)),
        })
    }

    pub(super) fn pool(&mut self, other: &Self) {
        // Of ratios the worst stands, as of all slowest hundredths.
        if other.ratio() > self.ratio() {
            (self.guarded_p99_ms, self.alone_p99_ms) = (other.guarded_p99_ms, other.alone_p99_ms);
        }
        self.guarded_answered_share = self.guarded_answered_share.min(other.guarded_answered_share);
        self.fairness = self.fairness.min(other.fairness);
        self.crowd_share_of_rest = self.crowd_share_of_rest.min(other.crowd_share_of_rest);
    }
}

fn p99_ms(groups: &[GroupTally]) -> Option<f64> {
    let mut times = Times::new();
    groups.iter().for_each(|group| times.merge(&group.first));
    times.quantile_ms(0.99)
}

/// Who wants less than an equal part has what it wants; the others share what is left equally (max-min).
fn fair_shares(capacity: f64, demands: &[f64]) -> Vec<f64> {
    let mut order: Vec<_> = (0..demands.len()).collect();
    order.sort_by(|one, other| demands[*one].total_cmp(&demands[*other]));
    let mut shares = vec![0.0; demands.len()];
    let mut left = capacity;
    for (served, index) in order.into_iter().enumerate() {
        let equal = left / (demands.len() - served) as f64;
        shares[index] = demands[index].min(equal).max(1e-6);
        left -= shares[index];
    }
    shares
}

/// (Σx)² ÷ (n · Σx²): Jain, Chiu, Hawe, "A quantitative measure of fairness", 1984.
fn jain(had: &[f64]) -> f64 {
    let (sum, squares): (f64, f64) = (had.iter().sum(), had.iter().map(|one| one * one).sum());
    sum * sum / (had.len() as f64 * squares.max(1e-12))
}

/// Where the levels went.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Walked {
    /// Each change: when, in seconds, and to which level.
    pub path: Vec<(f64, u8)>,
    /// Every level was entered after the one below it, and left before it.
    pub in_order: bool,
    /// Of the six crossings of a level's border that belong to the walk, three up and three down, the one that was
    /// taken back and made again most often, and how often.
    pub reversals_max: u32,
    /// Whole answers a second, as a share of what was asked for or can be given, whichever is less: the least over
    /// five seconds at a time.
    pub goodput_min: f64,
    /// How many answers were asked for, or could be given, in those five seconds.
    pub least_of: f64,
}

impl Walked {
    /// The seconds over which goodput is looked at.
    const SMOOTHED_S: usize = 5;

    pub(super) fn new(setting: &Setting, played: &Played) -> Option<Self> {
        let capacity_per_s = setting.capacity_per_s?;
        let turns_s = played.last_s / 2.0;
        let changes: Vec<_> = played
            .tally
            .levels
            .iter()
            .map(|(s, change)| (*s, change.from.number(), change.to.number()))
            .collect();
        let tally = &played.tally;
        let least = (WARM_UP_S..(played.last_s as usize).saturating_sub(Self::SMOOTHED_S)).map(|second| {
            let until = second + Self::SMOOTHED_S;
            let most = capacity_per_s * Self::SMOOTHED_S as f64;
            // An answer takes about half a second: what ends in a window was asked for in it or shortly before.
            let asked = tally.arrived.sum(second, until).min(tally.arrived.sum(second - 1, until - 1));
            let could = f64::from(asked).min(most);
            (f64::from(tally.answered.sum(second, until)) / could.max(1.0), could)
        });
        let (goodput_min, least_of) = least.min_by(|(one, _), (other, _)| one.total_cmp(other))?;
        Some(Self {
            path: changes.iter().map(|(s, _, to)| (rounded(*s), *to)).collect(),
            in_order: is_in_order(&changes),
            reversals_max: reversals_max(&changes, turns_s),
            goodput_min: rounded(goodput_min),
            least_of: rounded(least_of),
        })
    }

    pub(super) fn pool(&mut self, other: &Self) {
        self.in_order &= other.in_order;
        self.reversals_max = self.reversals_max.max(other.reversals_max);
        if other.goodput_min < self.goodput_min {
            (self.goodput_min, self.least_of) = (other.goodput_min, other.least_of);
        }
    }
}

/// The borders between levels, by the number of the upper one.
const BORDERS: std::ops::RangeInclusive<u8> = 1..=3;

/// Changes of levels: when, from, to.
type Changes = [(f64, u8, u8)];

/// Levels are entered for the first time one after the other, and left for good one after the other.
fn is_in_order(changes: &Changes) -> bool {
    let entered = BORDERS.map(|border| changes.iter().position(|(_, _, to)| *to == border));
    let left = BORDERS.rev().map(|border| changes.iter().rposition(|(_, from, _)| *from == border));
    let order: Option<Vec<_>> = entered.chain(left).collect();
    let ends_at_rest = changes.last().is_some_and(|(_, _, to)| *to == Level::L0.number());
    ends_at_rest && order.is_some_and(|order| order.is_sorted())
}

/// On the way up a crossing is taken back by going down, on the way down by going up.
fn reversals_max(changes: &Changes, turns_s: f64) -> u32 {
    let taken_back = |border: u8, up: bool| {
        let crosses = |&&(s, from, to): &&(f64, u8, u8)| {
            let (low, high) = if up { (to, from) } else { (from, to) };
            (s < turns_s) == up && low < border && high >= border
        };
        changes.iter().filter(crosses).count() as u32
    };
    BORDERS.flat_map(|border| [taken_back(border, true), taken_back(border, false)]).max().unwrap_or(0)
}

/// The share of the room in use from ten seconds after each change to the next: the least.
pub(super) fn room_used_min(changed_s: &[f64], played: &Played) -> Option<f64> {
    const GRACE_S: f64 = 10.0;
    let ends = changed_s.iter().copied().skip(1).chain([played.last_s]);
    let used = changed_s
        .iter()
        .zip(ends)
        .map(|(changed_s, end_s)| played.tally.used.mean((changed_s + GRACE_S) as usize, end_s as usize));
    used.collect::<Option<Vec<_>>>()?.into_iter().reduce(f64::min)
}
