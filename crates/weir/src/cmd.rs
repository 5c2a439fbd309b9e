//! One file per verb, and what they share: the environment, the runtime, how an error is said.

pub mod admin;
pub mod cache;
pub mod check;
pub mod config;
pub mod demo;
pub mod drill;
pub mod key;
pub mod mock;
pub mod replay;
pub mod serve;
pub mod simulate;
pub mod status;

use std::path::PathBuf;

use anyhow::Context;

/// Exit code: the config is invalid.
pub const CONFIG_INVALID: u8 = 3;
/// Exit code: the gateway or the service cannot be reached.
pub const UNREACHABLE: u8 = 4;

/// The file used when none is named.
pub const DEFAULT_FILE: &str = "weir.toml";

/// The process's environment, for those who may read it.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The config file to use: the one named, or `weir.toml` here if there is one.
pub fn config_file(named: Option<PathBuf>) -> Option<PathBuf> {
    named.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()))
}

/// A runtime with so many workers, or one per core. One worker needs no work stealing, and is faster without.
pub fn runtime(workers: Option<usize>) -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = match workers {
        Some(1) => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if let Some(workers) = workers {
        builder.worker_threads(workers.max(1));
    }
    builder.enable_all().build().context("the runtime cannot be started")
}

/// Says what went wrong, with its causes.
#[expect(clippy::print_stderr, reason = "the last word of a command that failed")]
pub fn complain(error: &anyhow::Error) {
    eprintln!("weir: {error:#}");
}
