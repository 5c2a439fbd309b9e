//! `[cache]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be answered from memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing.
    Off,
    /// Requests that ask for the same answer each time: `temperature` 0 or a `seed`, and embeddings; never tools.
    #[default]
    Deterministic,
    /// Every request that keeps no state at the service.
    All,
}

/// The memory of answers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// What may be answered from memory. Default `deterministic`.
    pub mode: Mode,
    /// How much memory answers may take, in MiB. Default 64.
    pub memory_mib: u64,
    /// How long an answer is fresh, in seconds. Default 3,600.
    pub ttl_s: u64,
    /// The largest answer kept, in KiB. Default 1,024.
    pub answer_kib_max: usize,
}

impl Default for Cache {
    fn default() -> Self {
        Self { mode: Mode::Deterministic, memory_mib: 64, ttl_s: 3600, answer_kib_max: 1024 }
    }
}
