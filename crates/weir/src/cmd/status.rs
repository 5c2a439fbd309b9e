//! `weir status`: the state of a running gateway, for people and for container health checks.
#![allow(clippy::print_stdout, reason = "the command's product")]

use std::process::ExitCode;
use std::time::Duration;

use http::Method;
use serde_json::Value;

use super::admin::At;

/// Show the state of a running gateway. Exit code 4 when there is none.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    at: At,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Asks once.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    const PATIENCE: Duration = Duration::from_secs(5);
    match args.at.ask(Method::GET, "/status", PATIENCE)? {
        Ok(status) if args.json => println!("{status:#}"),
        Ok(status) => print!("{}", render(&status)),
        Err(code) => return Ok(code),
    }
    Ok(ExitCode::SUCCESS)
}

fn render(status: &Value) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let state = if status["draining"] == true { "draining" } else { "serving" };
    // Writing to a string cannot fail.
    let _infallible =
        writeln!(out, "weir {} · {state} · {} in flight", text(&status["version"]), status["in_flight"]);
    let _infallible = writeln!(
        out,
        "\n{:<24} {:<24} {:<10} {:>10} {:>12}",
        "endpoint", "model", "circuit", "in flight", "first token"
    );
    for endpoint in status["endpoints"].as_array().into_iter().flatten() {
        let flight = format!("{}/{}", endpoint["in_flight"], endpoint["limit"]);
        let _infallible = writeln!(
            out,
            "{:<24} {:<24} {:<10} {flight:>10} {:>9} ms",
            text(&endpoint["endpoint"]),
            text(&endpoint["model"]),
            text(&endpoint["circuit"]),
            endpoint["first_token_ms"],
        );
    }
    let _infallible = writeln!(
        out,
        "\n{:<24} {:>6} {:>10} {:>12} {:>15} {:>8}",
        "pool", "level", "waiting", "permits", "predicted wait", "let in"
    );
    for pool in status["pools"].as_array().into_iter().flatten() {
        let permits = format!("{}/{}", pool["permits_out"], pool["room"]);
        let let_in = pool["admitted_share"].as_f64().unwrap_or(1.0) * 100.0;
        let _infallible = writeln!(
            out,
            "{:<24} {:>6} {:>10} {permits:>12} {:>12} ms {let_in:>6.0} %",
            text(&pool["model"]),
            pool["level"],
            pool["waiting"],
            pool["predicted_wait_ms"],
        );
    }
    out
}
