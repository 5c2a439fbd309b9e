//! What a replay can be asked to do differently, with defaults and bounds.
//!
//! Everything here changes the requests or their schedule, never how they are judged: two reports with the same
//! options are comparable.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::time::Duration;

use crate::priorities::PriorityMix;

/// How much faster than recorded, 0.001 to 1,000,000. Parses from `2.5` or `2.5x`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Speed(f64);

impl Speed {
    /// As recorded.
    pub const RECORDED: Self = Self(1.0);

    /// The slowest that is accepted: a second in a quarter of an hour.
    pub const MIN: Self = Self(0.001);

    /// The fastest that is accepted: an hour in 3.6 ms is already everything at once.
    pub const MAX: Self = Self(1_000_000.0);

    /// A speed, if `factor` lies between [`Speed::MIN`] and [`Speed::MAX`].
    pub fn new(factor: f64) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&factor).then_some(Self(factor))
    }

    /// The factor: 2 halves every gap between arrivals.
    pub fn get(self) -> f64 {
        self.0
    }

    /// When something recorded at `offset`, at most some thousand years, happens at this speed.
    pub(crate) fn scale(self, offset: Duration) -> Duration {
        offset.div_f64(self.0)
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.strip_suffix(['x', '×']).unwrap_or(text).parse().ok();
        number.and_then(Self::new).ok_or_else(|| {
            format!("speed {text:?} is not a number from 0.001 to 1000000; write it like 10 or 0.5")
        })
    }
}

/// Some requests ask one of a closed set of questions, with a `temperature` of 0 and no limit on the answer, so that a cache
/// may answer them: the question of rank r in proportion to 1/r (Zipf's law).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Repeats {
    /// The share of requests that do, 0 to 1.
    pub share: f64,
    /// How many questions there are: those of the trace's first rows.
    pub questions: NonZeroUsize,
}

/// The knobs of a replay. [`Options::default`] is what `weir replay` does without flags.
#[derive(Debug, Clone)]
pub struct Options {
    /// Gaps between arrivals are divided by this. Default: as recorded.
    pub speed: Speed,
    /// Only this many rows, from the first. Default: all.
    pub limit: Option<NonZeroUsize>,
    /// `model` of every request. Default: `deepseek-flash`.
    pub model: String,
    /// Whether answers are streamed. Default: yes. Without, the first token counts as arriving with the last.
    pub stream: bool,
    /// `temperature` of every request. Default: absent, which leaves it to the service and makes an answer one of
    /// many, so a cache must not keep it; 0 makes answers cacheable.
    pub temperature: Option<f64>,
    /// Prompts have at most this many tokens, at four bytes each. Default: 1,000, about the median of the Azure trace
    /// (1,020; its longest are 14,050).
    pub context_tokens_max: u32,
    /// `max_tokens` is at most this. Default: 256.
    pub output_tokens_max: u32,
    /// How priorities are drawn where the trace names none. Default: 1 at 20 %, 5 at 60 %, 8 at 20 %.
    pub priorities: PriorityMix,
    /// What is asked again. Default: nothing; every request asks something of its own.
    pub repeats: Option<Repeats>,
    /// Chooses questions, priorities and jitter. Default: 1.
    pub seed: u64,
    /// A request that has not ended this long after its scheduled arrival, all tries together, has failed. Default:
    /// 60 s, at most a day. (The official SDK waits 600 s for each read; no one at a screen does.)
    pub timeout: Duration,
    /// Requests in flight at once. One more is not sent and counts as `client_limit`: waiting for a place would
    /// quietly turn the open loop into a closed one. Default: 4,096.
    pub in_flight_max: NonZeroUsize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            speed: Speed::RECORDED,
            limit: None,
            model: "deepseek-flash".to_owned(),
            stream: true,
            temperature: None,
            context_tokens_max: 1_000,
            output_tokens_max: 256,
            priorities: PriorityMix::default(),
            repeats: None,
            seed: 1,
            timeout: Duration::from_secs(60),
            in_flight_max: NonZeroUsize::new(4_096).expect("4,096 is not zero"),
        }
    }
}
