//! What a run stands on: an upstream, and weir with a cache before it, which can be started again on the same files.
//!
//! A fresh one has an empty cache. Question 0 is asked at the start, to see that all answer, so questions count from 1.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::process::Command;
use tokio::time::sleep;

use super::tier::{self, DISK_FILE, Tier};
use crate::chat::{Request, get};
use crate::connection::Connection;
use crate::gateway::child::Child;
use crate::gateway::runs::{free_ports, measured_load, until_answered};
use crate::gateway::setup::{self, Ports, TOKEN};
use crate::load::Report;

/// Answers that a tier is given at once: less than it lets wait to be written; and the pause after them.
const AT_ONCE: u64 = 500;
const PAUSE: Duration = Duration::from_millis(50);

/// How often a server that a tier needs is tried until it takes connections, and the time between.
const START_TRIES: u32 = 500;
const START_RETRY: Duration = Duration::from_millis(10);

/// How the upstream answers.
#[derive(Clone, Copy)]
pub struct Service {
    /// Chunks of a stream, which leave at once.
    pub chunks: u32,
    /// Before a whole answer.
    pub delay_ms: u32,
}

/// The programs of a run, all answering.
pub struct Stand {
    folder: PathBuf,
    ports: Ports,
    upstream: Option<Child>,
    /// What is measured, if anything stands before the upstream.
    front: Option<Child>,
    /// What a tier is kept in, if that is a program of its own.
    server: Option<Child>,
    /// The weir that is measured.
    weir: Option<PathBuf>,
}

impl Stand {
    /// The upstream alone.
    pub async fn straight(folder: &Path, service: Service) -> anyhow::Result<Self> {
        let [gateway, admin, upstream] = free_ports()?;
        let ports = Ports { gateway, admin, upstream };
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["upstream", "--port", &upstream.to_string(), "--interval-ms", "0"]);
        command.args(["--chunks", &service.chunks.to_string(), "--delay-ms", &service.delay_ms.to_string()]);
        let mut child = Child::start(command, &folder.join("upstream.log"))?;
        until_answered(&mut child, upstream).await.context("upstream")?;
        Ok(Self {
            folder: folder.to_owned(),
            ports,
            upstream: Some(child),
            front: None,
            server: None,
            weir: None,
        })
    }

    /// A server that is nothing but hyper, where weir would stand.
    pub async fn bare(folder: &Path) -> anyhow::Result<Self> {
        let [gateway, admin, upstream] = free_ports()?;
        let ports = Ports { gateway, admin, upstream };
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(std::env::current_exe()?);
        command.args(["ceiling", "--port", &gateway.to_string()]);
        let mut child = Child::start(command, &folder.join("ceiling.log"))?;
        until_answered(&mut child, gateway).await.context("the bare server")?;
        Ok(Self {
            folder: folder.to_owned(),
            ports,
            upstream: None,
            front: Some(child),
            server: None,
            weir: None,
        })
    }

    /// Weir with a tier, and nothing kept.
    pub async fn tier(folder: &Path, weir: &Path, service: Service, tier: &Tier) -> anyhow::Result<Self> {
        let [port] = free_ports()?;
        let server = match &tier.server {
            Some(server) => {
                let mut command = Command::new(server.program);
                command.args((server.options)(port)).current_dir(folder);
                let mut child = Child::start(command, &folder.join("server.log"))?;
                until_connected(&mut child, port).await.context(server.program)?;
                Some(child)
            }
            None => None,
        };
        let mut stand = Self::weir(folder, weir, service, &(tier.table)(folder, port)).await?;
        stand.server = server;
        Ok(stand)
    }

    /// Weir with a `[cache]` table, and nothing kept.
    pub async fn weir(folder: &Path, weir: &Path, service: Service, table: &str) -> anyhow::Result<Self> {
        for file in disk_files(folder)? {
            std::fs::remove_file(&file).with_context(|| file.display().to_string())?;
        }
        let mut stand = Self::straight(folder, service).await?;
        let config = setup::weir(stand.ports) + table;
        std::fs::write(folder.join("cache.toml"), config).context("cache.toml")?;
        stand.weir = Some(weir.to_owned());
        stand.start_weir().await?;
        Ok(stand)
    }

    async fn start_weir(&mut self) -> anyhow::Result<()> {
        let weir = self.weir.as_ref().context("there is no weir on this stand")?;
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(weir).args(["serve", "--config"]).arg(self.folder.join("cache.toml"));
        command.env(tier::SECRET_NAME, tier::SECRET);
        let mut child = Child::start(command, &self.folder.join("weir.log"))?;
        until_answered(&mut child, self.ports.gateway).await.context("weir")?;
        self.front = Some(child);
        Ok(())
    }

    /// Ends weir in order, so that all is written.
    pub async fn end_weir(&mut self) -> anyhow::Result<()> {
        self.front.take().context("there is no weir on this stand")?.end().await
    }

    /// Ends weir in order and starts it again: what only memory had is gone.
    pub async fn restart_weir(&mut self) -> anyhow::Result<()> {
        self.end_weir().await?;
        self.start_weir().await
    }

    /// Where to ask.
    pub fn port(&self) -> u16 {
        if self.front.is_some() { self.ports.gateway } else { self.ports.upstream }
    }

    /// Asks the questions from 1 to `questions` one after another, as streams of so many chunks if that is said.
    pub async fn fill(&self, questions: u64, chunks: Option<u32>) -> anyhow::Result<()> {
        let request = Request::new(self.port(), Some(TOKEN), chunks.is_some());
        self.ask_each(1..=questions, request, chunks).await
    }

    /// Asks questions one after another, with pauses in which a tier can write what it was given.
    pub async fn ask_each(
        &self,
        questions: RangeInclusive<u64>,
        mut request: Request,
        chunks: Option<u32>,
    ) -> anyhow::Result<()> {
        let mut connection = Connection::open(self.port()).await?;
        for question in questions {
            let request = request.stamped(question);
            let said = match chunks {
                Some(chunks) => connection.exchange_stream(request, chunks as usize, |_arrived| {}).await,
                None => connection.exchange_json(request).await,
            };
            said.context("filling the cache")?;
            if question.is_multiple_of(AT_ONCE) {
                sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Puts a load (its options and the manner of asking) on what is measured.
    pub async fn load(&self, seconds: u64, manner: &[String]) -> anyhow::Result<Report> {
        measured_load(self.port(), self.front.as_ref(), seconds, manner).await
    }

    /// Memory of what is measured (PSS), KiB.
    pub fn memory_kib(&self) -> anyhow::Result<u64> {
        let front = self.front.as_ref().context("nothing is measured on this stand")?;
        crate::process::pss_kib(front.pid())
    }

    /// Bytes of the files of the tier on disk.
    pub fn disk_bytes(&self) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for file in disk_files(&self.folder)? {
            bytes += std::fs::metadata(&file).with_context(|| file.display().to_string())?.len();
        }
        Ok(bytes)
    }

    /// An error if a tier dropped or skipped anything: then fewer answers are kept than were given.
    pub async fn ensure_nothing_lost(&self) -> anyhow::Result<()> {
        if self.weir.is_none() || self.front.is_none() {
            return Ok(());
        }
        let mut metrics = Vec::new();
        let mut connection = Connection::open(self.ports.admin).await?;
        connection.exchange(&get("/metrics"), |piece| metrics.extend_from_slice(piece)).await?;
        let lost = lost(std::str::from_utf8(&metrics)?);
        ensure!(lost == 0, "the cache's tiers failed or were skipped {lost} times");
        Ok(())
    }

    /// Ends all.
    pub async fn stop(self) {
        for child in [self.front, self.upstream, self.server].into_iter().flatten() {
            child.stop().await;
        }
    }
}

/// Waits until a server takes connections.
async fn until_connected(child: &mut Child, port: u16) -> anyhow::Result<()> {
    for _ in 0..START_TRIES {
        if Connection::open(port).await.is_ok() {
            return Ok(());
        }
        child.ensure_alive()?;
        sleep(START_RETRY).await;
    }
    bail!("it takes no connection")
}

/// How often a tier of the cache failed or was skipped, as weir's metrics count it.
pub fn lost(metrics: &str) -> u64 {
    let of_tiers = metrics.lines().filter_map(|line| line.strip_prefix("weir_cache_requests_total{"));
    let counts = of_tiers.filter_map(|line| line.split_once("} "));
    let lost = counts
        .filter(|(labels, _)| labels.contains("result=\"error\"") || labels.contains("result=\"skipped\""));
    lost.filter_map(|(_, count)| count.trim().parse::<u64>().ok()).sum()
}

/// The database and what belongs to it.
fn disk_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(DISK_FILE) {
            files.push(entry.path());
        }
    }
    if files.iter().any(|file| file.to_string_lossy().contains("damaged")) {
        bail!("weir found its file damaged: {files:?}");
    }
    Ok(files)
}
