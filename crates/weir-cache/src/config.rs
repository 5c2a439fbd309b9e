//! `[cache]` as written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What may be answered from the cache.
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

/// Who may be given an answer that was made for somebody else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Nobody but the same key, and of its requests only those with the same `user`.
    User,
    /// The same key.
    #[default]
    Key,
    /// Every key with the same `team`; a key without one is alone.
    Team,
    /// Everybody who has a key. For answers that are nobody's secret.
    Global,
}

/// The cache of answers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cache {
    /// What may be answered from the cache. Default `deterministic`.
    pub mode: Mode,
    /// Who may be given an answer that was made for somebody else. Default `key`: nobody.
    pub scope: Scope,
    /// How much memory answers may take, in MiB. Default 64.
    pub memory_mib: u64,
    /// The largest answer kept, in KiB. Default 1,024.
    pub answer_kib_max: usize,
    /// How long an answer is fresh, in seconds; a tenth more or less by chance, so that answers made together do not all
    /// end together. Default 3,600.
    pub ttl_s: u64,
    /// For how many seconds after that an answer may be given instead of an error. Default 86,400, a day.
    pub stale_if_error_s: u64,
    /// How old an answer may be, in seconds, that is given while no endpoint can be reached at all. Default 604,800, a week.
    pub offline_s: u64,
    /// A database file in which answers outlive the process. Absent: they do not.
    pub disk: Option<PathBuf>,
    /// How much of the disk answers may take, in MiB; then the least recently used go. Default 1,024.
    pub disk_mib: u64,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            mode: Mode::Deterministic,
            scope: Scope::Key,
            memory_mib: 64,
            answer_kib_max: 1024,
            ttl_s: 3600,
            stale_if_error_s: 86_400,
            offline_s: 604_800,
            disk: None,
            disk_mib: 1024,
        }
    }
}
