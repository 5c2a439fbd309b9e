//! `weir status`: the state of a running gateway, for people and for container health checks.
#![allow(clippy::print_stdout, reason = "the command's product")]

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::{UNREACHABLE, complain, runtime};

/// Show the state of a running gateway. Exit code 4 when there is none.
#[derive(clap::Args)]
pub struct Args {
    /// The gateway's admin address
    #[arg(long, default_value = "127.0.0.1:9180")]
    admin: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Asks once.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let asked = runtime(Some(1))?.block_on(async { tokio::time::timeout(PATIENCE, ask(&args.admin)).await });
    let status = match asked {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => {
            complain(
                &error.context(format!("no gateway answers at {}; is it running? (--admin)", args.admin)),
            );
            return Ok(ExitCode::from(UNREACHABLE));
        }
        Err(_elapsed) => {
            complain(&anyhow::anyhow!("{} did not answer within {} s", args.admin, PATIENCE.as_secs()));
            return Ok(ExitCode::from(UNREACHABLE));
        }
    };
    if args.json {
        println!("{status:#}");
    } else {
        print!("{}", render(&status));
    }
    Ok(ExitCode::SUCCESS)
}

async fn ask(admin: &str) -> anyhow::Result<Value> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(format!("http://{admin}/status").parse()?).await?;
    let body = response.into_body().collect().await?.to_bytes();
    Ok(serde_json::from_slice(&body)?)
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
