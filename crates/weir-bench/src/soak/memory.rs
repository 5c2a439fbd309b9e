//! The resident memory of a process over time, and whether it grows.
//!
//! Requests in the house take memory, about 25 KiB each, and under overload their number swings by hundreds within a
//! minute; the allocator gives back what they took some time after they left. So what counts as growth is what time
//! explains when the most requests of the last half minute explain the rest.

use std::time::Duration;

use anyhow::Context;
use tokio::time::{Instant, MissedTickBehavior};

use super::cast::Cast;

/// How long the allocator may keep what nobody needs.
const KEPT: Duration = Duration::from_secs(30);

/// Readings of one process.
#[derive(Default)]
pub struct Memory {
    seen: Vec<Reading>,
}

struct Reading {
    when: Instant,
    kib: u64,
    requests: u64,
}

impl Memory {
    /// Reads once a second, for ever; ends only with what stands in the way of reading.
    pub async fn watch(&mut self, cast: &Cast) -> anyhow::Error {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            if let Err(error) = self.look(cast).await {
                return error;
            }
        }
    }

    /// Reads once.
    pub async fn look(&mut self, cast: &Cast) -> anyhow::Result<()> {
        let requests = cast.in_flight().await?;
        let file = format!("/proc/{}/status", cast.pid());
        let text = std::fs::read_to_string(&file).with_context(|| file.clone())?;
        let kib = rss_line(&text).context(file)?;
        self.seen.push(Reading { when: Instant::now(), kib, requests });
        Ok(())
    }

    /// The last reading, and the highest, KiB.
    pub fn last_and_highest_kib(&self) -> (u64, u64) {
        let last = self.seen.last().map_or(0, |reading| reading.kib);
        (last, self.seen.iter().map(|reading| reading.kib).max().unwrap_or_default())
    }

    /// How fast it grows in the second half of what has been seen; `None` with too few readings to tell.
    pub fn growth_kib_per_min(&self) -> Option<f64> {
        let (first, last) = (self.seen.first()?.when, self.seen.last()?.when);
        let middle = first + last.saturating_duration_since(first) / 2;
        let point = |reading: &Reading| {
            let kept = |other: &&Reading| other.when <= reading.when && reading.when - other.when <= KEPT;
            let most = self.seen.iter().filter(kept).map(|other| other.requests).max().unwrap_or_default();
            [(reading.when - middle).as_secs_f64() / 60.0, most as f64, reading.kib as f64]
        };
        let half = self.seen.iter().filter(|reading| reading.when >= middle);
        slope(&half.map(point).collect::<Vec<_>>())
    }
}

/// The `VmRSS:` line, KiB, of one `/proc/PID/status`.
pub fn rss_line(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// How much of the third value goes with the first when the second explains what it can (least squares).
pub fn slope(points: &[[f64; 3]]) -> Option<f64> {
    const POINTS_MIN: usize = 30;
    if points.len() < POINTS_MIN {
        return None;
    }
    let mean = |axis: usize| points.iter().map(|point| point[axis]).sum::<f64>() / points.len() as f64;
    let means = [mean(0), mean(1), mean(2)];
    let common = |one: usize, other: usize| {
        points.iter().map(|point| (point[one] - means[one]) * (point[other] - means[other])).sum::<f64>()
    };
    let (time, load, both) = (common(0, 0), common(1, 1), common(0, 1));
    // The load never moved: time alone explains.
    if load == 0.0 {
        return Some(common(0, 2) / time);
    }
    let independent = time * load - both * both;
    (independent > 0.0).then(|| (common(0, 2) * load - common(1, 2) * both) / independent)
}
