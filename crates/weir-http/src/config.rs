//! `[server]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Listeners and their limits.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Where applications call. Without `[[key]]` it must be a loopback address. Default `127.0.0.1:8080`.
    pub listen: String,
    /// Where operators look: metrics, health, status. Default `127.0.0.1:9180`.
    pub admin: String,
    /// Worker threads. Default: one per core.
    pub workers: Option<usize>,
    /// The largest request body, in MiB. Default 32.
    pub body_mib_max: usize,
    /// How long a request's body may take to arrive, in seconds. Default 60.
    pub body_timeout_s: u64,
    /// How long a caller may leave what was sent to it unread or unacknowledged before its connection is cut, in seconds.
    /// Default 120.
    pub reader_timeout_s: u64,
    /// Connections at one time. Default 10,000.
    pub connections_max: usize,
    /// The longest silence on a stream before a comment is sent, in seconds, at least 1. Default 10.
    pub keep_alive_s: u64,
    /// Pass paths under `/v1/` that weir does not know through to the first pool. Default true.
    pub pass_other_paths: bool,
    /// After a signal to stop, how long to keep accepting while `/readyz` says no, in seconds. Default 0.
    pub drain_delay_s: u64,
    /// How long answers under way may take to finish after that, in seconds. Default 600.
    pub drain_timeout_s: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            admin: "127.0.0.1:9180".into(),
            workers: None,
            body_mib_max: 32,
            body_timeout_s: 60,
            reader_timeout_s: 120,
            connections_max: 10_000,
            keep_alive_s: 10,
            pass_other_paths: true,
            drain_delay_s: 0,
            drain_timeout_s: 600,
        }
    }
}
