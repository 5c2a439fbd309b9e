//! Where calls go, and what the machines behind it promise.

mod budget;
mod circuit;
mod circuit_model;
mod first_token;
mod gradient;
mod health;
mod hedge;
mod latency;
mod limiter;
mod pause;
mod pick;
mod provider;
mod ring;
mod route;
mod sticky;
mod throttle;

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use prometheus_client::registry::Registry;
use weir_core::{Chance, Clock, Dialect, PoolId};
use weir_testkit::at;

use crate::config::Endpoint;
use crate::{Ask, KeySource, Lease, Member, NoEndpoint, Policy, PoolPlan, Route};

const POOL: PoolId = PoolId(0);
const ASK: Ask<'_> = Ask::new(POOL, Dialect::OpenAi);

const POLICY: Policy = Policy {
    budget: crate::budget::Policy {
        ratio: 0.35,
        ratio_failing: 0.1,
        per_s_min: 5.0,
        memory: Duration::from_secs(10),
    },
    hedge: crate::hedge::Policy {
        share_max: 0.08,
        quantile: 0.92,
        min: Duration::from_secs(1),
        max: Duration::from_secs(8),
    },
};

thread_local! {
    /// The time of the test that runs on this thread, in milliseconds.
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// Moves the clock of this test's routes.
fn set(ms: u64) {
    NOW.set(ms);
}

fn config(name: &str, limit: usize) -> Endpoint {
    let base_url = format!("http://{name}.test");
    let config = serde_json::json!({
        "name": name, "base_url": base_url, "max_concurrent": limit, "concurrency": "fixed"
    });
    serde_json::from_value(config).unwrap()
}

fn route(first: &[Endpoint], fallback: &[Endpoint]) -> Route {
    let clock = Clock::new(|| at(NOW.get()), || UNIX_EPOCH);
    let member = |config| Member { config, key: KeySource::None, model: Some("m") };
    let plan = PoolPlan {
        first: first.iter().map(member).collect(),
        fallback: fallback.iter().map(member).collect(),
    };
    set(0);
    Route::new(clock, Arc::new(Chance::seeded(1)), &[plan], POLICY, &mut Registry::default())
}

fn name(lease: &Lease) -> String {
    lease.endpoint().name().to_string()
}

/// The name of the endpoint that is picked; the place is given back at once.
fn picked(route: &Route, ask: &Ask<'_>) -> Result<String, NoEndpoint> {
    route.pick(ask).map(|lease| name(&lease))
}
