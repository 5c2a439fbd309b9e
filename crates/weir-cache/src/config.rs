//! `[cache]` as written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_core::CacheOwn;

pub use weir_core::CacheMode as Mode;

/// Who may be given an answer that was made for somebody else. In order, from the fewest to the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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

impl Scope {
    /// As the config and the header have it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Key => "key",
            Self::Team => "team",
            Self::Global => "global",
        }
    }
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
    /// For how many seconds after that an answer is given at once while a new one is fetched. Default 60.
    pub stale_while_revalidate_s: u64,
    /// For how many seconds after that an answer may be given instead of an error. Default 86,400, a day.
    pub stale_if_error_s: u64,
    /// How old an answer may be, in seconds, that is given while no endpoint can be reached at all. Default 604,800, a week.
    pub offline_s: u64,
    /// A database file in which answers outlive the process. Absent: they do not.
    pub disk: Option<PathBuf>,
    /// How much of the disk answers may take, in MiB; then the least recently used go. Default 1,024.
    pub disk_mib: u64,
    /// What the keys of answers are made with, so that they do not reveal guessable prompts: `env:NAME` or `file:PATH`, with at
    /// least 16 characters, the same on all nodes that share answers. Default: made anew, or what the disk's file says.
    pub secret: Option<String>,
    /// A Redis or Valkey that several nodes share. Absent: none.
    pub redis: Option<Redis>,
    /// Answers to questions that are alike. Absent: none is given.
    pub semantic: Option<Semantic>,
}

/// The tier that several nodes share.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// Where it is: `redis://host:port/database`, `rediss://…` with TLS, or a cluster by some of its nodes:
    /// `redis-cluster://host:port,host:port` (`rediss-cluster://…`).
    pub url: String,
    /// The user's name there. Default: none.
    #[serde(default)]
    pub user: Option<String>,
    /// The password: `env:NAME` or `file:PATH`. Default: none.
    #[serde(default)]
    pub password: Option<String>,
}

/// What turns questions into vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Embedder {
    /// A table of words in `path`: microseconds a question.
    #[default]
    Static,
    /// all-MiniLM-L6-v2 in `path`: milliseconds a question. Only in a weir that was built with it (`--features minilm`).
    Minilm,
    /// The model of a pool (`model`), by its `/v1/embeddings`: a call for each question.
    Model,
}

/// Answers to questions that are alike: compared first, and given only once it is shown that few enough are false.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Semantic {
    /// What turns questions into vectors. Default `static`.
    pub embedder: Embedder,
    /// The folder of the embedder's weights, for `static` and `minilm`.
    pub path: Option<PathBuf>,
    /// The pool's model that embeds, for `model`.
    pub model: Option<String>,
    /// The pool's model that judges whether two answers say the same. Absent: they do when they are made of the same words, or
    /// of the same JSON.
    pub judge_model: Option<String>,
    /// The share of answers given that may be false. Default 0.01.
    pub error_max: f64,
    /// How alike questions must be to be compared at all: the cosine of their vectors. Default 0.7.
    pub similarity_min: f32,
    /// Only compare, never give. Default false.
    pub shadow_only: bool,
    /// How many questions are remembered. Default 20,000.
    pub entries_max: usize,
}

impl Default for Semantic {
    fn default() -> Self {
        Self {
            embedder: Embedder::Static,
            path: None,
            model: None,
            judge_model: None,
            error_max: 0.01,
            similarity_min: 0.7,
            shadow_only: false,
            entries_max: 20_000,
        }
    }
}

/// What holds for the answers of one pool, as meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lives {
    pub(crate) mode: Mode,
    pub(crate) ttl_s: u64,
    pub(crate) revalidate_s: u64,
    pub(crate) on_error_s: u64,
    pub(crate) offline_s: u64,
}

impl Cache {
    /// How many bytes of disk answers may take.
    pub(crate) const fn disk_bytes_max(&self) -> u64 {
        self.disk_mib.saturating_mul(1 << 20)
    }

    /// What holds for a pool that has this of its own.
    pub(crate) fn lives(&self, own: CacheOwn) -> Lives {
        Lives {
            mode: own.mode.unwrap_or(self.mode),
            ttl_s: own.ttl_s.unwrap_or(self.ttl_s),
            revalidate_s: own.stale_while_revalidate_s.unwrap_or(self.stale_while_revalidate_s),
            on_error_s: own.stale_if_error_s.unwrap_or(self.stale_if_error_s),
            offline_s: own.offline_s.unwrap_or(self.offline_s),
        }
    }
}

impl Lives {
    /// How old an answer is, in seconds, that is of no use to anybody.
    pub(crate) fn longest_s(&self) -> u64 {
        self.offline_s.max(self.ttl_s.saturating_add(self.on_error_s.max(self.revalidate_s)))
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            mode: Mode::Deterministic,
            scope: Scope::Key,
            memory_mib: 64,
            answer_kib_max: 1024,
            ttl_s: 3600,
            stale_while_revalidate_s: 60,
            stale_if_error_s: 86_400,
            offline_s: 604_800,
            disk: None,
            disk_mib: 1024,
            secret: None,
            redis: None,
            semantic: None,
        }
    }
}
