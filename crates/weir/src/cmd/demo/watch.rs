//! What the gateway shows of itself while an arm runs: its level of pressure, and who waits.

use std::convert::Infallible;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior};

use crate::gateway::Gateway;

/// Levels are looked at ten times a second by the gateway itself.
const EVERY: Duration = Duration::from_millis(50);

/// From the highest level to rest are three steps of at most ten seconds; then nobody waits any more.
const REST_MAX: Duration = Duration::from_secs(40);

/// Waits until the level is down and nobody waits.
pub async fn until_at_rest(gateway: &Gateway) {
    let at_rest = async {
        while gateway.pressed() != (0, 0) {
            tokio::time::sleep(EVERY).await;
        }
    };
    // One that does not come to rest is seen in the levels that are shown.
    let _at_rest = tokio::time::timeout(REST_MAX, at_rest).await;
}

/// What was seen.
#[derive(Debug, Default, Serialize)]
pub struct Watched {
    /// Every change of the level, from the beginning of the arm.
    pub levels: Vec<Change>,
    /// Most requests waiting for a turn at one time.
    pub waiting_max: usize,
}

/// The level moved.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Change {
    /// Seconds since the arm began.
    pub at_s: f64,
    /// To here.
    pub level: u8,
}

impl Watched {
    /// Looks until it is dropped, at an arm that `began` then.
    pub async fn watch(&mut self, gateway: &Gateway, began: Instant) -> Infallible {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.look(gateway, began);
        }
    }

    /// Looks once: when an arm ends, what ended it may not have been seen yet.
    pub fn look(&mut self, gateway: &Gateway, began: Instant) {
        let (level, waiting) = gateway.pressed();
        self.waiting_max = self.waiting_max.max(waiting);
        if level != self.levels.last().map_or(0, |last| last.level) {
            // Tenths are as fine as the gateway looks.
            let at_s = (began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
            self.levels.push(Change { at_s, level });
        }
    }

    /// The way of the level in words: `0 → 1 (2.3 s) → 0 (9.8 s)`.
    pub fn walk(&self) -> String {
        let change = |change: &Change| format!(" → {} ({:.1} s)", change.level, change.at_s);
        format!("0{}", self.levels.iter().map(change).collect::<String>())
    }
}
