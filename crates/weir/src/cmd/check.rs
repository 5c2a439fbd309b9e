//! `weir check`: every mistake of a config at once, with its place and its remedy.
#![allow(clippy::print_stdout, reason = "the command's product")]
#![allow(clippy::print_stderr, reason = "mistakes are talk about the product")]

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::{CONFIG_INVALID, config_file, environment};
use crate::config::{Config, Loaded, Problems, Style};

/// Check a config. Exit code 3 when it cannot be used.
#[derive(clap::Args)]
pub struct Args {
    /// Config file; default: weir.toml if there is one, else what the environment offers
    #[arg(long, short)]
    config: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Checks once.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let checked = read(config_file(args.config));
    let code = if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(CONFIG_INVALID) };
    if args.json {
        println!("{:#}", as_json(&checked));
        return Ok(code);
    }
    let style = Style::of_stderr(&environment);
    match checked {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                eprintln!("{}", warning.render(style));
            }
            println!("{}: {}: ok", loaded.source, counts(&loaded.config));
        }
        Err(problems) => eprint!("{}", problems.render(style)),
    }
    Ok(code)
}

/// Reads the config that `serve` would run with.
pub fn read(file: Option<PathBuf>) -> Result<Loaded, Problems> {
    match file {
        Some(path) => Config::load(&path, &environment),
        None => Config::from_environment(&environment),
    }
}

fn as_json(checked: &Result<Loaded, Problems>) -> serde_json::Value {
    match checked {
        Ok(loaded) => json!({
            "ok": true,
            "source": loaded.source.to_string(),
            "endpoints": loaded.config.endpoint.len(),
            "pools": loaded.config.pool.len(),
            "keys": loaded.config.key.len(),
            "problems": loaded.warnings,
        }),
        Err(problems) => json!({ "ok": false, "problems": problems.diagnostics() }),
    }
}

fn counts(config: &Config) -> String {
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    [
        count(config.endpoint.len(), "endpoint"),
        count(config.pool.len(), "pool"),
        count(config.key.len(), "key"),
    ]
    .join(", ")
}
