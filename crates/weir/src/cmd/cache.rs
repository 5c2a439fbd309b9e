//! `weir cache`: what is kept, throwing it out, and moving it from one node to another.
#![allow(clippy::print_stdout, reason = "the command's product")]
#![allow(clippy::print_stderr, reason = "mistakes are talk about the product")]

mod eval;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use weir_cache::Which;

use super::admin::At;
use super::{CONFIG_INVALID, check, config_file, environment};
use crate::assemble::{cache_secret, revision};
use crate::config::{Loaded, Style};

/// Look at kept answers, throw them out, move them.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Show what each tier of a running gateway holds, and how often it knew the answer
    Stats {
        #[command(flatten)]
        at: At,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Throw answers out of every tier of a running gateway
    Purge {
        #[command(flatten)]
        at: At,
        #[command(flatten)]
        which: Named,
        /// All of them
        #[arg(long, required_unless_present_any = ["key", "model", "tag"])]
        all: bool,
    },
    /// Copy the answers of `[cache] disk` into a new file; the gateway may be running
    Export {
        /// The new file
        file: PathBuf,
        #[command(flatten)]
        which: Named,
        #[command(flatten)]
        config: Whose,
    },
    /// Decide upon labelled pairs of questions as a gateway would, and count
    Eval(eval::Args),
    /// Take the answers of an exported file over into `[cache] disk`; the gateway may be running
    Import {
        /// The exported file
        file: PathBuf,
        #[command(flatten)]
        config: Whose,
    },
}

/// Some of the answers.
#[derive(clap::Args)]
#[group(multiple = false)]
struct Named {
    /// Those to requests of this `[[key]]`
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Those of this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Those that their callers tagged so (`x-weir-cache-tag`)
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
}

/// The config that says where answers are kept.
#[derive(clap::Args)]
struct Whose {
    /// The config file; ./weir.toml if there is one, else what the environment offers
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Does it.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Stats { at, json } => stats(&at, json),
        Command::Purge { at, which, .. } => purge(&at, &which),
        Command::Eval(args) => eval::run(&args),
        Command::Export { file, which, config } => config.with(|_loaded, disk| {
            let count = weir_cache::export(disk, &file, &which.which())?;
            Ok(format!("{count} answers are in {} now", file.display()))
        }),
        Command::Import { file, config } => config.with(|loaded, disk| {
            let secret = cache_secret(loaded)?;
            let count = weir_cache::import(&file, disk, secret, &revision(&loaded.config))?;
            Ok(format!("{count} answers of {} were taken over into {}", file.display(), disk.display()))
        }),
    }
}

impl Named {
    fn which(&self) -> Which {
        let Self { key, model, tag } = self;
        let key = key.clone().map(Which::Tenant);
        key.or(model.clone().map(Which::Model)).or(tag.clone().map(Which::Tag)).unwrap_or(Which::All)
    }
}

impl Whose {
    fn with(
        &self,
        work: impl FnOnce(&Loaded, &std::path::Path) -> anyhow::Result<String>,
    ) -> anyhow::Result<ExitCode> {
        let loaded = match check::read(config_file(self.config.clone())) {
            Ok(loaded) => loaded,
            Err(problems) => {
                eprint!("{}", problems.render(Style::of_stderr(&environment)));
                return Ok(ExitCode::from(CONFIG_INVALID));
            }
        };
        let disk = loaded.config.cache.disk.as_deref();
        let disk =
            disk.with_context(|| format!("{} keeps no answers on disk; set `[cache] disk`", loaded.source))?;
        println!("{}", work(&loaded, disk)?);
        Ok(ExitCode::SUCCESS)
    }
}

fn purge(at: &At, which: &Named) -> anyhow::Result<ExitCode> {
    /// Every key of a Redis is looked at.
    const PATIENCE: Duration = Duration::from_secs(300);
    let named = |what: &str, name: &str| format!("{what}={}", utf8_percent_encode(name, NON_ALPHANUMERIC));
    let query = match which.which() {
        Which::All => "all".to_owned(),
        Which::Tenant(name) => named("key", &name),
        Which::Model(name) => named("model", &name),
        Which::Tag(name) => named("tag", &name),
    };
    match at.ask(Method::POST, &format!("/cache/purge?{query}"), PATIENCE)? {
        Ok(said) => println!("{} answers were thrown out", said["purged"]),
        Err(code) => return Ok(code),
    }
    Ok(ExitCode::SUCCESS)
}

fn stats(at: &At, json: bool) -> anyhow::Result<ExitCode> {
    const PATIENCE: Duration = Duration::from_secs(30);
    match at.ask(Method::GET, "/cache", PATIENCE)? {
        Ok(said) if json => println!("{said:#}"),
        Ok(said) => print!("{}", render(&said)),
        Err(code) => return Ok(code),
    }
    Ok(ExitCode::SUCCESS)
}

/// A table of tiers; `-` where a tier does not tell.
fn render(said: &Value) -> String {
    let mut out = String::new();
    let mut line = |cells: [String; 8]| {
        let [tier, rest @ ..] = cells;
        let _infallible = write!(out, "{tier:<8}");
        for cell in rest {
            let _infallible = write!(out, " {cell:>10}");
        }
        out.push('\n');
    };
    line(["tier", "answers", "MiB", "of MiB", "hits", "misses", "errors", "lost"].map(str::to_owned));
    for tier in said["tiers"].as_array().into_iter().flatten() {
        let number = |name: &str| tier[name].as_u64().map_or("-".to_owned(), |number| number.to_string());
        let mib = |name: &str| {
            tier[name]
                .as_u64()
                .map_or("-".to_owned(), |bytes| format!("{:.1}", bytes as f64 / f64::from(1 << 20)))
        };
        let name = tier["tier"].as_str().unwrap_or("-").to_owned();
        let [hits, misses, errors, lost] = ["hits", "misses", "errors", "lost"].map(number);
        line([name, number("entries"), mib("bytes"), mib("bytes_max"), hits, misses, errors, lost]);
    }
    out
}
