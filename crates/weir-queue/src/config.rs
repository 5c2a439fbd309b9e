//! `[queue]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The line in front of each pool.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// Requests waiting in one pool's line. Beyond it the least entitled leaves with 503 and `Retry-After`.
    /// Default 2,000.
    pub waiters_max: usize,
    /// Bytes of request bodies waiting in one pool's line, in MiB. Default 256.
    pub waiting_mib_max: usize,
    /// Requests of one caller waiting in one pool's line. Absent: as many as the line holds.
    pub tenant_waiters_max: Option<usize>,
    /// Bytes of one caller's request bodies waiting in one pool's line, in MiB. Absent: as many as the line holds.
    pub tenant_waiting_mib_max: Option<usize>,
    /// Whether a less urgent request gets its turn by waiting. Default `aged`.
    pub order: Order,
    /// How many seconds of waiting are worth one level of priority (`order = "aged"`). Default 10.
    pub aging_s: u64,
    /// How callers share a level. Default `vtc`.
    pub fairness: Fairness,
    /// How long a class's line must have been without a break to count as standing: no burst any more but more work
    /// than room. In milliseconds, default 10,000.
    pub standing_ms: u64,
    /// How long requests of priority 4–6 may wait in a standing line; 1–3 twice, 0 three times as long, 7–9 until their
    /// own deadline. In milliseconds, default 3,000.
    pub standing_wait_ms: u64,
}

/// Whose turn it is among the levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Each level counts as having come `aging_s` later than the one above it: urgent first, and nothing waits for ever.
    Aged,
    /// The more urgent level always goes first. The less urgent may wait until its deadline.
    Strict,
}

/// Whose turn it is among the callers of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fairness {
    /// Whoever has had the fewest tokens (virtual token counters). A caller's own requests stay in order.
    Vtc,
    /// Whoever came first, whoever it is.
    None,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            waiters_max: 2000,
            waiting_mib_max: 256,
            tenant_waiters_max: None,
            tenant_waiting_mib_max: None,
            order: Order::Aged,
            aging_s: 10,
            fairness: Fairness::Vtc,
            standing_ms: 10_000,
            standing_wait_ms: 3_000,
        }
    }
}
