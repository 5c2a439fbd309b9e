//! Stage 2, cache: is the answer already known?
//!
//! A look goes through the tiers (`tiers`), from memory to disk, under a key (`key`) that has whom the answer belongs to in
//! it. What is found is given if the request allows (`ask`) an answer of its age (`entry`), in the form that was asked for
//! (`given`). What is not found is kept when it comes (`fill`).
//!
//! What always holds: an answer is found only by those whom the operator lets have it; only whole answers are kept; every
//! field of a request that weir does not know makes it a different request; what is kept is bounded in bytes and in age; a
//! tier that fails fails no request.

mod ask;
mod key;
mod live;
mod tiers;

pub mod config;
mod entry;
mod fill;
mod flight;
mod given;
mod metrics;
mod moved;
mod refused;
mod sealed;
pub mod semantic;

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::registry::Registry;
use weir_core::{
    Answer, CacheOwn, CacheState, Chance, Clock, Envelope, Operation, PoolId, Priority, Rejection, Request,
    Tenant, Usage,
};
use weir_store::{AddressError, OpenError, Reader, Remote, RemoteError, Writer};

pub use entry::Entry;
pub use fill::Fill;
pub use flight::{Begun, FlightKey, Flights, Lead, Listener, Unanswered};
pub use given::{Refresh, Stale};
// For the fuzz target `scopes`, which shows that they cross no scope.
#[doc(hidden)]
pub use key::keys;
pub use moved::{MoveError, export, import};
pub use tiers::{Boxed, TierStats, Which};

use ask::Ask;
use config::{Lives, Redis};
use entry::{Labels, Moment};
use fill::{Filling, Passed};
use given::{Old, Wanted};
use key::{Key, Keyed};
use metrics::{Likeness, Metrics};
use refused::Refusals;
use semantic::embedder::Embedder;
use semantic::{Comparing, Lesson, Semantic, SemanticStats};
use tiers::disk::Disk;
use tiers::{Found, Tier, Tiers};

#[cfg(test)]
mod tests;

/// A whole answer, and where its texts were cut.
pub type Kept = (Bytes, Bytes);

/// How answers are brought from one form into the other, by whoever knows the dialects.
#[derive(Clone, Copy)]
pub struct Forms {
    /// The whole answer that a stream comes to, and where its texts were cut. With the tokens that the service reported, if
    /// the stream does not say so itself. `None`: it cannot be had from the stream.
    pub assemble: fn(Operation, &Bytes, Option<Usage>) -> Option<Kept>,
    /// Where in the body the last words of the user stand. `None`: it is not plain which these are.
    pub question: fn(Operation, &Envelope) -> Option<Range<usize>>,
    /// What a kept answer says in words. `None`: nothing, or more than one thing.
    pub said: fn(Operation, &Entry) -> Option<String>,
    /// The stream of a kept answer, with its report of tokens if that is wanted. `None`: it cannot be had from it.
    pub play: fn(Operation, &Entry, bool) -> Option<Bytes>,
}

/// What the stage is built with.
pub struct Parts<'a> {
    /// Where time comes from.
    pub clock: Clock,
    /// Where chance comes from.
    pub chance: Arc<Chance>,
    /// The operator's word.
    pub config: &'a config::Cache,
    /// What the pools say of it, in the order of their numbers.
    pub pools: &'a [CacheOwn],
    /// What the keys are made with, so that keys seen in a dump do not reveal guessable prompts.
    pub secret: Secret,
    /// Redis's password, if it wants one.
    pub redis_password: Option<weir_core::Secret>,
    /// What answers depend on besides the request: which model, where, answers for which.
    pub revision: &'a [String],
    /// What turns questions into vectors, if any is to.
    pub embedder: Option<Arc<dyn Embedder>>,
    /// The dialects.
    pub forms: Forms,
}

impl Parts<'_> {
    /// How old an answer is, in seconds, that is of no use in any pool.
    fn longest_life_s(&self) -> u64 {
        let usual = [CacheOwn::default()];
        let all = self.pools.iter().chain(&usual).map(|own| self.config.lives(*own).longest_s());
        all.max().unwrap_or_default()
    }
}

/// How long a question's vector is waited for.
const EMBEDDER_PATIENCE: Duration = Duration::from_millis(300);
/// The fewest characters that an operator's secret may have.
pub const SECRET_CHARS_MIN: usize = 16;

/// What keys are made with.
#[derive(Clone, Copy)]
pub enum Secret {
    /// The operator's, the same on all nodes.
    Given([u8; 32]),
    /// Made for this start. What the disk's file was begun with takes its place.
    Random([u8; 32]),
}

impl Secret {
    /// An operator's secret, of whatever length it is.
    pub fn given(text: &str) -> Self {
        Self::Given(blake3::derive_key("weir 2026-11 keys of kept answers", text.as_bytes()))
    }
}

/// The stage.
pub struct Cache {
    clock: Clock,
    chance: Arc<Chance>,
    config: config::Cache,
    /// What holds for each pool.
    lives: Vec<Lives>,
    keyed: Keyed,
    revision: u64,
    tiers: Arc<Tiers>,
    refusals: Refusals,
    alike: Option<(Arc<Semantic>, Arc<dyn Embedder>)>,
    forms: Forms,
    flights: Arc<Flights>,
    metrics: Arc<Metrics>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Whose answers it may be given.
    pub tenant: &'a Tenant,
    /// Who would answer.
    pub pool: PoolId,
    /// How urgent it is.
    pub priority: Priority,
    /// Whether a lesser answer will do.
    pub may_degrade: bool,
}

/// What a look-up found.
pub enum Lookup {
    /// The answer, known.
    Hit(Answer),
    /// The answer, known and no longer fresh: a new one is to be fetched, but not waited for.
    Old(Answer, Refresh),
    /// Nothing.
    Miss(Miss),
}

/// What there is instead of an answer.
pub struct Miss {
    /// Keeps the answer that comes, if it may be kept.
    pub fill: Fill,
    /// An answer that is better than none.
    pub stale: Stale,
    /// The call that all share who ask for the same; `None` when this one may have a call of its own only.
    pub shared: Option<FlightKey>,
    /// As what a refusal is remembered.
    pub asked: Asked,
    /// The question, if the answer to one that is alike may do; for [`Cache::alike`].
    pub question: Option<Question>,
}

/// What a request asks, for those who look for a question that is alike.
pub struct Question {
    asked: semantic::Asked,
    wanted: Wanted,
    age_max_ms: Option<u64>,
}

/// What was asked, if it may be known; for [`Cache::refused`].
#[derive(Clone, Copy)]
pub struct Asked(Option<Key>);

/// What works for the tiers, away from the path of requests.
#[derive(Default)]
pub struct Workers {
    /// The threads of the tier on disk: each is to be run on one of its own.
    pub disk: Option<(Reader, Writer)>,
    /// What writes to Redis, until the stage is gone.
    pub redis: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// What compares answers to questions that are alike: to be run with a judge.
    pub comparing: Option<Comparing>,
}

/// A tier cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// The one on disk.
    #[error("{0}; see `[cache] disk`")]
    Disk(#[from] OpenError),
    /// Redis has no such address.
    #[error("`{url}` is no address of a Redis: {source}; see `[cache.redis]`")]
    Address {
        /// As the config has it.
        url: String,
        /// What is wrong.
        source: AddressError,
    },
    /// Redis cannot be talked to like that.
    #[error("{0}; see `[cache.redis]`")]
    Redis(#[from] RemoteError),
}

impl Cache {
    /// Builds the stage with all the tiers that its config asks for. To be called within a runtime of tokio's.
    ///
    /// # Errors
    /// A tier cannot be set up.
    pub fn new(parts: Parts<'_>, registry: &mut Registry) -> Result<(Self, Workers), SetUpError> {
        let metrics = Arc::new(Metrics::new(registry));
        let (mut below, mut workers): (Vec<Box<dyn Tier>>, _) = (Vec::new(), Workers::default());
        let Parts { clock, config, secret: Secret::Given(mut secret) | Secret::Random(mut secret), .. } =
            parts;
        let life = Duration::from_secs(parts.longest_life_s());
        if let Some(path) = &config.disk {
            let opened = Disk::open(clock, path, config.disk_bytes_max(), life, parts.secret)?;
            secret = opened.disk.secret;
            workers.disk = Some((opened.reader, opened.writer));
            below.push(Box::new(opened.disk));
        }
        if let Some(Redis { url, user, .. }) = &config.redis {
            let address = url.parse().map_err(|source| SetUpError::Address { url: url.clone(), source })?;
            let password = parts.redis_password.as_ref().map(weir_core::Secret::expose);
            let remote = Remote::new(address, user.as_deref(), password)?;
            let (redis, writer) = tiers::redis::Redis::new(clock, remote, &secret, life, metrics.clone());
            workers.redis = Some(Box::pin(writer.run()));
            // What several nodes share is more than what one has, and is found sooner than on disk.
            below.insert(0, Box::new(redis));
        }
        let mut cache = Self::with(&parts, secret, below, metrics);
        workers.comparing = cache.compare(&parts, registry);
        Ok((cache, workers))
    }

    /// Builds the stage with nothing below memory.
    pub fn in_memory(parts: &Parts<'_>, registry: &mut Registry) -> Self {
        let (Secret::Given(secret) | Secret::Random(secret)) = parts.secret;
        Self::with(parts, secret, Vec::new(), Arc::new(Metrics::new(registry)))
    }

    fn with(parts: &Parts<'_>, secret: [u8; 32], below: Vec<Box<dyn Tier>>, metrics: Arc<Metrics>) -> Self {
        let &Parts { clock, config, forms, .. } = parts;
        let revision = key::revision(parts.revision);
        Self {
            clock,
            chance: parts.chance.clone(),
            config: config.clone(),
            lives: parts.pools.iter().map(|own| config.lives(*own)).collect(),
            keyed: Keyed::new(secret),
            revision,
            tiers: Arc::new(Tiers::new(clock, config, below, revision, metrics.clone())),
            refusals: Refusals::default(),
            alike: None,
            forms,
            flights: Arc::default(),
            metrics,
        }
    }

    /// Has questions that are alike compared, if that is wanted.
    fn compare(&mut self, parts: &Parts<'_>, registry: &mut Registry) -> Option<Comparing> {
        let (config, embedder) = (parts.config.semantic.as_ref()?, parts.embedder.clone()?);
        let metrics = Likeness::new(registry);
        let (semantic, comparing) = Semantic::new(config, self.chance.clone(), self.forms.said, metrics);
        self.alike = Some((Arc::new(semantic), embedder));
        Some(comparing)
    }

    /// Looks an answer up, or makes ready to keep the one that comes.
    ///
    /// # Errors
    /// A header cannot be understood, the same request was refused a moment ago, or the caller wants nothing but a kept
    /// answer and there is none.
    pub async fn look(&self, request: &Request, asker: &Asker<'_>) -> Result<Lookup, Rejection> {
        let lives =
            self.lives.get(asker.pool.0).copied().unwrap_or_else(|| self.config.lives(CacheOwn::default()));
        let Some(ask) = ask::of(request, &lives, self.config.scope)? else {
            self.metrics.bypass.inc();
            let (fill, stale) = (Fill::none(), Stale::NONE);
            return Ok(Lookup::Miss(Miss { fill, stale, shared: None, asked: Asked(None), question: None }));
        };
        let key = self.keyed.key(ask.scope, asker.tenant, request);
        if let Some(refused) = self.refusals.get(&key, self.clock.now()).filter(|_| ask.may_read) {
            request.trail.cache_said(CacheState::HitMemory);
            self.metrics.refused.inc();
            return Err(refused);
        }
        let wanted = Wanted::by(request, self.clock, self.forms, self.metrics.clone());
        let purges = self.tiers.purges();
        let mut stale = Stale::NONE;
        if let Some(Found { entry, state }) = self.find(&key).await {
            if ask.may_read
                && let Some((answer, is_fresh)) = self.give(&ask, asker, &wanted, &entry, state)
            {
                if is_fresh || ask.only {
                    return Ok(Lookup::Hit(answer));
                }
                let old = Box::new(Old::new(entry, wanted, ask.on_error_ms, &lives));
                let fill = self.fill(request, asker.tenant, key, ask, purges);
                let refresh = Refresh { fill, shared: FlightKey::refresh(key), old };
                return Ok(Lookup::Old(answer, refresh));
            }
            stale.old = Some(Box::new(Old::new(entry, wanted, ask.on_error_ms, &lives)));
        }
        if ask.only {
            return Err(ask::not_kept());
        }
        self.metrics.miss.inc();
        request.trail.cache_said(CacheState::Miss);
        let form = (request.envelope.stream, request.envelope.wants_usage);
        let shared = FlightKey::new(key, form, (asker.priority, asker.may_degrade));
        // Who wants a new answer would be given one that was asked for earlier.
        let shared = ask.may_read.then_some(shared);
        let question = self.question(request, asker, &ask);
        let fill = self.fill(request, asker.tenant, key, ask, purges);
        Ok(Lookup::Miss(Miss { fill, stale, shared, asked: Asked(Some(key)), question }))
    }

    /// The question of a request, if the answer to one that is alike may do.
    fn question(&self, request: &Request, asker: &Asker<'_>, ask: &Ask) -> Option<Question> {
        /// Longer questions have more in them than their vectors tell.
        const TEXT_BYTES_MAX: usize = 2048;
        let (_, embedder) = self.alike.as_ref()?;
        let at_least = ask.alike.filter(|_| asker.may_degrade && !request.envelope.tools)?;
        let words = (self.forms.question)(request.operation, &request.envelope)?;
        let text = request.envelope.body.get(words.clone()).filter(|text| text.len() <= TEXT_BYTES_MAX)?;
        let text: String = serde_json::from_slice(text).ok()?;
        let with = (&words, &embedder.id());
        let partition = self.keyed.partition(ask.scope, asker.tenant, request, with);
        let wanted = Wanted::by(request, self.clock, self.forms, self.metrics.clone());
        let asked = semantic::Asked { partition, text: text.into(), at_least };
        Some(Question { asked, wanted, age_max_ms: ask.age_max_ms })
    }

    /// The answer to a question that is alike, if it has been shown that these are right often enough. If not, what comes of
    /// the call that is made instead is learned from.
    pub async fn alike(&self, question: Question, fill: Fill) -> (Fill, Option<Answer>) {
        let Some((semantic, embedder)) = &self.alike else { return (fill, None) };
        let Question { asked, wanted, age_max_ms } = question;
        let embedded = tokio::time::timeout(EMBEDDER_PATIENCE, embedder.embed(&asked.text)).await;
        let Ok(Ok(vector)) = embedded else {
            semantic.came("failed");
            return (fill, None);
        };
        let mut with = None;
        if let Some(candidate) = semantic.candidate(&asked, &vector) {
            let now = Moment::of(self.clock.wall());
            match self.find(&candidate.near.key).await {
                None => semantic.gone(&asked, &candidate),
                Some(Found { entry, .. }) if entry.fresh_left_ms(now).is_some() => {
                    let is_young = age_max_ms.is_none_or(|longest| entry.age_ms(now) <= longest);
                    if candidate.is_given
                        && is_young
                        && let Some(answer) = wanted.give_alike(&entry, candidate.near.similarity)
                    {
                        semantic.came("given");
                        return (fill, Some(answer));
                    }
                    with = Some((candidate, entry));
                }
                Some(_) => {}
            }
        }
        semantic.came(if with.is_some() { "compared" } else { "none" });
        (fill.teaching(Lesson { semantic: semantic.clone(), asked, vector, with }), None)
    }

    /// How the answers to questions that are alike are doing, if they are compared.
    pub fn semantic_stats(&self) -> Option<SemanticStats> {
        self.alike.as_ref().map(|(semantic, _)| semantic.stats())
    }

    /// Remembers for a moment that a request was refused, if it would be refused again.
    pub fn refused(&self, Asked(key): Asked, rejection: &Rejection) {
        if let Some(key) = key {
            self.refusals.note(key, rejection, self.clock.now());
        }
    }

    /// The calls under way that are shared.
    pub const fn flights(&self) -> &Arc<Flights> {
        &self.flights
    }

    /// Forgets answers, in every tier. Says how many.
    ///
    /// # Errors
    /// A tier cannot: why.
    pub async fn purge(&self, which: &Which) -> Result<u64, String> {
        self.refusals.forget_all();
        if let Some((semantic, _)) = &self.alike {
            semantic.purge(which);
        }
        self.tiers.purge(which).await.map_err(|error| error.to_string())
    }

    /// How each tier is, from the fastest on.
    pub async fn stats(&self) -> Vec<TierStats> {
        self.tiers.stats().await
    }

    async fn find(&self, key: &Key) -> Option<Found> {
        let now = Moment::of(self.clock.wall());
        match self.tiers.in_memory(key, now) {
            Some(entry) => Some(Found { entry, state: CacheState::HitMemory }),
            None => self.tiers.below(key).await,
        }
    }

    /// The answer, if it is of an age that the request allows, and whether it is fresh enough.
    fn give(
        &self,
        ask: &Ask,
        asker: &Asker<'_>,
        wanted: &Wanted,
        entry: &Entry,
        state: CacheState,
    ) -> Option<(Answer, bool)> {
        let now = Moment::of(self.clock.wall());
        if ask.age_max_ms.is_some_and(|longest| entry.age_ms(now) > longest) {
            return None;
        }
        if entry.fresh_left_ms(now).is_some() {
            return Some((wanted.give(entry, state)?, true));
        }
        let stale_ms = entry.stale_ms(now);
        let is_to_be_fetched = asker.may_degrade && stale_ms < ask.revalidate_ms;
        // The caller may have said that it will do.
        if !is_to_be_fetched && stale_ms >= ask.stale_max_ms {
            return None;
        }
        Some((wanted.give(entry, CacheState::HitStale)?, !is_to_be_fetched))
    }

    fn fill(&self, request: &Request, tenant: &Tenant, key: Key, ask: Ask, purges: u64) -> Fill {
        let streamed = request.envelope.stream && key::has_forms(request.operation);
        let labels =
            Labels { tenant: tenant.name.clone(), model: request.model.clone(), tag: ask.tag.into() };
        Fill::new(Filling {
            clock: self.clock,
            tiers: self.tiers.clone(),
            forms: self.forms,
            key,
            purges,
            bytes_max: self.config.answer_kib_max.saturating_mul(1 << 10),
            fresh_ms: about(ask.fresh_ms, self.chance.unit()),
            revision: self.revision,
            labels,
            operation: request.operation,
            streamed,
            lesson: None,
            untold: !request.envelope.wants_usage,
            passed: Passed::default(),
        })
    }
}

/// A tenth less to a tenth more, by chance from 0 to 1.
fn about(ms: u64, chance: f64) -> u64 {
    (ms as f64 * (0.9 + 0.2 * chance)) as u64
}
