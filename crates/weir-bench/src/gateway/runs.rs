//! Single runs: a fresh upstream, a fresh gateway before it, one load, everything ended.
//!
//! Invariant: a run is good only if the upstream sent at least as many answers as the generator got, so no gateway can
//! win by answering out of a cache.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::process::Command;
use tokio::time::sleep;

use super::child::Child;
use super::contender::Contender;
use super::setup::{self, Ports, TOKEN};
use crate::chat::{Request, get};
use crate::connection::Connection;
use crate::load::Report;
use crate::upstream::SERVED_PATH;

/// How long a program may take until it answers.
const START_MAX: Duration = Duration::from_secs(20);

/// Time between two tries to reach a program that is starting; the grain of the cold start.
const RETRY: Duration = Duration::from_millis(1);

/// Time before a metered window, seconds.
const WARM_UP_SECONDS: u64 = 1;

/// The folder for configurations and logs, and how to start things.
pub struct Bench {
    folder: PathBuf,
    seconds: u64,
}

/// How the upstream of a run streams.
#[derive(Clone, Copy)]
pub struct Streaming {
    /// Chunks of an answer.
    pub chunks: u32,
    /// Between two chunks, ms.
    pub interval_ms: u32,
}

impl Bench {
    /// Makes an empty folder for this process; metered windows last `seconds`.
    pub fn new(seconds: u64) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("weir-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(Self { folder, seconds })
    }

    /// The metered window of a load whose length is not given by its streams, seconds.
    pub fn seconds(&self) -> u64 {
        self.seconds
    }

    /// Where configurations, logs and files of programs under test go.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts `load` (the manner of asking and its options) on `contender` for `seconds`.
    pub async fn run(
        &self,
        contender: &Contender,
        streaming: Streaming,
        seconds: u64,
        load: &[String],
    ) -> anyhow::Result<Report> {
        let standing = self.stand_up(contender, streaming).await?;
        let report = measured_load(standing.port, standing.gateway.as_ref(), seconds, load).await;
        let served = served(standing.ports.upstream).await;
        standing.stop().await;
        let (report, served) = (report?, served.context("asking the upstream what it served")?);
        ensure!(
            served >= report.answers,
            "the upstream sent {served} answers of {}: the gateway made up the rest",
            report.answers
        );
        Ok(report)
    }

    /// Starts `contender` and ends it at its first answer; ms from start to answer.
    pub async fn cold_start(&self, contender: &Contender) -> anyhow::Result<Option<f64>> {
        let standing = self.stand_up(contender, Streaming { chunks: 2, interval_ms: 1 }).await?;
        let cold_start_ms = standing.cold_start_ms;
        standing.stop().await;
        Ok(cold_start_ms)
    }

    async fn stand_up(&self, contender: &Contender, streaming: Streaming) -> anyhow::Result<Standing> {
        let [gateway, admin, upstream] = free_ports()?;
        let ports = Ports { gateway, admin, upstream };
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["upstream", "--port", &upstream.to_string()]);
        command.args(["--chunks", &streaming.chunks.to_string()]);
        command.args(["--interval-ms", &streaming.interval_ms.to_string()]);
        let mut upstream_child = Child::start(command, &self.folder.join("upstream.log"))?;
        until_answered(&mut upstream_child, upstream).await.context("upstream")?;

        let Contender::Installed { gateway: kind, binary, .. } = contender else {
            return Ok(Standing {
                ports,
                port: upstream,
                upstream: upstream_child,
                gateway: None,
                cold_start_ms: None,
            });
        };
        let command = setup::prepare(*kind, binary, ports, &self.folder)?;
        let started = Instant::now();
        let mut child = Child::start(command, &self.folder.join(format!("{}.log", kind.name())))?;
        until_answered(&mut child, gateway).await.with_context(|| kind.name())?;
        let cold_start_ms = Some(started.elapsed().as_secs_f64() * 1_000.0);
        Ok(Standing { ports, port: gateway, upstream: upstream_child, gateway: Some(child), cold_start_ms })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // A folder that stays behind in the temporary directory harms nobody, and nothing can be done about it here.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// An upstream and perhaps a gateway before it, both answering.
struct Standing {
    ports: Ports,
    /// Where to ask.
    port: u16,
    upstream: Child,
    gateway: Option<Child>,
    cold_start_ms: Option<f64>,
}

impl Standing {
    async fn stop(self) {
        if let Some(gateway) = self.gateway {
            gateway.stop().await;
        }
        self.upstream.stop().await;
    }
}

/// Puts a load (options and the manner of asking) on `port` from a process of its own, and has it watch what `watched`
/// costs.
pub async fn measured_load(
    port: u16,
    watched: Option<&Child>,
    seconds: u64,
    manner: &[String],
) -> anyhow::Result<Report> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["load", "--key", TOKEN, "--port", &port.to_string()]);
    command.args(["--seconds", &seconds.to_string()]);
    command.args(["--warm-up-seconds", &WARM_UP_SECONDS.to_string()]);
    if let Some(child) = watched {
        command.args(["--watch", &child.pid().to_string()]);
    }
    let output = command.args(manner).kill_on_drop(true).output().await.context("starting the load")?;
    ensure!(output.status.success(), "the load failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    let report: Report = serde_json::from_slice(&output.stdout).context("the load's report")?;
    if let Some(error) = &report.first_error {
        eprintln!("  {} errors, the first: {error}", report.errors);
    }
    Ok(report)
}

/// Asks until the first whole 200.
pub async fn until_answered(child: &mut Child, port: u16) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut request = Request::new(port, Some(TOKEN), false);
    loop {
        let tried = match Connection::open(port).await {
            Ok(mut connection) => connection.exchange_json(request.stamped(0)).await.map(drop),
            Err(error) => Err(error),
        };
        let Err(error) = tried else { return Ok(()) };
        child.ensure_alive()?;
        ensure!(began.elapsed() < START_MAX, "no answer in {} s: {error:#}", START_MAX.as_secs());
        sleep(RETRY).await;
    }
}

/// Answers that the upstream on `port` has sent.
pub async fn served(port: u16) -> anyhow::Result<u64> {
    let mut body = Vec::new();
    let mut connection = Connection::open(port).await?;
    connection.exchange(&get(SERVED_PATH), |piece| body.extend_from_slice(piece)).await?;
    Ok(std::str::from_utf8(&body)?.parse()?)
}

/// Ports that were free a moment ago. All are held until all are known, so they differ.
pub fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let mut ports = [0; N];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port")?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
