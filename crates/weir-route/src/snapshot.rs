//! An endpoint as it is now, for status pages.

use std::time::Instant;

use serde::Serialize;

use crate::health::Standing;
use crate::{Endpoint, Policy};

/// An endpoint as it is now.
#[derive(Clone, Debug, Serialize)]
pub struct Snapshot {
    /// Its name.
    pub endpoint: String,
    /// The model it is asked for.
    pub model: String,
    /// `closed`, `open` or `half-open`.
    pub circuit: &'static str,
    /// Calls in flight.
    pub in_flight: usize,
    /// The most it may have.
    pub limit: usize,
    /// The usual time to its first token, in milliseconds.
    pub first_token_ms: u64,
    /// How long it is still left alone, in milliseconds: an open circuit, a pause it asked for, a key of no
    /// use.
    pub rests_ms: u64,
    /// Whether its key was refused or is used up.
    pub key_disabled: bool,
    /// Attempts that may be repeated there now.
    pub retries_left: u64,
    /// When a usual prompt is asked of a second endpoint as well, in milliseconds; absent if never.
    pub hedge_after_ms: Option<u64>,
}

impl Snapshot {
    pub(crate) fn of(endpoint: &Endpoint, policy: &Policy, now: Instant) -> Self {
        let mut health = endpoint.health();
        let standing = health.standing(now);
        let until = match standing {
            Standing::Willing => now,
            Standing::Cooling => health.rest.cools_until(),
            Standing::Paused(until) | Standing::Shut(until) | Standing::Keyless(until) => until,
        };
        let usual_kib = health.first_token.usual_kib();
        let usual = health.first_token.quantile(policy.hedge.quantile, usual_kib, now);
        Self {
            endpoint: endpoint.name().to_string(),
            model: endpoint.model().map_or("*", |model| model).to_owned(),
            circuit: health.circuit.name(now),
            in_flight: health.in_flight(),
            limit: health.limit(),
            first_token_ms: (health.latency.average_s(now) * 1e3) as u64,
            rests_ms: until.saturating_duration_since(now).as_millis() as u64,
            key_disabled: matches!(standing, Standing::Keyless(_)),
            retries_left: health.budget.left(now) as u64,
            hedge_after_ms: policy.hedge.after(usual).map(|after| after.as_millis() as u64),
        }
    }
}
