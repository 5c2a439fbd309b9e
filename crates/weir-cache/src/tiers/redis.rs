//! The tier that several nodes share: Redis or Valkey.
//!
//! What always holds: the path of a request waits for a read at most, and not long; writes go through a bounded queue to one
//! task, and what does not fit is dropped; what is told to be forgotten is forgotten after every write that came before.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use weir_core::{CacheState, Clock};
use weir_store::{Remote, RemoteError};

use super::breaker::Breaker;
use super::{Boxed, Holding, Tier, TierError, Which};
use crate::entry::Entry;
use crate::key::Key;
use crate::metrics::Metrics;
use crate::sealed::{LABELS_WITHIN, Seal, labels};

const NAME: &str = "redis";
/// How keys begin: whoever looks into the server sees whose they are.
const START: &str = "weir:answer:";
/// Writes that may wait for the server.
const WAITING_MAX: usize = 1024;
/// Writes under way at one time.
const AT_ONCE: usize = 16;
const PATIENCE: Duration = Duration::from_millis(50);

/// Answers that several nodes share.
pub(crate) struct Redis {
    remote: Remote,
    seal: Seal,
    writes: mpsc::Sender<Write>,
}

enum Write {
    Put(Key, Entry),
    Forget(Which, oneshot::Sender<Result<u64, TierError>>),
}

/// The task that writes.
pub(crate) struct Writer {
    remote: Remote,
    seal: Seal,
    clock: Clock,
    life: Duration,
    writes: mpsc::Receiver<Write>,
    metrics: Arc<Metrics>,
    breaker: Breaker,
}

impl Redis {
    /// `life`: for how long an answer is of use to anybody.
    pub(crate) fn new(
        clock: Clock,
        remote: Remote,
        secret: &[u8; 32],
        life: Duration,
        metrics: Arc<Metrics>,
    ) -> (Self, Writer) {
        let (sender, writes) = mpsc::channel(WAITING_MAX);
        let seal = Seal::of(secret);
        let writer = Writer {
            remote: remote.clone(),
            seal: seal.clone(),
            clock,
            life,
            writes,
            metrics,
            breaker: Breaker::default(),
        };
        (Self { remote, seal, writes: sender }, writer)
    }
}

impl Tier for Redis {
    fn name(&self) -> &'static str {
        NAME
    }

    fn state(&self) -> CacheState {
        CacheState::HitRedis
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn get(&self, key: Key) -> Boxed<'_, Result<Option<Entry>, TierError>> {
        Box::pin(async move {
            let Some(bytes) = self.remote.get(name(&key).as_bytes()).await? else { return Ok(None) };
            Ok(self.seal.open(&key, bytes))
        })
    }

    fn put(&self, key: Key, entry: Entry) -> Result<(), TierError> {
        self.writes.try_send(Write::Put(key, entry)).map_err(|_full| TierError("it does not keep up".into()))
    }

    fn held(&self) -> Boxed<'_, Result<Option<Holding>, TierError>> {
        // Others keep things there as well, and only going through all of them would tell which are ours.
        Box::pin(async { Ok(None) })
    }

    fn purge(&self, which: Which) -> Boxed<'_, Result<u64, TierError>> {
        Box::pin(async move {
            let (told, outcome) = oneshot::channel();
            self.writes.send(Write::Forget(which, told)).await.map_err(|_closed| gone())?;
            outcome.await.map_err(|_dropped| gone())?
        })
    }
}

impl Writer {
    /// Writes until the tier is gone and everything is written.
    pub(crate) async fn run(mut self) {
        let mut under_way = FuturesUnordered::new();
        loop {
            tokio::select! {
                biased;
                Some(ended) = under_way.next() => self.ended(ended),
                write = self.writes.recv(), if under_way.len() < AT_ONCE => match write {
                    Some(Write::Put(key, entry)) if self.breaker.lets_through(self.clock.now()) => {
                        under_way.push(self.put(key, &entry));
                    }
                    Some(Write::Put(..)) => self.metrics.lost(NAME),
                    Some(Write::Forget(which, told)) => {
                        while let Some(ended) = under_way.next().await {
                            self.ended(ended);
                        }
                        // Whoever asked may have left.
                        let _gone = told.send(forget(&self.remote, &which).await.map_err(TierError::from));
                    }
                    None => break,
                },
            }
        }
        while let Some(ended) = under_way.next().await {
            self.ended(ended);
        }
    }

    fn put(&self, key: Key, entry: &Entry) -> impl Future<Output = Result<(), RemoteError>> + use<> {
        let (remote, value, life) = (self.remote.clone(), self.seal.close(&key, entry), self.life);
        async move { remote.set(name(&key).as_bytes(), &value, life).await }
    }

    fn ended(&mut self, ended: Result<(), RemoteError>) {
        let Err(error) = ended else { return self.breaker.well() };
        self.metrics.lost(NAME);
        if self.breaker.ill(self.clock.now()) {
            tracing::warn!(tier = NAME, %error, "answers are not kept there for a while");
        }
    }
}

impl From<RemoteError> for TierError {
    fn from(error: RemoteError) -> Self {
        Self(error.to_string())
    }
}

fn gone() -> TierError {
    TierError("its writer is gone".into())
}

fn name(key: &Key) -> String {
    let mut name = String::with_capacity(START.len() + 2 * key.len());
    name.push_str(START);
    name.push_str(&blake3::Hash::from_bytes(*key).to_hex());
    name
}

/// Goes through all keys: what is thrown out is thrown out seldom, and an index would have to be kept on every write.
async fn forget(remote: &Remote, which: &Which) -> Result<u64, RemoteError> {
    let mut forgotten = 0;
    for node in remote.nodes().await? {
        let mut cursor = 0;
        loop {
            let (next, keys) = remote.scan(&node, cursor, START).await?;
            for key in keys {
                // Bytes that have no labels are nobody's answer: they go as well.
                let is_one = *which == Which::All
                    || labels(remote.get_start(&key, LABELS_WITHIN).await?)
                        .is_none_or(|labels| which.names(&labels));
                if is_one && remote.forget(&key).await? {
                    forgotten += 1;
                }
            }
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
    }
    Ok(forgotten)
}
