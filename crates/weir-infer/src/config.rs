//! `[attempts]` as written: how calls are tried, and for how long.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How calls are tried.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Attempts {
    /// Attempts for one request that may end in a fault, the first included. Default 4.
    pub max: u32,
    /// Attempts at one endpoint that may end in a fault, while another is left. Default 2.
    pub faults_here_max: u32,
    /// Attempts for one request while services say that they are full, which costs nothing. Default 8.
    pub overload_max: u32,
    /// The same at one endpoint. Default 6.
    pub overload_here_max: u32,
    /// Base of the wait between attempts when no other endpoint is left, in milliseconds. Default 500.
    pub backoff_ms: u64,
    /// Cap of that wait, in milliseconds. Default 8,000.
    pub backoff_max_ms: u64,
    /// A `Retry-After` up to this is waited for on the same endpoint, though another is there; in milliseconds. Default 3,000.
    pub retry_after_here_ms: u64,
    /// The longest `Retry-After` that is waited for when no other endpoint is left, in milliseconds. Default 10,000.
    pub retry_after_max_ms: u64,
    /// How long a request waits for a service to come back while no endpoint serves, in milliseconds. Default 30,000.
    pub outage_wait_ms: u64,
    /// Time to connect, TLS included, in milliseconds. Default 3,000.
    pub connect_ms: u64,
    /// Time to the first meaningful part while another endpoint could answer, in milliseconds. Default 10,000.
    pub first_token_ms: u64,
    /// Time to a whole answer that is not streamed while another endpoint could answer, in milliseconds. Default 120,000.
    pub whole_ms: u64,
    /// Longest pause between two meaningful parts of a stream, in milliseconds. Default 12,000.
    pub stall_ms: u64,
    /// The same while the service reasons or writes a tool call and shows that it is alive, in milliseconds. Default 30,000.
    pub stall_alive_ms: u64,
    /// Longest silence, not even a comment, of a service that had shown that it is alive, in milliseconds. Default 20,000.
    pub silence_ms: u64,
    /// The least meaningful parts (about: tokens) a second of a stream, over ten seconds; 0 for no such limit. Default 0.
    pub parts_per_s_min: f64,
    /// The largest answer that is not streamed, in MiB. Default 64.
    pub answer_mib_max: usize,
    /// Idle connections kept to one service. Default 256.
    pub idle_connections_max: usize,
    /// Connections to one service that speaks HTTP/2, 64 at most; calls are spread over them, and more are made while each
    /// carries 64 calls. Default 4.
    pub http2_connections: usize,
    /// A PEM file of certificate authorities trusted besides the system's (a company's own, say).
    pub ca_file: Option<String>,
    /// How many attempts may be repeated, over all requests.
    pub budget: Budget,
    /// Asking a second endpoint when the first is slow to begin.
    pub hedge: Hedge,
    /// Taking up answers that broke off.
    pub continuation: Continuation,
}

/// `[attempts.budget]`: how many attempts may be repeated at one endpoint, over all requests.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Repeated attempts for each first one. Default 0.35: a service that fails 22 % of its calls needs 0.28.
    pub ratio: f64,
    /// The same while most attempts fail. Default 0.10.
    pub ratio_failing: f64,
    /// Repeated attempts a second that are always allowed. Default 5.
    pub per_s_min: f64,
    /// How long first attempts count, in seconds. Default 10.
    pub memory_s: u64,
}

/// `[attempts.hedge]`: asking a second endpoint when the first is slow to begin; the first to begin answers.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hedge {
    /// Share of requests that may be asked twice; 0 turns it off. Default 0.08.
    pub share_max: f64,
    /// Asked twice once this share of answers would have begun. Default 0.92.
    pub quantile: f64,
    /// Never earlier, in milliseconds. Default 1,000.
    pub min_ms: u64,
    /// Never later, in milliseconds. Default 8,000.
    pub max_ms: u64,
    /// Prompts larger than this are not asked twice, in KiB of body. Default 64.
    pub body_kib_max: usize,
}

/// `[attempts.continuation]`: taking up answers that broke off.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Continuation {
    /// Times one answer is taken up; 0 turns it off. Default 2.
    pub max: u32,
    /// The longest answer that can be taken up, in KiB of text. Default 1,024.
    pub text_kib_max: usize,
    /// Hold tool calls back until they are whole, so that a cut in one goes unseen. Default true.
    pub hold_tool_calls: bool,
    /// Hold structured output (`response_format` other than text) back until it is whole. Default true.
    pub hold_structured: bool,
    /// As a last resort, ask the model in words to go on where the answer broke off. Default false.
    pub instructed: bool,
}

impl Default for Attempts {
    fn default() -> Self {
        Self {
            max: 4,
            faults_here_max: 2,
            overload_max: 8,
            overload_here_max: 6,
            backoff_ms: 500,
            backoff_max_ms: 8_000,
            retry_after_here_ms: 3_000,
            retry_after_max_ms: 10_000,
            outage_wait_ms: 30_000,
            connect_ms: 3_000,
            first_token_ms: 10_000,
            whole_ms: 120_000,
            stall_ms: 12_000,
            stall_alive_ms: 30_000,
            silence_ms: 20_000,
            parts_per_s_min: 0.0,
            answer_mib_max: 64,
            idle_connections_max: 256,
            http2_connections: 4,
            ca_file: None,
            budget: Budget::default(),
            hedge: Hedge::default(),
            continuation: Continuation::default(),
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { ratio: 0.35, ratio_failing: 0.10, per_s_min: 5.0, memory_s: 10 }
    }
}

impl Default for Hedge {
    fn default() -> Self {
        Self { share_max: 0.08, quantile: 0.92, min_ms: 1_000, max_ms: 8_000, body_kib_max: 64 }
    }
}

impl Default for Continuation {
    fn default() -> Self {
        Self { max: 2, text_kib_max: 1_024, hold_tool_calls: true, hold_structured: true, instructed: false }
    }
}
