//! What is counted while a world runs. Memory is flat: counters, one histogram, one number per second.

use std::time::Duration;

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

/// Everything counted of one run, but for what the services count themselves.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// Requests, by the second they came in.
    pub(crate) arrived: Seconds,
    /// Of those, the ones that were answered and whose first word came soon.
    pub(crate) served: Seconds,
    /// Answered requests, by the second in which their answer ended.
    pub(crate) answered: Seconds,
    pub(crate) full: u32,
    pub(crate) degraded: u32,
    pub(crate) refused: u32,
    pub(crate) cut: u32,
    pub(crate) false_answers: u32,
    /// Beginnings, shown before an honest error, that no service had said.
    pub(crate) garbled: u32,
    pub(crate) first: Times,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            arrived: Seconds::default(),
            served: Seconds::default(),
            answered: Seconds::default(),
            full: 0,
            degraded: 0,
            refused: 0,
            cut: 0,
            false_answers: 0,
            garbled: 0,
            first: Times::new(),
        }
    }

    /// A request that came at `came_s` has ended at `s`; its first word had come after `first`.
    pub(crate) fn ended(&mut self, came_s: f64, s: f64, ending: Ending, first: Option<Duration>) {
        match ending {
            Ending::Full => self.full += 1,
            Ending::Degraded => self.degraded += 1,
            Ending::Refused => self.refused += 1,
            Ending::Cut => self.cut += 1,
            Ending::False => self.false_answers += 1,
        }
        if matches!(ending, Ending::Full | Ending::Degraded) {
            self.answered.count(s);
            if let Some(first) = first {
                self.first.add(first);
                if first <= SOON {
                    self.served.count(came_s);
                }
            }
        }
    }
}
