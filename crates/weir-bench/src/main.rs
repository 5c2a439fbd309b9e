//! `weir-bench`: how fast weir is, measured beside proxies everyone knows, on the reader's own machine.
//!
//! `gateway` runs the whole comparison, `cache` measures known answers; both start `upstream` (answers at once) and `load`
//! (asks) as processes of their own. `soak` overloads weir for minutes. All talk to 127.0.0.1 only and end by themselves.
#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark is the edge of the process: real clock, real sockets"
)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "tables go to stdout, progress to stderr")]

mod chat;
mod events;
mod reply;

mod connection;
mod load;
mod process;
mod upstream;

mod cache;
mod ceiling;
mod gateway;
mod soak;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The one that weir has, so that the bare server beside it differs in nothing else. The generator allocates next to nothing.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures gateways between a load generator and an instant upstream.
#[derive(Parser)]
#[command(name = "weir-bench", version)]
enum Verb {
    /// Measure weir beside nginx and haproxy and print the ratios.
    Gateway(gateway::Arguments),
    /// Measure what weir's cache gives, tier by tier, and what it takes.
    Cache(cache::Arguments),
    /// Keep weir under twice its capacity for minutes and see that nothing leaks and nobody goes without an answer.
    Soak(soak::Arguments),
    /// Serve one constant answer with nothing but hyper: what any gateway built on it can reach.
    Ceiling(ceiling::Arguments),
    /// Serve instant chat completions on 127.0.0.1.
    Upstream(upstream::Arguments),
    /// Ask a server on 127.0.0.1 for chat completions and print one JSON report.
    Load(load::Arguments),
}

fn main() -> ExitCode {
    match start(Verb::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weir-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(verb: Verb) -> anyhow::Result<()> {
    raise_descriptor_limit().context("raising the limit on open files")?;
    // One thread: generator and upstream share one CPU, so a second worker would only add switches.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match verb {
        Verb::Gateway(arguments) => runtime.block_on(gateway::run(arguments)),
        Verb::Cache(arguments) => runtime.block_on(cache::run(arguments)),
        Verb::Ceiling(arguments) => runtime.block_on(ceiling::run(arguments)),
        Verb::Soak(arguments) => runtime.block_on(soak::run(arguments)),
        Verb::Upstream(arguments) => runtime.block_on(upstream::run(arguments)),
        Verb::Load(arguments) => runtime.block_on(load::run(arguments)),
    }
}

/// A thousand streams are two thousand sockets in the gateway; the usual soft limit is 1,024. Children inherit it.
fn raise_descriptor_limit() -> rustix::io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
}
