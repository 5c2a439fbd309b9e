//! What a pool may say of the cache in front of it: told to the stage that routes, meant for the one that caches.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be answered from the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CacheMode {
    /// Nothing.
    Off,
    /// Requests that ask for the same answer each time: `temperature` 0 or a `seed`, and embeddings; never tools.
    #[default]
    Deterministic,
    /// Every request that keeps no state at the service.
    All,
}

/// What holds for the answers of one pool. What is absent is as in `[cache]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CacheOwn {
    /// What may be answered from the cache.
    pub mode: Option<CacheMode>,
    /// How long an answer is fresh, in seconds.
    pub ttl_s: Option<u64>,
    /// For how many seconds after that an answer is given at once while a new one is fetched.
    pub stale_while_revalidate_s: Option<u64>,
    /// For how many seconds after it was fresh an answer may be given instead of an error.
    pub stale_if_error_s: Option<u64>,
    /// How old an answer may be, in seconds, that is given while no endpoint can be reached at all.
    pub offline_s: Option<u64>,
}
