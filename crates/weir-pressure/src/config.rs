//! `[pressure]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the process as a whole takes on, and from when on it protects itself.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pressure {
    /// Requests in the gateway at one time, those that wait included. More are refused with 503. Default 10,000.
    pub requests_max: usize,
    /// Requests a second, for each pool, above which its requests are queued and paced, answered in a cheaper way
    /// where that is allowed, and shed: three rising numbers, say `[500, 800, 1200]`. Nobody is shed while an endpoint
    /// has a free place. Absent: only what is measured (waits, lines, failures, memory) raises the level.
    pub qps: Option<[u32; 3]>,
    /// The memory the process may take, in MiB; from 75 % of it on work is made cheaper, from 85 % on shed. Absent:
    /// what the control group or the machine has.
    pub memory_mib_max: Option<u64>,
}

impl Default for Pressure {
    fn default() -> Self {
        Self { requests_max: 10_000, qps: None, memory_mib_max: None }
    }
}
