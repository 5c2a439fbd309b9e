//! What an entry takes, in memory and on disk: the growth by ten thousand of them.
//!
//! Memory is what the process grows by (PSS), so it holds what the allocator and the table add.

use std::ops::RangeInclusive;

use super::Shop;
use super::measure::{Measure, Values};
use super::results::Results;
use super::stand::{Service, Stand};
use super::tier;
use crate::chat::{BYTES_PER_TOKEN, PROMPT_BYTES, Request, answer_body};
use crate::gateway::setup::TOKEN;

/// Entries that are counted, and those before them, after which buffers and pools have their size.
const COUNTED: u64 = 10_000;
const BEFORE: u64 = 1_000;

/// Answers of about 1 kB and about 8 kB: name and tokens.
const SIZES: [(&str, u32); 2] = [("answers of 1 kB", 170), ("answers of 8 kB", 1_962)];

/// Both sizes.
pub async fn take(shop: &Shop<'_>, results: &mut Results) {
    for (name, tokens) in SIZES {
        results.note(Measure::Entries, name, one_size(shop, tokens).await);
    }
}

async fn one_size(shop: &Shop<'_>, tokens: u32) -> anyhow::Result<Values> {
    let answer = answer_body(tokens as usize * BYTES_PER_TOKEN).len() as f64;
    let in_memory = bytes_in_memory(shop, tokens).await?;
    let on_disk = bytes_on_disk(shop, tokens).await?;
    Ok(vec![Some(answer), Some(in_memory), Some(in_memory - answer), Some(on_disk), Some(on_disk - answer)])
}

async fn bytes_in_memory(shop: &Shop<'_>, tokens: u32) -> anyhow::Result<f64> {
    let folder = shop.bench.folder();
    let table = tier::memory_and(tier::MUCH, "");
    let stand = Stand::weir(folder, &shop.weir, SERVICE, &table).await?;
    ask(&stand, 1..=BEFORE, tokens).await?;
    let before = stand.memory_kib()?;
    ask(&stand, BEFORE + 1..=BEFORE + COUNTED, tokens).await?;
    let after = stand.memory_kib()?;
    stand.stop().await;
    Ok((after as f64 - before as f64) * 1_024.0 / COUNTED as f64)
}

async fn bytes_on_disk(shop: &Shop<'_>, tokens: u32) -> anyhow::Result<f64> {
    let folder = shop.bench.folder();
    let table = tier::memory_and(tier::LEAST, &tier::disk(folder));
    let mut stand = Stand::weir(folder, &shop.weir, SERVICE, &table).await?;
    ask(&stand, 1..=COUNTED, tokens).await?;
    stand.ensure_nothing_lost().await?;
    stand.end_weir().await?;
    let bytes = stand.disk_bytes()?;
    stand.stop().await;
    Ok(bytes as f64 / COUNTED as f64)
}

const SERVICE: Service = Service { chunks: 2, delay_ms: 0 };

async fn ask(stand: &Stand, questions: RangeInclusive<u64>, tokens: u32) -> anyhow::Result<()> {
    let request = Request::sized(stand.port(), Some(TOKEN), PROMPT_BYTES, tokens);
    stand.ask_each(questions, request, None).await
}
