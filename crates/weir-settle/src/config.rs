//! `[telemetry]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lines for people on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// What is told to the outside.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// One line per request. Prompts and answers are never in it. Default true.
    pub access_log: bool,
    /// How log lines look. Default `auto`.
    pub format: Format,
    /// The least severe events logged: `error`, `warn` or `info`. Default `info`.
    pub level: Level,
}

/// How severe an event must be to be logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something is broken.
    Error,
    /// Something may break.
    Warn,
    /// What is going on.
    #[default]
    Info,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { access_log: true, format: Format::Auto, level: Level::Info }
    }
}
