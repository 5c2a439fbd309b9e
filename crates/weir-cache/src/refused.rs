//! Requests that a service refused for what they are: asked again at once, they would be refused again.
//!
//! What always holds: only what the service says of the request itself is remembered, never what it says of the caller, its
//! key or the moment, and only for [`KEPT`]: a mistake that is mended at the service is seen soon.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quick_cache::sync::Cache;
use weir_core::{Kind, Rejection};

use crate::key::Key;

/// How long a refusal is remembered.
const KEPT: Duration = Duration::from_secs(10);
/// How many are.
const REFUSALS_MAX: usize = 1024;
/// The longest refusal that is, in bytes.
const BYTES_MAX: usize = 16 << 10;

/// The refusals of the last moments.
pub(crate) struct Refusals(Cache<Key, Arc<(Rejection, Instant)>>);

impl Default for Refusals {
    fn default() -> Self {
        Self(Cache::new(REFUSALS_MAX))
    }
}

impl Refusals {
    /// What was said of the same request a moment ago.
    pub(crate) fn get(&self, key: &Key, now: Instant) -> Option<Rejection> {
        let known = self.0.get(key)?;
        (now < known.1).then(|| known.0.clone())
    }

    /// Remembers what was said, if it will be said again.
    pub(crate) fn note(&self, key: Key, rejection: &Rejection, now: Instant) {
        if will_be_said_again(rejection) {
            self.0.insert(key, Arc::new((rejection.clone(), now + KEPT)));
        }
    }

    pub(crate) fn forget_all(&self) {
        self.0.clear();
    }
}

fn will_be_said_again(rejection: &Rejection) -> bool {
    let reply = rejection.reply.as_ref().filter(|_| rejection.kind == Kind::Upstream);
    reply.is_some_and(|reply| matches!(reply.status.as_u16(), 400 | 404) && reply.body.len() <= BYTES_MAX)
}
