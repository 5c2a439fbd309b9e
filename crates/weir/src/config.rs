//! The config: one file (or what the environment offers), read whole, with every mistake reported at once.
//!
//! The stages own their tables (`weir_*::config`); here they become one file. What always holds: a [`Loaded`] has
//! passed every rule, its secrets are resolved, and no secret is in a diagnostic, a serialised config or a log line.
//! The generated schema is the single authority on names, types, bounds and defaults: it reads files, tells editors,
//! and writes docs/config.md.

mod code;
mod diagnostic;
mod environment;
mod mask;
mod place;
mod read;
mod reference;
mod report;
mod rules;
mod schema;
mod secret;
mod show;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_admit::config::Key;
use weir_cache::config::Cache;
use weir_core::Secret;
use weir_http::config::Server;
use weir_infer::config::Attempts;
use weir_pressure::config::Pressure;
use weir_queue::config::Queue;
use weir_route::KeySource;
use weir_route::config::{Endpoint, Pool};
use weir_settle::config::Telemetry;

pub use diagnostic::{Diagnostic, Problems, Style};
pub use environment::PLACEHOLDER;
pub use reference::reference;
pub use schema::schema;
pub use show::{effective, shortest};

use code::Code;
use report::Report;

#[cfg(test)]
mod tests;

/// A whole config as written.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Listeners and their limits.
    pub server: Server,
    /// The services that answer.
    pub endpoint: Vec<Endpoint>,
    /// The model names callers may use, and who answers each.
    pub pool: Vec<Pool>,
    /// Who may call. Without any, only callers on this machine are served.
    pub key: Vec<Key>,
    /// The memory of answers.
    pub cache: Cache,
    /// The line in front of each pool.
    pub queue: Queue,
    /// What the process as a whole takes on, and from when on it protects itself.
    pub pressure: Pressure,
    /// How calls are tried.
    pub attempts: Attempts,
    /// What is told to the outside.
    pub telemetry: Telemetry,
}

/// A config that has passed every rule.
pub struct Loaded {
    /// As written, with defaults; secrets are still references.
    pub config: Config,
    /// The key of each endpoint, resolved, in the order of `config.endpoint`.
    pub endpoint_keys: Vec<KeySource>,
    /// The cache's secrets.
    pub cache_secrets: CacheSecrets,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// Where it came from.
    pub source: Source,
}

/// The secrets of the cache, resolved.
#[derive(Clone, Default)]
pub struct CacheSecrets {
    /// What keys are made with, if the operator says so.
    pub keys: Option<Secret>,
    /// Redis's password.
    pub redis: Option<Secret>,
}

/// Where a config came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Made from environment variables, as if it had been this file.
    Environment,
}

impl std::fmt::Display for Source {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(out),
            Self::Environment => out.write_str(environment::NAME),
        }
    }
}

/// How environment variables are looked up: the process's own, or a test's.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn load(path: &Path, env: Env<'_>) -> Result<Loaded, Problems> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| {
            let help =
                "name another file with `--config FILE`, or leave it out to use what the environment offers";
            Problems::without_source(Code::Unreadable, format!("{name} cannot be read: {error}"), help)
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let message = format!("{name} is not UTF-8 from byte {} on", error.utf8_error().valid_up_to());
            Problems::without_source(
                Code::Unreadable,
                message,
                "save it as UTF-8; TOML has no other encoding",
            )
        })?;
        Self::parse(&name, &text, env)
    }

    /// Reads a text that is known as `name` in diagnostics.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(name: &str, text: &str, env: Env<'_>) -> Result<Loaded, Problems> {
        Self::read(Source::File(name.into()), text, env)
    }

    /// Makes a config from what the environment offers: keys of known services, and where to listen.
    ///
    /// # Errors
    /// No service is named, or a variable cannot be used.
    pub fn from_environment(env: Env<'_>) -> Result<Loaded, Problems> {
        Self::read(Source::Environment, &environment::as_file(env)?, env)
    }

    fn read(source: Source, text: &str, env: Env<'_>) -> Result<Loaded, Problems> {
        let mut report = Report::new(&source.to_string(), text);
        let config = read::read(text, &mut report);
        let (endpoint_keys, cache_secrets) = match &config {
            // After a mistake of syntax half the file may be missing: rules about the whole would accuse the innocent.
            Some(config) if !report.has_broken_syntax() => rules::check(config, env, &mut report),
            _ => Default::default(),
        };
        match (config, report.finish()) {
            (Some(config), Ok(warnings)) => {
                Ok(Loaded { config, endpoint_keys, cache_secrets, warnings, source })
            }
            (_, Err(problems)) => Err(problems),
            (None, Ok(_)) => {
                let help = "please report this with the file, keys removed";
                Err(Problems::without_source(
                    Code::Unreadable,
                    format!("{source} cannot be understood"),
                    help,
                ))
            }
        }
    }
}
