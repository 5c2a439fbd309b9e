//! `[queue]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The line in front of each pool.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Queue {
    /// Requests waiting in one pool's line. More are refused with 503 and `Retry-After`. Default 2,000.
    pub waiters_max: usize,
    /// Bytes of request bodies waiting in one pool's line, in MiB. Default 256.
    pub waiting_mib_max: usize,
}

impl Default for Queue {
    fn default() -> Self {
        Self { waiters_max: 2000, waiting_mib_max: 256 }
    }
}
