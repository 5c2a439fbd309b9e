//! `[[key]]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One caller.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The caller's name in logs.
    pub name: String,
    /// BLAKE3 of the token, as `weir key new` prints it: `blake3:` and 64 hex digits. The token itself is never stored.
    pub hash: String,
    /// Requests a minute; a minute's worth may come at once. Absent: no limit.
    #[serde(default)]
    pub rpm: Option<u64>,
    /// Tokens a minute, prompt and answer together. Absent: no limit.
    #[serde(default)]
    pub tpm: Option<u64>,
    /// The most urgent level (0 first, 9 last) that the key may ask for. Default 0.
    #[serde(default)]
    pub priority_cap: u8,
    /// The key's share next to others while requests wait: one of weight 2 gets twice the tokens of one of weight 1.
    /// Default 1.
    #[serde(default = "weight")]
    pub weight: u32,
    /// Keys of one team share kept answers where `[cache] scope = "team"`. Absent: it shares with nobody.
    #[serde(default)]
    pub team: Option<String>,
}

const fn weight() -> u32 {
    1
}
