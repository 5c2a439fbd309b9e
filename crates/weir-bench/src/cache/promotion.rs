//! The first hit after a restart comes from disk and is kept in memory; the second comes from there.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::Shop;
use super::measure::{Measure, Values};
use super::results::Results;
use super::stand::{Service, Stand};
use super::tier;
use crate::chat::Request;
use crate::connection::Connection;
use crate::gateway::setup::TOKEN;

/// Questions, each asked twice.
const QUESTIONS: u64 = 500;

/// Between two questions: nothing is crowded.
const BEAT: Duration = Duration::from_millis(5);

/// Both hits of every question.
pub async fn take(shop: &Shop<'_>, results: &mut Results) {
    let (first, second) = match both(shop).await {
        Ok((first, second)) => (Ok(first), Ok(second)),
        Err(error) => {
            let told = anyhow::anyhow!("see the first hit");
            (Err(error), Err(told))
        }
    };
    results.note(Measure::Promotion, "first hit: disk", first);
    results.note(Measure::Promotion, "second hit: memory", second);
}

async fn both(shop: &Shop<'_>) -> anyhow::Result<(Values, Values)> {
    let folder = shop.bench.folder();
    let table = tier::memory_and(tier::MUCH, &tier::disk(folder));
    let mut stand = Stand::weir(folder, &shop.weir, Service { chunks: 2, delay_ms: 0 }, &table).await?;
    stand.fill(QUESTIONS, None).await?;
    stand.ensure_nothing_lost().await?;
    stand.restart_weir().await?;
    let mut request = Request::new(stand.port(), Some(TOKEN), false);
    let mut connection = Connection::open(stand.port()).await?;
    let mut waits = [Vec::new(), Vec::new()];
    for question in 1..=QUESTIONS {
        tokio::time::sleep(BEAT).await;
        for (waits, state) in waits.iter_mut().zip(["HIT-disk", "HIT-memory"]) {
            let began = Instant::now();
            let said = connection.exchange_json(request.stamped(question)).await?;
            waits.push(began.elapsed());
            ensure!(said == Some(state), "x-cache says {said:?}, and not {state}, of question {question}");
        }
    }
    stand.stop().await;
    let [first, second] = waits.map(|waits| vec![percentile_ms(&waits, 50.0), percentile_ms(&waits, 99.0)]);
    Ok((first, second))
}

/// The nearest-rank percentile, ms; `None` of nothing.
pub fn percentile_ms(waits: &[Duration], percent: f64) -> Option<f64> {
    let mut waits = waits.to_vec();
    waits.sort_unstable();
    let rank = (waits.len() as f64 * percent / 100.0).ceil() as usize;
    waits.get(rank.max(1) - 1).map(|wait| wait.as_secs_f64() * 1_000.0)
}
