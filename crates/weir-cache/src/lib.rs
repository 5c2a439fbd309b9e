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
mod tiers;

pub mod config;
mod entry;
mod fill;
mod flight;
mod given;
mod metrics;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prometheus_client::registry::Registry;
use weir_core::{Answer, CacheState, Chance, Clock, Operation, Priority, Rejection, Request, Tenant, Usage};
use weir_store::{OpenError, Reader, Writer};

pub use entry::Entry;
pub use fill::Fill;
pub use flight::{Begun, FlightKey, Flights, Lead, Listener, Unanswered};
pub use given::Stale;
pub use tiers::Which;

use ask::Ask;
use entry::{Labels, Moment};
use fill::{Filling, Passed};
use given::{Old, Wanted};
use key::{Key, Keyed};
use metrics::Metrics;
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
    /// What the keys are made with, so that keys seen in a dump do not reveal guessable prompts.
    pub secret: [u8; 32],
    /// What answers depend on besides the request: which model, where, answers for which.
    pub revision: &'a [String],
    /// The dialects.
    pub forms: Forms,
}

/// The stage.
pub struct Cache {
    clock: Clock,
    chance: Arc<Chance>,
    config: config::Cache,
    keyed: Keyed,
    tiers: Arc<Tiers>,
    forms: Forms,
    flights: Arc<Flights>,
    metrics: Arc<Metrics>,
}

/// What a look-up found.
pub enum Lookup {
    /// The answer, known.
    Hit(Answer),
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
}

/// The threads of the tier on disk: each is to be run on one of its own.
pub struct Threads(pub Reader, pub Writer);

impl Cache {
    /// Builds the stage with all the tiers that its config asks for.
    ///
    /// # Errors
    /// The database cannot be opened.
    pub fn new(mut parts: Parts<'_>, registry: &mut Registry) -> Result<(Self, Option<Threads>), OpenError> {
        let Some(path) = &parts.config.disk else { return Ok((Self::in_memory(parts, registry), None)) };
        let opened = open_disk(parts.clock, parts.config, path, parts.secret)?;
        parts.secret = opened.disk.secret;
        let threads = Threads(opened.reader, opened.writer);
        Ok((Self::with(parts, vec![Box::new(opened.disk)], registry), Some(threads)))
    }

    /// Builds the stage with nothing below memory.
    pub fn in_memory(parts: Parts<'_>, registry: &mut Registry) -> Self {
        Self::with(parts, Vec::new(), registry)
    }

    fn with(parts: Parts<'_>, below: Vec<Box<dyn Tier>>, registry: &mut Registry) -> Self {
        let Parts { clock, chance, config, secret, revision, forms } = parts;
        let metrics = Arc::new(Metrics::new(registry));
        let tiers = Arc::new(Tiers::new(clock, config, below, metrics.clone()));
        let keyed = Keyed::new(secret, config.scope, revision);
        Self { clock, chance, config: config.clone(), keyed, tiers, forms, flights: Arc::default(), metrics }
    }

    /// Looks an answer up for a tenant, or makes ready to keep the one that comes. `urgency`: how urgent the request is, and
    /// whether a lesser answer will do.
    ///
    /// # Errors
    /// A header cannot be understood, or the caller wants nothing but a kept answer and there is none.
    pub async fn look(
        &self,
        request: &Request,
        tenant: &Tenant,
        urgency: (Priority, bool),
    ) -> Result<Lookup, Rejection> {
        let Some(ask) = ask::of(request, &self.config)? else {
            self.metrics.bypass.inc();
            return Ok(Lookup::Miss(Miss { fill: Fill::none(), stale: Stale::NONE, shared: None }));
        };
        let key = self.keyed.key(tenant, request);
        let wanted = Wanted::by(request, self.clock, self.forms, self.metrics.clone());
        let purges = self.tiers.purges();
        let mut stale = Stale::NONE;
        if let Some(Found { entry, state }) = self.find(&key).await {
            if ask.may_read
                && let Some(answer) = self.give(&ask, &wanted, &entry, state)
            {
                return Ok(Lookup::Hit(answer));
            }
            let offline_ms = self.config.offline_s.saturating_mul(1000);
            stale.old = Some(Box::new(Old { entry, wanted, on_error_ms: ask.on_error_ms, offline_ms }));
        }
        if ask.only {
            return Err(ask::not_kept());
        }
        self.metrics.miss.inc();
        request.trail.cache_said(CacheState::Miss);
        let form = (request.envelope.stream, request.envelope.wants_usage);
        // Who wants a new answer would be given one that was asked for earlier.
        let shared = ask.may_read.then(|| FlightKey::new(key, form, urgency));
        Ok(Lookup::Miss(Miss { fill: self.fill(request, tenant, key, ask, purges), stale, shared }))
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
        self.tiers.purge(which).await.map_err(|error| error.to_string())
    }

    async fn find(&self, key: &Key) -> Option<Found> {
        let now = Moment::of(self.clock.wall());
        match self.tiers.in_memory(key, now) {
            Some(entry) => Some(Found { entry, state: CacheState::HitMemory }),
            None => self.tiers.below(key).await,
        }
    }

    /// The answer, if it is of an age that the request allows.
    fn give(&self, ask: &Ask, wanted: &Wanted, entry: &Entry, state: CacheState) -> Option<Answer> {
        let now = Moment::of(self.clock.wall());
        if ask.age_max_ms.is_some_and(|longest| entry.age_ms(now) > longest) {
            return None;
        }
        let fresh = entry.fresh_left_ms(now).is_some();
        if !fresh && entry.stale_ms(now) >= ask.stale_max_ms {
            return None;
        }
        wanted.give(entry, if fresh { state } else { CacheState::HitStale })
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
            labels,
            streamed: streamed.then_some(request.operation),
            untold: !request.envelope.wants_usage,
            passed: Passed::default(),
        })
    }
}

/// A tenth less to a tenth more, by chance from 0 to 1.
fn about(ms: u64, chance: f64) -> u64 {
    (ms as f64 * (0.9 + 0.2 * chance)) as u64
}

fn open_disk(
    clock: Clock,
    config: &config::Cache,
    path: &Path,
    secret: [u8; 32],
) -> Result<tiers::disk::Opened, OpenError> {
    let bytes_max = config.disk_mib.saturating_mul(1 << 20);
    // Nothing older is of use to anybody.
    let life = config.offline_s.max(config.ttl_s.saturating_add(config.stale_if_error_s));
    tiers::disk::Disk::open(clock, path, bytes_max, Duration::from_secs(life), secret)
}
