//! The resident memory of a process over time, and whether it grows.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, MissedTickBehavior};

/// Readings of one process.
pub struct Memory {
    pid: u32,
    /// When, and KiB.
    seen: Vec<(Instant, u64)>,
}

impl Memory {
    /// Of the process with this id.
    pub const fn of(pid: u32) -> Self {
        Self { pid, seen: Vec::new() }
    }

    /// Reads once a second, for ever; ends only with what stands in the way of reading.
    pub async fn watch(&mut self) -> anyhow::Error {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.look() {
                return error;
            }
        }
    }

    /// Reads once.
    pub fn look(&mut self) -> anyhow::Result<()> {
        let file = format!("/proc/{}/status", self.pid);
        let text = std::fs::read_to_string(&file).with_context(|| file.clone())?;
        let kib = rss_line(&text).context(file)?;
        self.seen.push((Instant::now(), kib));
        Ok(())
    }

    /// The last reading.
    pub fn last_kib(&self) -> u64 {
        self.seen.last().map_or(0, |(_, kib)| *kib)
    }

    /// How fast it grows in the second half of what has been seen since `began`; `None` with fewer than ten readings.
    pub fn growth_kib_per_min(&self, began: Instant) -> Option<f64> {
        let (end, _) = self.seen.last()?;
        let middle = began + end.saturating_duration_since(began) / 2;
        let half = self.seen.iter().filter(|(when, _)| *when >= middle);
        let points: Vec<_> =
            half.map(|(when, kib)| ((*when - middle).as_secs_f64() / 60.0, *kib as f64)).collect();
        slope(&points)
    }
}

/// The `VmRSS:` line, KiB, of one `/proc/PID/status`.
pub fn rss_line(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// Of the least-squares line through the points.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    const POINTS_MIN: usize = 10;
    if points.len() < POINTS_MIN {
        return None;
    }
    let count = points.len() as f64;
    let mean = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let common: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    (spread > 0.0).then(|| common / spread)
}
