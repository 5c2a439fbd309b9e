//! What is counted while a world runs. Memory is flat: counters, histograms, some numbers for each second.

mod known;

use std::time::Duration;

use weir_core::CacheState;
use weir_pressure::Change;

use crate::repeats::Repeats;

pub(crate) use known::Known;

/// How one request of an application ended, by the truth and not by what it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A right and whole answer.
    Full,
    /// A whole answer that says of itself that it is less than was asked for.
    Degraded,
    /// An error instead of an answer.
    Refused,
    /// An error after a beginning.
    Cut,
    /// It looks like an answer and is none.
    False,
}

/// Something for each second of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seconds(Vec<u32>);

/// A run that lasts longer than this has gone wrong; what comes later is counted in the last second.
const SECONDS_MAX: usize = 1 << 16;

impl Seconds {
    pub(crate) fn count(&mut self, s: f64) {
        let second = (s as usize).min(SECONDS_MAX - 1);
        if self.0.len() <= second {
            self.0.resize(second + 1, 0);
        }
        self.0[second] += 1;
    }

    /// The sum over whole seconds `from .. until`.
    pub(crate) fn sum(&self, from: usize, until: usize) -> u32 {
        (from..until).map(|second| self.0.get(second).copied().unwrap_or(0)).sum()
    }

    pub(crate) fn total(&self) -> u32 {
        self.0.iter().sum()
    }
}

/// Times in buckets that are at most 1.6 % wide.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    buckets: Vec<u32>,
    count: u64,
    sum_us: u64,
}

/// How long a service without room takes to fill, and to be as it will be.
pub(crate) const WARM_UP_S: usize = 15;
/// Who has waited longer for the first word was not served as usual.
const SOON: Duration = Duration::from_secs(10);

/// Buckets for each doubling, as a power of two.
const FINENESS: u32 = 6;

impl Times {
    pub(crate) fn new() -> Self {
        // Up to 2^24 ms, four hours and a half.
        Self { buckets: vec![0; 20 << FINENESS], count: 0, sum_us: 0 }
    }

    pub(crate) fn add(&mut self, time: Duration) {
        let bucket =
            Self::bucket(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)).min(self.buckets.len() - 1);
        self.buckets[bucket] += 1;
        self.count += 1;
        self.sum_us += u64::try_from(time.as_micros()).unwrap_or(0);
    }

    pub(crate) fn mean_ms(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_us as f64 / 1e3 / self.count as f64)
    }

    /// Takes in others.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (own, its) in self.buckets.iter_mut().zip(&other.buckets) {
            *own += its;
        }
        self.count += other.count;
        self.sum_us += other.sum_us;
    }

    /// The time that this share of all stay within: the upper end of its bucket.
    pub(crate) fn quantile_ms(&self, share: f64) -> Option<f64> {
        let rank = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|&count| {
            seen += u64::from(count);
            seen >= rank.max(1)
        })?;
        Some(Self::start(bucket + 1) as f64)
    }

    /// Below 2^(FINENESS + 1) each millisecond has its own bucket; above, each doubling has 2^FINENESS.
    fn bucket(ms: u64) -> usize {
        let excess = (u64::BITS - ms.leading_zeros()).saturating_sub(FINENESS + 1);
        ((u64::from(excess) << FINENESS) + (ms >> excess)) as usize
    }

    fn start(bucket: usize) -> u64 {
        let doublings = (bucket >> FINENESS).saturating_sub(1);
        ((bucket - (doublings << FINENESS)) as u64) << doublings
    }
}

/// A share for each second: the mean of those that were seen in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shares(Vec<(f64, u32)>);

impl Shares {
    pub(crate) fn add(&mut self, s: f64, share: f64) {
        let second = (s as usize).min(SECONDS_MAX - 1);
        if self.0.len() <= second {
            self.0.resize(second + 1, (0.0, 0));
        }
        let (sum, count) = &mut self.0[second];
        (*sum, *count) = (*sum + share, *count + 1);
    }

    /// The mean over whole seconds `from .. until`; `None` when none was seen.
    pub(crate) fn mean(&self, from: usize, until: usize) -> Option<f64> {
        let seen = self.0.get(from..until.min(self.0.len()))?;
        let (sum, count) =
            seen.iter().fold((0.0, 0), |(sum, count), (share, times)| (sum + share, count + times));
        (count > 0).then(|| sum / f64::from(count))
    }
}

/// What an application was told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) ending: Ending,
    /// From its coming to the first word.
    pub(crate) first: Option<Duration>,
    /// What the cache had to do with it.
    pub(crate) cache: CacheState,
}

/// How one request of an application ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// What it asked.
    pub(crate) question: u32,
    /// Somebody had been given an answer to that before it came.
    pub(crate) was_known: bool,
    /// When it came.
    pub(crate) came_s: f64,
    /// When it ended.
    pub(crate) s: f64,
    pub(crate) told: Told,
}

/// What is counted of each group of applications.
#[derive(Clone, Debug)]
pub(crate) struct GroupTally {
    /// Requests, by the second they came in.
    pub(crate) arrived: Seconds,
    /// Answered requests, by the second in which their answer ended.
    pub(crate) answered: Seconds,
    /// Times to the first word, of those who came once the service was as it will be.
    pub(crate) first: Times,
}

/// Everything counted of one run, but for what the services count themselves.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Requests, by the second they came in.
    pub(crate) arrived: Seconds,
    /// Of those, the ones that were answered and whose first word came soon.
    pub(crate) served: Seconds,
    /// Answered requests, by the second in which their answer ended.
    pub(crate) answered: Seconds,
    pub(crate) groups: Vec<GroupTally>,
    pub(crate) full: u32,
    pub(crate) degraded: u32,
    pub(crate) refused: u32,
    pub(crate) cut: u32,
    pub(crate) false_answers: u32,
    /// Beginnings, shown before an honest error, that no service had said.
    pub(crate) garbled: u32,
    pub(crate) first: Times,
    /// How often an application saw a 429.
    pub(crate) throttled: u32,
    /// How often weir said that there is too much work while a place was free.
    pub(crate) shed_with_room: u32,
    /// The share of the first service's slots in use.
    pub(crate) used: Shares,
    /// When the level of pressure changed.
    pub(crate) levels: Vec<(f64, Change)>,
    /// What was known already, in the worlds that are about it.
    pub(crate) known: Option<Known>,
}

impl Tally {
    pub(crate) fn new(groups: usize, repeats: Option<&Repeats>) -> Self {
        let group =
            GroupTally { arrived: Seconds::default(), answered: Seconds::default(), first: Times::new() };
        Self {
            arrived: Seconds::default(),
            served: Seconds::default(),
            answered: Seconds::default(),
            groups: vec![group; groups],
            full: 0,
            degraded: 0,
            refused: 0,
            cut: 0,
            false_answers: 0,
            garbled: 0,
            first: Times::new(),
            throttled: 0,
            shed_with_room: 0,
            used: Shares::default(),
            levels: Vec::new(),
            known: repeats.map(Known::new),
        }
    }

    /// A request has come. Says whether somebody has been given an answer to its question.
    pub(crate) fn arrived(&mut self, group: usize, question: u32, s: f64) -> bool {
        self.arrived.count(s);
        self.groups[group].arrived.count(s);
        self.known.as_mut().is_some_and(|known| known.arrived(question, s))
    }

    /// A request has ended.
    pub(crate) fn ended(&mut self, group: usize, outcome: Outcome) {
        let Outcome { came_s, s, told: Told { ending, first, .. }, .. } = outcome;
        match ending {
            Ending::Full => self.full += 1,
            Ending::Degraded => self.degraded += 1,
            Ending::Refused => self.refused += 1,
            Ending::Cut => self.cut += 1,
            Ending::False => self.false_answers += 1,
        }
        if matches!(ending, Ending::Full | Ending::Degraded) {
            if let Some(known) = &mut self.known {
                known.answered(&outcome);
            }
            let group = &mut self.groups[group];
            self.answered.count(s);
            group.answered.count(s);
            if let Some(first) = first {
                self.first.add(first);
                if came_s >= WARM_UP_S as f64 {
                    group.first.add(first);
                }
                if first <= SOON {
                    self.served.count(came_s);
                }
            }
        }
    }
}
