//! A tier that is slow or broken is skipped, and what is found below is kept above for a while.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::registry::Registry;
use weir_core::{CacheState, Clock};

use super::{pass, wall};
use crate::config;
use crate::entry::{Entry, Labels, Moment};
use crate::key::Key;
use crate::metrics::Metrics;
use crate::tiers::{Boxed, Holding, Tier, TierError, Tiers, Which};

/// A tier that does as it is told.
#[derive(Clone, Default)]
struct Odd(Arc<Told>);

#[derive(Default)]
struct Told {
    entry: Mutex<Option<Entry>>,
    asked: AtomicU32,
    slow: AtomicU32,
    broken: AtomicBool,
}

impl Tier for Odd {
    fn name(&self) -> &'static str {
        "odd"
    }

    fn state(&self) -> CacheState {
        CacheState::HitDisk
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(50)
    }

    fn get(&self, _key: Key) -> Boxed<'_, Result<Option<Entry>, TierError>> {
        Box::pin(async {
            self.0.asked.fetch_add(1, Ordering::Relaxed);
            if self.0.slow.load(Ordering::Relaxed) > 0 {
                std::future::pending::<()>().await;
            }
            Ok(self.0.entry.lock().unwrap().clone())
        })
    }

    fn put(&self, _key: Key, entry: Entry) -> Result<(), TierError> {
        *self.0.entry.lock().unwrap() = Some(entry);
        Ok(())
    }

    fn held(&self) -> Boxed<'_, Result<Option<Holding>, TierError>> {
        Box::pin(async { Ok(None) })
    }

    fn purge(&self, _which: Which) -> Boxed<'_, Result<u64, TierError>> {
        Box::pin(async {
            if self.0.broken.load(Ordering::Relaxed) {
                return Err(TierError("broken".into()));
            }
            Ok(self.0.entry.lock().unwrap().take().map_or(0, |_| 1))
        })
    }
}

fn entry(fresh_s: u64) -> Entry {
    let labels = Labels { tenant: "a".into(), model: "m".into(), tag: "".into() };
    let made = Moment::of(wall());
    Entry {
        body: Bytes::from_static(b"answer"),
        cuts: Bytes::new(),
        made,
        fresh_ms: fresh_s * 1000,
        revision: 0,
        labels,
    }
}

/// The paused runtime's.
#[expect(clippy::disallowed_methods, reason = "the test plays the binary, whose clock this is")]
fn paused() -> Clock {
    Clock::new(|| tokio::time::Instant::now().into_std(), wall)
}

fn tiers() -> (Tiers, Odd) {
    let odd = Odd::default();
    (over(vec![Box::new(odd.clone())]), odd)
}

fn over(below: Vec<Box<dyn Tier>>) -> Tiers {
    let metrics = Arc::new(Metrics::new(&mut Registry::default()));
    Tiers::new(paused(), &config::Cache::default(), below, 0, metrics)
}

const KEY: Key = [1; 32];

#[tokio::test(start_paused = true)]
async fn what_is_found_below_is_kept_above_for_300_s_or_as_long_as_it_is_fresh() {
    for (fresh_s, kept_s) in [(3600, 300), (100, 100)] {
        let (tiers, odd) = tiers();
        *odd.0.entry.lock().unwrap() = Some(entry(fresh_s));
        assert!(tiers.in_memory(&KEY, Moment::of(wall())).is_none());
        assert_eq!(tiers.below(&KEY).await.unwrap().state, CacheState::HitDisk);
        pass(kept_s - 1);
        assert!(tiers.in_memory(&KEY, Moment::of(wall())).is_some());
        pass(1);
        assert!(
            tiers.in_memory(&KEY, Moment::of(wall())).is_none(),
            "after {kept_s} s it is asked for below again"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_hangs_costs_five_requests_50_ms_and_then_nobody() {
    let (tiers, odd) = tiers();
    odd.0.slow.store(1, Ordering::Relaxed);
    let begun = paused().now();
    for _ in 0..100 {
        assert!(tiers.below(&KEY).await.is_none());
    }
    assert_eq!(paused().now() - begun, Duration::from_millis(250));
    assert_eq!(odd.0.asked.load(Ordering::Relaxed), 5);
    // It comes back: one request finds out, and all use it.
    odd.0.slow.store(0, Ordering::Relaxed);
    *odd.0.entry.lock().unwrap() = Some(entry(3600));
    tokio::time::advance(Duration::from_secs(5)).await;
    assert!(tiers.below(&KEY).await.is_some());
    assert!(tiers.below(&KEY).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn all_tiers_forget() {
    let (tiers, odd) = tiers();
    tiers.put(KEY, &entry(3600), 0);
    assert!(odd.0.entry.lock().unwrap().is_some());
    assert_eq!(
        tiers.purge(&Which::Tenant("b".into())).await.unwrap(),
        1,
        "the odd tier forgets whatever it is told"
    );
    assert!(tiers.in_memory(&KEY, Moment::of(wall())).is_some(), "memory has nothing of b's");
    tiers.purge(&Which::Model("m".into())).await.unwrap();
    assert!(tiers.in_memory(&KEY, Moment::of(wall())).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_cannot_forget_keeps_no_other_from_it() {
    let [broken, well] = [(); 2].map(|()| Odd::default());
    broken.0.broken.store(true, Ordering::Relaxed);
    let tiers = over(vec![Box::new(broken), Box::new(well.clone())]);
    tiers.put(KEY, &entry(3600), 0);
    let told = tiers.purge(&Which::All).await.unwrap_err();
    assert_eq!(told.to_string(), "odd: broken");
    assert!(tiers.in_memory(&KEY, Moment::of(wall())).is_none());
    assert!(well.0.entry.lock().unwrap().is_none(), "it was told all the same");
}

#[tokio::test(start_paused = true)]
async fn what_another_config_answered_is_a_miss_of_its_tier() {
    let (tiers, odd) = tiers();
    *odd.0.entry.lock().unwrap() = Some(Entry { revision: 1, ..entry(3600) });
    assert!(tiers.below(&KEY).await.is_none());
    let stats = tiers.stats().await.pop().unwrap();
    assert_eq!((stats.tier, stats.hits, stats.misses), ("odd", 0, 1));
}
