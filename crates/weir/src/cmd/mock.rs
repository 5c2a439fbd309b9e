//! `weir mock`: an upstream that misbehaves the way real ones do.
#![allow(clippy::print_stderr, reason = "where the mock listens is for the person who started it")]

use std::process::ExitCode;

use weir_mock::{Mock, Options, Profile};

use super::runtime;
use crate::gateway::bind;

/// Run a misbehaving upstream.
#[derive(clap::Args)]
pub struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:9101")]
    listen: String,
    /// How it behaves
    #[arg(long, default_value_t = Profile::Calm)]
    profile: Profile,
    /// Seed of its chance: the same seed and arrivals give the same answers and faults
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Calls it works on at one time; one more is 429
    #[arg(long)]
    concurrent_max: Option<u32>,
}

/// Runs until interrupted.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    runtime(None)?.block_on(async {
        let listener = bind(&args.listen, "--listen").await?;
        let options = Options {
            profile: args.profile,
            seed: args.seed,
            concurrent_max: args.concurrent_max,
            ..Options::default()
        };
        let mock = Mock::start(listener, options).await?;
        eprintln!("weir mock · {} · profile {} · seed {}", mock.base_url(), args.profile, args.seed);
        eprintln!(
            "  faults    POST {}/__mock/faults    log  GET {}/__mock/log",
            mock.base_url(),
            mock.base_url()
        );
        tokio::signal::ctrl_c().await?;
        mock.stop().await;
        Ok(ExitCode::SUCCESS)
    })
}
