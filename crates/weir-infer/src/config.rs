//! `[attempts]` as written: how calls are tried, and for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How calls are tried.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Attempts {
    /// Attempts for one request, the first included. Default 4.
    pub max: u32,
    /// Base of the wait between attempts when no other endpoint is left, in milliseconds. Default 500.
    pub backoff_ms: u64,
    /// Cap of that wait, in milliseconds. Default 8,000.
    pub backoff_max_ms: u64,
    /// The longest `Retry-After` that is waited for on the same endpoint, in milliseconds. Default 10,000.
    pub retry_after_max_ms: u64,
    /// Time to connect, TLS included, in milliseconds. Default 3,000.
    pub connect_ms: u64,
    /// Time to the first meaningful part while another endpoint could answer, in milliseconds. Default 10,000.
    pub first_token_ms: u64,
    /// Time to a whole answer that is not streamed while another endpoint could answer, in milliseconds. Default 120,000.
    pub whole_ms: u64,
    /// Longest pause between two meaningful parts of a stream, in milliseconds; four times that while the service shows
    /// that it is alive. Default 30,000.
    pub stall_ms: u64,
    /// The largest answer that is not streamed, in MiB. Default 64.
    pub answer_mib_max: usize,
    /// Idle connections kept to one service. Default 256.
    pub idle_connections_max: usize,
    /// A PEM file of certificate authorities trusted besides the system's (a company's own, say).
    pub ca_file: Option<String>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            max: 4,
            backoff_ms: 500,
            backoff_max_ms: 8_000,
            retry_after_max_ms: 10_000,
            connect_ms: 3_000,
            first_token_ms: 10_000,
            whole_ms: 120_000,
            stall_ms: 30_000,
            answer_mib_max: 64,
            idle_connections_max: 256,
            ca_file: None,
        }
    }
}
