//! `weir demo`: the same traffic twice, straight to a service that congests, and through weir. No key, no network.
//!
//! What always holds: every number printed was measured in this run; both arms meet the same service, reset to the same
//! seed, with the same requests and the same client; nothing is left behind, whether it ends or is interrupted.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a demonstration is what it prints")]

mod cast;
mod show;
mod verdict;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use weir_replay::{
    ClientPolicy, Options, Plan, Progress, Prompts, Report, Speed, Target, Trace, run as replay,
};

use cast::Cast;
use verdict::Verdict;

use super::runtime;

/// See it work: no key, no network, under 90 seconds.
#[derive(clap::Args)]
pub struct Args {
    /// Fewer requests: under 25 seconds
    #[arg(long)]
    fast: bool,
    /// No live lines, only the verdict
    #[arg(long)]
    headless: bool,
    /// The verdict as one JSON object; implies --headless
    #[arg(long)]
    json: bool,
    /// Seed of the service's bad moments and of the traffic
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Exit code of a process that was interrupted.
const INTERRUPTED: u8 = 130;

/// Runs both arms.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    runtime(None)?.block_on(async {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => {
                eprintln!("\ninterrupted; everything is stopped, nothing was written");
                Ok(ExitCode::from(INTERRUPTED))
            }
            result = demonstrate(&args) => result,
        }
    })
}

async fn demonstrate(args: &Args) -> anyhow::Result<ExitCode> {
    let quiet = args.headless || args.json;
    let cast = Cast::start(args.seed).await?;
    let plan = plan(args)?;
    if !quiet {
        show::introduce(&cast, &plan, args.seed);
    }
    let direct = act(&cast, &plan, &cast.service_url(), ("direct", quiet)).await?;
    let weir = act(&cast, &plan, &cast.gateway_url(), ("weir", quiet)).await?;
    let verdict = Verdict { seed: args.seed, direct, weir };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&verdict)?);
    } else {
        print!("{}", verdict.render());
        print!("{}", show::NEXT);
    }
    cast.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// One arm: the services begin anew, then the traffic is sent as an official client sends it.
async fn act(
    cast: &Cast,
    plan: &Plan,
    url: &str,
    (name, quiet): (&'static str, bool),
) -> anyhow::Result<verdict::Arm> {
    cast.reset()?;
    let target = Target::new(url)?.with_policy(ClientPolicy::OFFICIAL_SDK);
    let progress = Progress::new();
    let run = replay(plan, &target, progress.clone());
    let report: Report =
        if quiet { run.await } else { show::live(name, plan.requests(), &progress, run).await };
    Ok(verdict::Arm { report, calls: cast.calls(), cut: cast.cut(), rescued: cast.rescued() })
}

/// Real questions at real arrival times, sped up until the service is busy.
fn plan(args: &Args) -> anyhow::Result<Plan> {
    const FAST_REQUESTS: usize = 250;
    const FAST_SPEED: f64 = 12.0;
    const SPEED: f64 = 7.0;
    let speed = Speed::new(if args.fast { FAST_SPEED } else { SPEED });
    let options = Options {
        speed: speed.ok_or_else(|| anyhow::anyhow!("the demo's own speed is out of range"))?,
        limit: if args.fast { NonZeroUsize::new(FAST_REQUESTS) } else { None },
        output_tokens_max: if args.fast { 30 } else { 120 },
        seed: args.seed,
        ..Options::default()
    };
    Ok(Plan { trace: Trace::excerpt(), prompts: Prompts::excerpt(), options })
}
