//! `[[endpoint]]` and `[[pool]]` as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::{CacheOwn, Dialect, Price};

/// How a service takes up an answer that broke off: the form in which it is given the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Continuation {
    /// What is known of the provider (DeepSeek, Mistral, Qwen, Kimi, Claude up to 4.5), else `replay`.
    #[default]
    Auto,
    /// A last assistant message with `"prefix": true` (DeepSeek, Mistral).
    Prefix,
    /// A last assistant message with `"partial": true` (Qwen, Kimi).
    Partial,
    /// A last assistant message with `"continue_final_message": true` (vLLM, SGLang).
    ContinueFinalMessage,
    /// A last assistant message and nothing else (Claude up to 4.5, llama.cpp, Ollama).
    Trailing,
    /// It is asked again; what equals the delivered part is left out.
    Replay,
    /// Answers that broke off are not taken up here.
    Off,
}

/// How many calls at one time a service is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Concurrency {
    /// As many as it takes: from 20 up to `max_concurrent`, fewer when it refuses those on top.
    #[default]
    Adaptive,
    /// `max_concurrent`, always.
    Fixed,
}

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
    /// The most calls in flight at one time, for each model. Default: nine tenths of the account's limit where that is known
    /// (DeepSeek: 2,500 calls, 500 for `pro` models), else 512.
    #[serde(default)]
    pub max_concurrent: Option<usize>,
    /// How many of these are used. Default `adaptive`.
    #[serde(default)]
    pub concurrency: Concurrency,
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
    /// How it takes up an answer that broke off. Default `auto`.
    #[serde(default)]
    pub continuation: Continuation,
    /// Ask for its list of models this often, in seconds, to see that it is there. Absent: only calls tell.
    #[serde(default)]
    pub health_check_s: Option<u64>,
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
    /// The model of another pool that answers in this one's place under pressure (level 2 and above), when no place is free
    /// here: a smaller or a local one. Such answers are marked `x-weir-degraded`; a caller refuses them by
    /// `x-weir-degrade: never`. Absent: none does.
    #[serde(default)]
    pub degrade_to: Option<String>,
    /// The longest an answer may take, in seconds. Default 600.
    #[serde(default = "deadline_s")]
    pub deadline_s: u64,
    /// What the cache does otherwise for this model.
    #[serde(default)]
    pub cache: CacheOwn,
}

const fn deadline_s() -> u64 {
    600
}
