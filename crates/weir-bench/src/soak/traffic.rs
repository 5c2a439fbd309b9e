//! The callers: real arrivals, round after round, and some who leave in the middle of everything.
//!
//! A round is the recorded trace at such a speed that it asks for so many times what there is room for; the next one
//! begins when it has been sent, not when it has been answered. Leaving is a small round of its own that is dropped:
//! its callers are gone at once, whether they wait, hear or are about to be refused.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use anyhow::Context;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use weir_core::Chance;
use weir_replay::{Options, Plan, Progress, Prompts, Report, Speed, Target, Trace, run as replay};

use super::cast::{Cast, TOKEN};

/// Answers have at most so many tokens.
const TOKENS_MAX: u32 = 64;
/// What a calm service takes for its first token and for each one after it, seconds (`weir-mock`'s profile).
const FIRST_S: f64 = 0.155;
const BETWEEN_S: f64 = 0.012;
/// Four times as long as weir may take (`pool.deadline_s`): whoever waits in vain for that long has been forgotten.
const PATIENCE: Duration = Duration::from_secs(120);
/// Of the requests, those of callers who leave.
const LEAVING_SHARE: f64 = 0.15;
/// Callers of one small round, and the longest that they stay.
const LEAVING_TOGETHER: usize = 12;
const STAY_MAX_S: f64 = 2.5;

/// What became of the requests.
#[derive(Debug, Default)]
pub struct Tally {
    requests: u64,
    full: u64,
    degraded: u64,
    shed: u64,
    /// Told of a failure: another status, or an error in the stream.
    told: u64,
    /// Of callers about to leave: answered, or refused, before they did.
    left_answered: u64,
    left_refused: u64,
    left: u64,
    /// No answer within the patience, a connection that broke, an end that does not say that it is one.
    pub unanswered: u64,
    unanswered_by: BTreeMap<String, u64>,
}

impl Tally {
    /// The counts, in the order in which they are read.
    pub fn rows(&self) -> [(&'static str, u64); 9] {
        [
            ("requests", self.requests),
            ("answered in full", self.full),
            ("answered degraded, and marked so", self.degraded),
            ("shed", self.shed),
            ("told of another failure", self.told),
            ("callers who left before their answer's end", self.left),
            ("about to leave, and answered before", self.left_answered),
            ("about to leave, and refused before", self.left_refused),
            ("unanswered", self.unanswered),
        ]
    }

    /// How those ended that had no answer.
    pub fn why(&self) -> String {
        let by = self.unanswered_by.iter().map(|(how, count)| format!("{count} {how}"));
        by.collect::<Vec<_>>().join(", ")
    }

    fn add(&mut self, report: &Report) {
        /// Ends that are no answer.
        const NONE: [&str; 5] = ["connect", "timeout", "client_limit", "truncated", "invalid"];
        self.requests += report.requests;
        self.full += report.full;
        self.degraded += report.degraded;
        self.shed += report.shed;
        let mut unanswered = 0;
        for (how, count) in report.by_status.iter().filter(|(how, _)| NONE.contains(&how.as_str())) {
            *self.unanswered_by.entry(how.clone()).or_default() += count;
            unanswered += count;
        }
        self.unanswered += unanswered;
        self.told += report.requests - report.good - report.shed - unanswered;
    }
}

/// Requests a second that ask for `overload` times what `places` answer.
pub fn rate(places: u32, overload: f64) -> f64 {
    let trace = Trace::excerpt();
    let arrivals = trace.arrivals();
    let tokens: f64 = arrivals.iter().map(|one| f64::from(one.generated_tokens.clamp(1, TOKENS_MAX))).sum();
    let held_s = FIRST_S + BETWEEN_S * (tokens / arrivals.len() as f64 - 1.0);
    overload * f64::from(places) / held_s
}

/// Sends at `rate` until the time is over and everything has been answered or left.
pub async fn run(cast: &Cast, rate: f64, until: Instant, seed: u64) -> anyhow::Result<Tally> {
    let target = Target::new(&cast.url())?.with_key(TOKEN)?;
    let chance = Chance::seeded(seed);
    let mut tally = Tally::default();
    let mut rounds = JoinSet::new();
    let mut leaving = JoinSet::new();
    for number in 0.. {
        let now = Instant::now();
        if now >= until {
            break;
        }
        // One round in four does without streams, as batch work does.
        let plan = plan(rate * (1.0 - LEAVING_SHARE), None, number % 4 != 3, chance.bits())?;
        let sent = (now + plan.duration()).min(until);
        let callers = target.clone();
        rounds.spawn(async move { replay(&plan, &callers, Progress::new()).await });
        while Instant::now() < sent {
            let gap = LEAVING_TOGETHER as f64 / (rate * LEAVING_SHARE);
            sleep_until((Instant::now() + Duration::from_secs_f64(gap)).min(sent)).await;
            let plan = plan_of_leavers(rate, &chance)?;
            leaving.spawn(leave(plan, target.clone(), Duration::from_secs_f64(STAY_MAX_S * chance.unit())));
        }
        while let Some(ended) = rounds.try_join_next() {
            tally.add(&ended.context("a round panicked")?);
        }
    }
    while let Some(ended) = rounds.join_next().await {
        tally.add(&ended.context("a round panicked")?);
    }
    while let Some(ended) = leaving.join_next().await {
        let (sent, good, left) = ended.context("those who leave panicked")?;
        tally.requests += sent;
        tally.left_answered += good;
        tally.left += left;
        tally.left_refused += sent - good - left;
    }
    Ok(tally)
}

/// Drops a small round after a while: requests sent, answered in full, and left.
async fn leave(plan: Plan, target: Target, stay: Duration) -> (u64, u64, u64) {
    let progress = Progress::new();
    let before = {
        let round = replay(&plan, &target, progress.clone());
        tokio::pin!(round);
        // Whoever is done by then has not left; the rest is dropped here.
        let _all_done = timeout(stay, round.as_mut()).await;
        progress.snapshot()
    };
    (before.sent, before.good, before.in_flight)
}

fn plan_of_leavers(rate: f64, chance: &Chance) -> anyhow::Result<Plan> {
    let limit = NonZeroUsize::new(LEAVING_TOGETHER);
    plan(rate, limit, true, chance.bits())
}

fn plan(rate: f64, limit: Option<NonZeroUsize>, stream: bool, seed: u64) -> anyhow::Result<Plan> {
    let trace = Trace::excerpt();
    let arrivals = trace.arrivals();
    let recorded = arrivals.last().map_or(Duration::ZERO, |last| last.offset).as_secs_f64();
    let speed = Speed::new(rate * recorded / arrivals.len() as f64).context("a rate out of range")?;
    let options = Options {
        speed,
        limit,
        stream,
        output_tokens_max: TOKENS_MAX,
        seed,
        timeout: PATIENCE,
        ..Options::default()
    };
    Ok(Plan { trace, prompts: Prompts::excerpt(), options })
}
