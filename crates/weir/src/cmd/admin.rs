//! How commands ask a running gateway: once, and not for long.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::{UNREACHABLE, complain, runtime};

/// Which gateway is asked.
#[derive(clap::Args)]
pub struct At {
    /// The gateway's admin address
    #[arg(long, default_value = "127.0.0.1:9180")]
    admin: String,
}

impl At {
    /// What the gateway says; or the exit code, once the reason has been said.
    pub fn ask(
        &self,
        method: Method,
        path: &str,
        patience: Duration,
    ) -> anyhow::Result<Result<Value, ExitCode>> {
        let admin = &self.admin;
        let call = async { tokio::time::timeout(patience, call(admin, method, path)).await };
        let error = match runtime(Some(1))?.block_on(call) {
            Ok(Ok((status, value))) if status.is_success() => return Ok(Ok(value)),
            Ok(Ok((status, value))) => {
                let why = value["error"].as_str().map_or_else(|| status.to_string(), str::to_owned);
                complain(&anyhow::anyhow!("{why}"));
                return Ok(Err(ExitCode::FAILURE));
            }
            Ok(Err(error)) => {
                error.context(format!("no gateway answers at {admin}; is it running? (--admin)"))
            }
            Err(_elapsed) => anyhow::anyhow!("{admin} did not answer within {} s", patience.as_secs()),
        };
        complain(&error);
        Ok(Err(ExitCode::from(UNREACHABLE)))
    }
}

async fn call(admin: &str, method: Method, path: &str) -> anyhow::Result<(StatusCode, Value)> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let request = Request::builder().method(method).uri(format!("http://{admin}{path}")).body(Empty::new())?;
    let response = client.request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, serde_json::from_slice(&body)?))
}
