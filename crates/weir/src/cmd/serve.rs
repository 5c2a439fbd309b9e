//! `weir serve`: the gateway itself.
#![allow(clippy::print_stderr, reason = "what a person who starts a gateway wants to read")]

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::{CONFIG_INVALID, config_file, environment, runtime};
use crate::config::{Config, Loaded, PLACEHOLDER, Style};
use crate::gateway::Gateway;
use crate::telemetry;

/// Run the gateway.
#[derive(clap::Args, Default)]
pub struct Args {
    /// Config file; default: weir.toml if there is one, else what the environment offers
    #[arg(long, short)]
    config: Option<PathBuf>,
}

/// Runs until told to stop.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let file = config_file(args.config);
    let loaded = match &file {
        Some(path) => Config::load(path, &environment),
        None => Config::from_environment(&environment),
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(problems) => {
            eprint!("{}", problems.render(Style::of_stderr(&environment)));
            return Ok(ExitCode::from(CONFIG_INVALID));
        }
    };
    telemetry::start(&loaded.config.telemetry);
    runtime(loaded.config.server.workers)?.block_on(serve(&loaded, file))
}

async fn serve(loaded: &Loaded, file: Option<PathBuf>) -> anyhow::Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let gateway = Gateway::start(loaded).await?;
    greet(loaded, &gateway, file);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    eprintln!("weir: closing; answers under way finish first (once more to cut them)");
    gateway
        .stop(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
        .await;
    Ok(ExitCode::SUCCESS)
}

fn greet(loaded: &Loaded, gateway: &Gateway, file: Option<PathBuf>) {
    let config = &loaded.config;
    match file {
        Some(path) => eprintln!("weir {} · {}", env!("CARGO_PKG_VERSION"), path.display()),
        None => eprintln!(
            "weir {} · no config file, one made from the environment (see it: weir config show)",
            env!("CARGO_PKG_VERSION")
        ),
    }
    for warning in &loaded.warnings {
        eprintln!("  note      {warning}");
    }
    for endpoint in &config.endpoint {
        let models =
            if endpoint.models.is_empty() { "any model".to_owned() } else { endpoint.models.join(", ") };
        eprintln!("  endpoint  {}  {}  {models}", endpoint.name, endpoint.base_url);
    }
    let keys = match config.key.len() {
        0 => "no keys: anyone on this machine may call".to_owned(),
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    eprintln!("  serving   http://{}/v1  OpenAI and Anthropic dialects, {keys}", gateway.data);
    eprintln!("  admin     http://{}  /metrics /healthz /readyz /status", gateway.admin);
    let token = if config.key.is_empty() { PLACEHOLDER } else { "<a key of yours>" };
    eprintln!("  export OPENAI_BASE_URL=http://{}/v1 OPENAI_API_KEY={token}", gateway.data);
    eprintln!("  export ANTHROPIC_BASE_URL=http://{} ANTHROPIC_AUTH_TOKEN={token}", gateway.data);
}
