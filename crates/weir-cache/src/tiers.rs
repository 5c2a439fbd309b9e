//! The tiers, from the fastest to the one that lasts longest.
//!
//! What always holds: a tier that is slow or broken is skipped, and a request is never answered the worse for it; what is
//! found below is kept above for at most [`PROMOTED_MS`], which so bounds how long an answer is given after a tier below was
//! told to forget it.

mod breaker;
pub(crate) mod disk;
mod memory;
pub(crate) mod redis;

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use weir_core::{CacheState, Clock};

use crate::config;
use crate::entry::{Entry, Labels, Moment};
use crate::key::Key;
use crate::metrics::Metrics;

use breaker::Breaker;
use memory::Memory;

/// How long an operator waits to be told what a tier holds.
const HELD_PATIENCE: Duration = Duration::from_secs(5);
/// How long what was found below stays above.
const PROMOTED_MS: u64 = 300_000;

/// What is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Everything.
    All,
    /// What answered this key's requests.
    Tenant(String),
    /// What was asked of this model.
    Model(String),
    /// What was called this by its callers.
    Tag(String),
}

impl Which {
    /// Whether an answer with these labels is one of them.
    pub(crate) fn names(&self, labels: &Labels) -> bool {
        match self {
            Self::All => true,
            Self::Tenant(tenant) => **tenant == *labels.tenant,
            Self::Model(model) => **model == *labels.model,
            Self::Tag(tag) => **tag == *labels.tag,
        }
    }
}

/// What a tier holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holding {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    pub(crate) bytes_max: u64,
}

/// How a tier is.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TierStats {
    /// What it is called.
    pub tier: &'static str,
    /// Answers that it holds, if it can tell.
    pub entries: Option<u64>,
    /// What they take, in bytes.
    pub bytes: Option<u64>,
    /// What they may take, in bytes.
    pub bytes_max: Option<u64>,
    /// How often it had the answer, since the start.
    pub hits: u64,
    /// How often it had not.
    pub misses: u64,
    /// How often it could not be asked, or was too slow.
    pub errors: u64,
    /// Answers that it could not keep.
    pub lost: u64,
}

/// A future behind a pointer: tiers are few, and each of their calls is worth an allocation.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Why a tier could not do it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TierError(pub(crate) String);

/// A place below memory where answers are kept.
pub(crate) trait Tier: Send + Sync {
    /// What it is called in metrics and logs.
    fn name(&self) -> &'static str;
    /// What is said of an answer from it.
    fn state(&self) -> CacheState;
    /// How long a request waits for it.
    fn patience(&self) -> Duration;
    /// What is kept under a key.
    fn get(&self, key: Key) -> Boxed<'_, Result<Option<Entry>, TierError>>;
    /// Keeps an answer, some time soon.
    fn put(&self, key: Key, entry: Entry) -> Result<(), TierError>;
    /// What it holds, if it can tell.
    fn held(&self) -> Boxed<'_, Result<Option<Holding>, TierError>>;
    /// Forgets; says how many.
    fn purge(&self, which: Which) -> Boxed<'_, Result<u64, TierError>>;
}

/// All tiers.
pub(crate) struct Tiers {
    clock: Clock,
    memory: Memory,
    below: Vec<Below>,
    revision: u64,
    purges: AtomicU64,
    metrics: Arc<Metrics>,
}

struct Below {
    tier: Box<dyn Tier>,
    /// Guards a few comparisons.
    breaker: Mutex<Breaker>,
}

/// An answer, and where it was found.
pub(crate) struct Found {
    pub(crate) entry: Entry,
    pub(crate) state: CacheState,
}

impl Tiers {
    pub(crate) fn new(
        clock: Clock,
        config: &config::Cache,
        below: Vec<Box<dyn Tier>>,
        revision: u64,
        metrics: Arc<Metrics>,
    ) -> Self {
        let below =
            below.into_iter().map(|tier| Below { tier, breaker: Mutex::new(Breaker::default()) }).collect();
        Self { clock, memory: Memory::new(config), below, revision, purges: AtomicU64::new(0), metrics }
    }

    /// The answer in memory, if there is one that may still be given from there.
    pub(crate) fn in_memory(&self, key: &Key, now: Moment) -> Option<Entry> {
        self.memory.get(key, now).filter(|entry| self.is_of_now(entry))
    }

    /// The answer in the first tier below memory that has it. It is kept above from then on.
    pub(crate) async fn below(&self, key: &Key) -> Option<Found> {
        let purges = self.purges();
        for below in &self.below {
            let Some(entry) = self.ask(below, *key).await else { continue };
            let now = Moment::of(self.clock.wall());
            if let Some(left) = entry.fresh_left_ms(now).filter(|_| self.purges() == purges) {
                self.memory.put(*key, entry.clone(), Some(Moment(now.0 + left.min(PROMOTED_MS))));
            }
            return Some(Found { entry, state: below.tier.state() });
        }
        None
    }

    async fn ask(&self, below: &Below, key: Key) -> Option<Entry> {
        if !below.breaker().lets_through(self.clock.now()) {
            self.metrics.skipped(below.tier.name());
            return None;
        }
        let asked = tokio::time::timeout(below.tier.patience(), below.tier.get(key)).await;
        let failed = match asked {
            Ok(Ok(found)) => {
                below.breaker().well();
                let found = found.filter(|entry| self.is_of_now(entry));
                self.metrics.looked(below.tier.name(), found.is_some());
                return found;
            }
            Ok(Err(error)) => error,
            Err(_elapsed) => TierError(format!("no answer within {} ms", below.tier.patience().as_millis())),
        };
        self.failed(below, &failed);
        None
    }

    /// Whether it is what the services and models of the present config answered.
    const fn is_of_now(&self, entry: &Entry) -> bool {
        entry.revision == self.revision
    }

    /// How often answers were thrown out so far.
    pub(crate) fn purges(&self) -> u64 {
        self.purges.load(Ordering::Acquire)
    }

    /// Keeps an answer in every tier, unless some were thrown out since there had been `purges`: it may be one of them. Says
    /// whether it is kept.
    pub(crate) fn put(&self, key: Key, entry: &Entry, purges: u64) -> bool {
        if self.purges() != purges {
            return false;
        }
        self.memory.put(key, entry.clone(), None);
        for below in &self.below {
            // Counted, and no word of it: it can be made again, and under load there would be one for each.
            if below.tier.put(key, entry.clone()).is_err() {
                self.metrics.lost(below.tier.name());
            }
        }
        true
    }

    /// Forgets in every tier, also when one of them cannot. Says how many were in the tier that had the most of them.
    pub(crate) async fn purge(&self, which: &Which) -> Result<u64, TierError> {
        self.purges.fetch_add(1, Ordering::AcqRel);
        let mut most = Ok(self.memory.purge(which));
        for below in &self.below {
            let purged = below.tier.purge(which.clone()).await;
            let purged = purged.map_err(|error| TierError(format!("{}: {error}", below.tier.name())));
            most = most.and_then(|most| purged.map(|count| most.max(count)));
        }
        most
    }

    /// How each tier is, from the fastest on.
    pub(crate) async fn stats(&self) -> Vec<TierStats> {
        let mut all = vec![self.stats_of("memory", Some(self.memory.held()))];
        for below in &self.below {
            // A tier that cannot tell is shown as one that does not.
            let held = tokio::time::timeout(HELD_PATIENCE, below.tier.held()).await;
            all.push(self.stats_of(below.tier.name(), held.ok().and_then(Result::ok).flatten()));
        }
        all
    }

    fn stats_of(&self, tier: &'static str, held: Option<Holding>) -> TierStats {
        let counted = |result| self.metrics.counted(tier, result);
        TierStats {
            tier,
            entries: held.map(|held| held.entries),
            bytes: held.map(|held| held.bytes),
            bytes_max: held.map(|held| held.bytes_max),
            hits: counted("hit") + counted("stale"),
            misses: counted("miss"),
            errors: counted("error"),
            lost: self.metrics.lost_by(tier),
        }
    }

    fn failed(&self, below: &Below, error: &TierError) {
        self.metrics.failed(below.tier.name());
        if below.breaker().ill(self.clock.now()) {
            tracing::warn!(tier = below.tier.name(), %error, "a tier of the cache fails and is skipped for a while");
        }
    }
}

impl Below {
    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
