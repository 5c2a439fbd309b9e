//! Recorded traffic through weir: how many requests are hits, tier by tier, of those that could be.
//!
//! Arrivals and lengths are the Azure trace's, faster; which question comes when is [`Repeats`]'. The length of a prompt
//! and an answer belongs to the question. Open loop: a request leaves when it is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use weir_core::Chance;
use weir_replay::{Arrival, Trace};

use super::Shop;
use super::measure::{Measure, Values};
use super::repeats::{Repeats, asked_before};
use super::results::Results;
use super::stand::{Service, Stand};
use super::tier;
use crate::chat::{BYTES_PER_TOKEN, Request};
use crate::connection::Connection;
use crate::gateway::setup::TOKEN;

/// Requests of a run, and of a first impression.
const REQUESTS: usize = 20_000;
const REQUESTS_QUICK: usize = 4_000;

/// How long a run takes.
const LASTS: Duration = Duration::from_secs(14);
const LASTS_QUICK: Duration = Duration::from_secs(4);

/// The model of repeats.
const QUESTIONS: u32 = 20_000;
const EXPONENT: f64 = 0.9;
const ONCE: f64 = 0.3;
const SEED: u64 = 1;

/// Connections, which take the requests in turn.
const LANES: usize = 64;

/// The longest prompt that is sent, bytes: the upstream reads no more.
const PROMPT_BYTES_MAX: usize = 32 << 10;

/// One request to be made.
#[derive(Clone, Copy)]
struct Due {
    at: Duration,
    question: u64,
    prompt_bytes: usize,
    tokens: u32,
}

/// The same traffic on caches of different sizes.
pub async fn take(shop: &Shop<'_>, results: &mut Results) {
    let dues = match dues(shop) {
        Ok(dues) => Arc::new(dues),
        Err(error) => return results.note(Measure::Trace, "all", Err(error)),
    };
    let disk = tier::disk(shop.bench.folder());
    let rows = [
        ("memory 64 MiB", tier::memory_and(64, "")),
        ("memory 2 MiB", tier::memory_and(2, "")),
        ("memory 2 MiB, disk", tier::memory_and(2, &disk)),
    ];
    for (name, table) in rows {
        results.note(Measure::Trace, name, one_cache(shop, &dues, &table).await);
    }
}

/// The requests of the run.
fn dues(shop: &Shop<'_>) -> anyhow::Result<Vec<Due>> {
    let trace = match shop.trace {
        Some(file) => Trace::read(file)?,
        None => Trace::excerpt(),
    };
    let (requests, lasts) = if shop.quick { (REQUESTS_QUICK, LASTS_QUICK) } else { (REQUESTS, LASTS) };
    let arrivals = trace.arrivals();
    let offsets = offsets(arrivals, requests);
    let recorded = offsets.last().copied().unwrap_or_default().as_secs_f64();
    ensure!(recorded > 0.0, "a trace without any time between its requests");
    let speed = recorded / lasts.as_secs_f64();
    let mut repeats = Repeats::new(QUESTIONS, EXPONENT, ONCE, SEED);
    let due = |offset: Duration| {
        let question = repeats.next();
        // Which row's lengths a question has is chance, but always the same.
        let row = Chance::mixed(question) % arrivals.len() as u64;
        let Arrival { context_tokens, generated_tokens, .. } = arrivals[row as usize];
        let prompt_bytes = (context_tokens as usize * BYTES_PER_TOKEN).min(PROMPT_BYTES_MAX);
        Due { at: offset.div_f64(speed), question, prompt_bytes, tokens: generated_tokens.max(1) }
    };
    Ok(offsets.into_iter().map(due).collect())
}

/// When so many requests arrive: the trace's arrivals, again from the start when they are used up.
pub fn offsets(arrivals: &[Arrival], requests: usize) -> Vec<Duration> {
    let last = arrivals.last().map_or(Duration::ZERO, |arrival| arrival.offset);
    // From the last to the first of the next round lies as much time as between any two on average.
    let round = last + last / u32::try_from(arrivals.len()).unwrap_or(u32::MAX).max(1);
    let rounds =
        (0u32..).flat_map(|number| arrivals.iter().map(move |arrival| round * number + arrival.offset));
    rounds.take(if arrivals.is_empty() { 0 } else { requests }).collect()
}

async fn one_cache(shop: &Shop<'_>, dues: &Arc<Vec<Due>>, table: &str) -> anyhow::Result<Values> {
    let service = Service { chunks: 2, delay_ms: 0 };
    let stand = Stand::weir(shop.bench.folder(), &shop.weir, service, table).await?;
    let begun = Instant::now();
    let mut lanes = JoinSet::new();
    for lane in 0..LANES {
        lanes.spawn(ask_in_turn(stand.port(), dues.clone(), lane, begun));
    }
    let mut states = BTreeMap::<&str, usize>::new();
    while let Some(lane) = lanes.join_next().await {
        for (state, count) in lane.context("a lane panicked")?? {
            *states.entry(state).or_default() += count;
        }
    }
    stand.ensure_nothing_lost().await?;
    stand.stop().await;
    let questions: Vec<u64> = dues.iter().map(|due| due.question).collect();
    shares(&states, questions.len(), asked_before(&questions))
}

/// The row: shares of all requests, and how many of those asked before needed no call of their own.
///
/// # Errors
/// A state that has no place in the table.
pub fn shares(states: &BTreeMap<&str, usize>, requests: usize, before: usize) -> anyhow::Result<Values> {
    let count = |state: &str| states.get(state).copied().unwrap_or_default();
    let columns = ["HIT-memory", "HIT-disk", "COALESCED", "MISS"].map(count);
    let told: usize = columns.iter().sum();
    ensure!(told == requests, "{requests} requests, of which {told} say how they were answered: {states:?}");
    let percent = |count: usize| Some(100.0 * count as f64 / requests as f64);
    let [memory, disk, shared, called] = columns;
    let spared = memory + disk + shared;
    Ok(vec![
        Some(requests as f64),
        percent(before),
        percent(memory),
        percent(disk),
        percent(shared),
        percent(called),
        (before > 0).then(|| 100.0 * spared as f64 / before as f64),
    ])
}

/// Every `LANES`-th request from `lane` on, each when it is due; how many replies said what of the cache.
async fn ask_in_turn(
    port: u16,
    dues: Arc<Vec<Due>>,
    lane: usize,
    begun: Instant,
) -> anyhow::Result<BTreeMap<&'static str, usize>> {
    let mut connection = Connection::open(port).await?;
    let mut states = BTreeMap::new();
    for due in dues.iter().skip(lane).step_by(LANES) {
        let mut request = Request::sized(port, Some(TOKEN), due.prompt_bytes, due.tokens);
        sleep_until(begun + due.at).await;
        let said = connection.exchange_json(request.stamped(due.question)).await?;
        *states.entry(said.context("a reply without x-cache")?).or_default() += 1;
    }
    Ok(states)
}
