//! `[[endpoint]]` and `[[pool]]` as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::{Dialect, Price};

/// A service that answers: a base URL, a key, and the models it has.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Its name in pools, logs and metrics.
    pub name: String,
    /// What one would give the official SDK as base URL. A URL without a path gets `/v1`.
    pub base_url: String,
    /// Base URL of the Anthropic dialect, when it is another one. Default: known for DeepSeek, else `base_url`.
    #[serde(default)]
    pub anthropic_base_url: Option<String>,
    /// The service's key: `env:NAME`, `file:PATH`, or `caller` to pass on whatever key the caller sent. Absent: none is sent.
    #[serde(default)]
    pub api_key: Option<String>,
    /// Models the service has. Absent: any.
    #[serde(default)]
    pub models: Vec<String>,
    /// Names the service has for models: `{ "the name callers use" = "the name sent" }`.
    #[serde(default)]
    pub model_map: BTreeMap<String, String>,
    /// Dialects it speaks. Default: both, or the one a known provider has.
    #[serde(default)]
    pub dialects: Option<Vec<Dialect>>,
    /// Calls in flight at one time, for each model. Default 128.
    #[serde(default = "max_concurrent")]
    pub max_concurrent: usize,
    /// What it charges, in US dollars for a million tokens. Default: nothing is counted.
    #[serde(default)]
    pub price: Price,
    /// Ask for usage in streams (`stream_options.include_usage`) for accounting. Default true.
    #[serde(default = "yes")]
    pub include_usage: bool,
    /// Pass the body's `service_tier` on instead of only reading it. Default false.
    #[serde(default)]
    pub forward_service_tier: bool,
    /// Speak HTTP/2, with TLS or without. One connection then carries all calls to the service. Default false.
    #[serde(default)]
    pub http2: bool,
}

const fn max_concurrent() -> usize {
    128
}

const fn yes() -> bool {
    true
}

/// The endpoints that answer one model name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// The name callers use. `*` answers every name that no other pool has, unchanged.
    pub model: String,
    /// Endpoints by name; calls are balanced over them.
    pub endpoints: Vec<String>,
    /// Endpoints used only while none of `endpoints` can take the call.
    #[serde(default)]
    pub fallback: Vec<String>,
    /// The longest an answer may take, in seconds. Default 600.
    #[serde(default = "deadline_s")]
    pub deadline_s: u64,
}

const fn deadline_s() -> u64 {
    600
}
