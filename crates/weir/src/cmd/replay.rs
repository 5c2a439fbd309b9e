//! `weir replay`: recorded traffic, sent open loop, measured.
#![allow(clippy::print_stdout, reason = "the command's product")]

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use weir_replay::{ClientPolicy, Options, Plan, PriorityMix, Prompts, Speed, Target, Trace, run_with_bar};

use super::runtime;

/// Send recorded traffic and measure. Requests go out at their recorded times, whatever became of the earlier ones.
#[derive(clap::Args)]
pub struct Args {
    /// Trace file: TIMESTAMP,ContextTokens,GeneratedTokens; default: a built-in excerpt of a real one
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Base URL of a service or a gateway
    #[arg(long, default_value = "http://127.0.0.1:8080/v1")]
    url: String,
    /// Prompts file: text,category; default: a built-in excerpt of real questions
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// How many times faster than recorded
    #[arg(long, default_value = "1")]
    speed: Speed,
    /// At most so many requests
    #[arg(long)]
    limit: Option<NonZeroUsize>,
    /// Model to ask for
    #[arg(long, default_value = "deepseek-flash")]
    model: String,
    /// Shares of priorities, level:percent
    #[arg(long, default_value = "1:20,5:60,8:20")]
    priorities: PriorityMix,
    /// Retry as the official SDKs do by themselves (2 retries, 0.5 to 8 s)
    #[arg(long)]
    sdk_retries: bool,
    /// Name of the environment variable with the key to send
    #[arg(long)]
    key_env: Option<String>,
    /// Seed of prompts, priorities and jitter
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Replays once. The exit code does not judge the result.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let trace = args.trace.as_deref().map_or_else(|| Ok(Trace::excerpt()), Trace::read)?;
    let prompts = args.prompts.as_deref().map_or_else(|| Ok(Prompts::excerpt()), Prompts::read)?;
    let options = Options {
        speed: args.speed,
        limit: args.limit,
        model: args.model,
        priorities: args.priorities,
        seed: args.seed,
        ..Options::default()
    };
    let policy = if args.sdk_retries { ClientPolicy::OFFICIAL_SDK } else { ClientPolicy::None };
    let mut target = Target::new(&args.url)?.with_policy(policy);
    if let Some(name) = args.key_env {
        let key =
            super::environment(&name).ok_or_else(|| anyhow::anyhow!("--key-env: ${name} is not set"))?;
        target = target.with_key(&key)?;
    }
    let plan = Plan { trace, prompts, options };
    let report = runtime(None)?.block_on(run_with_bar(&plan, &target));
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.render());
    }
    Ok(ExitCode::SUCCESS)
}
