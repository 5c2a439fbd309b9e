//! The weir binary: reads the command line, the environment and the config, and hands everything else to the libraries.
//!
//! What always holds: the environment, the real clock and real chance are read here and nowhere else; data goes to
//! standard output, talk to standard error; exit codes are those of `weir help exit-codes`.
#![allow(
    clippy::disallowed_methods,
    reason = "the edge of the process: its clock, its environment, its tasks"
)]

mod assemble;
mod checks;
mod cmd;
mod config;
mod embedders;
mod gateway;
mod looks;
mod telemetry;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A request makes about a hundred small allocations on its way, most of them in the HTTP libraries; mimalloc makes them at
/// half the price of glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A gateway that keeps answering while the LLM service behind it answers "server busy".
///
/// Without a command: `serve`, with weir.toml if there is one, else with what the environment offers
/// (DEEPSEEK_API_KEY and its like).
#[derive(Parser)]
#[command(name = "weir", version, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

const EXIT_CODES: &str =
    "Exit codes: 0 ok · 1 failed · 2 usage · 3 config invalid · 4 cannot reach the gateway · 130 interrupted";

#[derive(Subcommand)]
enum Command {
    /// Run the gateway
    Serve(cmd::serve::Args),
    /// See it work: the same traffic to a congested service, straight and through weir; no key, no network
    Demo(cmd::demo::Args),
    /// Check a config file: every mistake at once, with its place and its remedy
    Check(cmd::check::Args),
    /// Show the effective config, or the schema of config files
    Config(cmd::config::Args),
    /// Make keys for callers
    Key(cmd::key::Args),
    /// Show the state of a running gateway
    Status(cmd::status::Args),
    /// Look at kept answers, throw them out, move them to another node
    Cache(cmd::cache::Args),
    /// Send recorded traffic to a service or a gateway, open loop, and measure
    Replay(cmd::replay::Args),
    /// Break things on purpose and see what the caller is told
    Drill(cmd::drill::Args),
    /// Try weir and an SDK alone against modelled troubles, in virtual time
    Simulate(cmd::simulate::Args),
    /// Run an upstream that misbehaves the way real ones do
    Mock(cmd::mock::Args),
}

fn main() -> ExitCode {
    let command = Cli::parse().command.unwrap_or_else(|| Command::Serve(cmd::serve::Args::default()));
    let result = match command {
        Command::Serve(args) => cmd::serve::run(args),
        Command::Demo(args) => cmd::demo::run(args),
        Command::Check(args) => cmd::check::run(args),
        Command::Config(args) => cmd::config::run(args),
        Command::Key(args) => cmd::key::run(args),
        Command::Status(args) => cmd::status::run(args),
        Command::Cache(args) => cmd::cache::run(args),
        Command::Replay(args) => cmd::replay::run(args),
        Command::Drill(args) => cmd::drill::run(args),
        Command::Simulate(args) => cmd::simulate::run(args),
        Command::Mock(args) => cmd::mock::run(args),
    };
    result.unwrap_or_else(|error| {
        cmd::complain(&error);
        ExitCode::FAILURE
    })
}
