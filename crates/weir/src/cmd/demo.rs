//! `weir demo`: the same traffic twice, straight to a service that congests, and through weir; then a rush to see what weir
//! does when there is more work than room. No key, no network.
//!
//! What always holds: every number printed was measured in this run; both arms meet the same service, reset to the same
//! seed, with the same requests and the same client; nothing is left behind, whether it ends or is interrupted.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a demonstration is what it prints")]

mod cast;
mod show;
mod verdict;
mod watch;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use tokio::time::Instant;
use weir_replay::{
    ClientPolicy, Options, Plan, Progress, Prompts, Repeats, Report, Speed, Target, Trace, run as replay,
};

use cast::Cast;
use verdict::Verdict;
use watch::Watched;

use super::runtime;

/// See it work: no key, no network, under 90 seconds.
#[derive(clap::Args)]
pub struct Args {
    /// Fewer requests, and the rush is not watched to its end: under 30 seconds
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

/// Of the requests of every arm, a fifth ask one of ten questions.
const REPEATS: Repeats = Repeats { share: 0.2, questions: NonZeroUsize::new(10).expect("ten is not zero") };

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
    let direct =
        act(&cast, &plan, &cast.service_url(), Act { name: "direct", quiet, to_rest: false }).await?;
    let weir = act(&cast, &plan, &cast.gateway_url(), Act { name: "weir", quiet, to_rest: false }).await?;
    let rushed = rush(args)?;
    if !quiet {
        show::announce(&rushed);
    }
    let to_rest = !args.fast;
    let rush = act(&cast, &rushed, &cast.gateway_url(), Act { name: "rush", quiet, to_rest }).await?;
    let verdict = Verdict { seed: args.seed, direct, weir, rush };
    if args.json {
        println!("{}", serde_json::to_string_pretty(&verdict)?);
    } else {
        print!("{}", verdict.render());
        print!("{}", show::NEXT);
    }
    cast.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// How an arm is run.
struct Act {
    name: &'static str,
    quiet: bool,
    /// It is over when the gateway is at rest again.
    to_rest: bool,
}

/// One arm: the services begin anew, then the traffic is sent as an official client sends it.
async fn act(cast: &Cast, plan: &Plan, url: &str, act: Act) -> anyhow::Result<verdict::Arm> {
    cast.reset()?;
    let target = Target::new(url)?.with_policy(ClientPolicy::OFFICIAL_SDK);
    let progress = Progress::new();
    let run = async {
        let report = replay(plan, &target, progress.clone()).await;
        if act.to_rest {
            watch::until_at_rest(cast.gateway()).await;
        }
        report
    };
    let run = async {
        match act.quiet {
            true => run.await,
            false => show::live(act.name, plan.requests(), cast, &progress, run).await,
        }
    };
    let (mut watched, began) = (Watched::default(), Instant::now());
    let report: Report = tokio::select! {
        biased;
        report = run => report,
        never = watched.watch(cast.gateway(), began) => match never {},
    };
    watched.look(cast.gateway(), began);
    Ok(verdict::Arm { report, watched, calls: cast.calls(), cut: cast.cut(), rescued: cast.rescued() })
}

/// Three times what the small service takes, as fast as real arrivals can be made to come.
fn rush(args: &Args) -> anyhow::Result<Plan> {
    const FAST_REQUESTS: usize = 110;
    const REQUESTS: usize = 300;
    const SPEED: f64 = 12.0;
    let requests = if args.fast { FAST_REQUESTS } else { REQUESTS };
    let options = Options {
        speed: Speed::new(SPEED).ok_or_else(|| anyhow::anyhow!("the demo's own speed is out of range"))?,
        limit: NonZeroUsize::new(requests),
        model: cast::RUSHED.to_owned(),
        output_tokens_max: 30,
        repeats: Some(REPEATS),
        seed: args.seed,
        ..Options::default()
    };
    Ok(Plan { trace: Trace::excerpt(), prompts: Prompts::excerpt(), options })
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
        repeats: Some(REPEATS),
        seed: args.seed,
        ..Options::default()
    };
    Ok(Plan { trace: Trace::excerpt(), prompts: Prompts::excerpt(), options })
}
